"""A thin lease on connections: last in, first out, no reset in between.

The driver's own pool sends a reset on every release, which doubles the cost of a small query. Roster never leaves
session state behind (only SET LOCAL, no session locks outside `migrate`), so there is nothing to reset.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import asyncpg
import msgspec

from roster.kit.errors import Unavailable

_NO_CONNECTION = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What opening or closing may end with: a server that is away, busy or stopping, a wrong name or address."""

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


_LONGEST = 60
"""Seconds after which any one statement is broken off; migrations may take longer, on connections of their own."""


class Pool:
    """Up to `size` connections to one database, opened when first needed and again after they were lost."""

    def __init__(self, dsn: str, size: int, wait_for: float = 10.0) -> None:
        self.dsn = dsn
        self.size = size
        self._wait_for = wait_for
        self._idle: list[asyncpg.Connection[Any]] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._leased = 0
        self._closed = False

    async def lease(self) -> asyncpg.Connection[Any]:
        """A live connection; give it back with `release`. Raises Unavailable when none can be had in time."""
        if self._leased < self.size:
            self._leased += 1
        else:
            await self._queue()
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        try:
            return await connect(self.dsn, longest=_LONGEST)
        except BaseException:
            self._give_place()
            raise

    def release(self, connection: asyncpg.Connection[Any]) -> None:
        """Take a connection back; one that was left inside a transaction or busy is thrown away."""
        if connection.is_closed():
            pass
        elif self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)
        self._give_place()

    async def close(self) -> None:
        """Close what is idle; what is leased closes on release."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            try:
                await connection.close(timeout=5)
            except _NO_CONNECTION:
                connection.terminate()

    async def _queue(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._wait_for):
                await place
        except (TimeoutError, asyncio.CancelledError) as error:
            if place.done() and not place.cancelled():
                self._give_place()
            if isinstance(error, TimeoutError):
                raise Unavailable from None
            raise

    def _give_place(self) -> None:
        """Hand the place to whoever waits longest; it stays taken, so that nobody else can slip in."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._leased -= 1


async def connect(dsn: str, *, longest: int = 0) -> asyncpg.Connection[Any]:
    """Open a connection that speaks Roster's types: UTC, JSON as Python values. Raises Unavailable.

    A statement that takes longer than `longest` seconds is broken off; 0 lets it run.
    """
    try:
        return await _connect(dsn, longest)
    except _NO_CONNECTION as error:
        raise Unavailable(text="The database cannot be reached.") from error


async def _connect(dsn: str, longest: int) -> asyncpg.Connection[Any]:
    connection = await asyncpg.connect(
        dsn,
        timeout=10,
        statement_cache_size=1000,
        server_settings={
            "timezone": "UTC",
            "application_name": "roster",
            "jit": "off",
            "statement_timeout": f"{longest}s",
        },
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=_jsonb_out,
        decoder=_jsonb_in,
    )
    return connection


def _jsonb_out(value: object) -> bytes:
    return b"\x01" + _ENCODE(value)


def _jsonb_in(data: bytes) -> object:
    return _DECODE(data[1:])
