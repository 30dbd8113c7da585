"""From a row of a source to a row of the staging table: checked, in normal form, hashed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from roster.core.attributes import service as attributes
from roster.core.credentials import hashing, rules
from roster.core.realms import service as realms
from roster.core.realms.models import RealmSettings
from roster.core.transfer.merging import store
from roster.core.transfer.merging.batch import Batch, Entry
from roster.core.transfer.merging.rows import Rows
from roster.core.transfer.sources import hashes
from roster.core.transfer.sources.person import Person, Read
from roster.core.users.drafting import Drafting, Row
from roster.core.users.models import UserDraft
from roster.kit.errors import InvalidInput, Problem, Unavailable
from roster.kit.ids import uuid7
from roster.kit.patch import UNSET, is_set
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_AHEAD: Final = 2
"""Passwords being hashed at once: sign-ins go on meanwhile."""
_PAUSE: Final = 0.05
_DRAFTED: Final = UserDraft.__struct_fields__
"""A person of a file begins with the same fields, in the same order."""
_INSTANTS: Final = ("created_at", "email_verified_at", "phone_verified_at")
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
UNSUPPORTED_HASH: Final = Problem(
    "password_hash", "unsupported_hash", "The password was left out: its hash is of no known form."
)

_ENCODE: Final = msgspec.json.Encoder().encode

Staged = Sequence[object]


async def stage(tx: Tx, rows: Rows, *, hashing_for_good: bool) -> Batch:
    """Fill the staging table with the next batch; with `hashing_for_good` readable passwords are hashed."""
    realm = await realms.current(tx)
    known = await attributes.current(tx)
    staging = _Staging(tx, realm.settings, known)
    await store.open_staging(tx)
    made = staging.rows(rows.batch())
    await store.stage(tx, _hashed(tx.runtime, made) if hashing_for_good else _plain(made))
    staging.batch.bytes_done = rows.bytes_done
    staging.batch.is_last = rows.is_over
    return staging.batch


class _Staging:
    def __init__(self, tx: Tx, settings: RealmSettings, known: attributes.Known) -> None:
        self.batch = Batch()
        self._realm_id = tx.realm_id
        self._now = tx.now
        self._settings = settings
        self._known = known
        self._names: dict[object, int] = {}

    async def rows(self, reads: AsyncIterator[Read]) -> AsyncIterator[tuple[Entry, list[object]]]:
        """Entry and staging row of everybody whose row is in order."""
        batch = self.batch
        async for read in reads:
            batch.last_row = read.row
            if read.person is None:
                batch.refuse(read.row, *read.problems)
                continue
            made = self._row(read.row, read.person)
            if isinstance(made, list):
                batch.refuse(read.row, *made)
                continue
            if read.problems:
                batch.note(read.row, *read.problems)
            batch.entries[read.row] = made[0]
            yield made

    def _row(self, number: int, person: Person) -> tuple[Entry, list[object]] | list[Problem]:
        drafting = Drafting(self._realm_id, self._settings)
        row = drafting.row(draft_of(person), self._now)
        problems = [*drafting.problems, *self._problems(person, row.attributes)]
        if problems:
            return problems
        external = external_of(person)
        twice = self._twice(number, person.id, external, row.username_key, row.email_key if row.email_unique else None)
        if twice is not None:
            return [twice]
        entry = Entry(number, person.id or uuid7(), person, person.password_hash, None)
        self._check_secrets(entry)
        values = columns(with_instants(row, person))
        staged: list[object] = [
            number,
            entry.id,
            person.id is not None,
            external,
            *values,
            person.created_at,
            entry.hash,
            uuid7(),
        ]
        return entry, staged

    def _problems(self, person: Person, values: dict[str, object]) -> list[Problem]:
        given = person.attributes if is_set(person.attributes) else {}
        problems = attributes.check(values, self._known, changed=given, by_self=False)
        for name in _INSTANTS:
            at = getattr(person, name)
            if isinstance(at, datetime) and not _EARLIEST < at <= self._now:
                problems.append(Problem(name, "out_of_range", "This is in the future, or before there were computers."))
        if person.password is not None:
            problems += _wrong_with_password(person.password, self._settings.password_min_length)
        return problems

    def _twice(self, number: int, *names: object) -> Problem | None:
        """Each name counts with its place: a username may be somebody else's address."""
        keys = [(place, name) for place, name in enumerate(names) if name is not None]
        for key in keys:
            if key in self._names:
                return named_before(self._names[key])
        self._names.update((key, number) for key in keys)
        return None

    def _check_secrets(self, entry: Entry) -> None:
        if entry.hash is not None and not hashing.is_supported(entry.hash):
            entry.hash = None
            self.batch.note(entry.row, UNSUPPORTED_HASH)
        if entry.person.totp is not None:
            entry.seed = hashes.checked_seed(entry.person.totp)
            if entry.seed is None:
                self.batch.note(entry.row, hashes.UNSUPPORTED_SEED)


