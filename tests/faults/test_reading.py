"""Lists are read from a replica, and nobody can tell but by the load of the primary."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from roster import app
from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.flows import login, passwords
from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.core.realms.models import Realm
from roster.core.users import documents
from roster.core.users import service as users
from roster.core.users.errors import UsernameTaken
from roster.core.users.models import User, UserDraft
from roster.core.users.search import count, search
from roster.kit import actor as actors
from roster.kit.actor import Actor, Kind
from roster.kit.errors import Forbidden
from roster.kit.filters import EVERYTHING, All, Compare, Op
from roster.kit.ids import OrgId
from roster.kit.pages import Page
from roster.storage import embedded, replicas, watching
from roster.storage.replicas import Replica
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories, standby
from tests.core.organisations import founded, joined
from tests.servers import PASSWORD
from tests.standby import Standby

HUNDRED = Page(100)


@pytest.fixture(scope="module")
def replica(fragile: embedded.Embedded, shared: str) -> Iterator[Standby]:
    """A replica for tests that leave it as it was."""
    with standby.following(fragile, max_standby_streaming_delay="0", hot_standby_feedback="off") as replica:
        yield replica


@asynccontextmanager
async def serving(dsn: str, urls: list[str], data: Path, lag: int = 600) -> AsyncIterator[Runtime]:
    """A server as far as lists go, which uses these replicas."""
    data.mkdir(exist_ok=True)
    flags = {"database.replica_urls": urls, "database.replica_lag_seconds": lag, "security.secret_key": "A" * 43}
    runtime = app.runtime_of(factories.settings(data, **flags), dsn)
    watched = asyncio.create_task(watching.watch(runtime))
    try:
        yield runtime
    finally:
        watched.cancel()
        await asyncio.gather(watched, return_exceptions=True)
        await runtime.close()


@pytest.fixture
async def server(shared: str, replica: Standby, tmp_path: Path) -> AsyncIterator[Runtime]:
    """A server with a replica in use."""
    async with serving(shared, [replica.beside(shared)], tmp_path / "server") as runtime:
        await standby.until_usable(runtime)
        yield runtime


@asynccontextmanager
async def paused(replica: Standby, runtime: Runtime) -> AsyncIterator[None]:
    """What is written within the block does not reach the replica."""
    await replica.caught_up(runtime.pool.dsn)
    async with replica.paused():
        yield


async def two_readers(runtime: Runtime, replica: Standby) -> tuple[Realm, Actor, Actor]:
    """Two administrators of a realm."""
    realm = await factories.a_realm(runtime)
    one, other = [await factories.a_person(runtime, realm, name, roles=("admin",)) for name in ("one", "other")]
    await replica.caught_up(runtime.pool.dsn)
    return realm, await factories.acting_as(runtime, realm, one), await factories.acting_as(runtime, realm, other)


async def made(runtime: Runtime, actor: Actor, name: str) -> User:
    async with runtime.write(actor) as tx:
        return await users.create(tx, UserDraft(username=name))


async def names(runtime: Runtime, actor: Actor) -> list[str]:
    async with runtime.read(actor) as tx:
        return [each.username for each in (await search(tx, None, (), HUNDRED)).items]


async def lists(runtime: Runtime, actor: Actor) -> list[int]:
    """How long several lists are."""
    async with runtime.read(actor) as tx:
        people = await search(tx, Compare("username", Op.MATCHES, "."), (), Page(1, total=True))
        return [
            people.total or 0,
            await count(tx, None),
            await documents.count(tx, EVERYTHING),
            len(await documents.found(tx, EVERYTHING)),
            len((await audit.search(tx, Compare("action", Op.EQ, "user.created"), (), HUNDRED)).items),
        ]


def first(runtime: Runtime) -> Replica:
    return next(iter(runtime.replicas))


async def test_who_writes_sees_it_at_once_and_others_as_soon_as_the_replica_does(server: Runtime, replica: Standby):
    _, one, other = await two_readers(server, replica)
    async with paused(replica, server):
        await made(server, one, "new")
        before = first(server).answered

        assert await names(server, other) == ["one", "other"]
        assert await names(server, one) == ["one", "other", "new"]
        assert await lists(server, other) == [2] * 5
        assert await lists(server, one) == [3] * 5
        assert first(server).answered == before + 6
        assert first(server).behind == 6

    await replica.caught_up(server.pool.dsn)
    assert await names(server, one) == await names(server, other) == ["one", "other", "new"]
    assert first(server).answered == before + 8


async def test_who_writes_on_one_server_sees_it_at_once_on_another(server: Runtime, replica: Standby, tmp_path: Path):
    _, one, other = await two_readers(server, replica)
    async with serving(server.pool.dsn, [replica.beside(server.pool.dsn)], tmp_path / "elsewhere") as elsewhere:
        await standby.until_usable(elsewhere)
        async with paused(replica, server):
            for turn, (here, there) in enumerate([(server, elsewhere), (elsewhere, server)] * 5):
                await made(here, one, f"new-{turn}")
                assert len(await names(there, one)) == 3 + turn
            assert await names(server, other) == await names(elsewhere, other) == ["one", "other"]


async def test_it_is_the_person_who_sees_it_whatever_they_come_with(server: Runtime, replica: Standby):
    realm, one, other = await two_readers(server, replica)
    async with paused(replica, server):
        await made(server, one, "new")
        with_key = Actor(one.kind, realm.id, realm.slug, user_id=one.user_id, grants=one.grants)
        assert "new" in await names(server, with_key)
        assert "new" not in await names(server, other)


async def test_what_a_program_writes_in_somebodys_name_they_see_at_once(server: Runtime, replica: Standby):
    realm, one, other = await two_readers(server, replica)
    program = Actor(
        Kind.SERVICE, realm.id, realm.slug, name="program", acting_for=one.user_id, grants=actors.EVERYTHING
    )
    async with paused(replica, server):
        await made(server, program, "new")
        assert "new" in await names(server, one)
        assert "new" in await names(server, program)
        assert "new" not in await names(server, other)


async def test_whoever_has_just_signed_in_sees_what_they_did_before(server: Runtime, replica: Standby):
    realm, one, _ = await two_readers(server, replica)
    nobody = Actor(Kind.ANONYMOUS, realm.id, realm.slug, factories.ORIGIN)
    async with server.write(factories.roster_in(realm)) as tx:
        person = await users.create(tx, UserDraft(username="person"))
        await access.assign(tx, (await access.find_role(tx, "admin")).id, person.id)
    await passwords.set_password(server, factories.roster_in(realm), person.id, PASSWORD)
    async with paused(replica, server):
        granted = await login.password(server, nobody, "person", PASSWORD)
        actor = await factories.acting_as(server, realm, person)
        async with server.read(actor) as tx:
            opened = await audit.search(tx, Compare("action", Op.EQ, "session.opened"), (), HUNDRED)
        assert granted is not None
        assert len(opened.items) == 1
        async with server.read(one) as tx:
            assert not (await audit.search(tx, Compare("action", Op.EQ, "session.opened"), (), HUNDRED)).items


async def test_what_is_taken_away_counts_at_once(server: Runtime, replica: Standby):
    realm, one, _ = await two_readers(server, replica)
    person = await factories.a_person(server, realm, "reader", roles=("admin",))
    reader = await factories.acting_as(server, realm, person)
    await replica.caught_up(server.pool.dsn)
    assert len(await names(server, reader)) == 3
    async with paused(replica, server):
        async with server.write(one) as tx:
            await access.set_assignments(tx, person.id, ())
        with pytest.raises(Forbidden):
            await names(server, await factories.acting_as(server, realm, person))


async def test_whoever_is_put_out_of_an_organisation_no_longer_finds_it(server: Runtime, replica: Standby):
    """Which are somebody's is not a matter of the list, but of what they may know."""
    realm, one, _ = await two_readers(server, replica)
    org = await founded(server, realm, await factories.a_person(server, realm))
    person = await joined(server, realm, org)
    await replica.caught_up(server.pool.dsn)
    assert await organisations(server, realm, person) == [org.id]
    async with paused(replica, server):
        async with server.write(one) as tx:
            await memberships.remove(tx, org.id, person.id)
        assert await organisations(server, realm, person) == []


