"""Class 22: nothing of one realm is seen or touched from another.

Also covered: `tests/dialects/native/test_table.py` and `tests/dialects/acceleratxr/test_every_operation.py`, where
identifiers of another realm in paths answer 404, like those of nothing.
Here: tokens of another realm, its identifiers in bodies, names of other realms in headers; and that the other realm is
the same afterwards, to the last row.
"""

import re
from typing import Any

import httpx
import pytest

from roster.core.access import service as access
from roster.core.access.models import RoleDraft, Wanted
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserDraft
from roster.kit.ids import UserId, uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.dialects.calling import ADDRESS
from tests.dialects.groupalarm import cases as groupalarm_cases
from tests.security import walking
from tests.security.fronts import PREFIXES, Front
from tests.security.stored import snapshot

LINKS = ("AcceptInvitation", "DeclineInvitation", "ConfirmActivation", "EmailChangeConfirm")
APART = ("groupalarm", "onslip360")
"""Whose credentials are of more kinds than one; they are tried below."""


@pytest.mark.parametrize(("name", "id"), [each for each in walking.CLOSED if each[0] not in APART])
async def test_a_token_or_key_of_another_realm_opens_nothing_here(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm, name: str, id: str
):
    stranger, token = await walking.signed_in(runtime, other_realm, "admin")
    key = await credentials.create(
        runtime, factories.roster_in(other_realm), stranger.id, CredentialDraft(Kind.API_KEY)
    )
    mine, _ = await walking.signed_in(runtime, realm)
    asked = await walking.request(runtime, realm, name, id, mine.user)
    front, before = Front(name, client, realm), await snapshot(runtime, realm)

    for credential in (token, key.secret):
        assert (await asked.send(front, credential)).status_code == (403 if name == "wellbee" else 401)
    assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize(("name", "id"), walking.CLOSED)
async def test_whatever_an_administrator_does_leaves_other_realms_as_they_are(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm, name: str, id: str
):
    """Even with every identifier of the other realm in path, query and body."""
    _, token = await walking.signed_in(runtime, realm, "admin")
    asked = await walking.request(
        runtime, other_realm, name, id, (await walking.signed_in(runtime, other_realm))[0].user
    )
    before = await snapshot(runtime, other_realm)

    answer = await asked.send(Front(name, client, realm), token)

    assert answer.status_code in (400, 401, 403, 404) if asked.names else answer.status_code < 500, answer.text
    assert await snapshot(runtime, other_realm) == before
    about_oneself = "/me" in asked.path or id in ("signOut", "AuthToken.renew")
    if not about_oneself:
        for mine in await _identifiers(runtime, other_realm):
            assert mine not in answer.text.replace(asked.path, "")


async def test_links_and_codes_of_another_realm_do_nothing_here(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm
):
    """Who is nobody yet has them by mail: invitations, activations, changed addresses."""
    front = Front("groupalarm", client, realm)
    for number, id in enumerate(LINKS):
        elsewhere = other_realm if number == 0 else await factories.a_realm(runtime)
        somebody, _ = await walking.signed_in(runtime, elsewhere)
        asked = await walking.request(runtime, elsewhere, "groupalarm", id, somebody.user)
        before = await snapshot(runtime, realm), await snapshot(runtime, elsewhere)

        assert (await asked.send(front, None)).status_code == 404, id
        assert (await snapshot(runtime, realm), await snapshot(runtime, elsewhere)) == before


Sent = dict[str, Any]


async def _foreign(runtime: Runtime, realm: Realm) -> list[tuple[str, int, Sent]]:
    """Front doors, what they answer, and credentials of an administrator of this realm in the form they take."""
    stranger, token = await walking.signed_in(runtime, realm, "admin")
    gateway, personal, *_ = (await groupalarm_cases.a_world(runtime, realm, stranger.user)).secrets
    return [
        *[(name, 401, {"token": token}) for name in APART],
        ("groupalarm", 401, {"headers": {"Personal-Access-Token": personal}}),
        ("groupalarm", 401, {"headers": {"API-TOKEN": gateway}}),
        ("onslip360", 404, {"auth": await walking.signature(runtime, realm, stranger.user)}),
    ]


