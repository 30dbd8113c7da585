"""Organisations over HTTP: a life of one, and what its tokens are good for."""

from uuid import UUID

import httpx
import pytest

from roster.core.orgs import tokens
from roster.core.orgs.models import OrgTokenDraft
from roster.core.realms.models import Realm
from roster.dialects.native import dialect
from roster.kit.ids import OrgId
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.native.cases import CASES, a_world, filled

OPERATIONS = {operation.id: operation for operation in dialect.operations}
ABOUT_ONESELF = sorted(name for name, operation in OPERATIONS.items() if operation.path.startswith("/me"))


@pytest.fixture
async def machine(runtime: Runtime, client: httpx.AsyncClient, person: Person) -> tuple[dict[str, str], str]:
    """The header of a token, and the address of its organisation."""
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    path = f"/organisations/{made.json()['id']}"
    token = await client.post(f"{path}/tokens", headers=person.bearer, json={"name": "machine"})
    return {"Authorization": f"Bearer {token.json()['token']}"}, path


async def test_an_organisation_is_founded_joined_run_and_deleted(
    client: httpx.AsyncClient, person: Person, admin: Person, sign_in: SignIn
):
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    path = made.headers["location"].removeprefix("/api/v1")
    member = await sign_in()
    added = await client.post(f"{path}/members", headers=admin.bearer, json={"user_id": str(member.user.id)})
    role = await client.post(
        f"{path}/roles", headers=person.bearer, json={"name": "writers", "permissions": ["orgs.write"]}
    )
    given = await client.put(f"{path}/members/{member.user.id}/roles/{role.json()['id']}", headers=person.bearer)
    changed = await client.patch(path, headers=member.bearer, json={"description": "Ours"})
    left = await client.delete(f"{path}/members/{member.user.id}", headers=member.bearer)
    again = await client.patch(path, headers=member.bearer, json={"description": "Still ours"})
    last = await client.delete(f"{path}/members/{person.user.id}", headers=person.bearer)
    deleted = await client.delete(path, headers=person.bearer)

    assert [each.status_code for each in (made, added, role, given, changed, left, again, last, deleted)] == [
        *(201, 201, 201, 204, 200, 204, 404, 409, 204)
    ]
    assert last.json()["code"] == "last_org_administrator"


async def test_lists_of_members_show_who_they_are(client: httpx.AsyncClient, person: Person):
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    found = await client.get(f"/organisations/{made.json()['id']}/members", headers=person.bearer)
    mine = await client.get("/me/organisations", headers=person.bearer)

    assert [each["username"] for each in found.json()["items"]] == [person.user.username]
    assert [each["organisation_id"] for each in mine.json()["items"]] == [made.json()["id"]]


async def test_a_token_acts_for_its_organisation(
    client: httpx.AsyncClient, machine: tuple[dict[str, str], str], person: Person
):
    bearer, path = machine
    members = await client.get(f"{path}/members", headers=bearer)
    changed = await client.patch(path, headers=bearer, json={"description": "By machine"})
    others = [await client.get(each, headers=bearer) for each in ("/users", "/audit", "/realms")]
    roles = await client.get("/roles", headers=bearer)
    more = await client.post(f"{path}/tokens", headers=bearer, json={"name": "more"})

    assert [each["user_id"] for each in members.json()["items"]] == [str(person.user.id)]
    assert changed.json()["description"] == "By machine"
    assert {each.status_code for each in others} <= {403, 404}
    assert roles.json()["items"] == []
    assert more.status_code == 403


@pytest.mark.parametrize("name", ABOUT_ONESELF)
async def test_a_token_is_nobody_who_could_be_asked_about_themselves(
    name: str, client: httpx.AsyncClient, runtime: Runtime, realm: Realm
):
    world, operation, case = await a_world(runtime, realm), OPERATIONS[name], CASES[name]
    async with runtime.write(factories.roster_in(realm)) as tx:
        text = (await tokens.create(tx, OrgId(UUID(world.ids["org"])), OrgTokenDraft())).text
    known = {**world.ids, "own": world.ids["key"], "code": "123456"}

    answer = await client.request(
        operation.method,
        operation.path.format(**filled(case.path, known)),
        json=None if case.json is None else filled(case.json, known),
        headers={"Authorization": f"Bearer {text}"},
    )

    assert answer.status_code in (403, 404), answer.text
