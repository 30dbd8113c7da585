"""How a front door's messages with one-time links are written."""

from collections.abc import Awaitable, Callable

import msgspec

from roster.core.users import service as users
from roster.core.users.models import User
from roster.storage.tx import Tx


class Words(msgspec.Struct, frozen=True):
    """A message in the operator's own words; `:token:` and `:link:` stand for these."""

    subject: str
    html: str
    sender: str | None = None


class Style(msgspec.Struct, frozen=True):
    """What is special about such messages.

    `short` tokens are those of `tokens.short_proofs`. `seconds` is how long they work, instead of what the realm says.
    `find` says whom a name means. `words` gives the message to somebody, or None for the one we have.
    """

    short: bool = False
    seconds: int | None = None
    find: Callable[[Tx, str], Awaitable[User | None]] = users.find_by_identifier
    words: Callable[[User], Words | None] | None = None


USUAL = Style()
