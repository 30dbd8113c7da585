"""Whoever asks is remembered, and believed until the database says that something about them changed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from roster.core.access import service as access
from roster.core.flows.models import Granted
from roster.core.sessions import service as sessions
from roster.core.tokens import service as tokens
from roster.core.tokens import verdicts
from roster.kit import clock
from roster.kit.actor import Actor
from roster.kit.errors import InvalidToken
from roster.storage import embedded
from roster.storage.runtime import Runtime
from tests import factories, listening_to, processes
from tests.core import people
from tests.core.people import Person


@pytest.fixture
async def unheard(postgres: embedded.Embedded, dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection whose changes the database does not tell of, as those that arrive by replication."""
    name = dsn.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(postgres.dsn_for("postgres", name))
    await connection.execute("SET session_replication_role = replica")
    yield connection
    await connection.close()


@pytest.fixture
async def granted(runtime: Runtime, person: Person) -> Granted:
    """The person's sign-in, remembered."""
    granted = await people.sign_in(runtime, person)
    await people.actor_of(runtime, person, granted.access_token)
    await listening_to.until_trusted(runtime)
    return granted


async def rename(connection: "asyncpg.Connection[Any]", person: Person, username: str) -> None:
    await connection.execute("UPDATE users SET username = $2 WHERE id = $1", person.id, username)


async def test_who_asks_again_is_remembered_until_something_is_told(
    runtime: Runtime, person: Person, granted: Granted, unheard: "asyncpg.Connection[Any]"
):
    async def name() -> str:
        return (await people.actor_of(runtime, person, granted.access_token)).name

    await rename(unheard, person, "behind our backs")
    assert await name() == person.username

    runtime.voids.void([str(person.id)])
    assert await name() == "behind our backs"

    await rename(unheard, person, "again")
    runtime.voids.void([str(person.realm.id)])
    assert await name() == "again"


async def test_nobody_is_remembered_by_a_worker_that_hears_nothing(
    runtime: Runtime, person: Person, unheard: "asyncpg.Connection[Any]", dsn: str
):
    deaf = Runtime.open(runtime.settings, dsn)
    granted = await people.sign_in(runtime, person)
    before = await people.actor_of(deaf, person, granted.access_token)

    await rename(unheard, person, "unheard")

    assert before.name == person.username
    assert (await people.actor_of(deaf, person, granted.access_token)).name == "unheard"
    await deaf.close()


async def test_nobody_is_believed_for_more_than_a_minute(
    runtime: Runtime, person: Person, granted: Granted, unheard: "asyncpg.Connection[Any]"
):
    await rename(unheard, person, "a minute later")
    async with runtime.lease() as tx:
        verdict = verdicts.recall(tx, granted.access_token)
    assert verdict is not None
    assert verdict.kept is not None
    assert verdict.kept.value.until <= clock.now() + timedelta(minutes=1)

    verdict.kept.value.until = clock.now()

    assert (await people.actor_of(runtime, person, granted.access_token)).name == "a minute later"


async def test_a_session_is_believed_no_longer_than_it_lasts(
    runtime: Runtime, person: Person, unheard: "asyncpg.Connection[Any]"
):
    granted = await people.sign_in(runtime, person)
    ends = clock.now() + timedelta(seconds=30)
    await unheard.execute("UPDATE sessions SET expires_at = $2 WHERE id = $1", granted.session.id, ends)

    await people.actor_of(runtime, person, granted.access_token)

    async with runtime.lease() as tx:
        verdict = verdicts.recall(tx, granted.access_token)
    assert verdict is not None
    assert verdict.kept is not None
    assert verdict.kept.value.until == ends


async def test_what_ends_while_it_is_read_is_not_remembered(runtime: Runtime, person: Person, dsn: str):
    """The session is read while it lives; its end is told before that was remembered."""
    granted = await people.sign_in(runtime, person)
    await listening_to.until_trusted(runtime)
    blocking = await asyncpg.connect(dsn)
    async with blocking.transaction():
        await blocking.execute("LOCK TABLE assignments IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(people.actor_of(runtime, person, granted.access_token))
        await until_somebody_waits(blocking)
        async with runtime.write(factories.roster_in(person.realm)) as tx:
            await sessions.end(tx, granted.session.id)
    await blocking.close()

    assert (await reading).session_id == granted.session.id
    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)


async def until_somebody_waits(connection: "asyncpg.Connection[Any]") -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    async with asyncio.timeout(processes.PATIENCE):
        while not await connection.fetchval(waiting):
            await asyncio.sleep(0)


async def test_what_a_transaction_sees_that_may_be_taken_back_is_not_remembered(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    await listening_to.until_trusted(runtime)

    async def authenticate_and_fail() -> None:
        async with runtime.write(factories.roster_in(person.realm)) as tx:
            await tx.run("UPDATE users SET username = 'not yet' WHERE realm_id = $1", person.realm.id)
            assert (await _authenticated(tx, person, granted)).name == "not yet"
            raise InvalidToken

    with pytest.raises(InvalidToken):
        await authenticate_and_fail()
    assert (await people.actor_of(runtime, person, granted.access_token)).name == person.username


async def _authenticated(tx: Any, person: Person, granted: Granted) -> Actor:
    return await tokens.authenticate(tx, person.realm.slug, granted.access_token, factories.ORIGIN)


async def test_every_change_counts_at_once_on_every_worker(runtime: Runtime, person: Person, granted: Granted):
    """A worker whose connections made the change, one that shares its marks, each asked at once and many times."""
    other = people.a_worker(runtime)
    await factories.a_role(runtime, person.realm, "reader", "users.read")
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        role = await access.find_role(tx, "reader")
    for turn in range(50):
        gives = turn % 2 == 0
        async with runtime.write(factories.roster_in(person.realm)) as tx:
            if gives:
                await access.assign(tx, role.id, person.id)
            else:
                await access.set_assignments(tx, person.id, [])
        for worker in (other, runtime):
            actor = await people.actor_of(worker, person, granted.access_token)
            assert actor.may("users.read") is gives, turn
