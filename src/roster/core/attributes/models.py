"""The definition of one custom field."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


class Definition(msgspec.Struct, frozen=True):
    """What values a field takes, who sees them and who may write them."""

    name: str
    kind: str
    label: str
    required: bool
    choices: list[object] | None
    visibility: str
    writable_by: str
    created_at: datetime
    updated_at: datetime


class DefinitionDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition to be stored under its name."""

    kind: Literal["text", "integer", "number", "boolean", "instant", "list", "any"]
    label: Annotated[str, Meta(max_length=200)] = ""
    required: bool = False
    choices: Annotated[list[object], Meta(max_length=500)] | None = None
    visibility: Literal["basic", "private", "hidden"] = "private"
    writable_by: Literal["self", "administrator"] = "administrator"
