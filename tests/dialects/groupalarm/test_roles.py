"""Roles of organisations, access entries, assignments, and API tokens (notes, sections 3, 10 and 12)."""

import asyncio
from typing import Any

import pytest

from roster.core.access import org_roles, vocabulary
from roster.core.access.models import WITHIN_ORGANISATIONS, RoleChange, RoleDraft
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.dialects.groupalarm import catalogue, dialect, entries
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import IS_WAITED_FOR
from tests.dialects.groupalarm import contract
from tests.dialects.groupalarm.conftest import Account, Wire, World, done, member_of, refusal

DEFAULT = ["owner", "administrator", "participant", "support staff"]


async def listed(wire: Wire, world: World) -> dict[str, dict[str, Any]]:
    """The roles that can be used in the organisation, by name."""
    answer = await wire.get(f"/rbac/roles?organization_id={world.org.number}")
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()}


async def made(world: World, name: str = "Scheduler", **flags: Any) -> int:
    """A role made by the administrator."""
    sent = {"name": name, "organizationID": world.org.number, "description": "Plans", **flags}
    answer = await world.by_administrator.post("/rbac/roles", sent)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def entry(world: World, role: int, endpoints: list[str], methods: list[str]) -> int:
    """An access entry of a role."""
    sent = {"endpoints": endpoints, "methods": methods}
    answer = await world.by_administrator.post(f"/rbac/roles/{role}/access", sent)
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in sent} == sent
    return answer.json()["id"]


async def give(world: World, role: int, user: User) -> None:
    """Give the role to a member."""
    sent = {"roleID": role, "userID": user.number}
    answer = await world.by_administrator.post(f"/rbac/roles/{role}/user", sent)
    assert (answer.status_code, done(answer)) == (201, "MSG_ENTRY_SAVED_SUCCESSFULLY")


async def token_of(world: World, wire: Wire) -> Wire:
    """Asks as the organisation itself."""
    sent = {"organizationID": world.org.number, "name": "gateway"}
    answer = await world.by_administrator.post("/rbac/token", sent)
    assert answer.status_code == 201, answer.text
    return wire.by(api=answer.json()["token"])


async def test_an_entry_that_is_being_taken_away_does_not_come_back_with_another(
    world: World, runtime: Runtime, realm: Realm
):
    """The other change is about to finish when the second finds the entries as they were."""
    role = await made(world)
    first = await entry(world, role, ["label"], ["DELETE"])
    async with runtime.write(factories.roster_in(realm)) as tx:
        org, found = await org_roles.find_numbered(tx, role)
        before = entries.kept(found, vocabulary.of(runtime))
        change = entries.change(found, before, entries.without(before, first))
        await org_roles.change_role(tx, org.id, found.id, change)
        adding = asyncio.create_task(entry(world, role, ["user"], ["GET"]))
        while not await tx.value(IS_WAITED_FOR):
            pass

    second = await adding
    kept = (await world.by_administrator.get(f"/rbac/roles/{role}/access")).json()
    assert [(each["id"], each["endpoints"]) for each in kept] == [(second, ["user"])]
    assert second > first


async def test_a_role_that_was_made_elsewhere_gives_no_more_than_its_entries_say(
    world: World, runtime: Runtime, realm: Realm
):
    draft = RoleDraft("Elsewhere", permissions=["labels.write", "members.read", "members.write"])
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await org_roles.create_role(tx, world.org.id, draft)
    path = f"/rbac/roles/{role.number}/access"
    found = {each["endpoints"][0]: each["id"] for each in (await world.by_administrator.get(path)).json()}
    assert found.keys() == {"label", "user"}

    fewer = {"endpoints": ["user"], "methods": ["GET"]}
    assert (await world.by_administrator.patch(f"{path}/{found['user']}", fewer)).status_code == 200
    assert (await world.by_administrator.delete(f"{path}/{found['label']}")).status_code == 200

    async with runtime.read(factories.roster_in(realm)) as tx:
        _, changed = await org_roles.find_numbered(tx, role.number)
    given = vocabulary.of(runtime).expand(changed.permissions)
    assert given & WITHIN_ORGANISATIONS == {"members.read"}


