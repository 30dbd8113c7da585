"""Verifying an address, and recovering a lost password, by mailed proofs."""

import asyncio

import pytest

from roster.core.credentials import service as credentials
from roster.core.flows import login, passwords
from roster.core.flows.models import StepNeeded
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.tokens import proofs
from roster.core.tokens import service as tokens
from roster.core.tokens.models import Purpose
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit.actor import Origin
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import PASSWORD, Person, nobody

LINK = "/recover?user={user_id}&token={token}"
NEW = "an entirely new secret"


@pytest.fixture
async def mailed(runtime: Runtime, realm: Realm) -> Person:
    """A person with an address."""
    return await people.a_member(runtime, realm, email="Jo@Example.org", locale="sv")


async def request(runtime: Runtime, person: Person, name: str = "") -> str:
    await recovery.request(runtime, nobody(person.realm), name or person.username, LINK)
    return await people.mailed_token(runtime, person.realm, "recover_password")


async def verification(runtime: Runtime, person: Person) -> str:
    actor = factories.roster_in(person.realm)
    await recovery.request_verification(runtime, actor, person.id, LINK)
    return await people.mailed_token(runtime, person.realm, "verify_email")


async def set_status(runtime: Runtime, person: Person, state: str) -> None:
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        if state == "deleted":
            await users.delete(tx, person.id)
        elif state == "readdressed":
            await users.change(tx, person.id, UserChange(email="other@example.org"))
        else:
            await users.change(tx, person.id, people.status(state))


async def test_a_link_is_mailed_to_the_stored_address(runtime: Runtime, mailed: Person):
    token = await request(runtime, mailed, "JO@example.ORG")

    [(recipient, values)] = await people.links(runtime, mailed.realm, "recover_password")
    assert recipient == "Jo@example.org"
    base = runtime.settings.server.public_url
    assert values["link"] == f"{base}/recover?user={mailed.id}&token={token}"
    assert values["username"] == mailed.username
    assert values["expires_in"] == 900


async def test_a_new_password_by_proof_works_and_ends_all_sessions(runtime: Runtime, mailed: Person):
    granted = [await people.sign_in(runtime, mailed) for _ in range(2)]
    token = await request(runtime, mailed)

    await passwords.recover(runtime, nobody(mailed.realm), token, NEW)

    for each in granted:
        with pytest.raises(InvalidToken):
            await people.actor_of(runtime, mailed, each.access_token)
        with pytest.raises(InvalidToken):
            await login.refresh(runtime, nobody(mailed.realm), each.refresh_token)
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(mailed.realm), mailed.username, PASSWORD)
    await people.sign_in(runtime, mailed, NEW)


async def test_a_proof_recovers_once_also_when_used_in_parallel(runtime: Runtime, mailed: Person):
    token = await request(runtime, mailed)

    outcomes = await asyncio.gather(
        *(passwords.recover(runtime, nobody(mailed.realm), token, f"new secret {number}") for number in range(8)),
        return_exceptions=True,
    )

    assert [outcome for outcome in outcomes if not isinstance(outcome, InvalidToken)] == [mailed.id]
    with pytest.raises(InvalidToken):
        await passwords.recover(runtime, nobody(mailed.realm), token, NEW)


async def test_a_refused_password_leaves_the_proof_good(runtime: Runtime, mailed: Person):
    token = await request(runtime, mailed)
    with pytest.raises(InvalidInput):
        await passwords.recover(runtime, nobody(mailed.realm), token, "short")

    await passwords.recover(runtime, nobody(mailed.realm), token, NEW)


async def test_one_recovery_makes_all_other_open_proofs_useless(runtime: Runtime, mailed: Person):
    first, second = await request(runtime, mailed), await request(runtime, mailed)
    verify = await verification(runtime, mailed)
    await passwords.recover(runtime, nobody(mailed.realm), second, NEW)

    with pytest.raises(InvalidToken):
        await passwords.recover(runtime, nobody(mailed.realm), first, "yet another secret")
    with pytest.raises(InvalidToken):
        await recovery.verify_email(runtime, nobody(mailed.realm), verify)


