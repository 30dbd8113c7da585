"""Templates and letters."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Subject = Annotated[str, Meta(max_length=1000)]
Html = Annotated[str, Meta(max_length=500_000)]
Key = Annotated[str, Meta(min_length=1, max_length=200)]
Recipient = Annotated[str, Meta(min_length=3, max_length=320)]


class Template(msgspec.Struct, frozen=True):
    """A text with `{{name}}` where something is filled in. `layout_id` is another one, which has `{{content}}`.

    `owner` is whatever the writers of templates tell them apart by.
    """

    id: UUID
    owner: str | None
    subject: str
    html: str
    layout_id: UUID | None
    version: int
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    updated_by: UUID | None


class TemplateDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template to be made."""

    subject: Subject
    html: Html
    layout_id: UUID | None = None
    owner: Annotated[str, Meta(max_length=200)] | None = None


class TemplateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a template; what is not named stays."""

    subject: Subject | UnsetType = UNSET
    html: Html | UnsetType = UNSET


class Letter(msgspec.Struct, frozen=True):
    """What is to be sent: `{{name}}` in subject and HTML are still to be filled in with the arguments."""

    subject: str
    html: str
    arguments: dict[str, object] = {}
    sender: str | None = None


class Level(msgspec.Struct, frozen=True):
    """How long mails of one kind are held: until there are so many, or so many seconds have passed since the first."""

    count: int
    seconds: int


class Group(msgspec.Struct, frozen=True):
    """Mails of one kind to one recipient: `held` of them wait at this level, the last one of them sealed."""

    id: UUID
    key: str
    recipient: str
    level: int
    held: int
    sealed: bytes | None
    due_at: datetime
