"""A device that takes messages, and a message."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from roster.kit.ids import UserId

Platform = Literal["", "ios", "android", "web"]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]


class Registration(msgspec.Struct, frozen=True):
    """A device of somebody's. `device` is what the app calls it; the token is never shown."""

    id: UUID
    user_id: UserId
    device: str
    platform: str
    created_at: datetime
    seen_at: datetime


class Push(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message. A silent one wakes the app and shows nothing."""

    title: str = ""
    body: str = ""
    sound: str | None = None
    badge: int | None = None
    data: dict[str, str] = {}
    silent: bool = False
