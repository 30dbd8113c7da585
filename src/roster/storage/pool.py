"""A thin lease on connections: last in, first out, no reset in between.

The driver's own pool sends a reset on every release, which doubles the cost of a small query. Roster never leaves
session state behind (only SET LOCAL, no session locks outside `migrate`), so there is nothing to reset.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
from asyncpg.prepared_stmt import PreparedStatement
from asyncpg.protocol.protocol import NO_TIMEOUT

from roster.kit.errors import Unavailable
from roster.storage import voids
from roster.storage.voids import Voids

NO_CONNECTION = (
    *(OSError, TimeoutError, ValueError),
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
)
"""What opening or closing may end with: a server that is away, busy or stopping, a wrong name or address."""

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode

_REMEMBERED = 1000
"""Prepared statements of a connection; filters make many that are asked once."""
_GRACE = 5
"""Seconds beyond the longest that a statement may take after which a silent server is given up."""
_BETWEEN_LOOKS = 1.0
"""Seconds by which a server may be given up early."""
_QUIET = 60.0
"""Seconds between two looks for connections that nobody needs any more."""


class Connection(asyncpg.Connection):
    """The driver's, with a shorter way to an answer: its own methods spend a third of their time on the way there."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._known: dict[str, PreparedStatement] = {}
        self.voided: set[str] = set()
        """What is not to be believed any more once that is committed which was done here."""
        self.is_left = False
        """Whether nobody waited for the last answer, which may still come and would be taken for another's."""
        self.last_words = ""
        """Statements that go along with the next COMMIT."""
        self.horizon = 0
        """Of a replica: all transactions before this one are over there."""
        self.patience = 0
        """Seconds after which the server is given up that does not answer `ask`; 0 waits for ever."""
        self._looking: asyncio.TimerHandle | None = None
        self._is_asking = False
        self._looks = 0
        """Since it was asked."""
        self.add_log_listener(_heard)
        # Whoever still waits for a server that is lost to read what they COPY: the driver leaves them waiting for ever.
        protocol = self._protocol
        self.add_termination_listener(lambda _: protocol.resume_writing())

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 (theirs)
        """The driver's, which it also commits with."""
        if self.last_words and query == "COMMIT;":
            query, self.last_words = self.last_words + query, ""
        return await super().execute(query, *args, timeout=timeout)

    async def ask(self, query: str, args: Sequence[object], limit: int = 0) -> tuple[list[Any], bytes]:
        """The rows, at most `limit` of them unless it is 0, and what the server says was done."""
        self._is_asking, self._looks = True, 0
        if self._looking is None:
            self._look_later()
        try:
            known = self._known.get(query) or await self._learn(query)
            state = known._state  # noqa: SLF001 - public ways around it are those that take so long
            rows, done, _ = await self._protocol.bind_execute(state, args, "", limit, True, NO_TIMEOUT)
        except (TimeoutError, asyncio.CancelledError):
            self.is_left = True
            raise
        except asyncpg.OutdatedSchemaCacheError:  # a migration has changed a type; the statement was carried out
            self._known.clear()
            await self.reload_schema_state()
            raise
        except asyncpg.InvalidCachedStatementError:  # a migration has changed a table; nothing was done
            self._known.clear()
            if self.is_in_transaction():
                raise
            return await self.ask(query, args, limit)
        finally:
            self._is_asking = False
        return rows, done

    def _look_later(self) -> None:
        """One timer looks after all that is asked while there is something; the driver would make one for each."""
        if self.patience:
            self._looking = asyncio.get_running_loop().call_later(_BETWEEN_LOOKS, self._look)

    def _look(self) -> None:
        self._looking = None
        if not self._is_asking:
            return
        self._looks += 1
        if self._looks * _BETWEEN_LOOKS >= self.patience:
            self.terminate()
        else:
            self._look_later()

    async def _learn(self, query: str) -> PreparedStatement:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        known = self._known[query] = await self.prepare(query)
        return known


def _heard(connection: Any, message: Any) -> None:
    name = voids.named_in(message.message)
    if name is not None:
        connection.voided.add(name)


