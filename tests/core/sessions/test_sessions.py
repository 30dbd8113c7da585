"""Listing, ending and touching sessions."""

import asyncio
from datetime import timedelta

import pytest

from roster.core.flows import login
from roster.core.flows.models import Granted
from roster.core.realms.models import Realm
from roster.core.sessions import activity
from roster.core.sessions import service as sessions
from roster.core.sessions.errors import SessionNotFound
from roster.core.sessions.models import Opening, Session
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit.actor import Origin, anonymous
from roster.kit.errors import Forbidden, InvalidToken
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person


async def test_people_see_and_end_their_own_sessions(runtime: Runtime, person: Person):
    first = await people.sign_in(runtime, person)
    actor = await people.signed_in(runtime, person)

    async with runtime.write(actor) as tx:
        assert {session.id for session in await sessions.list_of(tx, person.id)} == {first.session.id, actor.session_id}
        await sessions.end(tx, first.session.id)
        assert [session.id for session in await sessions.list_of(tx, person.id)] == [actor.session_id]

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, first.access_token)


async def test_nobody_sees_or_ends_the_sessions_of_others(runtime: Runtime, person: Person, realm: Realm):
    granted = await people.sign_in(runtime, person)
    stranger = await people.signed_in(runtime, await people.a_member(runtime, realm))

    async with runtime.write(stranger) as tx:
        with pytest.raises(Forbidden):
            await sessions.list_of(tx, person.id)
        with pytest.raises(Forbidden):
            await sessions.end_all(tx, person.id)
        with pytest.raises(SessionNotFound):
            await sessions.get(tx, granted.session.id)
        with pytest.raises(SessionNotFound):
            await sessions.end(tx, granted.session.id)

    await people.actor_of(runtime, person, granted.access_token)


async def test_an_administrator_ends_all_sessions_of_a_person(runtime: Runtime, person: Person, realm: Realm):
    tokens = [(await people.sign_in(runtime, person)).access_token for _ in range(3)]
    administrator = await people.a_member(runtime, realm, roles=("admin",))

    async with runtime.write(await people.signed_in(runtime, administrator)) as tx:
        assert await sessions.end_all(tx, person.id) == 3

    for token in tokens:
        with pytest.raises(InvalidToken):
            await people.actor_of(runtime, person, token)


async def test_a_session_of_another_realm_is_not_there(runtime: Runtime, person: Person, other_realm: Realm):
    granted = await people.sign_in(runtime, person)

    async with runtime.write(factories.roster_in(other_realm)) as tx:
        with pytest.raises(SessionNotFound):
            await sessions.end(tx, granted.session.id)

    await people.actor_of(runtime, person, granted.access_token)


async def test_sessions_of_a_person_who_was_disabled_stay_ended_afterwards(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    for status in ("disabled", "active"):
        async with runtime.write(factories.roster_in(person.realm)) as tx:
            await users.change(tx, person.id, UserChange(status=status))

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)


async def test_use_is_noted_once_a_minute_and_written_together(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    await activity.flush(runtime)
    await people.actor_of(runtime, person, granted.access_token)
    assert (person.realm.id, granted.session.id) not in _noted(runtime)
    await people.execute(
        runtime,
        "UPDATE sessions SET last_used_at = last_used_at - interval '1 hour' WHERE id = $1",
        granted.session.id,
    )
    runtime.voids.void([str(person.id)])  # what is remembered of the session says that it was used just now

    await people.actor_of(runtime, person, granted.access_token)
    await people.actor_of(runtime, person, granted.access_token)
    assert (person.realm.id, granted.session.id) in _noted(runtime)
    await activity.flush(runtime)

    async with runtime.read(factories.roster_in(person.realm)) as tx:
        session = await sessions.get(tx, granted.session.id)
    assert session.last_used_at >= granted.session.created_at


def _noted(runtime: Runtime) -> dict[object, object]:
    noted = runtime.memo["used sessions"]
    assert isinstance(noted, dict)
    return noted


async def test_what_a_client_says_about_itself_is_kept_as_far_as_it_can_be_shown(runtime: Runtime, person: Person):
    origin = Origin(dialect="test", user_agent="odd\0 \x1b[31m agent" + "x" * 1000)
    actor = anonymous(person.realm.id, person.realm.slug, origin)

    done = await login.password(runtime, actor, person.username, people.PASSWORD, label="till\n7")

    assert isinstance(done, Granted)
    assert done.session.user_agent.startswith("odd [31m agentx")
    assert len(done.session.user_agent) <= 500
    assert done.session.label == "till7"


async def test_the_sweep_removes_only_what_nobody_can_use(runtime: Runtime, person: Person):
    old, ended, live = [await people.sign_in(runtime, person) for _ in range(3)]
    for column, granted in (("expires_at", old), ("ended_at", ended)):
        await people.execute(
            runtime, f"UPDATE sessions SET {column} = now() - interval '31 days' WHERE id = $1", granted.session.id
        )

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        assert await sessions.sweep(tx) == 2
        assert (await sessions.get(tx, live.session.id)).ended_at is None
        assert await sessions.sweep(tx, timedelta(0)) == 0


async def test_many_sign_ins_of_one_person_at_the_same_moment_are_noted_without_a_new_version(
    runtime: Runtime, person: Person
):
    async def open_one() -> Session:
        async with runtime.write(factories.roster_in(person.realm)) as tx:
            return await sessions.open(tx, Opening(person.id, ("password",)))

    opened = await asyncio.gather(*(open_one() for _ in range(8)))
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        after = await users.get(tx, person.id)
    assert after.last_sign_in_at in {each.created_at for each in opened}
    assert (after.version, after.updated_at) == (person.user.version, person.user.updated_at)
