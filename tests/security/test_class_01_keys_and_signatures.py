"""Class 1 where requests are signed, and where tokens have headers of their own: every state against every credential.

`test_class_01_disabled_entities.py` has the same for front doors at which people sign in.
"""

import base64
from collections.abc import Awaitable, Callable

import httpx
import pytest

from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.devices import service as devices
from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.core.orgs import tokens as org_tokens
from roster.core.orgs.models import OrgTokenDraft
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit import hawk
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations, people
from tests.dialects.onslip360 import cases
from tests.dialects.onslip360.conftest import Hawk
from tests.security import walking
from tests.security.fronts import Front

Use = Callable[[], Awaitable[httpx.Response]]
Way = Callable[[Runtime, Front, User], Awaitable[Use]]
KEY = base64.b64decode(cases.KEY)
TILL = bytes(range(32))


async def session(runtime: Runtime, front: Front, user: User) -> Use:
    token = await walking.token_for(runtime, front.realm, user)
    return lambda: front.call("GET", "/~{realm}" if front.name == "onslip360" else "/user-settings", token=token)


async def signing_key(runtime: Runtime, front: Front, user: User) -> Use:
    return _signed(front, await walking.signature(runtime, front.realm, user))


async def key_of_a_password(runtime: Runtime, front: Front, user: User) -> Use:
    await _with_keys(runtime, front, user)
    return _signed(front, Hawk(f"usr:{user.username}@{front.realm.slug}", KEY))


async def key_of_a_pin_at_a_till(runtime: Runtime, front: Front, user: User) -> Use:
    token, slug = await _with_keys(runtime, front, user), front.realm.slug
    till = {"name": "Bar", "device-id": "bar-1", "device-key": base64.b64encode(TILL).decode()}
    assert (await front.call("POST", "/~{realm}/tills/", token=token, json=till)).status_code == 201
    return _signed(front, Hawk(f"pin:{user.username}@{slug} dev:bar-1@{slug}", hawk.joint_key(TILL, KEY)))


async def authorization_code(runtime: Runtime, front: Front, user: User) -> Use:
    _, code = await cases.a_code(runtime, front.realm, user)
    body = {**cases.CODE, "code": code}
    return lambda: front.call("POST", "/oauth-token", json=body)


async def key_for_a_code(runtime: Runtime, front: Front, user: User) -> Use:
    given = (await (await authorization_code(runtime, front, user))()).json()
    return _signed(front, Hawk(given["access_token"], given["secret"].encode()))


async def personal_token(runtime: Runtime, front: Front, user: User) -> Use:
    roster = factories.roster_in(front.realm)
    made = await credentials.create(runtime, roster, user.id, CredentialDraft(Kind.PERSONAL))
    return lambda: front.call("GET", "/user-settings", headers={"Personal-Access-Token": made.secret or ""})


def _signed(front: Front, signature: Hawk) -> Use:
    return lambda: front.call("GET", "/~{realm}", auth=signature)


async def _with_keys(runtime: Runtime, front: Front, user: User) -> str:
    """Give the person a PIN and a password, as an administrator whose token this is."""
    _, token = await walking.signed_in(runtime, front.realm, "admin")
    sent = {"pin": cases.KEY, "password": cases.KEY}
    answer = await front.call("PATCH", f"/~{{realm}}/users/{user.number}", token=token, json=sent)
    assert answer.status_code == 200, answer.text
    return token


SIGNING: list[Way] = [signing_key, key_of_a_password, key_of_a_pin_at_a_till, authorization_code, key_for_a_code]
WAYS: list[tuple[str, Way]] = [
    *[("onslip360", way) for way in (session, *SIGNING)],
    *[("groupalarm", way) for way in (session, personal_token)],
]
STATES = ["pending", "disabled", "deleted", "erased", "realm disabled"]


async def _change(runtime: Runtime, realm: Realm, user: User, state: str) -> None:
    if state == "realm disabled":
        disabled = "UPDATE realms SET status = 'disabled', version = version + 1 WHERE id = $1"
        await people.execute(runtime, disabled, realm.id)
        return
    async with runtime.write(factories.roster_in(realm)) as tx:
        if state in ("pending", "disabled"):
            await users.change(tx, user.id, people.status(state))
            return
        await users.delete(tx, user.id)
        if state == "erased":
            await users.erase(tx, user.id)