async def test_what_is_taken_from_a_role_elsewhere_does_not_come_back_with_an_entry(
    world: World, runtime: Runtime, realm: Realm
):
    role = await made(world)
    first = await entry(world, role, ["user"], ["GET", "DELETE"])
    async with runtime.write(factories.roster_in(realm)) as tx:
        org, found = await org_roles.find_numbered(tx, role)
        await org_roles.change_role(tx, org.id, found.id, RoleChange(permissions=["groupalarm:user.read"]))

    second = await entry(world, role, ["label"], ["GET"])

    kept = (await world.by_administrator.get(f"/rbac/roles/{role}/access")).json()
    assert {each["endpoints"][0]: each["methods"] for each in kept} == {"user": ["GET"], "label": ["GET"]}
    assert first not in [each["id"] for each in kept]
    async with runtime.read(factories.roster_in(realm)) as tx:
        _, changed = await org_roles.find_numbered(tx, role)
    assert (second in [each["id"] for each in kept], sorted(changed.permissions)) == (
        True,
        ["groupalarm:label.read", "groupalarm:user.read"],
    )


async def test_every_organisation_has_the_default_roles(world: World):
    found = await listed(world.by_administrator, world)

    assert sorted(found) == sorted(DEFAULT)
    assert {each["type"] for each in found.values()} == set(DEFAULT)
    assert {each["organizationID"] for each in found.values()} == {world.org.number}
    assert [name for name, each in found.items() if each["inheritable"]] == ["owner"]


@pytest.mark.parametrize("name", DEFAULT)
async def test_default_roles_are_not_changed(world: World, name: str):
    """Section 10: the answer is 401."""
    role = (await listed(world.by_founder, world))[name]["id"]
    path = f"/rbac/roles/{role}"
    sent = {"endpoints": ["user"], "methods": ["GET"]}

    for answer in (
        await world.by_founder.patch(path, {"name": "mine", "organizationID": world.org.number}),
        await world.by_founder.delete(path),
        await world.by_founder.post(f"{path}/access", sent),
        await world.by_founder.patch(f"{path}/access/1", sent),
        await world.by_founder.delete(f"{path}/access/1"),
    ):
        assert refusal(answer) == (401, "role built in")


async def test_services_and_their_methods_are_listed(by_ada: Wire):
    found = {each["name"]: each for each in (await by_ada.get("/rbac/services")).json()}

    assert found.keys() == catalogue.SERVICES.keys()
    assert found["user"]["methods"] == ["GET", "POST", "PUT", "PATCH", "DELETE"]
    assert found["token"]["methods"] == ["GET", "POST", "DELETE"]


async def test_a_role_is_made_read_changed_and_deleted(world: World):
    role = await made(world, inheritable=False, unknown=1)
    path = f"/rbac/roles/{role}"
    assert (await world.by_administrator.get(path)).json() == {
        "assignUsersInChildOrganizations": False,
        "description": "Plans",
        "id": role,
        "inheritable": False,
        "name": "Scheduler",
        "organizationID": world.org.number,
        "type": "",
    }

    changed = (await world.by_administrator.patch(path, {"name": "Planner", "inheritable": True})).json()

    assert (changed["name"], changed["description"], changed["inheritable"]) == ("Planner", "Plans", True)
    assert done(await world.by_administrator.delete(path)) == "MSG_ENTRY_DELETED_SUCCESSFULLY"
    assert refusal(await world.by_administrator.get(path)) == (404, "role not found")
    assert refusal(await world.by_administrator.delete(path)) == (404, "role not found")


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "x"}, {"name": "a,b"}, {"name": "participant"}, {"name": ""}, {"organizationID": "x"}, []],
)
async def test_what_is_no_role_is_refused(world: World, body: Any):
    if isinstance(body, dict) and body.get("name") not in (None, "x"):
        body = {"organizationID": world.org.number, **body}

    assert (await world.by_administrator.post("/rbac/roles", body)).status_code == 400


async def test_access_entries_decide_what_a_role_gives(world: World, runtime: Runtime, realm: Realm, account: Account):
    role = await made(world)
    await give(world, role, world.participant)
    bo = await account()
    await member_of(runtime, realm, world.org, bo)
    removing = f"/user/{bo.number}/{world.org.number}"
    renaming = {"organizationId": world.org.number, "user": {"id": bo.number, "name": "Bo"}}
    assert (await world.by_participant.put("/user/", renaming)).status_code == 403

    number = await entry(world, role, ["user"], ["GET", "PUT"])
    assert done(await world.by_participant.put("/user/", renaming))
    assert refusal(await world.by_participant.delete(removing)) == (403, "forbidden")
    refused = await world.by_participant.post("/rbac/roles", {"name": "x", "organizationID": world.org.number})
    assert refused.status_code == 403

    sent = {"endpoints": ["user", "rbac"], "methods": ["delete", "get"]}
    changed = await world.by_administrator.patch(f"/rbac/roles/{role}/access/{number}", sent)
    assert changed.json()["methods"] == ["DELETE", "GET"]
    assert (await world.by_participant.put("/user/", renaming)).status_code == 403
    assert done(await world.by_participant.delete(removing))
    assert (await world.by_participant.get(f"/rbac/roles/{role}/access")).json() == [changed.json()]
    assert done(await world.by_administrator.delete(f"/rbac/roles/{role}/access/{number}"))
    assert (await world.by_participant.get(f"/rbac/roles/{role}/access")).status_code == 404
    assert (await world.by_administrator.get(f"/rbac/roles/{role}/access")).json() == []


