"""Refresh tokens: they rotate, parallel use is forgiven for a moment, copies are noticed."""

import asyncio

import pytest

from roster.core.flows import login
from roster.core.flows.models import Granted
from roster.core.realms.models import Realm
from roster.core.sessions import refreshing
from roster.kit import ids, secrets
from roster.kit.errors import InvalidToken
from roster.kit.ids import RealmId, SessionId
from roster.storage.runtime import Runtime
from tests.core import people
from tests.core.people import Person, nobody


async def refreshed(runtime: Runtime, person: Person, text: str) -> Granted:
    return await login.refresh(runtime, nobody(person.realm), text)


async def later(runtime: Runtime, granted: Granted) -> None:
    """As if the last refresh were longer ago than the grace."""
    await people.execute(
        runtime, "UPDATE sessions SET refreshed_at = refreshed_at - interval '31 s' WHERE id = $1", granted.session.id
    )


async def ended_why(runtime: Runtime, granted: Granted) -> object:
    return await people.value(runtime, "SELECT end_reason FROM sessions WHERE id = $1", granted.session.id)


async def test_a_refresh_gives_new_tokens_for_the_same_session(runtime: Runtime, person: Person):
    first = await people.sign_in(runtime, person)

    second = await refreshed(runtime, person, first.refresh_token)
    third = await refreshed(runtime, person, second.refresh_token)

    assert first.session.id == second.session.id == third.session.id
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    actor = await people.actor_of(runtime, person, third.access_token)
    assert actor.authenticated_at == first.session.authenticated_at


async def test_fifty_parallel_refreshes_leave_one_family_alive(runtime: Runtime, person: Person):
    first = await people.sign_in(runtime, person)

    outcomes = await asyncio.gather(*(refreshed(runtime, person, first.refresh_token) for _ in range(50)))

    successors = {outcome.refresh_token for outcome in outcomes}
    assert len(successors) == 1
    await refreshed(runtime, person, successors.pop())
    assert await people.value(runtime, "SELECT generation FROM sessions WHERE id = $1", first.session.id) == 2


async def test_a_spent_token_within_the_grace_gives_the_same_successor(runtime: Runtime, person: Person):
    first = await people.sign_in(runtime, person)
    second = await refreshed(runtime, person, first.refresh_token)

    again = await refreshed(runtime, person, first.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert await ended_why(runtime, first) is None


async def test_a_spent_token_after_the_grace_ends_the_session(runtime: Runtime, person: Person):
    first = await people.sign_in(runtime, person)
    second = await refreshed(runtime, person, first.refresh_token)
    await later(runtime, first)

    with pytest.raises(InvalidToken):
        await refreshed(runtime, person, first.refresh_token)

    assert await ended_why(runtime, first) == "reused"
    with pytest.raises(InvalidToken):
        await refreshed(runtime, person, second.refresh_token)
    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, second.access_token)
    recorded = "SELECT count(*) FROM audit_entries WHERE realm_id = $1 AND action = 'session.reused'"
    assert await people.value(runtime, recorded, person.realm.id) == 1


async def test_a_token_two_generations_behind_ends_the_session_at_once(runtime: Runtime, person: Person):
    first = await people.sign_in(runtime, person)
    second = await refreshed(runtime, person, first.refresh_token)
    await refreshed(runtime, person, second.refresh_token)

    with pytest.raises(InvalidToken):
        await refreshed(runtime, person, first.refresh_token)

    assert await ended_why(runtime, first) == "reused"


async def test_a_reused_token_ends_no_other_session(runtime: Runtime, person: Person):
    first, other = await people.sign_in(runtime, person), await people.sign_in(runtime, person)
    await refreshed(runtime, person, first.refresh_token)
    await later(runtime, first)
    with pytest.raises(InvalidToken):
        await refreshed(runtime, person, first.refresh_token)

    await refreshed(runtime, person, other.refresh_token)


async def test_a_refresh_token_of_another_realm_is_refused_and_ends_nothing(
    runtime: Runtime, person: Person, other_realm: Realm
):
    granted = await people.sign_in(runtime, person)

    with pytest.raises(InvalidToken):
        await login.refresh(runtime, nobody(other_realm), granted.refresh_token)

    await refreshed(runtime, person, granted.refresh_token)


async def test_no_altered_refresh_token_is_taken(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    text = granted.refresh_token
    data = secrets.decode(text[3:])
    assert data is not None
    altered = ["rr_" + secrets.encode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) for at in range(len(data))]
    named = data[:32] + (7).to_bytes(4, "big")
    altered += ["rr_" + secrets.encode(named + bytes(32)), "rr_" + secrets.encode(data[:36])]
    altered += [text[:-1], text + "A", text + "=", text[3:], "RR_" + text[3:], "", "rr_", text + "\n", " " + text]
    altered += [granted.access_token, "rr_" + "é" * 91, "rr_\ud800"]

    for each in altered:
        with pytest.raises(InvalidToken):
            await refreshed(runtime, person, each)

    await refreshed(runtime, person, text)


async def test_a_refresh_reaches_no_further_than_the_session_may_last(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm)
    granted = await people.sign_in(runtime, person)
    await people.execute(
        runtime, "UPDATE sessions SET created_at = created_at - interval '29 days' WHERE id = $1", granted.session.id
    )

    after = await refreshed(runtime, person, granted.refresh_token)

    left = after.session.expires_at - granted.session.created_at
    assert 0 < left.total_seconds() <= 86400 + 60


def test_a_refresh_token_says_what_it_was_made_for(runtime: Runtime):
    realm_id, session_id = RealmId(ids.uuid7()), SessionId(ids.uuid7())

    found = refreshing.read(runtime.keyring, refreshing.write(runtime.keyring, realm_id, session_id, 5))

    assert found == refreshing.Presented(realm_id, session_id, 5)