async def organisations(runtime: Runtime, realm: Realm, user: User) -> list[OrgId]:
    async with runtime.read(await factories.acting_as(runtime, realm, user)) as tx:
        return [each.id for each in (await orgs.search(tx, None, (), HUNDRED)).items]


async def test_another_realm_is_never_seen(server: Runtime, replica: Standby):
    _, one, other = await two_readers(server, replica)
    _, stranger, _ = await two_readers(server, replica)
    async with paused(replica, server):
        await made(server, stranger, "strange")
        assert await names(server, one) == await names(server, other) == ["one", "other"]


async def test_in_a_transaction_everything_is_read_where_it_is_written(server: Runtime, replica: Standby):
    _, one, _ = await two_readers(server, replica)
    before = first(server).answered
    async with server.write(one) as tx:
        await users.create(tx, UserDraft(username="new"))
        assert len((await search(tx, None, (), HUNDRED)).items) == 3
    assert first(server).answered == before


async def test_who_has_no_name_reads_the_primary(server: Runtime, replica: Standby):
    """A program without a key of its own: nobody could say what it has written."""
    realm, one, _ = await two_readers(server, replica)
    async with paused(replica, server):
        await made(server, one, "new")
        assert "new" in await names(server, factories.roster_in(realm))


async def test_whoever_looks_somebody_up_finds_them_at_once(server: Runtime, replica: Standby):
    """They may have been told of them."""
    _, one, other = await two_readers(server, replica)
    async with paused(replica, server):
        new = await made(server, one, "new")
        async with server.read(other) as tx:
            for where in (Compare("username", Op.EQ, "new"), All((EVERYTHING, Compare("id", Op.IN, (str(new.id),))))):
                assert [each.id for each in (await search(tx, where, (), HUNDRED)).items] == [new.id]
                assert [each.id for each in await documents.found(tx, where)] == [new.id]