async def test_numbers_of_entries_are_not_used_twice(world: World):
    role = await made(world)
    first = await entry(world, role, ["user"], ["GET"])
    second = await entry(world, role, ["rbac"], ["GET"])
    await world.by_administrator.delete(f"/rbac/roles/{role}/access/{second}")
    await world.by_administrator.delete(f"/rbac/roles/{role}/access/{first}")

    assert await entry(world, role, ["user"], ["POST"]) == second + 1
    assert refusal(await world.by_administrator.delete(f"/rbac/roles/{role}/access/{first}"))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"endpoints": [], "methods": ["GET"]},
        {"endpoints": ["user"], "methods": []},
        {"endpoints": ["nothing"], "methods": ["GET"]},
        {"endpoints": ["user"], "methods": ["HEAD"]},
        {"endpoints": "user", "methods": "GET"},
    ],
)
async def test_what_is_no_access_entry_is_refused(world: World, body: object):
    role = await made(world)

    assert (await world.by_administrator.post(f"/rbac/roles/{role}/access", body)).status_code == 400


async def test_default_roles_show_what_they_give(world: World):
    roles = await listed(world.by_administrator, world)

    found = (await world.by_administrator.get(f"/rbac/roles/{roles['participant']['id']}/access")).json()

    expected = {("organization", "GET"), ("user", "GET"), ("label", "GET")}
    assert {(each["endpoints"][0], *each["methods"]) for each in found} == expected
    whole = (await world.by_administrator.get(f"/rbac/roles/{roles['administrator']['id']}/access")).json()
    assert {each["endpoints"][0] for each in whole} == set(catalogue.SERVICES)


async def test_roles_are_given_and_taken(world: World):
    role = await made(world)
    path = f"/rbac/roles/{role}/user"
    await give(world, role, world.participant)
    await give(world, role, world.participant)

    assert (await world.by_administrator.get(path)).json() == [{"roleID": role, "userID": world.participant.number}]
    own = (await world.by_participant.post("/rbac/user", {})).json()[0]
    assert own["userID"] == world.participant.number
    assert {each["name"] for each in own["roles"]} == {"participant", "Scheduler"}
    assert done(await world.by_administrator.delete(f"{path}/{world.participant.number}"))
    assert refusal(await world.by_administrator.delete(f"{path}/{world.participant.number}"))[0] == 404
    assert refusal(await world.by_administrator.delete(f"{path}/999999"))[0] == 404
    assert (await world.by_administrator.post(path, {"roleID": role + 1, "userID": 1})).status_code == 400


async def test_the_last_administrator_keeps_the_role(world: World):
    role = (await listed(world.by_administrator, world))["administrator"]["id"]
    assert done(await world.by_administrator.delete(f"/user/{world.founder.number}/{world.org.number}"))

    refused = await world.by_administrator.delete(f"/rbac/roles/{role}/user/{world.administrator.number}")

    assert refusal(refused) == (403, "last org administrator")


async def test_nobody_becomes_an_owner_by_a_role_or_gives_more_than_they_have(world: World):
    roles = await listed(world.by_administrator, world)
    owner, administrator = roles["owner"]["id"], roles["administrator"]["id"]
    helper = await made(world, "Helper")
    await entry(world, helper, ["rbac"], ["GET", "POST", "PUT"])
    await give(world, helper, world.participant)
    sent = {"userID": world.participant.number}

    assert refusal(await world.by_administrator.post(f"/rbac/roles/{owner}/user", sent))[0] == 403
    assert refusal(await world.by_participant.post(f"/rbac/roles/{administrator}/user", sent)) == (403, "escalation")
    more = {"endpoints": ["token"], "methods": ["POST"]}
    assert refusal(await world.by_participant.post(f"/rbac/roles/{helper}/access", more)) == (403, "escalation")


