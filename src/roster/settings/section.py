"""What tables of settings are made of: types of values, and tables themselves."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

SECRET = Meta(extra={"secret": True})
"""Marks what nobody may see."""

Secret = Annotated[str, Meta(min_length=1), SECRET]
Key = Annotated[bytes, Meta(min_length=32, max_length=32), SECRET]
Origin = Annotated[str, Meta(pattern=r"^https?://[^/?#@\s]+$")]
Prefix = Annotated[str, Meta(pattern=r"^/([^/?#\s]+(/[^/?#\s]+)*)?$")]
Address = Annotated[str, Meta(pattern=r"^https?://[^?#\s]+$")]
Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Lifetime = Annotated[int, Meta(ge=60, le=400 * 86_400)]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file. Its values never show in logs and tracebacks; `explain` shows them with secrets masked."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Dialect(Section, frozen=True, kw_only=True):
    """Where one API is served."""

    enabled: bool = True
    """Whether it is served at all."""
    prefixes: tuple[Prefix, ...]
    """Paths below which it is served; `/` is the root."""
    hosts: tuple[str, ...] = ()
    """Host names that belong to it as a whole, besides the prefixes."""
    realm: str = "main"
    """Served when the path names none."""
