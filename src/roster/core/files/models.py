"""Files."""

from datetime import datetime
from uuid import UUID

import msgspec


class File(msgspec.Struct, frozen=True):
    """A stored file. `key` is folder and object name, which nobody can guess; `name` what its sender called it."""

    id: UUID
    key: str
    name: str
    media_type: str
    size: int
    created_at: datetime
    created_by: UUID | None

    @property
    def object_name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]


class Shape(msgspec.Struct, frozen=True):
    """How a picture is to be changed: greatest width and height in pixels, degrees clockwise; 0 leaves it."""

    width: int = 0
    height: int = 0
    angle: int = 0
