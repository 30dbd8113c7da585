"""Signing in through external providers, and who gets linked to whom."""

import asyncio

import msgspec
import pytest

from roster.core.credentials import service as credentials
from roster.core.credentials.models import Identity
from roster.core.flows import external, login
from roster.core.flows.errors import LinkRequired
from roster.core.flows.models import Granted, StepNeeded
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, StepUpRequired
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person, identity, nobody


async def by(runtime: Runtime, realm: Realm, **known: object) -> Granted:
    done = await external.sign_in(runtime, nobody(realm), identity(**known))  # type: ignore[arg-type]
    assert isinstance(done, Granted)
    return done


async def test_a_stranger_gets_an_account_and_comes_back_to_it(runtime: Runtime, realm: Realm):
    first = await by(runtime, realm, subject="7", email="jo@example.org", email_verified=True, display_name="Jo")
    second = await by(runtime, realm, subject="7", email="changed@example.org")

    assert first.user.id == second.user.id
    assert first.user.username == "jo"
    assert first.user.email_verified_at is not None
    assert first.session.factors == ("external",)


async def test_people_with_one_subject_at_two_providers_are_two(runtime: Runtime, realm: Realm):
    first = await by(runtime, realm, subject="7")
    other = msgspec.structs.replace(identity("7"), provider="another")

    second = await external.sign_in(runtime, nobody(realm), other)

    assert isinstance(second, Granted)
    assert first.user.id != second.user.id


async def test_an_address_verified_on_both_sides_links(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, email="jo@example.org", email_verified=True)

    granted = await by(runtime, realm, email="JO@example.org", email_verified=True)

    assert granted.user.id == person.id


@pytest.mark.parametrize(("here", "there"), [(False, True), (True, False), (False, False)])
async def test_an_address_verified_on_one_side_only_links_nobody(
    runtime: Runtime, realm: Realm, here: bool, there: bool
):
    person = await people.a_member(runtime, realm, email="jo@example.org", email_verified=here)

    with pytest.raises(LinkRequired):
        await external.sign_in(runtime, nobody(realm), identity(email="jo@example.org", email_verified=there))

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert [each.kind for each in await credentials.list_of(tx, person.id)] == ["password"]
    assert await people.value(runtime, "SELECT count(*) FROM users WHERE realm_id = $1", realm.id) == 1


async def test_a_username_that_looks_like_an_address_links_nobody(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, username="jo@example.org", email="jo@example.org")

    with pytest.raises(LinkRequired):
        await external.sign_in(runtime, nobody(realm), identity(email="jo@example.org", email_verified=True))
    assert person.user.email_verified_at is None


async def test_an_address_of_a_deleted_person_is_not_linked(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, email="jo@example.org", email_verified=True)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, person.id)

    with pytest.raises(LinkRequired):
        await external.sign_in(runtime, nobody(realm), identity(email="jo@example.org", email_verified=True))


@pytest.mark.parametrize("state", ["disabled", "pending", "deleted"])
async def test_an_identity_of_a_person_out_of_order_neither_signs_in_nor_registers(
    runtime: Runtime, realm: Realm, state: str
):
    granted = await by(runtime, realm, subject="7")
    async with runtime.write(factories.roster_in(realm)) as tx:
        if state == "deleted":
            await users.delete(tx, granted.user.id)
        else:
            await users.change(tx, granted.user.id, people.status(state))

    with pytest.raises(BadCredentials):
        await external.sign_in(runtime, nobody(realm), identity("7"))


@pytest.mark.parametrize("linked", [True, False])
async def test_the_second_factor_is_asked_for_here_too(runtime: Runtime, realm: Realm, linked: bool):
    person = await people.a_member(runtime, realm, email="jo@example.org", email_verified=True)
    who = identity("7", email="jo@example.org", email_verified=True)
    if linked:
        await external.sign_in(runtime, nobody(realm), who)
    seed, _ = await people.with_second_factor(runtime, person)

    step = await external.sign_in(runtime, nobody(realm), who)

    assert isinstance(step, StepNeeded)
    granted = await login.second_factor(runtime, nobody(realm), step.proof, people.code_of(seed))
    assert granted.session.factors == ("external", "totp")


async def test_a_signed_in_person_gets_the_identity_attached(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    who = identity(email="someone-else@example.org")

    done = await external.sign_in(runtime, actor, who)

    assert isinstance(done, Granted)
    assert done.session.id == actor.session_id
    assert (await by(runtime, person.realm, subject=who.subject)).user.id == person.id


async def test_attaching_takes_a_recent_sign_in(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    await people.execute(
        runtime,
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes' WHERE id = $1",
        granted.session.id,
    )

    with pytest.raises(StepUpRequired):
        await external.sign_in(runtime, await people.actor_of(runtime, person, granted.access_token), identity("7"))


async def test_an_identity_moves_with_the_sessions_it_opened(runtime: Runtime, person: Person):
    before = await by(runtime, person.realm, subject="7")

    await external.sign_in(runtime, await people.signed_in(runtime, person), identity("7"))

    assert (await by(runtime, person.realm, subject="7")).user.id == person.id
    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, Person(person.realm, before.user), before.access_token)


async def test_an_identity_of_another_realm_is_unknown_here(runtime: Runtime, realm: Realm, other_realm: Realm):
    there = await by(runtime, other_realm, subject="7")
    here = await by(runtime, realm, subject="7")

    assert here.user.id != there.user.id


@pytest.mark.parametrize(("provider", "subject"), [("example", "nul \0"), ("x" * 65, "7"), ("example", "7" * 256)])
async def test_an_identity_that_cannot_be_stored_is_refused(
    runtime: Runtime, person: Person, provider: str, subject: str
):
    actor = await people.signed_in(runtime, person)

    with pytest.raises(InvalidInput):
        await external.sign_in(runtime, actor, Identity(provider, subject))


async def test_a_closed_realm_takes_no_strangers(runtime: Runtime):
    realm = await factories.a_realm(runtime, self_registration=False)

    with pytest.raises(Forbidden):
        await external.sign_in(runtime, nobody(realm), identity())


@pytest.mark.parametrize(
    "wished", ["admin", "me", "jo@elsewhere.example", "a/b?c", "", "\0", "+4670", "x" * 300, "ÅÄÖ"]
)
async def test_a_name_that_is_taken_or_odd_is_no_obstacle(runtime: Runtime, realm: Realm, wished: str):
    await people.a_member(runtime, realm, username="admin")

    first = await by(runtime, realm, username=wished)
    second = await by(runtime, realm, username=wished)

    assert first.user.id != second.user.id


async def test_parallel_first_sign_ins_of_one_person_make_one_account(runtime: Runtime, realm: Realm):
    who = identity("7", email="jo@example.org", email_verified=True)

    outcomes = await asyncio.gather(
        *(external.sign_in(runtime, nobody(realm), who) for _ in range(6)), return_exceptions=True
    )

    assert all(isinstance(outcome, Granted) for outcome in outcomes), outcomes
    assert await people.value(runtime, "SELECT count(*) FROM users WHERE realm_id = $1", realm.id) == 1
