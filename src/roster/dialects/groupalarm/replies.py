"""Answers without data of their own, and the pages of lists (notes, section 2)."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.dialects.groupalarm import texts, wire
from roster.web.request import Request

Limit = Annotated[int, Meta(ge=1, le=50)]
Offset = Annotated[int, Meta(ge=0, le=2**31)]


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted."""

    limit: Limit = 10
    offset: Offset = 0


SAVED: Final = "MSG_ENTRY_SAVED_SUCCESSFULLY"
DELETED: Final = "MSG_ENTRY_DELETED_SUCCESSFULLY"


def done(request: Request, key: str = SAVED) -> wire.Success:
    """It worked, said in the caller's language."""
    return wire.Success(success=True, message=texts.done(key, texts.language(request)), i18n_key=key)
