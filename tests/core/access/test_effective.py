"""What a person's roles give, one by one, and why."""

import pytest

from roster.core.access import service as access
from roster.core.access.models import RoleChange, RoleDraft, Wanted
from roster.core.places import service as places
from roster.core.places.models import PlaceDraft
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit.errors import Forbidden, NotFound
from roster.kit.ids import UserId, uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

NORTH = {"facility": ["north"]}


@pytest.fixture
async def user(runtime: Runtime, realm: Realm) -> User:
    """Somebody with a role everywhere, one cut by its ceiling, one cut to nothing, and one in a group."""
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "all", PlaceDraft(members=["north", "south"]))
        await access.create_role(tx, RoleDraft("reader", permissions=["users.read"]))
        narrow = await access.create_role(tx, RoleDraft("narrow", permissions=["users.read", "audit.read"]))
        gone = await access.create_role(tx, RoleDraft("gone", permissions=["users.read"]))
        await access.create_role(tx, RoleDraft("grouped", permissions=["audit.read"]))
        wanted = [
            Wanted("reader"),
            Wanted("narrow", {"facility": ["north", "east"], "zone": ["1"]}),
            Wanted("gone", NORTH),
            Wanted("grouped", {"facility_group": ["all"], "facility": ["west"]}),
        ]
        for each in wanted:
            await access.assign(tx, (await access.find_role(tx, each.role)).id, user.id, each.contexts)
        await access.change_role(tx, narrow.id, RoleChange(ceiling={"facility": ["north", "south"]}))
        await access.change_role(tx, gone.id, RoleChange(ceiling={"facility": ["south"]}))
    return user


async def test_every_role_stands_for_itself_with_its_own_limits(runtime: Runtime, realm: Realm, user: User):
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = {each.role_name: each for each in await access.effective(tx, user.id)}
        ids = {each.role_name: each.id for each in await access.assignments_of(tx, user.id)}

    assert list(found) == ["reader", "narrow", "gone", "grouped"]
    assert {name: each.assignment_id for name, each in found.items()} == ids
    assert {name: (each.limits, each.facilities) for name, each in found.items()} == {
        "reader": ({}, None),
        "narrow": ({"facility": ["north"], "zone": ["1"]}, ["north"]),
        "gone": ({"facility": []}, []),
        "grouped": ({"facility": ["west"], "facility_group": ["all"]}, ["north", "south", "west"]),
    }
    assert {"users.read", "audit.read"} <= set(found["narrow"].permissions)
    assert "users.read" not in found["grouped"].permissions


async def test_what_is_remembered_ends_with_every_change_on_every_worker(runtime: Runtime, realm: Realm, user: User):
    worker = people.a_worker(runtime)

    async def names() -> list[list[str] | None]:
        async with worker.read(factories.roster_in(realm)) as tx:
            return [each.facilities for each in await access.effective(tx, user.id)]

    assert (await names())[1] == ["north"]
    async with runtime.write(factories.roster_in(realm)) as tx:
        narrow = await access.find_role(tx, "narrow")
        await access.change_role(tx, narrow.id, RoleChange(ceiling={"facility": ["east"]}))
    assert (await names())[1] == ["east"]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "all", PlaceDraft(members=["south"]))
    assert (await names())[3] == ["south", "west"]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user.id, [Wanted("reader", {"zone": ["2"]})])
    assert await names() == [None]


async def test_it_says_who_gives_a_permission_where_and_what_takes_it_away(runtime: Runtime, realm: Realm, user: User):
    async with runtime.read(factories.roster_in(realm)) as tx:
        reasons = {each.assignment.role_name: each for each in await access.explain(tx, user.id, "users.read")}
        nothing = await access.explain(tx, user.id, "realm.write")

    assert {name: (each.gives, each.limits, each.withheld) for name, each in reasons.items()} == {
        "reader": (True, None, {}),
        "narrow": (True, {"facility": ["north"], "zone": ["1"]}, {"facility": ["east"]}),
        "gone": (False, {"facility": []}, {"facility": ["north"]}),
    }
    assert nothing == []


async def test_a_role_for_nobody_gives_nothing_over_people_and_all_the_rest(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        draft = RoleDraft("clerk", permissions=["users.read", "audit.read"], ceiling={"user_role": []})
        await access.assign(tx, (await access.create_role(tx, draft)).id, user.id, NORTH)
        ((over_people,), (other,)) = [await access.explain(tx, user.id, each) for each in ("users.read", "audit.read")]

    assert (over_people.gives, other.gives) == (False, True)


async def test_an_administrator_has_every_permission_there_is(runtime: Runtime, realm: Realm):
    admin = await factories.a_person(runtime, realm, roles=("admin",))

    async with runtime.read(factories.roster_in(realm)) as tx:
        [role] = await access.effective(tx, admin.id)
        [reason] = await access.explain(tx, admin.id, "users.read")
    assert {"*", "users.read", "realm.write"} <= set(role.permissions)
    assert (reason.gives, reason.limits) == (True, None)


async def test_people_see_what_they_may_do_and_others_need_to_read_roles(runtime: Runtime, realm: Realm, user: User):
    own = await factories.acting_as(runtime, realm, user)
    stranger = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))

    async with runtime.read(own) as tx:
        assert len(await access.effective(tx, user.id)) == 4
    async with runtime.read(stranger) as tx:
        with pytest.raises(Forbidden):
            await access.effective(tx, user.id)
        with pytest.raises(Forbidden):
            await access.explain(tx, user.id, "users.read")
    async with runtime.read(factories.roster_in(realm)) as tx:
        with pytest.raises(NotFound):
            await access.effective(tx, UserId(uuid7()))
