"""Roles and permission lists (notes, section 8)."""

import asyncio
from typing import Any

import httpx
import pytest

from roster.core.access import service as access
from roster.core.access.models import MembersChange, RoleChange
from roster.core.realms.models import Realm
from roster.dialects.acceleratxr import mapping
from roster.kit import ids
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.acceleratxr.conftest import Wire, refusal, uid
from tests.dialects.conftest import IS_WAITED_FOR, Person, SignIn


async def make(wire: Wire, by: Person, name: str, **body: object) -> dict[str, Any]:
    made = await wire.post("/roles", {"name": name, **body}, by=by)
    assert made.status_code == 201, made.text
    return made.json()


async def roles_of(wire: Wire, person: Person) -> list[str]:
    return (await wire.get("/users/me", by=person)).json()["roles"]


def named(answer: httpx.Response) -> list[str]:
    """Names of the roles listed, but those that front doors bring along."""
    return factories.without_built_in(each["name"] for each in answer.json())


# roles


async def test_a_trusted_caller_makes_a_role_and_its_people_show_it_at_once(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    made = await make(wire, admin, "editors", description="They edit", members=[uid(jane)], owners=[uid(john)])

    assert ids.parse(made["uid"]).version == 4  # type: ignore[union-attr]
    assert (made["version"], made["description"]) == (0, "They edit")
    assert made["members"] == sorted([uid(jane), uid(john)])
    assert made["owners"] == [uid(john)]
    assert await roles_of(wire, jane) == ["editors"]
    assert await roles_of(wire, john) == ["editors"]


async def test_a_member_who_is_being_taken_away_does_not_come_back_with_a_new_owner(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person, jane: Person, john: Person
) -> None:
    """The other change is about to finish when the second finds the members as they were."""
    await make(wire, admin, "editors", members=[uid(jane)])
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "editors")
        await access.change_role(tx, role.id, RoleChange(), members=MembersChange(frozenset(), frozenset()))
        change = asyncio.create_task(wire.put("/roles/editors", {"name": "editors", "owners": [uid(john)]}, by=admin))
        while not await tx.value(IS_WAITED_FOR):
            pass

    changed = (await change).json()
    assert (changed["members"], changed["owners"]) == ([uid(john)], [uid(john)])


async def test_only_trusted_callers_make_roles(wire: Wire, jane: Person, admin: Person) -> None:
    await make(wire, admin, "editors", owners=[uid(jane)])

    assert refusal(await wire.post("/roles", {"name": "mine"}, by=jane)) == (403, "api-102")
    assert refusal(await wire.delete("/roles", by=jane)) == (403, "api-102")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "Editors"}, (400, "api-011")),
        ({"name": ""}, (400, "api-003")),
        ({"name": "x", "members": ["nobody"]}, (400, "api-003")),
        ({"name": "x", "members": ["4b2f0c5e-7a10-4c3b-9a55-0d2f6a4b8c11"]}, (400, "api-003")),
        ({"name": "x", "members": "all"}, (400, "api-003")),
        ({"description": "x"}, (400, "api-003")),
    ],
)
async def test_what_is_no_role_is_refused(wire: Wire, admin: Person, body: object, expected: tuple[int, str]) -> None:
    await make(wire, admin, "editors")

    assert refusal(await wire.post("/roles", body, by=admin)) == expected


async def test_roles_are_found_by_uid_and_by_name_in_any_case(wire: Wire, admin: Person) -> None:
    made = await make(wire, admin, "Editors")

    for named in (made["uid"], made["uid"].upper(), "editors", "EDITORS"):
        assert (await wire.get(f"/roles/{named}", by=admin)).json() == made
    assert refusal(await wire.get("/roles/nothing", by=admin)) == (404, "api-010")


