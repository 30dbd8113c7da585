"""Roles and assignments: who may give what to whom."""

import asyncio

import pytest

from roster.core.access import search
from roster.core.access import service as access
from roster.core.access.errors import (
    AssignmentExists,
    Escalation,
    LastAdministrator,
    RoleBuiltIn,
    RoleNameTaken,
    RoleNotFound,
)
from roster.core.access.grants import combine
from roster.core.access.models import PERMISSIONS, Members, MembersChange, RoleChange, RoleDraft
from roster.core.access.store import Held
from roster.core.realms.models import Realm
from roster.core.users import search as people
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.errors import Forbidden, InvalidInput, NotFound, StaleVersion
from roster.kit.ids import RoleId, UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories

NORTH, SOUTH = {"facility": ["north"]}, {"facility": ["south"]}


def test_places_of_different_roles_are_never_merged():
    grants = combine([Held("a", ["users.read"], {}, NORTH), Held("b", ["users.write"], {}, SOUTH)])

    assert [scope.limits for scope in grants.scopes("users.read")] == [(("facility", frozenset({"north"})),)]
    assert [scope.limits for scope in grants.scopes("users.write")] == [(("facility", frozenset({"south"})),)]
    assert not grants.allows("users.read")


async def test_nobody_grants_what_they_do_not_hold(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "personnel", "users.read", "roles.read", "roles.write", "roles.assign")
    user = await factories.a_person(runtime, realm, roles=("personnel",))
    actor = await factories.acting_as(runtime, realm, user)

    async with runtime.write(actor) as tx:
        role = await access.create_role(tx, RoleDraft(name="reader", permissions=["users.read"]))
        admin = await access.find_role(tx, "admin")
        for attempt in (
            access.create_role(tx, RoleDraft(name="better", permissions=["audit.read"])),
            access.change_role(tx, role.id, RoleChange(permissions=["*"])),
            access.assign(tx, admin.id, user.id),
            access.change_role(tx, admin.id, RoleChange(), members=MembersChange(frozenset({user.id}))),
        ):
            with pytest.raises(Escalation):
                await attempt


async def test_an_owner_changes_members_but_not_permissions(runtime: Runtime, realm: Realm):
    owner, friend = await factories.a_person(runtime, realm), await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.create_role(tx, RoleDraft(name="club", permissions=["users.read"]), owners=[owner.id])
    actor = await factories.acting_as(runtime, realm, owner)

    async with runtime.write(actor) as tx:
        members = MembersChange(frozenset({friend.id}), frozenset({owner.id}))
        await access.change_role(tx, role.id, RoleChange(description="ours"), members=members)
        with pytest.raises(Forbidden):
            await access.change_role(tx, role.id, RoleChange(permissions=["users.read", "users.write"]))
        found = (await access.members_of(tx, [role.id]))[role.id]
    assert found == Members(frozenset({owner.id, friend.id}), frozenset({owner.id}))

    member = await factories.acting_as(runtime, realm, friend)
    async with runtime.write(member) as tx:
        assert (await access.get_role(tx, role.id)).name == "club"
        with pytest.raises(Forbidden):
            await access.change_role(tx, role.id, RoleChange(name="mine"))


async def test_of_members_and_owners_those_stay_of_whom_nothing_is_said(runtime: Runtime, realm: Realm):
    one, two, three = [(await factories.a_person(runtime, realm)).id for _ in range(3)]
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.create_role(tx, RoleDraft(name="club"), members=[one], owners=[two])

        async def after(change: MembersChange) -> Members:
            await access.change_role(tx, role.id, RoleChange(), members=change)
            return (await access.members_of(tx, [role.id]))[role.id]

        of_owners = await after(MembersChange(owners=frozenset({three})))
        of_members = await after(MembersChange(members=frozenset({one})))

    assert of_owners == Members(frozenset({one, two, three}), frozenset({three}))
    assert of_members == Members(frozenset({one, three}), frozenset({three}))