def columns(row: Row) -> list[object]:
    """The values of a row as the staging tables take them."""
    *values, found = msgspec.structs.astuple(row)
    return [*values, "{" + _ENCODE(found)[1:-1].decode() + "}"]


def named_before(row: int) -> Problem:
    """The file names the same person twice; the first one counts."""
    return Problem("", "duplicate", f"Row {row} is the same person.")


def draft_of(person: Person) -> UserDraft:
    """The person as somebody new; who has no username is named by their address."""
    values = zip(_DRAFTED, msgspec.structs.astuple(person), strict=False)
    named = {name: value for name, value in values if value is not UNSET}
    if not named.get("username"):
        named["username"] = named.get("email") or ""
    return UserDraft(**named)


def external_of(person: Person) -> str | None:
    """The id that the person has in Keycloak."""
    if not is_set(person.facets) or not person.facets:
        return None
    found = person.facets.get("keycloak", {}).get("id")
    return found if isinstance(found, str) else None


def with_instants(row: Row, person: Person) -> Row:
    """Exact times of verification, where the file has them and the address is there."""
    email_at, phone_at = person.email_verified_at, person.phone_verified_at
    if isinstance(email_at, datetime) and row.email:
        row = msgspec.structs.replace(row, email_verified_at=email_at)
    if isinstance(phone_at, datetime) and row.phone:
        row = msgspec.structs.replace(row, phone_verified_at=phone_at)
    return row


def _wrong_with_password(secret: str, min_length: int) -> Sequence[Problem]:
    try:
        rules.check(secret, min_length)
    except InvalidInput as error:
        return error.problems
    return ()


async def _plain(made: AsyncIterator[tuple[Entry, list[object]]]) -> AsyncIterator[Staged]:
    async for _, staged in made:
        yield staged


async def _hashed(runtime: Runtime, made: AsyncIterator[tuple[Entry, list[object]]]) -> AsyncIterator[Staged]:
    """The same rows in the same order; readable passwords are hashed a few at a time."""
    waiting: deque[tuple[Entry, list[object], asyncio.Task[str] | None]] = deque()
    try:
        async for entry, staged in made:
            secret = entry.person.password
            if secret is None and not waiting:
                yield staged
                continue
            task = None if secret is None else asyncio.create_task(_hash(runtime, secret))
            waiting.append((entry, staged, task))
            while len(waiting) > _AHEAD:
                yield await _settled(*waiting.popleft())
        while waiting:
            yield await _settled(*waiting.popleft())
    finally:
        for _, _, task in waiting:
            if task is not None:
                task.cancel()


_HASH = -2


async def _settled(entry: Entry, staged: list[object], task: asyncio.Task[str] | None) -> Staged:
    if task is not None:
        entry.hash = staged[_HASH] = await task
    return staged


async def _hash(runtime: Runtime, secret: str) -> str:
    while True:
        try:
            return await runtime.workers.run(hashing.hash_secret, secret)
        except Unavailable:
            await asyncio.sleep(_PAUSE)
