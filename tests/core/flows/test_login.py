"""Signing in with a secret."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import bcrypt
import msgspec
import pytest
from argon2 import low_level

from roster.core.credentials import forms
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import login
from roster.core.flows.models import Granted
from roster.core.limits import returns
from roster.core.realms.models import Realm
from roster.core.users import meant
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit.errors import BadCredentials, InvalidToken, TooMany, Unavailable
from roster.kit.workers import Workers
from roster.storage import joint
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import PASSWORD, Person, nobody

T = TypeVar("T")


async def test_a_person_signs_in_by_any_of_their_names(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, email="Jo.Doe@example.org", phone="+46 70 123 45 67")

    for name in (person.username.upper(), "jo.doe@EXAMPLE.org", "0701234567", str(person.id)):
        done = await login.password(runtime, nobody(realm), name, PASSWORD)

        assert isinstance(done, Granted)
        assert done.user.id == person.id
        assert done.session.factors == ("password",)
        assert done.session.user_agent == "tests"


async def test_signing_in_leaves_a_person_in_their_page(runtime: Runtime, realm: Realm):
    """A row that moves to another page is written into each of its indexes again."""
    members: list[Person] = []
    for _ in range(5):
        members.append(await people.a_member(runtime, realm))
        await people.execute(runtime, _FILL_PAGES, realm.id)
    before = await people.value(runtime, _PAGES, realm.id, [each.id for each in members])

    for each in members:
        await people.sign_in(runtime, each)

    assert await people.value(runtime, _PAGES, realm.id, [each.id for each in members]) == before


_FILL_PAGES = (
    "INSERT INTO users (realm_id, id, username, username_key, created_at, updated_at)"
    " SELECT $1, id, id::text, id::text, now(), now() FROM (SELECT gen_random_uuid() id FROM generate_series(1, 100)) n"
)
_PAGES = "SELECT array_agg((ctid::text::point)[0] ORDER BY id) FROM users WHERE realm_id = $1 AND id = ANY($2)"


async def test_the_token_of_a_sign_in_stands_for_the_person(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)

    actor = await people.actor_of(runtime, person, granted.access_token)

    assert actor.is_user(person.id)
    assert actor.session_id == granted.session.id
    assert actor.authenticated_at == granted.session.authenticated_at
    assert actor.factors == ("password",)
    assert granted.expires_in == 3600


async def test_a_phone_number_of_two_people_signs_in_nobody(runtime: Runtime, realm: Realm):
    await people.a_member(runtime, realm, phone="+46701234567")
    await people.a_member(runtime, realm, phone="+46701234567")

    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(realm), "+46701234567", PASSWORD)


@pytest.mark.parametrize(
    "case", ["unknown", "wrong", "without", "disabled", "pending", "deleted", "over-long", "broken"]
)
async def test_every_failure_is_the_same_and_costs_one_hash(
    runtime: Runtime, realm: Realm, workers: CountingWorkers, case: str
):
    person = await people.a_member(runtime, realm)
    name, secret = await _failing(runtime, person, case)
    workers.ran.clear()

    with pytest.raises(BadCredentials) as caught:
        await login.password(runtime, nobody(realm), name, secret)

    assert workers.ran == ["verify_any"]
    assert (caught.value.code, caught.value.message, dict(caught.value.details)) == (
        "bad_credentials",
        BadCredentials.text,
        {},
    )


async def _failing(runtime: Runtime, person: Person, case: str) -> tuple[str, str]:
    if case == "unknown":
        return "somebody-else", PASSWORD
    if case == "wrong":
        return person.username, "another secret"
    if case == "without":
        return (await factories.a_person(runtime, person.realm)).username, PASSWORD
    if case == "over-long":
        return person.username, PASSWORD * 100
    if case == "broken":
        return person.username, "\ud800\0"
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        if case == "deleted":
            await users.delete(tx, person.id)
        else:
            await users.change(tx, person.id, people.status(case))
    return person.username, PASSWORD


@pytest.mark.parametrize("name", ["", " ", "\0", "x" * 100_000, "\ud800", "a@b@c", "+", "'; --"])
async def test_no_identifier_is_more_than_unknown(runtime: Runtime, realm: Realm, name: str):
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(realm), name, PASSWORD)


async def test_guesses_count_together_for_all_names_of_a_person(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, email="jo@example.org", phone="+46701234567")
    names = [person.username, "JO@example.org", "070-123 45 67", str(person.id)]

    for guess in range(10):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(realm), names[guess % 4], "wrong")

    for name in names:
        with pytest.raises(TooMany) as caught:
            await login.password(runtime, nobody(realm), name, PASSWORD)
        assert 0 < caught.value.retry_after <= 900


async def test_unknown_names_run_into_the_same_limit(runtime: Runtime, realm: Realm):
    for _ in range(10):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(realm), "Nobody-Here", "wrong")

    with pytest.raises(TooMany):
        await login.password(runtime, nobody(realm), "nobody-here", "wrong")


async def test_parallel_guesses_cannot_slip_past_the_limit(runtime: Runtime, person: Person, workers: CountingWorkers):
    async def guess() -> type[Exception]:
        try:
            await login.password(runtime, nobody(person.realm), person.username, "wrong")
        except (BadCredentials, TooMany) as error:
            return type(error)
        raise AssertionError

    outcomes = await asyncio.gather(*(guess() for _ in range(40)))

    assert outcomes.count(BadCredentials) == 10
    assert workers.ran == ["verify_any"] * 10


async def test_success_forgets_the_guesses_before(runtime: Runtime, person: Person):
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(BadCredentials):
                await login.password(runtime, nobody(person.realm), person.username, "wrong")
        await people.sign_in(runtime, person)


async def test_an_address_has_a_limit_that_success_elsewhere_does_not_clear(runtime: Runtime, person: Person):
    for guess in range(100):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm, "192.0.2.7"), f"unknown-{guess}", "wrong")
    await people.sign_in(runtime, person)

    with pytest.raises(TooMany):
        await login.password(runtime, nobody(person.realm, "192.0.2.7"), person.username, PASSWORD)
    with pytest.raises(TooMany):
        await login.password(runtime, nobody(person.realm, "::ffff:192.0.2.7"), person.username, PASSWORD)


async def test_signing_in_takes_nothing_from_the_address(runtime: Runtime, person: Person):
    origin = "2001:db8:1:2::1"
    for _ in range(3):
        await login.password(runtime, nobody(person.realm, origin), person.username, PASSWORD)
    await returns.flush(runtime)

    spent = await people.value(
        runtime,
        "SELECT spent FROM counters WHERE realm_id = $1 AND bucket = 'sign-in:address:2001:db8:1:2::/64'",
        person.realm.id,
    )

    assert spent == 0


async def test_a_host_cannot_change_its_address_within_its_network(runtime: Runtime, person: Person):
    for guess in range(100):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm, f"2001:db8:9:9::{guess:x}"), f"no-{guess}", "wrong")

    with pytest.raises(TooMany):
        await login.password(runtime, nobody(person.realm, "2001:db8:9:9:ffff::1"), person.username, PASSWORD)


async def test_being_turned_away_for_want_of_room_costs_no_guess(runtime: Runtime, person: Person):
    full, before = Workers(threads=1, queue=-1), runtime.workers
    runtime.workers = full
    try:
        for _ in range(12):
            with pytest.raises(Unavailable):
                await login.password(runtime, nobody(person.realm), person.username, PASSWORD)
    finally:
        runtime.workers = before
        full.close()

    await people.sign_in(runtime, person)


def _weak_argon2() -> str:
    made = low_level.hash_secret_raw(PASSWORD.encode(), b"somesalt", 1, 1024, 1, 32, low_level.Type.ID)
    return forms.argon2("id", b"somesalt", made, version=19, memory=1024, passes=1, lanes=1)


@pytest.mark.parametrize(
    "foreign", [bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), _weak_argon2()], ids=["bcrypt", "argon2"]
)
async def test_a_foreign_hash_is_replaced_at_the_first_sign_in(runtime: Runtime, person: Person, foreign: str):
    await people.execute(runtime, "UPDATE credentials SET hash = $2 WHERE user_id = $1", person.id, foreign)
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, "wrong")
    assert await _hash_of(runtime, person) == foreign

    await people.sign_in(runtime, person)

    assert str(await _hash_of(runtime, person)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await people.sign_in(runtime, person)


async def _hash_of(runtime: Runtime, person: Person) -> object:
    return await people.value(runtime, "SELECT hash FROM credentials WHERE user_id = $1", person.id)


async def test_one_of_many_device_secrets_costs_one_hash(runtime: Runtime, person: Person, workers: CountingWorkers):
    actor = factories.roster_in(person.realm)
    for number in range(5):
        draft = CredentialDraft(Kind.DEVICE, secret=f"device secret {number}", label=f"till {number}")
        await credentials.create(runtime, actor, person.id, draft)
    workers.ran.clear()

    granted = await people.sign_in(runtime, person, "device secret 3")

    assert workers.ran == ["verify_any"]
    assert granted.session.factors == ("device",)
    assert len(await _hashed_candidates(runtime, person, "device secret 3")) == 2
    assert len(await _hashed_candidates(runtime, person, "no device secret")) == 1


async def _hashed_candidates(runtime: Runtime, person: Person, secret: str) -> list[object]:
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        _, rows = await joint.ask(tx, meant.known(person.user), credentials.asked(tx))
        return list((await credentials.candidates(tx, person.id, secret, rows)).hashed)


async def test_api_keys_sign_in_too_whoever_chose_their_value(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    made = await credentials.create(runtime, actor, person.id, CredentialDraft(Kind.API_KEY))
    chosen = await credentials.create(runtime, actor, person.id, CredentialDraft(Kind.API_KEY, secret="chosen by us"))
    assert made.secret is not None
    assert chosen.secret is None

    for secret in (made.secret, "chosen by us"):
        granted = await people.sign_in(runtime, person, secret)
        assert granted.session.factors == ("api_key",)


async def test_deleting_a_credential_ends_the_sessions_it_opened(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    made = await credentials.create(runtime, actor, person.id, CredentialDraft(Kind.DEVICE, secret="device secret"))
    by_device = await people.sign_in(runtime, person, "device secret")
    by_password = await people.sign_in(runtime, person)

    async with runtime.write(actor) as tx:
        await credentials.delete(tx, person.id, made.credential.id)

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, by_device.access_token)
    await people.actor_of(runtime, person, by_password.access_token)


async def test_what_a_dialect_adds_to_the_token_never_replaces_what_it_says(runtime: Runtime, person: Person):
    async def claims(tx: Tx, user: User) -> dict[str, object]:
        return {"profile": {"name": user.username}, "sub": "somebody", "exp": 9999999999, "realm": "other"}

    done = await login.password(runtime, nobody(person.realm), person.username, PASSWORD, claims=claims)

    assert isinstance(done, Granted)
    actor = await people.actor_of(runtime, person, done.access_token)
    assert actor.is_user(person.id)
    assert f'"name":"{person.username}"' in people.payload_of(done.access_token)


async def test_a_sign_in_takes_two_statements(runtime: Runtime, person: Person):
    await people.sign_in(runtime, person)
    await people.sign_in(runtime, person)
    actor = msgspec.structs.replace(nobody(person.realm), realm_version=person.realm.version)

    with people.counting() as statements:
        await login.password(runtime, actor, person.username, PASSWORD)

    assert len(statements) == 2, statements


async def test_a_realm_that_is_switched_off_lets_nobody_in(runtime: Runtime, person: Person):
    await people.execute(runtime, "UPDATE realms SET status = 'disabled' WHERE id = $1", person.realm.id)

    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD)


async def test_a_password_changed_while_its_hash_is_checked_opens_no_session(runtime: Runtime, person: Person):
    class Interrupting(CountingWorkers):
        async def run(self, work: Callable[..., T], *arguments: Any) -> T:
            result = await super().run(work, *arguments)
            await people.execute(runtime, "UPDATE credentials SET version = version + 1 WHERE user_id = $1", person.id)
            return result

    before, runtime.workers = runtime.workers, Interrupting()
    try:
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm), person.username, PASSWORD)
    finally:
        runtime.workers.close()
        runtime.workers = before
    assert await people.value(runtime, "SELECT count(*) FROM sessions WHERE user_id = $1", person.id) == 0


async def test_signing_out_ends_the_session(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    actor = await people.actor_of(runtime, person, granted.access_token)

    async with runtime.write(actor) as tx:
        await login.sign_out(tx)

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)
    with pytest.raises(InvalidToken):
        await login.refresh(runtime, nobody(person.realm), granted.refresh_token)


async def test_failures_are_in_the_trail_for_known_and_unknown_names_alike(runtime: Runtime, person: Person):
    for name in (person.username, "nobody-at-all"):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm), name, "wrong")

    async with runtime.read(factories.roster_in(person.realm)) as tx:
        found = await tx.rows(
            "SELECT subject_id, changes FROM audit_entries WHERE realm_id = $1 AND action = 'sign_in.failed'",
            person.realm.id,
        )
    assert sorted((subject is None, changes) for subject, changes in found) == [(False, {}), (True, {})]
