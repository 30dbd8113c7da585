"""Classes 3, 10, 11 and 12: guessing, replaying and going round the second factor, at the front doors.

Below them: `tests/core/mfa`, `tests/core/flows/test_login.py`, `tests/core/tokens/test_proofs.py`; class 3 (fifty
parallel refreshes, reuse, restart: nothing is kept in memory) is in `tests/core/sessions/test_refresh.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from roster.core.credentials import chosen
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.devices import service as devices
from roster.core.devices.models import DeviceDraft
from roster.core.flows import login, pins
from roster.core.flows.models import StepNeeded
from roster.core.realms.models import Realm
from roster.kit.errors import BadCredentials, InvalidToken, TooMany
from roster.kit.ids import uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.core.signed.signing import a_request, authenticated
from tests.security.fronts import PREFIXES, Front, House

Way = Callable[[Runtime, Person], Awaitable[None]]


async def second_step(front: Front, proof: str, code: str) -> httpx.Response:
    """The second step of a sign-in."""
    if front.name == "native":
        return await front.call("POST", "/sign-in/mfa", json={"mfa_token": proof, "code": code})
    return await front.call("POST", "/auth/totp", token=proof, json={"token": code})


async def test_guesses_count_together_over_all_names_factors_and_front_doors(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, person: Person
):
    seed, _ = await people.with_second_factor(runtime, person)
    proof = (await people.begin(runtime, person)).proof  # costs one
    native, other = (Front(name, client, realm) for name in PREFIXES)
    wrong = f"{(int(people.code_of(seed)) + 1) % 1_000_000:06d}"
    tries = [
        lambda: native.sign_in("eva", "wrong"),
        lambda: other.sign_in("EVA@example.org", "wrong"),
        lambda: second_step(native, proof, wrong),
        lambda: second_step(other, proof, "aaaaa-bbbbb"),
        lambda: native.sign_in(str(person.id), "wrong"),
        lambda: other.sign_in(str(person.id), "wrong"),
    ]
    statuses = [(await tries[number % len(tries)]()).status_code for number in range(12)]

    assert statuses == [401] * 9 + [429] * 3
    assert (await second_step(native, proof, people.code_of(seed))).status_code == 429


async def test_signing_in_oneself_does_not_buy_guesses_at_others(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, person: Person
):
    """An attacker with an account of their own clears nobody else's counter."""
    await people.a_member(runtime, realm, username="mallory")
    front = Front("native", client, realm)
    statuses: list[int] = []
    for number in range(12):
        statuses.append((await front.sign_in("eva", "wrong")).status_code)
        if number % 3 == 0:
            assert (await front.sign_in("mallory", PASSWORD)).status_code == 200

    assert statuses == [401] * 10 + [429] * 2


async def by_signing(runtime: Runtime, person: Person) -> None:
    key = chosen.roster_kdf_1("password", PASSWORD, person.username, person.realm.slug)
    name = f"usr:{person.username}@{person.realm.slug}"
    with pytest.raises(InvalidToken):
        await authenticated(runtime, person.realm.slug, a_request(name, key))


async def by_a_program(runtime: Runtime, person: Person) -> None:
    await login.check(runtime, factories.roster_in(person.realm), person.username, PASSWORD)


async def by_a_pin(runtime: Runtime, person: Person) -> None:
    actor = factories.roster_in(person.realm)
    async with runtime.write(actor) as tx:
        device = await devices.create(tx, DeviceDraft(name="till", external_id=uuid7().hex))
        key = await devices.set_key(tx, device.id)
    till = await authenticated(
        runtime, person.realm.slug, a_request(f"dev:{device.external_id}@{person.realm.slug}", key)
    )
    await pins.set_pin(runtime, actor, person.id, "4711")
    assert isinstance(await pins.sign_in(runtime, till, person.username, "4711"), StepNeeded)


@pytest.mark.parametrize("way", [by_signing, by_a_program, by_a_pin])
async def test_a_right_first_factor_buys_no_guesses_at_the_second_one(runtime: Runtime, way: Way):
    """Whoever knows the password of somebody could otherwise guess codes for ever."""
    realm = await factories.a_realm(runtime, key_derivation="roster-kdf-1", mfa_skipped_by=[])
    person = await people.a_member(runtime, realm)
    await people.sign_in(runtime, person)
    seed, _ = await people.with_second_factor(runtime, person)
    proof = (await people.begin(runtime, person)).proof
    wrong = f"{(int(people.code_of(seed)) + 1) % 1_000_000:06d}"

    async def guess() -> None:
        for _ in range(4):
            for _ in range(3):
                with pytest.raises(BadCredentials):
                    await login.second_factor(runtime, people.nobody(realm), proof, wrong)
            await way(runtime, person)

    with pytest.raises(TooMany):
        await guess()


async def test_programs_may_check_passwords_of_those_with_a_second_factor_as_often_as_they_like(
    runtime: Runtime, person: Person
):
    await people.with_second_factor(runtime, person)
    for _ in range(runtime.settings.limits.identity_guesses + 2):
        await by_a_program(runtime, person)


