"""Passwords and PINs as keys: one password, typed or derived, works in every way that the realm allows."""

import asyncio
import base64
import unicodedata

import pytest

from roster.core.credentials import chosen, signing
from roster.core.credentials import service as credentials
from roster.core.credentials.models import SigningDraft
from roster.core.flows import identified, login, passwords, pins, signup
from roster.core.mfa import service as mfa
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.core.users import service as users
from roster.core.users.models import UserChange, UserDraft
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, StepUpRequired, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import PASSWORD, Person
from tests.core.signed.signing import a_key, a_request, authenticated

KDF = {"key_derivation": "roster-kdf-1"}


def derived(person: Person, secret: str = PASSWORD) -> bytes:
    return chosen.roster_kdf_1("password", secret, person.username, person.realm.slug)


def named(person: Person, scheme: str = "usr") -> str:
    return f"{scheme}:{person.username}@{person.realm.slug}"


async def signs(runtime: Runtime, person: Person, secret: str = PASSWORD) -> Actor:
    return await authenticated(runtime, person.realm.slug, a_request(named(person), derived(person, secret)))


async def a_deriving_person(runtime: Runtime, **known: object) -> Person:
    return await people.a_member(runtime, await factories.a_realm(runtime, **KDF), **known)  # type: ignore[arg-type]


async def key_set(runtime: Runtime, person: Person, key: bytes) -> None:
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await passwords.set_key(tx, person.id, key)


def test_the_keys_of_the_notes_come_out():
    pin = chosen.derive("roster-kdf-1", "pin", "4711", "asa", "acme")
    password = chosen.derive("roster-kdf-1", "password", "correct horse", "asa", "acme")

    assert base64.b64encode(pin.key) == b"y4neHdqIJ98sgIpfbBhjWIl417wBn8I5NOtGzqnHJSM="
    assert base64.b64encode(password.key) == b"FuJbghfe3XdwV4qlh3cFskf6R+1gk1F9kK6qstxhVx0="


def test_a_secret_is_one_however_its_letters_are_composed():
    keys = {
        chosen.roster_kdf_1("password", unicodedata.normalize(form, "lösenord Å"), "asa", "acme")
        for form in ("NFC", "NFD")
    }

    assert len(keys) == 1