async def test_recovery_does_not_bypass_the_second_factor(runtime: Runtime, mailed: Person):
    await people.with_second_factor(runtime, mailed)
    await passwords.recover(runtime, nobody(mailed.realm), await request(runtime, mailed), NEW)

    assert isinstance(await login.password(runtime, nobody(mailed.realm), mailed.username, NEW), StepNeeded)


async def test_recovery_lets_a_person_in_whose_guesses_are_used_up(runtime: Runtime, mailed: Person):
    token = await request(runtime, mailed)
    for _ in range(10):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(mailed.realm), mailed.username, "wrong")
    with pytest.raises(TooMany):
        await login.password(runtime, nobody(mailed.realm), mailed.username, PASSWORD)

    await passwords.recover(runtime, nobody(mailed.realm), token, NEW)

    await people.sign_in(runtime, mailed, NEW)


@pytest.mark.parametrize("state", ["disabled", "pending", "deleted", "readdressed"])
async def test_a_proof_is_useless_to_people_who_are_not_in_order(runtime: Runtime, mailed: Person, state: str):
    token = await request(runtime, mailed)
    await set_status(runtime, mailed, state)

    with pytest.raises(InvalidToken):
        await passwords.recover(runtime, nobody(mailed.realm), token, NEW)

    assert await people.value(runtime, "SELECT hash FROM credentials WHERE user_id = $1", mailed.id) == people.HASH


async def test_a_proof_sets_nobody_elses_password(runtime: Runtime, mailed: Person):
    other = await people.a_member(runtime, mailed.realm)
    token = await request(runtime, mailed)
    async with runtime.lease() as tx:
        actor = await proofs.authenticate(tx, mailed.realm.slug, token, Origin())

    with pytest.raises(Forbidden):
        await passwords.set_password(runtime, actor, other.id, NEW)
    await passwords.set_password(runtime, actor, mailed.id, NEW)
    with pytest.raises(InvalidToken):
        await passwords.set_password(runtime, actor, mailed.id, "yet another secret")


async def test_a_verification_proof_sets_no_password(runtime: Runtime, mailed: Person):
    token = await verification(runtime, mailed)

    with pytest.raises(InvalidToken):
        await passwords.recover(runtime, nobody(mailed.realm), token, NEW)


@pytest.mark.parametrize("case", ["known", "unknown", "no address", "disabled", "pending", "deleted", "flooded"])
async def test_requesting_recovery_tells_nothing_and_does_the_same_work(runtime: Runtime, realm: Realm, case: str):
    person = await people.a_member(runtime, realm, email=None if case == "no address" else "jo@example.org")
    await request_quietly(runtime, realm, "somebody")
    await request_quietly(runtime, realm, "somebody")
    if case in ("disabled", "pending", "deleted"):
        await set_status(runtime, person, case)
    for _ in range(5 if case == "flooded" else 0):
        await request_quietly(runtime, realm, person.username)
    before = len(await people.links(runtime, realm, "recover_password"))

    with people.counting() as statements:
        await request_quietly(runtime, realm, "unknown" if case == "unknown" else person.username)

    assert len(statements) == 7, statements
    assert len(await people.links(runtime, realm, "recover_password")) - before == (case == "known")


async def request_quietly(runtime: Runtime, realm: Realm, name: str) -> None:
    answer = await recovery.request(runtime, nobody(realm), name, LINK)  # type: ignore[func-returns-value]
    assert answer is None


async def test_mail_is_limited_per_person_whatever_they_are_called(runtime: Runtime, mailed: Person):
    for name in (mailed.username, "jo@example.org", str(mailed.id), "JO@EXAMPLE.ORG") * 3:
        await request_quietly(runtime, mailed.realm, name)

    assert len(await people.links(runtime, mailed.realm, "recover_password")) == 5


async def test_mail_is_limited_per_address(runtime: Runtime, realm: Realm):
    for number in range(30):
        await recovery.request(runtime, nobody(realm, "192.0.2.9"), f"unknown-{number}", LINK)

    with pytest.raises(TooMany):
        await recovery.request(runtime, nobody(realm, "192.0.2.9"), "unknown", LINK)


