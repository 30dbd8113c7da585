"""Answers: a complete one, or one that is sent while it is made."""

from collections.abc import AsyncIterator

import msgspec

Headers = tuple[tuple[str, str], ...]


class Reply(msgspec.Struct, frozen=True):
    """A complete answer.

    No body when `body` is None; bytes are sent as they are, so is text unless the type is JSON; all else becomes JSON.
    """

    status: int = 200
    body: object = None
    headers: Headers = ()
    content_type: str = "application/json"


class Stream(msgspec.Struct, frozen=True):
    """An answer of unknown length. `chunks` is closed early when the client goes away.

    It is made after the handler returned, so it must not use the handler's `tx`; take `runtime` instead.
    """

    chunks: AsyncIterator[bytes]
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: Headers = ()
