"""One unit of work on one connection: the only way the directory reaches PostgreSQL.

A `Tx` carries who acts and what time it is. Reads run statement by statement; writes run inside `transaction()`.
Rows become frozen structs by position: a store keeps each struct's columns in one constant, in the struct's order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.transaction import Transaction

from roster.kit import clock
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, RosterError, TooMany, Unavailable

if TYPE_CHECKING:
    from roster.kit.ids import RealmId
    from roster.storage.pool import Connection
    from roster.storage.runtime import Runtime

M = TypeVar("M", bound=msgspec.Struct)
T = TypeVar("T")
Conflicts = Mapping[str, type[RosterError]]
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said goodbye while the connection was idle, and is about to close it
    ConnectionError,
)
_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
_FULL = (
    asyncpg.InsufficientResourcesError,  # a full disk, no memory, no more connections
    asyncpg.ReadOnlySQLTransactionError,
)
_FULL_FOR = 10
"""Seconds after which it is worth trying again: somebody has to make room."""
_NO_CHANGES = "Nothing can be changed at the moment, but what is stored can be read."
_UNKNOWN = "The database was lost while the change was being stored: look whether it is there before you repeat it."
_BROKEN_RULE = (
    asyncpg.UniqueViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.CheckViolationError,
    asyncpg.ExclusionViolationError,
)


class Tx:
    """Statements on behalf of one actor. `now` is one value for the whole unit of work."""

    __slots__ = ("_connection", "_now", "_written_for", "actor", "memo", "runtime")
    is_copy = False
    """Whether what is read may be behind what is written."""

    def __init__(self, runtime: Runtime, connection: Connection, actor: Actor) -> None:
        self.runtime = runtime
        self.actor = actor
        self.memo: dict[object, Any] = {}
        self._connection = connection
        self._now: datetime | None = None
        self._written_for: tuple[UUID, ...] = ()

    @property
    def realm_id(self) -> RealmId:
        """The realm acted in; leads every key."""
        return self.actor.realm_id

    @property
    def now(self) -> datetime:
        """The time of this unit of work."""
        if self._now is None:
            self._now = clock.now()
        return self._now

    @property
    def is_single(self) -> bool:
        """Whether each statement commits by itself, outside `transaction()`."""
        return not self._connection.is_in_transaction()

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[None]:
        """The block acts as somebody else, perhaps in another realm, and remembers nothing of the first."""
        before, memo = self.actor, self.memo
        self.actor, self.memo = actor, {}
        if actor.writer is not None:
            self.write_for(actor.writer)
        try:
            yield
        finally:
            self.actor, self.memo = before, memo

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commit when the block ends, roll back when it raises. Raises Unavailable.

        When the connection is lost between the commit and its answer the text says that nobody knows.
        """
        is_outermost = self.is_single
        transaction = self._connection.transaction()
        try:
            await self._control(transaction.start())
            try:
                yield self
            except BaseException:
                await self._roll_back(transaction)
                raise
            await self._commit(transaction, is_outermost=is_outermost)
        except (*_LOST, *_AGAIN, *_FULL) as error:
            raise _unavailable(error) from error

    async def _commit(self, transaction: Transaction, *, is_outermost: bool) -> None:
        is_certain = self._connection.is_closed() or not is_outermost
        if self.runtime.replicas and is_outermost and not self.is_copy:
            self._connection.last_words = self._note()
        try:
            await self._control(transaction.commit())
        except _LOST as error:
            raise Unavailable(text=None if is_certain else _UNKNOWN) from error

    async def _roll_back(self, transaction: Transaction) -> None:
        """What has raised counts, not that the connection was lost with it: then the server rolls back by itself."""
        if self._connection.is_left or self._connection.is_closed():
            return
        with suppress(*_LOST):
            await self._control(transaction.rollback())

    async def _control(self, statement: Awaitable[None]) -> None:
        try:
            await statement
        except (TimeoutError, asyncio.CancelledError) as error:
            self._connection.is_left = True
            if isinstance(error, TimeoutError):
                raise ConnectionError from error
            raise

    def write_for(self, user_id: UUID) -> None:
        """What this transaction writes is that person's doing too, who is only about to become known."""
        self._written_for += (user_id,)

    def _note(self) -> str:
        """Goes with COMMIT; `replicas.py` says what it is good for."""
        by = (self.actor.writer, self.actor.acting_for, *self._written_for)
        writers = {str(each) for each in by if each is not None}
        return f"SELECT note_write('{{{','.join(writers)}}}');" if writers else ""

    @asynccontextmanager
    async def bounded(self, seconds: int) -> AsyncIterator[Tx]:
        """In this block a statement that takes longer than so many seconds is broken off (TooMany)."""
        async with self.transaction():
            await self.value("SELECT set_config('statement_timeout', $1, true)", f"{seconds}s")
            yield self
            await self.run("SET LOCAL statement_timeout TO DEFAULT")

    async def maybe(
        self,
        model: type[M],
        sql: LiteralString,
        *args: object,
        conflicts: Conflicts | None = None,
    ) -> M | None:
        """The row as a struct, or None."""
        try:
            rows, _ = await self._connection.ask(sql, args, 1)
        except Exception as error:
            raise _translated(error, conflicts) from error
        return model(*rows[0]) if rows else None

    async def one(
        self,
        model: type[M],
        sql: LiteralString,
        *args: object,
        missing: RosterError | type[RosterError],
        conflicts: Conflicts | None = None,
    ) -> M:
        """The row as a struct; raises `missing` when there is none."""
        try:
            rows, _ = await self._connection.ask(sql, args, 1)
        except Exception as error:
            raise _translated(error, conflicts) from error
        if not rows:
            raise missing
        return model(*rows[0])

    async def all(self, model: type[M], sql: LiteralString, *args: object) -> list[M]:
        """All rows as structs. The statement bounds their number."""
        try:
            rows, _ = await self._connection.ask(sql, args)
        except Exception as error:
            raise _translated(error, None) from error
        return [model(*row) for row in rows]

    async def rows(self, sql: LiteralString, *args: object) -> list[tuple[Any, ...]]:
        """All rows as tuples, for results that are no struct."""
        try:
            rows, _ = await self._connection.ask(sql, args)
        except Exception as error:
            raise _translated(error, None) from error
        return [tuple(row) for row in rows]

    async def value(self, sql: LiteralString, *args: object, conflicts: Conflicts | None = None) -> Any:
        """The first column of the first row, or None."""
        try:
            rows, _ = await self._connection.ask(sql, args, 1)
        except Exception as error:
            raise _translated(error, conflicts) from error
        return rows[0][0] if rows else None

    async def run(self, sql: LiteralString, *args: object, conflicts: Conflicts | None = None) -> int:
        """Carry out a change; the number of rows it touched."""
        try:
            _, done = await self._connection.ask(sql, args)
        except Exception as error:
            raise _translated(error, conflicts) from error
        return int(done.rpartition(b" ")[2]) if done[-1:].isdigit() else 0

    async def run_many(self, sql: LiteralString, rows: Iterable[Sequence[object]]) -> None:
        """The same change for many rows, in one round trip."""
        try:
            await self._connection.executemany(sql, rows)
        except Exception as error:
            raise _translated(error, None) from error

    async def copy(
        self,
        table: LiteralString,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]] | AsyncIterable[Sequence[object]],
    ) -> None:
        """Load rows with COPY in its binary form; of an asynchronous source, one by one as they come.

        Raises Unavailable, and whatever the source raises.
        """
        try:
            await self._connection.copy_records_to_table(table, columns=list(columns), records=rows)
        except Exception as error:
            if self._connection.is_closed():  # where it was lost the event loop may be the first to notice
                raise _unavailable(error) from error
            raise _translated(error, None) from error

    async def with_connection(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Lend the connection to another part of `storage`."""
        return await work(self._connection)

    async def cursor(self, model: type[M], sql: LiteralString, *args: object, batch: int = 500) -> AsyncIterator[M]:
        """Rows of any number, fetched in batches; only inside `transaction()`."""
        try:
            async for row in self._connection.cursor(sql, *args, prefetch=batch):
                yield model(*row)
        except (asyncpg.PostgresError, *_LOST) as error:
            raise _translated(error, None) from error


def _translated(error: Exception, conflicts: Conflicts | None) -> Exception:
    """What a driver error means to the directory; constraint names decide about conflicts."""
    if isinstance(error, _BROKEN_RULE):
        known = (conflicts or {}).get(error.constraint_name or "")
        return known() if known else error
    if isinstance(error, asyncpg.QueryCanceledError):
        return TooMany(5, "The query took too long. Please narrow it down.")
    if isinstance(error, asyncpg.InvalidRegularExpressionError):
        return InvalidInput.of("", "wrong_value", "The expression is too complex.")
    if isinstance(error, (*_LOST, *_AGAIN, *_FULL, TimeoutError)):
        return _unavailable(error)
    return error


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(_FULL_FOR, _NO_CHANGES) if isinstance(error, _FULL) else Unavailable()