class Pool:
    """Up to `size` connections to one database, opened when first needed and again after they were lost.

    Who has not been needed for a time is closed, so that a quiet server has one.
    """

    def __init__(
        self,
        dsn: str,
        size: int,
        *,
        wait_for: float = 10.0,
        longest: int = 60,
        voids: Voids | None = None,
        only_reads: bool = False,
        quiet: float = _QUIET,
    ) -> None:
        """A statement that takes longer than `longest` seconds is broken off; migrations have their own connections."""
        self.dsn = dsn
        self.size = size
        self.voids = voids or Voids()
        self._wait_for = wait_for
        self._longest = longest
        self._only_reads = only_reads
        self._quiet = quiet
        self._idle: list[Connection] = []
        self._spare = 0
        """So many were idle all the time since somebody looked."""
        self._looking: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._leased = 0
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()

    def take(self) -> Connection | None:
        """A live connection that nobody uses, if there is one: what `lease` has to give without waiting."""
        if self._leased >= self.size:
            return None
        connection = self._live()
        if connection is not None:
            self._leased += 1
        return connection

    async def lease(self) -> Connection:
        """A live connection; give it back with `release`. Raises Unavailable when none can be had in time."""
        if self._leased < self.size:
            self._leased += 1
        else:
            await self._queue()
        connection = self._live()
        if connection is not None:
            return connection
        try:
            return await connect(self.dsn, longest=self._longest, wait_for=self._wait_for, only_reads=self._only_reads)
        except BaseException:
            self._give_place()
            raise

    def release(self, connection: Connection) -> None:
        """Take a connection back; one that was left inside a transaction or busy is thrown away."""
        if connection.voided:
            names, connection.voided = connection.voided, set()
            self.voids.void(names)
        if connection.is_closed():
            pass
        elif connection.is_left:
            self._end(connection)
        elif self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)
            if self._looking is None and len(self._idle) > 1:
                self._look_later()
        if self._waiting:
            self._give_place()
        else:
            self._leased -= 1

    def close_spare(self) -> None:
        """Close those that nobody has needed since this was called; one stays.

        After much work each holds some six megabytes of the database's memory: what it knows of tables and statements.
        """
        spare = max(0, min(self._spare, len(self._idle) - 1))
        for connection in self._idle[:spare]:
            self._end(connection)
        del self._idle[:spare]
        self._spare = len(self._idle)

    async def close(self) -> None:
        """Close what is idle; what is leased closes on release."""
        self._closed = True
        self._look_no_more()
        idle, self._idle = self._idle, []
        for connection in idle:
            await _close(connection)
        await asyncio.gather(*self._ending)

    def _end(self, connection: Connection) -> None:
        """Have the server break off what nobody waits for any more."""
        ending = asyncio.get_running_loop().create_task(_close(connection))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    def abandon(self) -> None:
        """Close at once, without a goodbye."""
        self._closed = True
        self._look_no_more()
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.terminate()

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(self._quiet, self._look)

    def _look(self) -> None:
        self._looking = None
        self.close_spare()
        if len(self._idle) > 1:
            self._look_later()

    def _look_no_more(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def _live(self) -> Connection | None:
        """What was given back last and has not been lost since."""
        while self._idle:
            connection = self._idle.pop()
            self._spare = min(self._spare, len(self._idle))
            if not connection.is_closed():
                return connection
        return None

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


async def connect(
    dsn: str, *, longest: int = 0, name: str = "roster", wait_for: float = 10.0, only_reads: bool = False
) -> Connection:
    """Open a connection that speaks Roster's types: UTC, JSON as Python values. Raises Unavailable.

    A statement that takes longer than `longest` seconds is broken off; 0 lets it run. The server lists it by `name`.
    With `only_reads` nothing can be written, even where the server would allow it.
    """
    try:
        return await _connect(dsn, longest, name, wait_for, only_reads)
    except NO_CONNECTION as error:
        raise Unavailable(text="The database cannot be reached.") from error


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=_GRACE)
    except NO_CONNECTION:
        connection.terminate()


_ONLY_READS = {"default_transaction_read_only": "on"}
"""Never `off`: that would win over an embedded server that takes no changes while its disk is full (`room.py`)."""


async def _connect(dsn: str, longest: int, name: str, wait_for: float, only_reads: bool) -> Connection:
    connection = await asyncpg.connect(
        dsn,
        timeout=wait_for,
        command_timeout=longest + _GRACE if longest else None,
        connection_class=Connection,
        server_settings={
            "timezone": "UTC",
            "application_name": name,
            "jit": "off",
            "statement_timeout": f"{longest}s",
            **(_ONLY_READS if only_reads else {}),
        },
    )
    connection.patience = longest + _GRACE if longest else 0
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=_jsonb_out,
        decoder=_jsonb_in,
    )
    return connection


_EMPTY = b"\x01{}"
"""What most of these columns hold."""


def _jsonb_out(value: object) -> bytes:
    return b"\x01" + _ENCODE(value)


def _jsonb_in(data: bytes) -> object:
    return {} if data == _EMPTY else _DECODE(data[1:])
