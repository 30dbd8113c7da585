"""Inviting many by a job: fast, once, whatever happens to the server, and with word to whoever asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from roster import app
from roster.core.invitations import service as invitations
from roster.core.invitations.errors import BatchNotFound
from roster.core.invitations.models import MOST, SET, Batch, Invitee
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people
from tests.core.invitations import inviting


@pytest.fixture
async def own_runtime(own_dsn: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """A server on a database of its own, whose queue holds nothing else."""
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    yield runtime
    await runtime.close()


@pytest.fixture
async def own_realm(own_runtime: Runtime) -> Realm:
    return await factories.a_realm(own_runtime)


@pytest.fixture
async def founder(own_runtime: Runtime, own_realm: Realm) -> User:
    return await factories.a_person(own_runtime, own_realm, email="founder@example.org", locale="sv")


@pytest.fixture
async def org(own_runtime: Runtime, own_realm: Realm, founder: User) -> Org:
    return await inviting.an_org(own_runtime, own_realm, founder)


def crowd(count: int) -> list[Invitee]:
    return [Invitee(f"p{number}@example.org", given_name=f"P{number}") for number in range(count)]


async def asked(runtime: Runtime, realm: Realm, founder: User, org: Org, invitees: list[Invitee]) -> Batch:
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        return await invitations.invite_later(tx, org.id, invitees, link=inviting.LINK)


async def state(runtime: Runtime, realm: Realm, org: Org, batch_id: UUID) -> Batch:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await invitations.batch(tx, org.id, batch_id)


async def test_a_crowd_is_invited_by_a_job_and_its_host_is_told(
    own_runtime: Runtime, own_realm: Realm, founder: User, org: Org
):
    wanted = [*crowd(SET + 100), Invitee("p1@example.org"), Invitee("founder@example.org"), Invitee("nonsense")]
    made = await asked(own_runtime, own_realm, founder, org, wanted)
    assert (made.state, made.people, made.invited) == ("queued", SET + 103, 0)
    assert await people.links(own_runtime, own_realm, "invitation") == []

    await app.jobs(own_runtime, is_only_server=True).run_waiting()

    done = await state(own_runtime, own_realm, org, made.id)
    assert (done.state, done.invited, done.skipped, done.failed) == ("done", SET + 100, 2, 1)
    assert len(await people.links(own_runtime, own_realm, "invitation")) == SET + 100
    [(recipient, values)] = await people.links(own_runtime, own_realm, "invitations_sent")
    assert recipient == "founder@example.org"
    assert (values["invited"], values["skipped"], values["failed"], values["organisation"]) == (600, 2, 1, "Medics")
    async with own_runtime.read(factories.roster_in(own_realm)) as tx:
        first = await invitations.outcomes(tx, org.id, made.id, 0)
        second = await invitations.outcomes(tx, org.id, made.id, 1)
        assert await invitations.outcomes(tx, org.id, made.id, 2) is None
    assert first is not None
    assert second is not None
    assert [each.email for each in first] == [f"p{number}@example.org" for number in range(SET)]
    assert [each.problem for each in second[-3:]] == ["already_invited", "already_member", "invalid_email"]


async def test_a_job_that_runs_again_or_twice_at_once_invites_nobody_twice(
    own_runtime: Runtime, own_realm: Realm, founder: User, org: Org
):
    made = await asked(own_runtime, own_realm, founder, org, crowd(2 * SET))
    args = {"realm_id": str(own_realm.id), "batch_id": str(made.id)}

    await asyncio.gather(*(invitations.run(own_runtime, args) for _ in range(3)))
    await invitations.run(own_runtime, args)

    assert (await state(own_runtime, own_realm, org, made.id)).invited == 2 * SET
    assert len(await people.links(own_runtime, own_realm, "invitation")) == 2 * SET
    assert len(await people.links(own_runtime, own_realm, "invitations_sent")) == 1


async def test_a_job_that_was_killed_goes_on_where_it_was(
    own_runtime: Runtime, own_realm: Realm, founder: User, org: Org
):
    """Whatever moment it is broken off at: what a killed server had not committed is rolled back."""
    made = await asked(own_runtime, own_realm, founder, org, crowd(2 * SET))
    args = {"realm_id": str(own_realm.id), "batch_id": str(made.id)}
    for turns in (5, 40, 200):
        job = asyncio.ensure_future(invitations.run(own_runtime, args))
        for _ in range(turns):
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.wait([job])

    await invitations.run(own_runtime, args)

    done = await state(own_runtime, own_realm, org, made.id)
    assert (done.state, done.invited, done.skipped) == ("done", 2 * SET, 0)
    assert len(await people.links(own_runtime, own_realm, "invitation")) == 2 * SET


async def test_whoever_may_invite_no_more_invites_nobody(
    own_runtime: Runtime, own_realm: Realm, founder: User, org: Org
):
    made = await asked(own_runtime, own_realm, founder, org, crowd(3))
    async with own_runtime.write(factories.roster_in(own_realm)) as tx:
        await users.change(tx, founder.id, people.status("disabled"))

    await invitations.run(own_runtime, {"realm_id": str(own_realm.id), "batch_id": str(made.id)})

    done = await state(own_runtime, own_realm, org, made.id)
    assert (done.state, done.invited) == ("failed", 0)
    assert done.error
    kept = await people.value(own_runtime, "SELECT people FROM invitation_sets WHERE realm_id = $1", own_realm.id)
    assert kept == []
    assert await people.links(own_runtime, own_realm, "invitation") == []


async def test_old_jobs_are_forgotten(own_runtime: Runtime, own_realm: Realm, founder: User, org: Org):
    made = await asked(own_runtime, own_realm, founder, org, crowd(3))
    await invitations.run(own_runtime, {"realm_id": str(own_realm.id), "batch_id": str(made.id)})
    async with own_runtime.write(factories.roster_in(own_realm)) as tx:
        assert await invitations.sweep(tx) == 0
    await people.execute(own_runtime, "UPDATE invitation_batches SET created_at = now() - interval '31 days'")
    async with own_runtime.write(factories.roster_in(own_realm)) as tx:
        assert await invitations.sweep(tx) == 1
    with pytest.raises(BatchNotFound):
        await state(own_runtime, own_realm, org, made.id)
    await invitations.run(own_runtime, {"realm_id": str(own_realm.id), "batch_id": str(made.id)})


async def test_only_those_who_invite_see_what_a_job_did(runtime: Runtime, realm: Realm, other_realm: Realm):
    founder = await factories.a_person(runtime, realm)
    org = await inviting.an_org(runtime, realm, founder)
    second = await inviting.an_org(runtime, realm, founder)
    made = await asked(runtime, realm, founder, org, crowd(1))
    member = await factories.acting_as(runtime, realm, await making.joined(runtime, realm, org))
    foreign: list[tuple[Actor, Org, type[Exception]]] = [
        (member, org, Forbidden),
        (await factories.acting_as(runtime, realm, founder), second, BatchNotFound),
        (factories.roster_in(other_realm), org, OrgNotFound),
    ]

    for actor, where, refusal in foreign:
        async with runtime.read(actor) as tx:
            with pytest.raises(refusal):
                await invitations.batch(tx, where.id, made.id)
            with pytest.raises(refusal):
                await invitations.outcomes(tx, where.id, made.id, 0)


@pytest.mark.parametrize("count", [0, MOST + 1])
async def test_a_crowd_is_bounded(runtime: Runtime, realm: Realm, count: int):
    founder = await factories.a_person(runtime, realm)
    org = await inviting.an_org(runtime, realm, founder)

    with pytest.raises(InvalidInput):
        await asked(runtime, realm, founder, org, [Invitee("bo@example.org")] * count)
