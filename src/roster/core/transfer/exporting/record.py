"""What is read of each person for an export."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import contexts


class Held(msgspec.Struct, frozen=True):
    """A role as the person has it."""

    role: str
    contexts: dict[str, list[str]]
    is_owner: bool

    def written(self) -> object:
        """A name for a role that holds everywhere, an object for one that is limited or owned."""
        if not self.contexts and not self.is_owner:
            return self.role
        places = [{"kind": kind, "value": value} for kind, value in contexts.pairs(self.contexts)]
        return {"role": self.role, "contexts": places, "is_owner": self.is_owner}


class Record(msgspec.Struct, frozen=True):
    """A person with everything that an import can take back."""

    id: UUID
    number: int
    username: str
    email: str | None
    email_verified_at: datetime | None
    phone: str | None
    phone_verified_at: datetime | None
    display_name: str | None
    given_name: str | None
    family_name: str | None
    locale: str | None
    personal_number: str | None
    picture: str | None
    status: str
    tags: list[str]
    attributes: dict[str, object]
    facets: dict[str, dict[str, object]]
    created_at: datetime
    updated_at: datetime
    version: int
    assignments: list[dict[str, object]]

    @property
    def roles(self) -> list[object]:
        """As the roles stand in a file."""
        return [msgspec.convert(each, Held).written() for each in self.assignments]


class Secrets(msgspec.Struct, frozen=True):
    """A secret of a person, as stored."""

    user_id: UUID
    id: UUID
    kind: str
    hash: str | None
    sealed: bytes | None


SECRETS: Final = ("password_hash", "totp")
FIELDS: Final = (
    "id",
    "username",
    "email",
    "email_verified_at",
    "phone",
    "phone_verified_at",
    "display_name",
    "given_name",
    "family_name",
    "locale",
    "personal_number",
    "picture",
    "status",
    "tags",
    "roles",
    "attributes",
    "facets",
    "created_at",
)
"""Written unless others are asked for: all that a file can bring into another realm."""
ON_REQUEST: Final = ("number", "version", "updated_at")