async def test_a_cursor_is_good_wherever_its_list_was_read(server: Runtime, replica: Standby):
    """The row that it stands behind may not be there yet."""
    _, one, other = await two_readers(server, replica)
    async with paused(replica, server):
        new = await made(server, one, "new")
        async with server.read(other) as tx:
            assert not (await search(tx, None, (), Page(10, behind=new.id))).items


async def test_one_that_is_too_far_behind_is_left_out_until_it_has_caught_up(
    server: Runtime, replica: Standby, tmp_path: Path
):
    _, one, other = await two_readers(server, replica)
    async with serving(server.pool.dsn, [replica.beside(server.pool.dsn)], tmp_path / "strict", lag=1) as strict:
        await standby.until_usable(strict)
        async with paused(replica, server):
            await made(server, one, "new")
            await standby.until(strict, lambda each: not each.is_usable)
            assert "new" in await names(strict, other)
            assert strict.replicas.none_usable == 1
            assert first(strict).bytes_behind > 0
        async with asyncio.timeout(60):
            while not first(strict).answered:
                assert "new" in await names(strict, other)


async def test_what_a_replica_breaks_off_is_read_from_the_primary(server: Runtime, replica: Standby):
    """The primary clears away rows that are being read: the replica follows it, and gives up its reader."""
    _, one, other = await two_readers(server, replica)
    reading = asyncio.Event()

    async def work(tx: Tx) -> bool:
        if tx.is_copy:
            async with tx.transaction():
                await tx.value("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                await tx.value("SELECT count(*) FROM users")
                reading.set()
                await tx.value("SELECT pg_sleep(60)")
        return tx.is_copy

    async with server.read(other) as tx, asyncio.timeout(50):
        found = asyncio.create_task(replicas.read(tx, work))
        await reading.wait()
        connection = await asyncpg.connect(server.pool.dsn)
        person = await made(server, one, "new")
        await connection.execute("UPDATE users SET display_name = 'other' WHERE id = $1", person.id)
        await connection.execute("VACUUM (FREEZE) users")
        await connection.close()
        assert await found is False
    assert first(server).failed == 1
    await standby.until_usable(server)


async def test_a_replica_that_does_not_answer_keeps_nobody_waiting_for_long(server: Runtime, replica: Standby):
    _, _, other = await two_readers(server, replica)
    assert len(await names(server, other)) == 2
    replica.freeze()
    try:
        async with asyncio.timeout(20):
            assert len(await names(server, other)) == 2
    finally:
        replica.thaw()
    await standby.until_usable(server)
    before = first(server).answered
    assert len(await names(server, other)) == 2
    assert first(server).answered == before + 1


async def test_a_replica_that_goes_while_the_primary_is_asked_breaks_nothing_off_there(
    server: Runtime, replica: Standby
):
    _, _, other = await two_readers(server, replica)
    connection = await asyncpg.connect(server.pool.dsn)
    async with connection.transaction():
        await connection.execute("LOCK TABLE recent_writes")
        found = asyncio.create_task(names(server, other))
        async with asyncio.timeout(60):
            while not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                await asyncio.sleep(0.01)
        first(server).leave_out()
    await connection.close()
    assert await found == ["one", "other"]


async def test_each_person_stays_with_one_replica(server: Runtime, replica: Standby, tmp_path: Path):
    """Of two, one may be behind the other: what somebody has seen would come and go."""
    _, one, _ = await two_readers(server, replica)
    url = replica.beside(server.pool.dsn)
    async with serving(server.pool.dsn, [url, url], tmp_path / "two") as runtime:
        await standby.until_usable(runtime)
        for _ in range(3):
            await names(runtime, one)
        assert sorted(each.answered for each in runtime.replicas) == [0, 3]
        next(each for each in runtime.replicas if each.answered).leave_out()
        await names(runtime, one)
        assert sum(each.answered for each in runtime.replicas) == 4


async def test_what_is_no_replica_of_this_database_is_left_out_and_said_to_be(
    shared: str, replica: Standby, tmp_path: Path
):
    for number, (wrong, word) in enumerate(
        [
            (shared, "takes writes"),
            (replica.dsn_for("roster", "roster"), "another database"),
            (replica.dsn_for("nobody", "roster"), "cannot be reached"),
        ]
    ):
        async with serving(shared, [wrong], tmp_path / str(number)) as runtime:
            await standby.until(runtime, lambda each: each.trouble != "")
            assert word in first(runtime).trouble
            assert not first(runtime).is_usable
            async with runtime.lease() as tx:
                with pytest.raises(Exception, match=word):
                    await watching.behind(tx, wrong)


async def test_one_that_is_promoted_is_left_out(shared: str, fragile: embedded.Embedded, tmp_path: Path):
    with standby.following(fragile) as replica:
        async with serving(shared, [replica.beside(shared)], tmp_path / "server") as runtime:
            _, one, other = await two_readers(runtime, replica)
            await standby.until_usable(runtime)
            await replica.promote()
            await made(runtime, one, "new")
            assert "new" in await names(runtime, one)
            await standby.until(runtime, lambda each: "takes writes" in each.trouble)
            assert "new" in await names(runtime, other)


async def test_only_what_was_written_is_noted_and_not_for_ever(server: Runtime, replica: Standby):
    realm, one, _ = await two_readers(server, replica)
    assert await noted(server, one) == 0
    async with server.write(one) as tx:
        await tx.value("SELECT 1")
    with pytest.raises(UsernameTaken):
        await two_alike(server, one)
    assert await noted(server, one) == 0

    await made(server, one, "new")
    assert await noted(server, one) == 1
    await watching.forget(server)
    assert await noted(server, one) == 1
    async with server.lease() as tx:
        await tx.run("UPDATE recent_writes SET at = now() - interval '61 minutes'")
    assert await watching.forget(server, batch=1) >= 1
    assert await noted(server, one) == 0

    plain = app.runtime_of(factories.settings(server.settings.data), server.pool.dsn)
    await made(plain, one, "unnoted")
    await plain.close()
    assert await noted(server, one) == 0
    assert "unnoted" in await names(server, factories.roster_in(realm))


async def two_alike(runtime: Runtime, actor: Actor) -> None:
    async with runtime.write(actor) as tx:
        for _ in range(2):
            await users.create(tx, UserDraft(username="gone"))


async def noted(runtime: Runtime, actor: Actor) -> int:
    async with runtime.lease() as tx:
        return await tx.value("SELECT count(*) FROM recent_writes WHERE writer = $1", actor.user_id)