@pytest.fixture
async def user(runtime: Runtime, realm: Realm) -> User:
    """Eva, whose address is verified, and who may show users."""
    await factories.a_role(runtime, realm, "shows", "onslip360:show-users", "users.read")
    return await factories.a_person(
        runtime, realm, "eva", email="eva@example.org", email_verified=True, roles=("shows",)
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("name", "way"), WAYS, ids=[f"{name}-{way.__name__}" for name, way in WAYS])
async def test_nothing_that_was_given_out_works_in_a_state_that_forbids_it(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User, name: str, way: Way, state: str
):
    """It has just worked, so workers may remember it; codes work once, so they are tried only afterwards."""
    use = await way(runtime, Front(name, client, realm), user)
    if way is not authorization_code:
        assert (await use()).status_code == 200
    await _change(runtime, realm, user, state)

    answer = await use()

    refused = (400, 401) if way is authorization_code else (401, 404) if state == "realm disabled" else (401,)
    assert answer.status_code in refused, answer.text


async def test_a_code_works_while_all_is_in_order(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User
):
    use = await authorization_code(runtime, Front("onslip360", client, realm), user)

    assert [(await use()).status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize("name", ["onslip360", "groupalarm"])
async def test_who_signed_out_everywhere_is_out(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User, name: str
):
    use = await session(runtime, Front(name, client, realm), user)
    assert (await use()).status_code == 200

    async with runtime.write(factories.roster_in(realm)) as tx:
        await sessions.end_all(tx, user.id)

    assert (await use()).status_code == 401


@pytest.mark.parametrize("way", [signing_key, personal_token, key_for_a_code], ids=lambda way: way.__name__)
async def test_a_key_that_was_taken_away_is_refused(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User, way: Way
):
    name = "groupalarm" if way is personal_token else "onslip360"
    use = await way(runtime, Front(name, client, realm), user)
    assert (await use()).status_code == 200

    async with runtime.write(factories.roster_in(realm)) as tx:
        for each in await credentials.list_of(tx, user.id):
            await credentials.delete(tx, user.id, each.id)

    assert (await use()).status_code == 401


async def test_a_pin_is_worth_nothing_at_a_till_that_is_gone(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User
):
    use = await key_of_a_pin_at_a_till(runtime, Front("onslip360", client, realm), user)
    assert (await use()).status_code == 200

    till = await people.value(runtime, "SELECT id FROM devices WHERE realm_id = $1", realm.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await devices.delete(tx, till)  # type: ignore[arg-type]

    assert (await use()).status_code == 401


@pytest.mark.parametrize("state", ["revoked", "deleted", "realm disabled"])
async def test_the_token_of_an_organisation_ends_with_it(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User, state: str
):
    org = await organisations.founded(runtime, realm, user)
    async with runtime.write(await factories.acting_as(runtime, realm, user)) as tx:
        made = await org_tokens.create(tx, org.id, OrgTokenDraft("gateway"))
    front = Front("groupalarm", client, realm)

    async def use() -> httpx.Response:
        return await front.call("GET", f"/organization/{org.number}", headers={"API-TOKEN": made.text})

    assert (await use()).status_code == 200
    if state == "realm disabled":
        await _change(runtime, realm, user, state)
    else:
        async with runtime.write(await factories.acting_as(runtime, realm, user)) as tx:
            await (org_tokens.revoke(tx, org.id, made.token.id) if state == "revoked" else orgs.delete(tx, org.id))

    assert (await use()).status_code in ((401, 404) if state == "realm disabled" else (401,))


@pytest.mark.parametrize("state", ["removed", "disabled"])
async def test_what_an_organisation_gave_ends_with_membership(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, user: User, state: str
):
    """With the same token, which stays good for oneself."""
    founder = await factories.a_person(runtime, realm)
    org = await organisations.founded(runtime, realm, founder)
    member = await organisations.joined(runtime, realm, org)
    front, token = Front("groupalarm", client, realm), await walking.token_for(runtime, realm, member)
    path = f"/users?organization={org.number}"
    assert (await front.call("GET", path, token=token)).status_code == 200

    if state == "disabled":
        await _change(runtime, realm, member, state)
    else:
        async with runtime.write(factories.roster_in(realm)) as tx:
            await memberships.remove(tx, org.id, member.id)

    assert (await front.call("GET", path, token=token)).status_code == (401 if state == "disabled" else 404)