async def test_tokens_of_every_kind_and_signatures_of_another_realm_open_nothing_here(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm
):
    """At every operation, in addresses that lead to something."""
    mine, _ = await walking.signed_in(runtime, realm)
    known = (await groupalarm_cases.a_world(runtime, realm, mine.user)).ids
    found = {"userID": known["pat"], "organizationID": known["org"], "roleID": known["role"], "roleAccessID": 1}
    foreign, before = await _foreign(runtime, other_realm), await snapshot(runtime, realm)

    for name, status, sent in foreign:
        front = Front(name, client, realm)
        for operation in front.dialect.operations:
            if operation.public:
                continue
            path = re.sub(r"(?<!~)\{(\w+)\}", lambda part: str(found.get(part[1], known["pat"])), operation.path)
            more: Sent = {"content": b"{}"} if operation.body_type else {}
            answer = await front.call(operation.method, path, **sent, **more)
            assert answer.status_code == status, (operation.id, answer.text)
    assert await snapshot(runtime, realm) == before


async def _identifiers(runtime: Runtime, realm: Realm) -> list[str]:
    async with runtime.lease() as tx:
        rows = await tx.rows(
            "SELECT username, id::text FROM users WHERE realm_id = $1 AND username <> 'jane'", realm.id
        )
    return [name for name, _ in rows]


async def test_people_and_roles_of_another_realm_cannot_be_named_in_bodies(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm
):
    foreign = await factories.a_person(runtime, other_realm)
    await factories.a_role(runtime, other_realm, "theirs")
    async with runtime.read(factories.roster_in(other_realm)) as tx:
        theirs = await access.find_role(tx, "theirs")
    _, token = await walking.signed_in(runtime, realm, "admin")
    mine = await factories.a_person(runtime, realm)
    await factories.a_role(runtime, realm, "ours")
    async with runtime.read(factories.roster_in(realm)) as tx:
        ours = await access.find_role(tx, "ours")
    native, other = (Front(name, client, realm) for name in PREFIXES)
    before = await snapshot(runtime, realm), await snapshot(runtime, other_realm)
    bodies: list[tuple[Front, str, str, Any]] = [
        (native, "POST", f"/users/{mine.id}/assignments", {"role": str(theirs.id)}),
        (native, "POST", f"/users/{mine.id}/assignments", {"role": "theirs"}),
        (native, "PUT", f"/roles/{ours.id}/members", {"members": [str(foreign.id)]}),
        (native, "PUT", f"/roles/{ours.id}/members", {"members": [], "owners": [str(foreign.id)]}),
        (native, "POST", "/api-keys", {"user_id": str(foreign.id)}),
        (native, "POST", "/users", {"username": "new", "roles": ["theirs"]}),
        (native, "POST", "/users", {"username": "new", "roles": [str(theirs.id)]}),
        (other, "POST", "/roles", {"name": "new", "members": [str(foreign.id)]}),
        (other, "PUT", f"/roles/{ours.id}", {"name": "ours", "owners": [str(foreign.id)]}),
        (other, "POST", "/users", {"name": "new", "email": "new@example.org", "roles": ["theirs"]}),
        (other, "POST", f"/users/{mine.id}/secrets", {"type": "apikey", "userId": str(foreign.id)}),
    ]

    for front, method, path, body in bodies:
        answer = await front.call(method, path, token=token, json=body)
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
    assert (await snapshot(runtime, realm), await snapshot(runtime, other_realm)) == before


async def test_queries_about_people_of_another_realm_find_nothing(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm
):
    foreign = await people.a_member(runtime, other_realm)
    await people.sign_in(runtime, foreign)
    _, token = await walking.signed_in(runtime, realm, "admin")
    native, other = (Front(name, client, realm) for name in PREFIXES)

    for path in (
        f'/users?filter=id eq "{foreign.id}"&total=true',
        f"/users?q={foreign.username}&total=true",
        f"/sessions?user_id={foreign.id}&total=true",
        f"/api-keys?user_id={foreign.id}",
        f"/messages?user_id={foreign.id}",
        f'/audit?filter=subject_id eq "{foreign.id}"&total=true',
    ):
        found = (await native.call("GET", path, token=token)).json()
        assert (found["items"], found["total"] or 0) == ([], 0)
    assert (await other.call("GET", f"/users?uid={foreign.id}", token=token)).json() == []
    assert (await other.call("GET", f"/users/count?name={foreign.username}", token=token)).json() == {"count": 0}


