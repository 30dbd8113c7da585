"""Class 1: what was disabled still works. Every state of person and realm against every credential at every front door.

`tests/core/flows/test_states.py` has the same matrix below the front doors, on two workers.
"""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialChange, CredentialDraft, Kind
from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person, nobody
from tests.security.fronts import Front

Use = Callable[[], Awaitable[httpx.Response]]
Way = Callable[[Front, Runtime, Person], Awaitable[Use]]


async def access_token(front: Front, runtime: Runtime, person: Person) -> Use:
    token = (await people.sign_in(runtime, person)).access_token
    return lambda: front.me(token)


async def cookie(front: Front, runtime: Runtime, person: Person) -> Use:
    token = (await people.sign_in(runtime, person)).access_token
    name = "roster_session" if front.name == "native" else "jwt"
    return lambda: front.me(headers={"Cookie": f"{name}={token}"})


async def api_key(front: Front, runtime: Runtime, person: Person) -> Use:
    key = await _made(runtime, person, CredentialDraft(Kind.API_KEY))
    return lambda: front.me(key)


async def personal_token(front: Front, runtime: Runtime, person: Person) -> Use:
    key = await _made(runtime, person, CredentialDraft(Kind.PERSONAL))
    return lambda: front.me(key)


async def password(front: Front, runtime: Runtime, person: Person) -> Use:
    return lambda: front.sign_in(person.username, PASSWORD)


async def device_secret(front: Front, runtime: Runtime, person: Person) -> Use:
    await _made(runtime, person, CredentialDraft(Kind.DEVICE, secret="device secret"))
    return lambda: front.sign_in(person.username, "device secret")


async def key_as_secret(front: Front, runtime: Runtime, person: Person) -> Use:
    key = await _made(runtime, person, CredentialDraft(Kind.API_KEY))
    return lambda: front.sign_in(person.username, key)


async def backup_code(front: Front, runtime: Runtime, person: Person) -> Use:
    _, codes = await people.with_second_factor(runtime, person)
    return lambda: front.sign_in(person.username, codes[0])


async def second_step(front: Front, runtime: Runtime, person: Person) -> Use:
    seed, _ = await people.with_second_factor(runtime, person)
    proof = (await people.begin(runtime, person)).proof
    if front.name == "native":
        return lambda: front.call("POST", "/sign-in/mfa", json={"mfa_token": proof, "code": people.code_of(seed)})
    return lambda: front.call("POST", "/auth/totp", token=proof, json={"token": people.code_of(seed)})


async def renewal(front: Front, runtime: Runtime, person: Person) -> Use:
    granted = await people.sign_in(runtime, person)
    if front.name == "native":
        return lambda: front.call("POST", "/refresh", json={"refresh_token": granted.refresh_token})
    return lambda: front.call("GET", "/auth/token", token=granted.access_token)


async def recovery_token(front: Front, runtime: Runtime, person: Person) -> Use:
    await recovery.request(runtime, nobody(person.realm), person.username, "/x?token={token}")
    token = await people.mailed_token(runtime, person.realm, "recover_password")
    return lambda: front.set_password(token, "another long secret")


async def _made(runtime: Runtime, person: Person, draft: CredentialDraft) -> str:
    made = await credentials.create(runtime, factories.roster_in(person.realm), person.id, draft)
    return made.secret or ""


WAYS: list[Way] = [
    access_token,
    cookie,
    api_key,
    personal_token,
    password,
    device_secret,
    key_as_secret,
    backup_code,
    second_step,
    renewal,
    recovery_token,
]
STATES = ["pending", "disabled", "deleted", "erased", "realm disabled"]


async def _change(runtime: Runtime, person: Person, state: str) -> None:
    if state == "realm disabled":
        await people.execute(
            runtime, "UPDATE realms SET status = 'disabled', version = version + 1 WHERE id = $1", person.realm.id
        )
        return
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        if state in ("pending", "disabled"):
            await users.change(tx, person.id, people.status(state))
            return
        await users.delete(tx, person.id)
        if state == "erased":
            await users.erase(tx, person.id)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_nothing_that_was_given_out_works_in_a_state_that_forbids_it(
    front: Front, runtime: Runtime, person: Person, way: Way, state: str
):
    use = await way(front, runtime, person)
    await _change(runtime, person, state)

    answer = await use()

    assert answer.status_code in ((401, 404) if state == "realm disabled" else (401, 403)), answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_everything_works_while_all_is_in_order(front: Front, runtime: Runtime, person: Person, way: Way):
    """Otherwise the matrix would prove nothing."""
    use = await way(front, runtime, person)

    assert (await use()).status_code in (200, 204)


async def test_sessions_of_a_person_who_had_to_wait_do_not_come_back(front: Front, runtime: Runtime, person: Person):
    """Neither with `disabled` nor with `pending`: whoever was shut out signs in anew."""
    for state in ("pending", "disabled"):
        token = (await people.sign_in(runtime, person)).access_token
        await _change(runtime, person, state)
        async with runtime.write(factories.roster_in(person.realm)) as tx:
            await users.change(tx, person.id, people.status("active"))

        assert (await front.me(token)).status_code == 401


async def test_a_session_opened_with_a_key_ends_with_the_key(front: Front, runtime: Runtime, person: Person):
    made = await credentials.create(
        runtime, factories.roster_in(person.realm), person.id, CredentialDraft(Kind.API_KEY)
    )
    signed_in = await front.sign_in(person.username, made.secret or "")
    token = front.token_of(signed_in)
    assert (await front.me(token)).status_code == 200

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await credentials.change(tx, person.id, made.credential.id, CredentialChange(expires_at=tx.now))

    assert (await front.me(token)).status_code == 401