async def test_a_code_works_once_also_of_many_at_the_same_moment(front: Front, runtime: Runtime, person: Person):
    seed, _ = await people.with_second_factor(runtime, person)
    proofs = [(await people.begin(runtime, person)).proof for _ in range(4)]
    code = people.code_of(seed)

    answers = await asyncio.gather(*(second_step(front, proof, code) for proof in proofs))

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    again = (await people.begin(runtime, person)).proof
    assert (await second_step(front, again, code)).status_code == 401


async def test_a_proof_of_the_first_step_works_once(front: Front, runtime: Runtime, person: Person):
    _, codes = await people.with_second_factor(runtime, person)
    proof = (await people.begin(runtime, person)).proof

    assert (await second_step(front, proof, codes[0])).status_code == 200
    assert (await second_step(front, proof, codes[1])).status_code == 401


async def test_a_backup_code_works_once_wherever_it_is_used(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, person: Person
):
    _, codes = await people.with_second_factor(runtime, person)
    native, other = (Front(name, client, realm) for name in PREFIXES)

    assert (await native.sign_in("eva", codes[0])).status_code == 200
    assert (await other.sign_in("eva", codes[0])).status_code == 401
    assert (await second_step(other, (await people.begin(runtime, person)).proof, codes[0])).status_code == 401


async def test_no_way_that_takes_a_password_goes_round_the_second_factor(
    front: Front, runtime: Runtime, person: Person
):
    """Sign-in, recovery, and a password that was just set: each leads to the second step and gives no token."""
    await people.with_second_factor(runtime, person)
    first = await front.sign_in("eva", PASSWORD)
    await front.recover("eva")
    token = await people.mailed_token(runtime, front.realm, "recover_password")
    await front.set_password(token, "another long secret")
    second = await front.sign_in("eva", "another long secret")

    for answer in (first, second):
        assert "set-cookie" not in answer.headers
        if front.name == "native":
            assert answer.json()["mfa_required"] is True
            assert "access_token" not in answer.json()
        else:
            assert (answer.status_code, answer.content) == (302, b"")


async def test_the_token_of_the_first_step_opens_nothing(front: Front, runtime: Runtime, person: Person):
    await people.with_second_factor(runtime, person)
    proof = (await people.begin(runtime, person)).proof

    assert (await front.me(proof)).status_code == 401
    assert (await front.set_password(proof, "another long secret")).status_code in (401, 403)
    for name in ("roster_session", "jwt"):
        assert (await front.me(headers={"Cookie": f"{name}={proof}"})).status_code in (401, 403)


@pytest.mark.parametrize("kind", [Kind.DEVICE, Kind.API_KEY])
async def test_what_skips_the_second_factor_cannot_remove_it(
    front: Front, runtime: Runtime, person: Person, kind: Kind
):
    await people.with_second_factor(runtime, person)
    draft = CredentialDraft(kind, secret="a secret of a device")
    await credentials.create(runtime, factories.roster_in(person.realm), person.id, draft)
    await people.execute(
        runtime,
        'UPDATE realms SET settings = \'{"mfa_skipped_by":["device","api_key"]}\' WHERE id = $1',
        front.realm.id,
    )
    await people.execute(runtime, "UPDATE realms SET version = version + 1 WHERE id = $1", front.realm.id)
    token = front.token_of(await front.sign_in("eva", "a secret of a device"))
    held = await credentials_of(runtime, person)
    totp = next(each.id for each in held if each.kind == "totp")
    if front.name == "native":
        answers = [
            await front.call("DELETE", "/me/totp", token=token),
            await front.call("DELETE", f"/me/credentials/{totp}", token=token),
            await front.call("DELETE", f"/users/{person.id}/credentials/{totp}", token=token),
            await front.call("POST", "/me/backup-codes", token=token),
            await front.call("PUT", "/me/password", token=token, json={"password": "another long secret"}),
        ]
    else:
        answers = [
            await front.call("DELETE", f"/users/me/secrets/{totp}", token=token),
            await front.call("PUT", "/users/me/secrets/password", token=token, json={"secret": "another long secret"}),
        ]

    assert {answer.status_code for answer in answers} == {403}
    assert await credentials_of(runtime, person) == held


async def credentials_of(runtime: Runtime, person: Person) -> list[credentials.Credential]:
    """What the person has, times of use left out."""
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        return await credentials.list_of(tx, person.id)


async def test_hashes_of_ones_own_secrets_are_limited(runtime: Runtime, realm: Realm, person: Person):
    """Whoever is signed in cannot keep the others waiting for theirs."""
    token = (await people.sign_in(runtime, person)).access_token
    async with House(runtime).client() as client:
        front = Front("acceleratxr", client, realm)
        body = {"type": "device", "secret": "a secret of a device"}
        statuses = [
            (await front.call("POST", "/users/me/secrets", token=token, json=body)).status_code for _ in range(32)
        ]

    assert statuses == [200] * 30 + [429] * 2