@pytest.mark.parametrize("who", ["administrator", "key of an administrator", "member of the main realm"])
async def test_only_the_platforms_administrators_act_in_another_realm(
    runtime: Runtime, client: httpx.AsyncClient, main_realm: Realm, realm: Realm, other_realm: Realm, who: str
):
    home = main_realm if who == "member of the main realm" else realm
    person, token = await walking.signed_in(runtime, home, *([] if home is main_realm else ["admin"]))
    if who.startswith("key"):
        made = await credentials.create(runtime, factories.roster_in(home), person.id, CredentialDraft(Kind.API_KEY))
        token = made.secret or ""
    headers = {"Authorization": f"Bearer {token}"}

    for slug in (other_realm.slug, "main" if home is realm else realm.slug, "no-such-realm", "", "main/../x", "%00"):
        for path in ("/users", "/me", "/realms/" + other_realm.slug, "/roles"):
            answer = await client.get(f"{ADDRESS}/api/v1{path}", headers={**headers, "Roster-Realm": slug})
            assert answer.status_code == 404, (slug, path)
            assert answer.json()["code"] == "realm_not_found"


async def test_the_platforms_administrators_are_nobody_where_the_address_names_the_realm(
    runtime: Runtime, client: httpx.AsyncClient, main_realm: Realm, realm: Realm
):
    """A page of a realm cannot borrow the power of an administrator who looks at it."""
    _, token = await walking.signed_in(runtime, main_realm, "admin")
    for name in PREFIXES:
        front = Front(name, client, realm)
        for headers in ({}, {"Roster-Realm": realm.slug}, {"Roster-Realm": "main"}):
            assert (await front.call("GET", "/users", token=token, headers=headers)).status_code == 401


async def test_whoever_acts_in_another_realm_is_nobody_there(
    runtime: Runtime, client: httpx.AsyncClient, main_realm: Realm, realm: Realm
):
    """No person of that realm is taken for them, and they own nothing there."""
    chief, token = await walking.signed_in(runtime, main_realm, "admin")
    headers = {"Authorization": f"Bearer {token}", "Roster-Realm": realm.slug}
    answers = [
        await client.get(f"{ADDRESS}/api/v1/me", headers=headers),
        await client.post(f"{ADDRESS}/api/v1/api-keys", headers=headers, json={}),
        await client.delete(f"{ADDRESS}/api/v1/me", headers=headers),
    ]

    assert {answer.status_code for answer in answers} == {404}
    async with runtime.read(factories.roster_in(main_realm)) as tx:
        assert await users.tx_maybe(tx, chief.id) is not None


@pytest.mark.parametrize("slug", ["main%2f..%2fx", "%2e%2e", "%00", "a%0ab", "MAIN", "main%20", "%ff", "x" * 5000])
async def test_no_spelling_of_an_address_leads_into_a_realm(client: httpx.AsyncClient, main_realm: Realm, slug: str):
    answer = await client.get(f"{ADDRESS}/realms/{slug}/api/v1/jwks")

    assert answer.status_code == 404


async def test_a_cursor_of_one_realm_opens_no_list_of_another(
    front: Front, runtime: Runtime, admin: Person, other_realm: Realm, client: httpx.AsyncClient
):
    if front.name != "native":
        return  # has no cursors
    for _ in range(2):
        await factories.a_person(runtime, front.realm)
    _, foreign = await walking.signed_in(runtime, other_realm, "admin")
    token = await walking.token_for(runtime, front.realm, admin.user)
    cursor = (await front.call("GET", "/users?limit=1", token=token)).json()["next_cursor"]
    elsewhere = Front("native", client, other_realm)

    answer = await elsewhere.call("GET", "/users", token=foreign, params={"limit": "1", "cursor": cursor})
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "invalid_cursor")
    assert (await front.call("GET", f"/users/{uuid7()}", token=token)).status_code == 404


async def test_people_who_have_the_same_id_in_two_realms_have_the_roles_of_their_own_realm(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, other_realm: Realm
):
    """Imports keep ids, so that whoever was imported into two realms is the same UUID in both."""
    shared = UserId(uuid7())
    tokens: dict[str, str] = {}
    for each, role in ((other_realm, "admin"), (realm, "reader")):
        async with runtime.write(factories.roster_in(each)) as tx:
            await access.create_role(tx, RoleDraft("reader", permissions=["audit.read"]))
            user = await users.create(tx, UserDraft("same"), roles=[Wanted(role)], user_id=shared)
            await credentials.replace_password(tx, user.id, people.HASH)
        tokens[each.slug] = (await people.sign_in(runtime, Person(each, user))).access_token

    async def roles_seen(each: Realm) -> tuple[int, list[str]]:
        headers = {"Authorization": f"Bearer {tokens[each.slug]}", "Roster-Realm": each.slug}
        listed = await client.get("/api/v1/users", headers=headers)
        async with runtime.read(factories.roster_in(each)) as tx:
            effective = await access.effective(tx, shared)
        return listed.status_code, [role.role_name for role in effective]

    assert await roles_seen(other_realm) == (200, ["admin"])
    assert await roles_seen(realm) == (403, ["reader"])