async def test_members_view_their_roles_others_none_and_nobody_is_refused(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    made = await make(wire, admin, "editors", members=[uid(jane)])
    await make(wire, admin, "writers")

    assert (await wire.get("/roles", by=jane)).json() == [made]
    assert (await wire.get("/roles/count", by=jane)).json() == {"count": 1}
    assert (await wire.get("/roles/editors", by=jane)).json() == made
    assert (await wire.get("/roles", by=john)).json() == []
    assert refusal(await wire.get("/roles/editors", by=john)) == (404, "api-010")
    assert named(await wire.get("/roles", by=admin)) == ["admin", "editors", "writers"]
    for path in ("/roles", "/roles/count", "/roles/editors"):
        assert refusal(await wire.get(path)) == (403, "api-102")


async def test_owners_change_their_role_and_its_people_members_do_not(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    await make(wire, admin, "editors", members=[uid(john)], owners=[uid(jane)])

    changed = await wire.put("/roles/editors", {"name": "authors", "members": [uid(jane)], "version": 0}, by=jane)

    assert (changed.json()["name"], changed.json()["version"]) == ("authors", 1)
    assert changed.json()["members"] == changed.json()["owners"] == [uid(jane)]
    assert await roles_of(wire, john) == []
    assert await roles_of(wire, jane) == ["authors"]
    await wire.put("/roles/authors", {"name": "authors", "members": [uid(john)]}, by=jane)
    assert refusal(await wire.put("/roles/authors", {"name": "x"}, by=john)) == (403, "api-102")
    assert refusal(await wire.delete("/roles/authors", by=john)) == (403, "api-102")
    assert (await wire.delete("/roles/authors", by=jane)).content == b""
    assert await roles_of(wire, john) == []


async def test_what_a_change_leaves_out_stays(wire: Wire, admin: Person, jane: Person) -> None:
    made = await make(wire, admin, "editors", description="They edit", owners=[uid(jane)])

    changed = (await wire.put("/roles/editors", {"name": "authors"}, by=admin)).json()

    assert {**made, "name": "authors", "version": 1, "dateModified": changed["dateModified"]} == changed


async def test_a_stale_role_and_a_foreign_uid_are_refused(wire: Wire, admin: Person) -> None:
    made = await make(wire, admin, "editors")
    other = await make(wire, admin, "writers")
    body = {**made, "description": "new"}

    assert (await wire.put("/roles/editors", body, by=admin)).json()["version"] == 1
    assert refusal(await wire.put("/roles/editors", body, by=admin)) == (409, "api-012")
    assert refusal(await wire.put("/roles/editors", {**body, "uid": other["uid"]}, by=admin)) == (400, "api-013")
    assert refusal(await wire.put("/roles/editors", {"name": "Writers"}, by=admin)) == (400, "api-011")


async def test_the_trusted_role_takes_members_and_nothing_else(wire: Wire, admin: Person, jane: Person) -> None:
    made = (await wire.get("/roles/admin", by=admin)).json()

    joined = await wire.put("/roles/admin", {"name": "admin", "members": [*made["members"], uid(jane)]}, by=admin)

    assert joined.status_code == 200
    assert (await wire.get("/users", by=jane)).json()[0].keys() >= {"roles"}
    assert refusal(await wire.put("/roles/admin", {"name": "root"}, by=admin)) == (403, "api-102")
    assert refusal(await wire.delete("/roles/admin", by=admin)) == (403, "api-102")
    nobody = {"name": "admin", "members": [], "owners": []}
    assert refusal(await wire.put("/roles/admin", nobody, by=admin)) == (403, "api-102")


async def test_deleting_many_roles_keeps_the_trusted_ones(
    wire: Wire, admin: Person, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    for name in ("editors", "editors-2", "writers"):
        await make(wire, admin, name, members=[uid(jane)])
    await factories.a_role(runtime, realm, "operators", "*")

    assert (await wire.delete("/roles?name=like(editors)", by=admin)).content == b""
    assert await roles_of(wire, jane) == ["writers"]
    assert refusal(await wire.delete("/roles?limit=1", by=admin)) == (400, "api-003")
    await wire.delete("/roles", by=admin)
    assert named(await wire.get("/roles", by=admin)) == ["admin", "operators"]


async def test_roles_are_narrowed_by_their_members_too(wire: Wire, admin: Person, jane: Person, john: Person) -> None:
    await make(wire, admin, "editors", members=[uid(jane)], owners=[uid(john)])
    await make(wire, admin, "writers", members=[uid(john)])

    async def names(query: str) -> list[str]:
        return [each["name"] for each in (await wire.get(f"/roles?{query}", by=admin)).json()]

    assert await names(f"members={uid(jane)}") == ["editors"]
    assert await names(f"members=in({uid(jane)},{uid(john)})") == ["editors", "writers"]
    assert await names(f"owners={uid(john)}") == ["editors"]
    assert await names('name=ne(admin)&sort={"name":"DESC"}&limit=1') == ["writers"]
    assert await names(f"uid=eq({(await wire.get('/roles/writers', by=admin)).json()['uid']})") == ["writers"]


async def test_a_role_with_every_permission_is_a_trusted_one(
    wire: Wire, sign_in: SignIn, runtime: Runtime, realm: Realm
) -> None:
    await factories.a_role(runtime, realm, "operators", "*")
    operator = await sign_in(roles=("operators",))

    assert (await wire.post("/roles", {"name": "editors"}, by=operator)).status_code == 201


# permission lists

OWN = {"create": True, "read": True, "update": True, "delete": True, "special": None, "full": None}


async def test_the_class_lists_say_what_the_notes_lay_down(wire: Wire, admin: Person) -> None:
    users = (await wire.get("/acls/User", by=admin)).json()

    assert (users["uid"], users["version"]) == ("User", 0)
    allowed = {
        each["userOrRoleId"]: {name for name, right in each.items() if right is True} for each in users["records"]
    }
    assert allowed == {"anonymous": {"create"}, ".*": {"create", "read"}}
    assert (await wire.get("/acls/user", by=admin)).json() == users
    assert (await wire.get("/acls/Role", by=admin)).json()["uid"] == "Role"


async def test_a_user_has_a_list_that_gives_them_everything_about_themselves(
    wire: Wire, admin: Person, jane: Person
) -> None:
    by_name = (await wire.get("/acls/jdoe", by=admin)).json()

    assert by_name == {
        "uid": uid(jane),
        "parentUid": "User",
        "version": 0,
        "records": [{"userOrRoleId": uid(jane), **OWN}],
    }
    assert (await wire.get(f"/acls/{uid(jane)}", by=admin)).json() == by_name


async def test_a_roles_list_names_its_owners_and_members(wire: Wire, admin: Person, jane: Person) -> None:
    made = await make(wire, admin, "editors", owners=[uid(jane)])

    found = (await wire.get(f"/acls/{made['uid']}", by=admin)).json()

    assert (found["uid"], found["parentUid"]) == (made["uid"], "Role")
    assert [each["userOrRoleId"] for each in found["records"]] == [uid(jane), "editors"]


async def test_lists_are_for_trusted_callers_and_those_with_full(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    for named in ("User", "jdoe", uid(jane), "nothing"):
        assert refusal(await wire.get(f"/acls/{named}", by=jane)) == (403, "api-102")
        body = {"uid": named, "records": []}
        assert refusal(await wire.put(f"/acls/{named}", body, by=jane)) == (403, "api-102")
    assert refusal(await wire.get("/acls/nothing", by=admin)) == (404, "api-010")
    special = [{"userOrRoleId": uid(jane), "full": True}, {"userOrRoleId": uid(john), "special": True}]
    await wire.put("/acls/jdoe", {"uid": uid(jane), "records": special}, by=admin)

    assert (await wire.get("/acls/me", by=jane)).status_code == 200
    assert refusal(await wire.get("/acls/jdoe", by=john)) == (403, "api-102")


async def test_a_stored_list_shows_identifiers_as_the_wire_does_also_in_expressions(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    records = [
        {"userOrRoleId": uid(john), "read": True},
        {"userOrRoleId": f"({uid(jane)}|{uid(john)})", "update": True, "read": None},
        {"userOrRoleId": "editors", "full": False},
    ]

    saved = (await wire.put("/acls/jdoe", {"uid": uid(jane), "parentUid": "User", "records": records}, by=admin)).json()

    assert [each["userOrRoleId"] for each in saved["records"]] == [each["userOrRoleId"] for each in records]
    assert (saved["uid"], saved["parentUid"], saved["version"]) == (uid(jane), "User", 1)
    assert (await wire.get("/acls/jdoe", by=admin)).json() == saved


async def test_replacing_a_list_takes_the_present_version_and_the_right_uid(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    body = {"uid": uid(jane), "records": [], "version": 0}

    assert (await wire.put("/acls/jdoe", body, by=admin)).json()["version"] == 1
    assert refusal(await wire.put("/acls/jdoe", body, by=admin)) == (409, "api-012")
    assert (await wire.put("/acls/jdoe", {**body, "version": 1}, by=admin)).json()["version"] == 2
    assert refusal(await wire.put("/acls/jdoe", {**body, "uid": uid(john), "version": 2}, by=admin)) == (400, "api-013")
    for wrong in ([{"userOrRoleId": "("}], [{"userOrRoleId": ""}], [{"read": True}], "none"):
        answer = await wire.put("/acls/jdoe", {"uid": uid(jane), "records": wrong}, by=admin)
        assert refusal(answer) == (400, "api-003")
    parent = {"uid": uid(jane), "records": [], "parentUid": "Nothing"}
    assert refusal(await wire.put("/acls/jdoe", parent, by=admin)) == (400, "api-003")


async def test_a_users_own_list_decides_first_and_leaves_the_rest_to_the_class(
    wire: Wire, admin: Person, jane: Person, john: Person, sign_in: SignIn
) -> None:
    eve = await sign_in(username="eve")
    records = [{"userOrRoleId": uid(eve), "read": False}, {"userOrRoleId": uid(john), "update": True, "read": True}]
    await wire.put("/acls/jdoe", {"uid": uid(jane), "parentUid": "User", "records": records}, by=admin)
    body = {"name": "jdoe", "email": "jane.doe@example.org", "firstName": "Janet"}

    assert refusal(await wire.get("/users/jdoe", by=eve)) == (403, "api-102")
    assert (await wire.put("/users/jdoe", body, by=john)).status_code == 200
    assert refusal(await wire.delete("/users/jdoe", by=john)) == (403, "api-102")
    assert (await wire.get("/users/me", by=jane)).json()["firstName"] == "Janet"
    other = await sign_in()
    assert (await wire.get("/users/jdoe", by=other)).status_code == 200
    assert refusal(await wire.put("/users/jdoe", body, by=other)) == (403, "api-102")


async def test_lists_of_users_and_roles_count_for_pages_and_counts_too(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    """Whoever is hidden one by one is hidden among all, and the other way round."""
    role = await make(wire, admin, "editors")
    hide = [{"userOrRoleId": uid(john), "read": False}, {"userOrRoleId": uid(jane), "read": True}]
    for object_ in (uid(admin), role["uid"]):
        parent = "Role" if object_ == role["uid"] else "User"
        await wire.put(f"/acls/{object_}", {"uid": object_, "parentUid": parent, "records": hide}, by=admin)

    async def seen(by: Person, kind: str) -> set[str]:
        found = [each["name"] for each in (await wire.get(f"/{kind}", by=by)).json()]
        assert (await wire.get(f"/{kind}/count", by=by)).json() == {"count": len(found)}
        return set(factories.without_built_in(found))

    assert await seen(john, "users") == {"jdoe", "john"}
    assert await seen(jane, "users") == {"jdoe", "john", admin.user.username}
    assert await seen(jane, "roles") == {"editors"}
    assert await seen(john, "roles") == set()
    assert await seen(admin, "roles") == {"admin", "editors"}
    closed = [{"userOrRoleId": ".*", "read": False}]
    await wire.put("/acls/User", {"uid": "User", "records": closed}, by=admin)
    assert await seen(jane, "users") == {admin.user.username}
    assert refusal(await wire.get("/users", by=john)) == (403, "api-102")
    opened = [{"userOrRoleId": ".*", "read": True}]
    await wire.put("/acls/Role", {"uid": "Role", "records": opened}, by=admin)
    assert await seen(john, "roles") == {"admin"}
    assert await seen(jane, "roles") == {"admin", "editors"}


async def test_a_list_without_parent_and_record_says_no(wire: Wire, admin: Person, jane: Person, john: Person) -> None:
    await wire.put("/acls/jdoe", {"uid": uid(jane), "records": [{"userOrRoleId": uid(jane), "read": True}]}, by=admin)

    assert refusal(await wire.get("/users/jdoe", by=john)) == (403, "api-102")
    assert (await wire.get("/users/me", by=jane)).status_code == 200
    body = {"name": "jdoe", "email": "jane.doe@example.org"}
    assert refusal(await wire.put("/users/me", body, by=jane)) == (403, "api-102")
    assert (await wire.get("/users/jdoe", by=admin)).status_code == 200


async def test_the_list_of_a_class_opens_and_closes_it_for_everybody(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    await make(wire, admin, "editors", members=[uid(jane)])
    records = [{"userOrRoleId": "editors", "create": True, "read": True, "update": True, "delete": True}]

    await wire.put("/acls/User", {"uid": "User", "records": records}, by=admin)

    assert refusal(await wire.post("/users", {"name": "x", "email": "x@example.org"})) == (403, "api-102")
    assert refusal(await wire.get("/users", by=john)) == (403, "api-102")
    assert (await wire.get("/users", by=jane)).status_code == 200
    assert (await wire.put("/users/john", {"name": "john", "email": "john@example.org"}, by=jane)).status_code == 200
    assert refusal(await wire.delete(f"/users/{uid(admin)}", by=jane)) == (403, "api-102")
    assert (await wire.delete("/users/john", by=jane)).status_code == 200
    assert (await wire.get("/users/me", by=admin)).status_code == 200


async def test_the_list_of_roles_lets_others_see_and_make_them(wire: Wire, admin: Person, jane: Person) -> None:
    await make(wire, admin, "editors")
    records = [{"userOrRoleId": "anonymous", "read": True}, {"userOrRoleId": ".*", "read": True, "create": True}]

    await wire.put("/acls/Role", {"uid": "Role", "records": records}, by=admin)

    assert named(await wire.get("/roles")) == ["admin", "editors"]
    assert (await wire.post("/roles", {"name": "writers"}, by=jane)).status_code == 201
    assert refusal(await wire.put("/roles/editors", {"name": "x"}, by=jane)) == (403, "api-102")


async def test_a_roles_own_list_lets_one_more_see_and_change_it(
    wire: Wire, admin: Person, jane: Person, john: Person
) -> None:
    made = await make(wire, admin, "editors", members=[uid(john)])
    records = [{"userOrRoleId": uid(jane), "read": True, "update": True}]
    await wire.put(f"/acls/{made['uid']}", {"uid": made["uid"], "parentUid": "Role", "records": records}, by=admin)

    assert (await wire.put("/roles/editors", {"name": "authors"}, by=jane)).json()["name"] == "authors"
    assert refusal(await wire.delete("/roles/authors", by=jane)) == (403, "api-102")
    assert (await wire.get("/roles/authors", by=john)).status_code == 200
    assert mapping.read_uid(made["uid"]) is not None
