"""Roles and their scopes: five operations, and the setting that brings the first ones."""

from typing import Any

import pytest

from roster.core.access import service as access
from roster.core.access.models import Wanted
from roster.core.realms.models import Realm
from roster.dialects.wellbee import roles, seeding
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.wellbee.conftest import Wire

PATH = "/admin/system/role"


async def listed(wire: Wire) -> dict[str, list[str]]:
    return {each["role"]: each["scopes"] for each in (await wire.call("GET", PATH)).data}


async def test_the_default_roles_are_there(wire: Wire, admin: Person):
    asked = wire.by(admin.access_token)
    found = await listed(asked)
    assert found.pop("admin") == ["profile.get", "user.*"]
    assert found.pop("user") == ["profile.get"]
    assert found.pop("super-admin") == ["*"]
    text = (await asked.call("GET", PATH + "?format=config")).data
    assert "admin:profile.get,user.*" in text.split(";")
    assert roles.read(text) == await listed(asked)


async def test_a_role_is_made_changed_and_deleted(wire: Wire, admin: Person):
    asked = wire.by(admin.access_token)
    made = await asked.call("POST", PATH, {"role": "PLANNER", "scopes": ["plan.read", "plan.read", "admin.*"]})
    assert made.data == {"role": "PLANNER", "scopes": ["plan.read", "admin.*"]}
    again = await asked.call("POST", PATH, {"role": "planner"})
    assert again.code == "fruster-user-service.SYSTEM_ROLE_ALREADY_EXISTS"
    more = await asked.call("POST", PATH + "/scope", {"role": "PLANNER", "scopes": ["plan.write", "plan.read"]})
    assert more.data["scopes"] == ["plan.read", "admin.*", "plan.write"]
    less = await asked.call("DELETE", PATH + "/scope", {"role": "PLANNER", "scopes": ["admin.*", "other"]})
    assert less.data["scopes"] == ["plan.read", "plan.write"]
    assert (await asked.call("DELETE", PATH, {"role": "PLANNER"})).status == 200
    assert "PLANNER" not in await listed(asked)


async def test_a_scope_that_operations_need_lets_whoever_has_the_role_in(wire: Wire, admin: Person, sign_in: SignIn):
    asked = wire.by(admin.access_token)
    await asked.call("POST", PATH, {"role": "clerk", "scopes": ["admin.create-user"]})
    clerk = await sign_in(roles=("clerk",))
    path = f"/admin/user/{clerk.user.id}"
    assert (await wire.by(clerk.access_token).call("GET", path)).data["scopes"] == ["admin.create-user"]
    await asked.call("DELETE", PATH + "/scope", {"role": "clerk", "scopes": ["admin.create-user"]})
    assert (await wire.by(clerk.access_token).call("GET", path)).code == "PERMISSION_DENIED"


async def test_a_role_made_elsewhere_shows_the_scopes_that_its_permissions_amount_to(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
):
    await factories.a_role(runtime, realm, "auditors", "audit.read")
    asked = wire.by(admin.access_token)
    assert (await listed(asked))["auditors"] == ["audit.get"]
    more = await asked.call("POST", PATH + "/scope", {"role": "auditors", "scopes": ["plan.read"]})
    assert more.data["scopes"] == ["audit.get", "plan.read"]