async def test_a_password_that_was_typed_signs_requests(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await passwords.set_password(runtime, factories.roster_in(person.realm), person.id, "another secret")

    actor = await signs(runtime, person, "another secret")

    assert actor.is_user(person.id)
    assert actor.factors == ("password_key",)
    await people.sign_in(runtime, person, "another secret")
    with pytest.raises(InvalidToken):
        await signs(runtime, person)


async def test_a_first_password_signs_requests_at_once(runtime: Runtime):
    realm = await factories.a_realm(runtime, **KDF)
    user = await signup.create(
        runtime, factories.roster_in(realm), UserDraft(username="asa"), password="a first secret"
    )

    assert (await signs(runtime, Person(realm, user), "a first secret")).is_user(user.id)


async def test_a_key_that_a_client_brought_can_be_typed_too(runtime: Runtime, workers: CountingWorkers):
    person = await a_deriving_person(runtime)
    await key_set(runtime, person, derived(person, "brought along"))

    await signs(runtime, person, "brought along")
    with pytest.raises(BadCredentials):
        await people.sign_in(runtime, person)
    await people.sign_in(runtime, person, "brought along")
    workers.ran.clear()
    await people.sign_in(runtime, person, "brought along")

    assert workers.ran == ["verify_any"]
    await signs(runtime, person, "brought along")


async def test_a_key_of_unknown_making_signs_but_cannot_be_typed(runtime: Runtime, person: Person):
    await key_set(runtime, person, derived(person, "brought along"))

    await signs(runtime, person, "brought along")
    for secret in ("brought along", PASSWORD, ""):
        with pytest.raises(BadCredentials):
            await people.sign_in(runtime, person, secret)


async def test_a_realm_that_derives_nothing_stores_no_key(runtime: Runtime, person: Person):
    await passwords.set_password(runtime, factories.roster_in(person.realm), person.id, "another secret")
    await people.sign_in(runtime, person, "another secret")

    sealed = "SELECT count(*) FROM credentials WHERE user_id = $1 AND sealed IS NOT NULL"
    assert await people.value(runtime, sealed, person.id) == 0
    with pytest.raises(InvalidToken):
        await signs(runtime, person, "another secret")


async def test_a_password_from_elsewhere_gets_its_key_when_it_is_first_typed(
    runtime: Runtime, workers: CountingWorkers
):
    person = await a_deriving_person(runtime)
    with pytest.raises(InvalidToken):
        await signs(runtime, person)

    await people.sign_in(runtime, person)
    await signs(runtime, person)
    workers.ran.clear()
    await people.sign_in(runtime, person)

    assert workers.ran == ["verify_any"]


async def test_after_a_new_username_the_key_is_made_anew_when_the_password_is_typed(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        user = await users.change(tx, person.id, UserChange(username="anew"))
    renamed = Person(person.realm, user)
    with pytest.raises(InvalidToken):
        await signs(runtime, renamed)

    await people.sign_in(runtime, renamed)

    assert (await signs(runtime, renamed)).name == "anew"


async def test_a_key_can_be_typed_after_a_new_username_too(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await key_set(runtime, person, derived(person, "brought along"))
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        user = await users.change(tx, person.id, UserChange(username="anew"))

    await people.sign_in(runtime, Person(person.realm, user), "brought along")


async def test_a_new_key_ends_sessions_and_is_sealed(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    key = derived(person, "brought along")

    await key_set(runtime, person, key)

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)
    async with runtime.lease() as tx:
        [(hash, sealed)] = await tx.rows(
            "SELECT hash, sealed FROM credentials WHERE user_id = $1 AND kind = 'password'", person.id
        )
    assert hash is None
    assert key not in sealed


@pytest.mark.parametrize("key", [b"", b"x" * 257])
async def test_a_key_of_no_sensible_length_is_refused(runtime: Runtime, person: Person, key: bytes):
    with pytest.raises(InvalidInput):
        await key_set(runtime, person, key)


async def test_who_signs_with_the_password_may_change_it_and_with_another_key_may_not(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    made = await a_key(runtime, person)
    by_key = await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key))
    by_password = await signs(runtime, person)

    async with runtime.write(by_key) as tx:
        with pytest.raises(StepUpRequired):
            await passwords.set_key(tx, person.id, b"new key")
    async with runtime.write(by_password) as tx:
        await passwords.set_key(tx, person.id, b"new key")

    await authenticated(runtime, person.realm.slug, a_request(named(person), b"new key"))


async def test_whom_a_role_lets_may_change_password_pin_and_address_by_signing_and_nothing_else(
    runtime: Runtime, realm: Realm
):
    await factories.a_role(runtime, realm, "selves", "credentials.own")
    person = await people.a_member(runtime, realm, roles=("selves",), email="first@example.org")
    other = await people.a_member(runtime, realm)
    made, small = await a_key(runtime, person), await a_key(runtime, person, permissions=[])
    actor = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))
    limited = await authenticated(runtime, realm.slug, a_request(small.identifier, small.key))

    async with runtime.write(actor) as tx:
        await passwords.set_key(tx, person.id, b"new key")
        await pins.set_key(tx, person.id, b"new pin")
        changed = await users.change(tx, person.id, UserChange(username="anew", email="second@example.org"))
        with pytest.raises(StepUpRequired):
            await signing.create(tx, person.id, SigningDraft())
        with pytest.raises(StepUpRequired):
            await mfa.enrol(tx, person.id)
        with pytest.raises(Forbidden):
            await passwords.set_key(tx, other.id, b"new key")
    async with runtime.write(limited) as tx:
        with pytest.raises(StepUpRequired):
            await passwords.set_key(tx, person.id, b"new key")
        with pytest.raises(StepUpRequired):
            await users.change(tx, person.id, UserChange(email="third@example.org"))

    assert (changed.username, changed.email, changed.email_verified_at) == ("anew", "second@example.org", None)