async def test_a_role_one_does_not_have_looks_like_no_role(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "secret", "users.read")
    actor = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))

    async with runtime.write(actor) as tx:
        for name in ("secret", "nothing", str(uuid7())):
            with pytest.raises(RoleNotFound):
                await access.find_role(tx, name)
        assert (await search.search(tx, None, (), Page(10, total=True))).total == 0


async def test_built_in_roles_stay_and_names_are_unique(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        admin = await access.find_role(tx, "ADMIN")
        with pytest.raises(RoleBuiltIn):
            await access.change_role(tx, admin.id, RoleChange(name="boss"))
        with pytest.raises(RoleBuiltIn):
            await access.delete_role(tx, admin.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(RoleNameTaken):
            await access.create_role(tx, RoleDraft(name="Admin"))


async def test_unknown_permissions_people_and_stale_versions_are_refused(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "reader", "users.read")
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "reader")
        await access.assign(tx, role.id, user.id, NORTH)
        with pytest.raises(InvalidInput):
            await access.create_role(tx, RoleDraft(name="x", permissions=["users.fly"]))
        with pytest.raises(NotFound):
            await access.assign(tx, role.id, UserId(uuid7()))
        with pytest.raises(RoleNotFound):
            await access.assign(tx, RoleId(uuid7()), user.id)
        with pytest.raises(StaleVersion):
            await access.change_role(tx, role.id, RoleChange(name="y"), version=7)
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(AssignmentExists):
            await access.assign(tx, role.id, user.id, NORTH)


async def test_taking_the_administrator_role_from_two_at_once_leaves_one(runtime: Runtime, realm: Realm):
    pair = [await factories.a_person(runtime, realm, roles=("admin",)) for _ in range(2)]

    async def leave(user_id: UserId) -> None:
        async with runtime.write(factories.roster_in(realm)) as tx:
            (held,) = await access.assignments_of(tx, user_id)
            await access.unassign(tx, held.id)

    results = await asyncio.gather(*(leave(user.id) for user in pair), return_exceptions=True)

    assert [type(each) for each in results].count(LastAdministrator) == 1


async def test_remembered_grants_are_void_as_soon_as_a_role_or_an_assignment_changes(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "reader", "users.read")
    user = await factories.a_person(runtime, realm, roles=("reader",))
    versions = (
        "SELECT u.access_version, r.access_version FROM users u JOIN realms r ON r.id = u.realm_id WHERE u.id = $1"
    )

    async def held() -> frozenset[str]:
        async with runtime.read(factories.roster_in(realm)) as tx:
            ((mine, realms),) = await tx.rows(versions, user.id)
            everywhere = (await access.grants_of(tx, user.id, (mine, realms))).everywhere
            return everywhere & PERMISSIONS.keys()

    assert await held() == {"users.read"}
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "reader")
        await access.change_role(tx, role.id, RoleChange(permissions=["audit.read"]))
    assert await held() == {"audit.read"}
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.unassign(tx, (await access.assignments_of(tx, user.id))[0].id)
    assert await held() == frozenset()


async def test_someone_limited_to_places_sees_only_people_there(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "lead", "users.read")
    await factories.a_role(runtime, realm, "worker")
    lead, near, far = [await factories.a_person(runtime, realm) for _ in range(3)]
    async with runtime.write(factories.roster_in(realm)) as tx:
        worker = await access.find_role(tx, "worker")
        await access.assign(tx, (await access.find_role(tx, "lead")).id, lead.id, NORTH)
        await access.assign(tx, worker.id, near.id, NORTH)
        await access.assign(tx, worker.id, far.id, SOUTH)
    actor = await factories.acting_as(runtime, realm, lead)

    async with runtime.read(actor) as tx:
        found = await people.search(tx, None, (), Page(10, total=True))
        assert {user.id for user in found.items} == {lead.id, near.id}
        assert found.total == 2
        assert (await users.get(tx, near.id)).id == near.id
        with pytest.raises(UserNotFound):
            await users.get(tx, far.id)