async def test_the_role_that_may_do_everything_stays(wire: Wire, admin: Person):
    asked = wire.by(admin.access_token)
    deleted = await asked.call("DELETE", PATH, {"role": "super-admin"})
    assert deleted.code == "fruster-user-service.CANNOT_DELETE_SUPER_ADMIN"
    lessened = await asked.call("DELETE", PATH + "/scope", {"role": "super-admin", "scopes": ["*"]})
    assert lessened.code == "fruster-user-service.CANNOT_DELETE_SUPER_ADMIN"
    assert (await listed(asked))["super-admin"] == ["*"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, {}),
        ("POST", PATH, {"role": "x", "more": 1}),
        ("POST", PATH, {"role": ""}),
        ("POST", PATH, {"role": "a:b"}),
        ("POST", PATH, {"role": "a", "scopes": ["b;c"]}),
        ("POST", PATH, {"role": "a", "scopes": [""]}),
        ("POST", PATH, {"role": "anonymous"}),
        ("DELETE", PATH, {"role": "nobody"}),
        ("POST", PATH + "/scope", {"role": "nobody", "scopes": ["a"]}),
        ("POST", PATH + "/scope", {"role": "user"}),
        ("POST", PATH + "/scope", {"role": "super-admin", "scopes": ["a"]}),
        ("DELETE", PATH + "/scope", {"role": "nobody", "scopes": ["a"]}),
    ],
)
async def test_what_cannot_be_done_to_roles_is_a_bad_request(
    wire: Wire, admin: Person, method: str, path: str, body: dict[str, Any]
):
    found = await wire.by(admin.access_token).call(method, path, body)
    assert (found.status, found.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("scope", ["*", "admin.*", "admin.get", "plan.*", "plan.write", "system.add-role"])
async def test_nobody_gives_a_role_a_scope_that_they_do_not_have(
    wire: Wire, admin: Person, sign_in: SignIn, scope: str
):
    own = ["system.add-role-scopes", "system.add-role", "plan.read"]
    await wire.by(admin.access_token).call("POST", PATH, {"role": "keeper", "scopes": own[:1] + own[2:]})
    await wire.by(admin.access_token).call("POST", PATH, {"role": "maker", "scopes": ["system.add-role"]})
    keeper = wire.by((await sign_in(roles=("keeper",))).access_token)
    assert (await keeper.call("POST", PATH + "/scope", {"role": "user", "scopes": [scope]})).code == "PERMISSION_DENIED"
    mine = await keeper.call("POST", PATH + "/scope", {"role": "user", "scopes": ["plan.read"]})
    assert mine.data["scopes"] == ["profile.get", "plan.read"]
    if scope != "system.add-role":
        maker = wire.by((await sign_in(roles=("maker",))).access_token)
        assert (await maker.call("POST", PATH, {"role": "mine", "scopes": [scope]})).code == "PERMISSION_DENIED"


async def test_a_scope_held_in_some_places_only_is_not_given_everywhere(
    wire: Wire, admin: Person, sign_in: SignIn, runtime: Runtime, realm: Realm
):
    await wire.by(admin.access_token).call("POST", PATH, {"role": "keeper", "scopes": ["system.add-role-scopes"]})
    await wire.by(admin.access_token).call("POST", PATH, {"role": "planner", "scopes": ["plan.write"]})
    somebody = await sign_in(roles=("keeper",))
    async with runtime.write(factories.roster_in(realm)) as tx:
        wanted = [Wanted("keeper"), Wanted("planner", {"facility": ["north"]})]
        await access.set_assignments(tx, somebody.user.id, wanted)
    keeper = wire.by(somebody.access_token)
    given = await keeper.call("POST", PATH + "/scope", {"role": "keeper", "scopes": ["plan.write"]})
    assert given.code == "PERMISSION_DENIED"


async def test_roles_that_are_there_keep_their_scopes_when_a_server_starts(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await seeding.make_missing(tx, "user:a.b;planner : c.d , e.*;super-admin:*")
        await seeding.make_missing(tx, "user:other.*;planner:other.*")
        assert await roles.union(tx, ["user", "planner"]) == ["a.b", "c.d", "e.*"]
        assert (await access.find_role(tx, "wellbee:user")).permissions == []


async def test_a_server_makes_the_roles_of_the_configured_realm(runtime: Runtime, main_realm: Realm):
    await seeding.seed(runtime)
    await seeding.seed(runtime)
    async with runtime.read(factories.roster_in(main_realm)) as tx:
        assert await roles.union(tx, ["admin"]) == ["profile.get", "user.*"]


async def test_a_text_that_is_no_list_of_roles_is_refused(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput):
            await seeding.make_missing(tx, "user")