async def test_a_session_left_open_is_no_proof_even_where_a_signature_is(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "selves", "credentials.own")
    person = await people.a_member(runtime, realm, roles=("selves",), email="first@example.org")
    actor = await factories.acting_as(runtime, realm, person.user, authenticated_at=None)

    async with runtime.write(actor) as tx:
        with pytest.raises(StepUpRequired):
            await passwords.set_key(tx, person.id, b"new key")
        with pytest.raises(StepUpRequired):
            await users.change(tx, person.id, UserChange(email="second@example.org"))


async def test_nobody_sets_keys_of_those_who_may_do_more(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "helpers", "credentials.write", "users.read")
    helper = await people.a_member(runtime, realm, roles=("helpers",))
    boss = await people.a_member(runtime, realm, roles=("admin",))
    other = await people.a_member(runtime, realm)
    made = await a_key(runtime, helper)
    actor = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))

    async with runtime.write(actor) as tx:
        await passwords.set_key(tx, other.id, b"new key")
        await passwords.set_key(tx, helper.id, b"new key")
        with pytest.raises(Forbidden):
            await passwords.set_key(tx, boss.id, b"new key")


async def test_an_imported_or_replaced_password_takes_the_old_key_away(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    await signs(runtime, person)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await credentials.replace_password(tx, person.id, people.HASH)

    with pytest.raises(InvalidToken):
        await signs(runtime, person)


async def test_a_second_factor_cannot_be_gone_around(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    await people.with_second_factor(runtime, person)
    with pytest.raises(InvalidToken):
        await signs(runtime, person)
    made = await a_key(runtime, person)
    await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key))

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        change = RealmChange(settings={"mfa_skipped_by": ["password_key"]})
        await realms.change(tx, person.realm.slug, change)

    await signs(runtime, person)


async def test_nor_can_an_account_that_bankid_opens(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    await signs(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await identified.activate(tx, person.id, number="199001012385")

    with pytest.raises(InvalidToken):
        await signs(runtime, person)


async def test_guesses_count_with_those_of_every_sign_in(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await signs(runtime, person, "wrong")
    for _ in range(5):
        with pytest.raises(BadCredentials):
            await login.password(runtime, people.nobody(person.realm), person.username, "wrong")

    with pytest.raises(TooMany):
        await signs(runtime, person)
    with pytest.raises(TooMany):
        await people.sign_in(runtime, person)


async def test_a_right_signature_forgives_the_wrong_ones_before(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    for _ in range(3):
        for _ in range(7):
            with pytest.raises(InvalidToken):
                await signs(runtime, person, "wrong")
        await signs(runtime, person)


async def test_names_that_nobody_has_are_counted_and_cost_the_same(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)
    nobody = f"usr:nobody@{person.realm.slug}"
    for _ in range(2):  # from now on the realm is remembered
        with pytest.raises(InvalidToken):
            await authenticated(runtime, person.realm.slug, a_request(f"usr:another@{person.realm.slug}", b"x"))
    costs: set[int] = set()

    for identifier in (nobody, named(person)):
        with people.counting() as sent, pytest.raises(InvalidToken):
            await authenticated(runtime, person.realm.slug, a_request(identifier, b"x"))
        costs.add(len(sent))
    for _ in range(9):
        with pytest.raises(InvalidToken):
            await authenticated(runtime, person.realm.slug, a_request(nobody, b"x"))
    with pytest.raises(TooMany):
        await authenticated(runtime, person.realm.slug, a_request(nobody, b"x"))

    assert len(costs) == 1


async def test_many_right_requests_at_once_are_no_guesses(runtime: Runtime):
    person = await a_deriving_person(runtime)
    await people.sign_in(runtime, person)

    done = await asyncio.gather(*(signs(runtime, person) for _ in range(30)))

    assert all(actor.is_user(person.id) for actor in done)
