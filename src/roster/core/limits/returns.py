"""What is given back to counters: noted in memory, and written together a moment later.

So nobody who has signed in waits for a counter that many share, and one statement serves all who signed in meanwhile.
Whoever would be refused while this process has something to give back is counted again once that is written. What a
killed process has not given back stays spent until the window is over.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from contextvars import Context
from typing import Final

import msgspec

from roster.core.limits import store
from roster.kit.errors import Unavailable
from roster.kit.ids import RealmId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_AFTER: Final = 0.25
"""Seconds."""


class _Noted(msgspec.Struct):
    backs: dict[tuple[RealmId, str], int] = {}
    writing: asyncio.Task[None] | None = None


def note(runtime: Runtime, realm_id: RealmId, buckets: Iterable[str]) -> None:
    """Give one back to each of these counters soon."""
    noted = _noted(runtime)
    for bucket in buckets:
        noted.backs[realm_id, bucket] = noted.backs.get((realm_id, bucket), 0) + 1
    if noted.writing is None:
        # In a context of its own: it is no part of the request that happened to come first.
        noted.writing = asyncio.create_task(_write_soon(runtime, noted), context=Context())


def are_noted(tx: Tx, buckets: Iterable[str]) -> bool:
    """Whether any of these counters of the realm is to get something back."""
    backs = _noted(tx.runtime).backs
    return any((tx.realm_id, bucket) in backs for bucket in buckets)


def under_way(runtime: Runtime) -> list[asyncio.Task[None]]:
    """What will write it, if anything is noted."""
    writing = _noted(runtime).writing
    return [] if writing is None else [writing]


async def flush(runtime: Runtime) -> None:
    """Write what was noted."""
    async with runtime.lease() as tx:
        await write(tx)


async def write(tx: Tx) -> None:
    """The same with a connection that is at hand."""
    noted = _noted(tx.runtime)
    backs, noted.backs = noted.backs, {}
    if backs:
        await store.settle(tx, [(realm_id, bucket, back) for (realm_id, bucket), back in backs.items()])


async def _write_soon(runtime: Runtime, noted: _Noted) -> None:
    await asyncio.sleep(_AFTER)
    noted.writing = None
    with suppress(Unavailable):
        await flush(runtime)


def _noted(runtime: Runtime) -> _Noted:
    return runtime.memo.setdefault("returns", _Noted())