async def test_recovery_hashes_nothing_before_the_proof_is_good(
    runtime: Runtime, mailed: Person, workers: CountingWorkers
):
    with pytest.raises(InvalidToken):
        await passwords.recover(runtime, nobody(mailed.realm), "no.such.token", NEW)

    assert workers.ran == []


async def test_an_address_is_verified_once_by_its_proof(runtime: Runtime, mailed: Person):
    token = await verification(runtime, mailed)

    user = await recovery.verify_email(runtime, nobody(mailed.realm), token)

    assert user.email_verified_at is not None
    assert user.version == mailed.user.version + 1
    with pytest.raises(InvalidToken):
        await recovery.verify_email(runtime, nobody(mailed.realm), token)


async def test_of_parallel_verifications_one_counts(runtime: Runtime, mailed: Person):
    token = await verification(runtime, mailed)

    outcomes = await asyncio.gather(
        *(recovery.verify_email(runtime, nobody(mailed.realm), token) for _ in range(8)), return_exceptions=True
    )

    assert sum(isinstance(outcome, InvalidToken) for outcome in outcomes) == 7


@pytest.mark.parametrize("state", ["disabled", "deleted", "readdressed"])
async def test_a_verification_proof_is_bound_to_the_address_and_the_person(
    runtime: Runtime, mailed: Person, state: str
):
    token = await verification(runtime, mailed)
    await set_status(runtime, mailed, state)

    with pytest.raises(InvalidToken):
        await recovery.verify_email(runtime, nobody(mailed.realm), token)

    verified = await people.value(runtime, "SELECT email_verified_at FROM users WHERE id = $1", mailed.id)
    assert verified is None


async def test_an_address_that_came_back_needs_a_proof_of_its_own_time(runtime: Runtime, mailed: Person):
    await recovery.verify_email(runtime, nobody(mailed.realm), await verification(runtime, mailed))
    await set_status(runtime, mailed, "readdressed")
    async with runtime.write(factories.roster_in(mailed.realm)) as tx:
        user = await users.change(tx, mailed.id, UserChange(email="jo@example.org"))

    assert user.email_verified_at is None


async def test_verification_is_asked_for_by_oneself_or_those_who_may_change_people(
    runtime: Runtime, mailed: Person, realm: Realm
):
    own = await people.signed_in(runtime, mailed)
    stranger = await people.signed_in(runtime, await people.a_member(runtime, realm))

    await recovery.request_verification(runtime, own, mailed.id, LINK)
    with pytest.raises(Forbidden):
        await recovery.request_verification(runtime, stranger, mailed.id, LINK)
    assert stranger.user_id is not None
    with pytest.raises(InvalidInput):
        await recovery.request_verification(runtime, stranger, stranger.user_id, LINK)


async def test_asking_for_verification_is_limited(runtime: Runtime, mailed: Person):
    for _ in range(5):
        await verification(runtime, mailed)

    with pytest.raises(TooMany):
        await verification(runtime, mailed)


async def test_a_queued_message_holds_no_readable_token(runtime: Runtime, mailed: Person):
    token = await request(runtime, mailed)

    sealed = await people.value(runtime, "SELECT sealed FROM messages WHERE user_id = $1", mailed.id)

    assert isinstance(sealed, bytes)
    assert token.encode() not in sealed
    assert b"token" not in sealed


async def test_a_mailed_token_is_no_access_token(runtime: Runtime, mailed: Person):
    for token in (await request(runtime, mailed), await verification(runtime, mailed)):
        async with runtime.lease() as tx:
            with pytest.raises(InvalidToken):
                await tokens.authenticate(tx, mailed.realm.slug, token, Origin())


async def test_a_recovery_gives_a_first_password_to_those_who_had_none(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm, email="new@example.org")
    person = Person(realm, user)

    await passwords.recover(runtime, nobody(realm), await request(runtime, person), NEW)

    await people.sign_in(runtime, person, NEW)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert [each.kind for each in await credentials.list_of(tx, user.id)] == ["password"]
        with pytest.raises(InvalidToken):
            await proofs.read(
                tx, await people.mailed_token(runtime, realm, "recover_password"), Purpose.RECOVER_PASSWORD
            )