async def test_roles_of_other_organisations_are_not_there(world: World, by_ada: Wire, ada: User):
    mine = (await by_ada.post("/organization", {"name": "Other"})).json()["id"]
    role = await made(world)
    path = f"/rbac/roles/{role}"
    sent = {"endpoints": ["user"], "methods": ["GET"]}

    for answer in (
        await by_ada.get(path),
        await by_ada.patch(path, {"name": "x"}),
        await by_ada.delete(path),
        await by_ada.get(f"{path}/access"),
        await by_ada.post(f"{path}/access", sent),
        await by_ada.patch(f"{path}/access/1", sent),
        await by_ada.delete(f"{path}/access/1"),
        await by_ada.get(f"{path}/user"),
        await by_ada.post(f"{path}/user", {"userID": ada.number}),
        await by_ada.delete(f"{path}/user/{ada.number}"),
        await by_ada.get(f"/rbac/roles?organization_id={world.org.number}"),
        await by_ada.get(f"/rbac/token?organization_id={world.org.number}"),
    ):
        assert answer.status_code == 404, answer.request.url
    assert (await world.by_participant.get(path)).status_code == 404
    assert len((await by_ada.get(f"/rbac/roles?organization_id={mine}")).json()) == 4
    assert (await by_ada.get("/rbac/roles")).status_code == 400


async def test_a_token_acts_for_the_organisation_inside_it(world: World, wire: Wire, by_ada: Wire):
    by_org = await token_of(world, wire)
    other = (await by_ada.post("/organization", {"name": "Other"})).json()["id"]

    assert [each["id"] for each in (await by_org.get("/organizations")).json()] == [world.org.number]
    assert len((await by_org.get(f"/users?organization={world.org.number}")).json()) == 3
    changed = await by_org.put("/organization", {"id": world.org.number, "description": "By a program"})
    assert changed.json()["description"] == "By a program"
    assert done(await by_org.delete(f"/user/{world.participant.number}/{world.org.number}"))
    for path in (f"/organization/{other}", f"/users?organization={other}", f"/rbac/roles?organization_id={other}"):
        assert refusal(await by_org.get(path)) == (404, "org not found")
    assert refusal(await wire.by(bearer=by_org.headers["API-TOKEN"]).get("/organizations")) == (401, "invalid token")
    assert refusal(await wire.by(personal=by_org.headers["API-TOKEN"]).get("/organizations")) == (401, "invalid token")


PERSONAL = [each for each in dialect.operations if {"x-organisations-get", "x-login-only"} & each.extra.keys()]


@pytest.mark.parametrize("id", [each.id for each in PERSONAL])
async def test_an_organisation_is_nobody_where_the_caller_must_be_somebody(world: World, wire: Wire, id: str):
    """Section 3: 400, or 403 at GetUser and at sessions; 401 where only a login counts."""
    by_org = await token_of(world, wire)
    operation = next(each for each in PERSONAL if each.id == id)
    path = operation.path.format(id=1, userID=1, organizationID=1, roleID=1, changeID=1)
    body = {} if operation.body_type is not None else None

    answer = await by_org.call(operation.method, path, body)

    expected = operation.extra.get("x-organisations-get", 401)
    reason = "unauthenticated" if expected == 401 else "missing user id in auth token"
    assert refusal(answer) == (expected, reason)
    found = next(each for each in contract.operations() if each.id == id)
    assert "organization-api-token" not in (contract.callers(found) or [])


async def test_tokens_of_organisations_are_shown_once_listed_and_ended(world: World, wire: Wire):
    sent = {"organizationID": world.org.number, "name": "gateway"}
    made = (await world.by_administrator.post("/rbac/token", sent)).json()
    by_org = wire.by(api=made["token"])
    assert (await by_org.get("/organizations/")).status_code == 200

    page = await world.by_administrator.get(f"/rbac/token?organization_id={world.org.number}")
    assert page.json() == [{**made, "token": ""}]
    assert refusal(await world.by_participant.post("/rbac/token", sent))[0] == 403
    assert refusal(await world.by_participant.delete(f"/rbac/token/{made['id']}"))[0] == 404
    assert done(await world.by_administrator.delete(f"/rbac/token/{made['id']}"))

    assert refusal(await by_org.get("/organizations")) == (401, "invalid token")
    assert refusal(await world.by_administrator.delete(f"/rbac/token/{made['id']}"))[0] == 404
    assert (await world.by_administrator.post("/rbac/token", {"name": "x"})).status_code == 400
