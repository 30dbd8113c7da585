"""Roles of organisations: what they give, where they hold, who gives them to whom."""

from collections.abc import Awaitable, Callable

import pytest

from roster.core.access import org_roles, search, within
from roster.core.access import service as access
from roster.core.access.errors import (
    AssignmentNotFound,
    Escalation,
    LastOrgAdministrator,
    RoleBuiltIn,
    RoleNameTaken,
    RoleNotFound,
)
from roster.core.access.models import ORG_ADMINISTRATOR, ORG_OWNER, Rights, RoleChange, RoleDraft, Wanted
from roster.core.access.objects import put
from roster.core.access.vocabulary import BuiltIn, Catalogue, Key, Vocabulary
from roster.core.memberships import roles
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound, OwnersOnly
from roster.core.orgs.models import Org, OrgChange
from roster.core.realms.models import Realm
from roster.core.users import search as people
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.ids import RoleId, UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import organisations as making


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without any role in the realm."""
    return await factories.a_person(runtime, realm)


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    """Their organisation."""
    return await making.founded(runtime, realm, founder)


async def assign(runtime: Runtime, realm: Realm, by: User, org: Org, role_id: RoleId, user: User) -> None:
    async with runtime.write(await factories.acting_as(runtime, realm, by)) as tx:
        await roles.assign(tx, org.id, role_id, user.id)


async def a_role(
    runtime: Runtime, realm: Realm, by: User, org: Org, name: str, *permissions: str, inheritable: bool = False
) -> RoleId:
    actor = await factories.acting_as(runtime, realm, by)
    return await making.a_role(runtime, actor, org, name, *permissions, inheritable=inheritable)


async def _write(runtime: Runtime, actor: Actor, work: Callable[[Tx], Awaitable[object]]) -> None:
    async with runtime.write(actor) as tx:
        await work(tx)


async def may(runtime: Runtime, realm: Realm, user: User, permission: str) -> frozenset[str]:
    return (await factories.acting_as(runtime, realm, user)).grants.organisations(permission)


async def names(runtime: Runtime, realm: Realm, org: Org, user: User) -> set[str]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        member = await memberships.get(tx, org.id, user.id)
        return {role.name for role in (await roles.of_members(tx, org, [member]))[user.id]}


async def test_a_role_gives_within_its_organisation_and_nowhere_else(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    other = await making.founded(runtime, realm, await factories.a_person(runtime, realm))
    part = await making.founded(runtime, realm, founder, below=org.id)
    member = await making.joined(runtime, realm, org)
    role_id = await a_role(runtime, realm, founder, org, "writers", "orgs.write")
    await assign(runtime, realm, founder, org, role_id, member)

    assert await may(runtime, realm, member, "orgs.write") == {str(org.id)}
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        await orgs.change(tx, org.id, OrgChange(description="Ours"))
        for elsewhere in (part, other):
            with pytest.raises(OrgNotFound):
                await orgs.change(tx, elsewhere.id, OrgChange(description="Ours"))


async def test_an_inheritable_role_holds_in_all_below_also_in_what_comes_later(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    part = await making.founded(runtime, realm, founder, below=org.id)
    member = await making.joined(runtime, realm, org)
    role_id = await a_role(runtime, realm, founder, org, "readers", "orgs.read", "members.read", inheritable=True)
    await assign(runtime, realm, founder, org, role_id, member)
    later = await making.founded(runtime, realm, founder, below=part.id)

    reached = await may(runtime, realm, member, "members.read")
    assert reached == {str(org.id), str(part.id), str(later.id)}


async def test_an_inherited_role_given_below_holds_there_alone(runtime: Runtime, realm: Realm, founder: User, org: Org):
    part = await making.founded(runtime, realm, founder, below=org.id)
    leaf = await making.founded(runtime, realm, founder, below=part.id)
    member = await making.joined(runtime, realm, part)
    inherited = await a_role(runtime, realm, founder, org, "writers", "orgs.write", inheritable=True)
    own = await a_role(runtime, realm, founder, org, "editors", "orgs.write")
    await assign(runtime, realm, founder, part, inherited, member)

    assert await may(runtime, realm, member, "orgs.write") == {str(part.id)}
    with pytest.raises(RoleNotFound):
        await assign(runtime, realm, founder, part, own, member)
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        usable = {role.id for role in await org_roles.roles_of(tx, leaf.id)}
        assert inherited in usable
        assert own not in usable


async def test_the_realm_s_roles_and_those_of_an_organisation_do_not_see_each_other(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    administrator = await factories.acting_as(
        runtime, realm, await factories.a_person(runtime, realm, roles=("admin",))
    )
    role_id = await a_role(runtime, realm, founder, org, "admin", "orgs.read")
    async with runtime.write(administrator) as tx:
        assert role_id not in {role.id for role in (await search.search(tx, None, (), Page(100))).items}
        assert (await access.find_role(tx, "admin")).id != role_id
        for attempt in (
            access.get_role(tx, role_id),
            access.find_role(tx, str(role_id)),
            access.change_role(tx, role_id, RoleChange(description="Mine")),
            access.delete_role(tx, role_id),
            access.assign(tx, role_id, founder.id),
            org_roles.get_role(tx, org.id, (await access.find_role(tx, "admin")).id),
        ):
            with pytest.raises(RoleNotFound):
                await attempt
        with pytest.raises(InvalidInput):
            await access.set_assignments(tx, founder.id, [Wanted("participant")])
        await access.set_assignments(tx, founder.id, [])
    assert ORG_ADMINISTRATOR in await names(runtime, realm, org, founder)


async def test_who_reads_roles_in_an_organisation_does_not_read_those_of_the_realm(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    await factories.a_role(runtime, realm, "secret", "users.read")
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        assert (await org_roles.roles_of(tx, org.id))[0].name == ORG_OWNER
        assert (await search.search(tx, None, (), Page(100))).items == []
        with pytest.raises(RoleNotFound):
            await access.find_role(tx, "secret")
        with pytest.raises(Forbidden):
            await people.search(tx, None, (), Page(10))


async def test_a_role_of_an_organisation_is_no_name_in_permission_lists(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    victim = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("keepers"))
        await put(tx, str(victim.id), [Rights("keepers", full=True)], parent=None, version=None, defaults={})
    role_id = await a_role(runtime, realm, founder, org, "keepers", "orgs.read")
    await assign(runtime, realm, founder, org, role_id, founder)

    actor = await factories.acting_as(runtime, realm, founder)
    assert actor.grants.roles == actor.grants.unlimited == ()
    async with runtime.write(actor) as tx:
        with pytest.raises(UserNotFound):
            await users.change(tx, victim.id, UserChange(display_name="Mine"))


async def test_nobody_puts_more_into_a_role_than_they_hold_there(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    member = await making.joined(runtime, realm, org)
    role_id = await a_role(runtime, realm, founder, org, "makers", "roles.create", "roles.write", "roles.assign")
    administering = await making.role_of(runtime, realm, org, ORG_ADMINISTRATOR)
    await assign(runtime, realm, founder, org, role_id, member)
    await making.founded(runtime, realm, founder, below=org.id)

    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        for attempt in (
            org_roles.create_role(tx, org.id, RoleDraft("more", permissions=["orgs.write"])),
            org_roles.create_role(tx, org.id, RoleDraft("wide", permissions=["roles.write"]), inheritable=True),
            org_roles.change_role(tx, org.id, role_id, RoleChange(permissions=["orgs.write"])),
            roles.assign(tx, org.id, administering.id, member.id),
            roles.unassign(tx, org.id, administering.id, founder.id),
        ):
            with pytest.raises(Escalation):
                await attempt


@pytest.mark.parametrize("permission", ["*", "users.read", "realm.write", "no.such"])
async def test_what_means_nothing_in_an_organisation_is_not_given_there(
    runtime: Runtime, realm: Realm, org: Org, permission: str
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput):
            await org_roles.create_role(tx, org.id, RoleDraft("too much", permissions=[permission]))


async def test_nobody_is_given_the_role_of_owners(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org, ORG_ADMINISTRATOR)
    owner = await making.role_of(runtime, realm, org, ORG_OWNER)
    for by in (member, founder):
        with pytest.raises(OwnersOnly):
            await assign(runtime, realm, by, org, owner.id, member)
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        with pytest.raises(OwnersOnly):
            await roles.unassign(tx, org.id, owner.id, founder.id)


async def test_built_in_roles_stay_as_they_are(runtime: Runtime, realm: Realm, founder: User, org: Org):
    for name in (ORG_OWNER, ORG_ADMINISTRATOR, "participant"):
        role = await making.role_of(runtime, realm, org, name)
        async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
            with pytest.raises(RoleBuiltIn):
                await org_roles.change_role(tx, org.id, role.id, RoleChange(permissions=[]))
            with pytest.raises(RoleBuiltIn):
                await org_roles.delete_role(tx, org.id, role.id)


async def test_names_are_unique_in_an_organisation_only(runtime: Runtime, realm: Realm, founder: User, org: Org):
    other = await making.founded(runtime, realm, founder)
    for where in (org, other):
        await a_role(runtime, realm, founder, where, "Medics")
    with pytest.raises(RoleNameTaken):
        await a_role(runtime, realm, founder, org, "MEDICS")


async def test_a_change_of_a_role_counts_at_once(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    role_id = await a_role(runtime, realm, founder, org, "writers", "orgs.write")
    await assign(runtime, realm, founder, org, role_id, member)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        changed = await org_roles.change_role(tx, org.id, role_id, RoleChange(permissions=["members.write"]))
        with pytest.raises(StaleVersion):
            await org_roles.change_role(tx, org.id, role_id, RoleChange(name="x"), version=changed.version - 1)
    assert await may(runtime, realm, member, "orgs.write") == frozenset()
    assert await may(runtime, realm, member, "members.write") == {str(org.id)}

    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        await org_roles.delete_role(tx, org.id, role_id)
    assert await may(runtime, realm, member, "members.write") == frozenset()


async def test_the_last_administrator_keeps_what_makes_one(runtime: Runtime, realm: Realm, founder: User, org: Org):
    run = await a_role(runtime, realm, founder, org, "running", "orgs.administer", "roles.write", "roles.assign")
    built_in = await making.role_of(runtime, realm, org, ORG_ADMINISTRATOR)
    member = await making.joined(runtime, realm, org)
    await assign(runtime, realm, founder, org, run, member)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.remove(tx, org.id, founder.id)

    actor = await factories.acting_as(runtime, realm, member)
    for attempt in (
        lambda tx: roles.unassign(tx, org.id, run, member.id),
        lambda tx: roles.set_roles(tx, org.id, member.id, []),
        lambda tx: org_roles.change_role(tx, org.id, run, RoleChange(permissions=["roles.write"])),
        lambda tx: org_roles.delete_role(tx, org.id, run),
    ):
        with pytest.raises(LastOrgAdministrator):
            await _write(runtime, actor, attempt)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await roles.set_roles(tx, org.id, member.id, [built_in.id])
    assert await names(runtime, realm, org, member) == {ORG_ADMINISTRATOR}


async def test_who_runs_a_part_does_not_run_what_is_above(runtime: Runtime, realm: Realm, founder: User, org: Org):
    part = await making.founded(runtime, realm, founder, below=org.id)
    member = await making.joined(runtime, realm, org)
    run = await a_role(runtime, realm, founder, org, "running", "orgs.administer", inheritable=True)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.add(tx, part.id, member.id)
    await assign(runtime, realm, founder, part, run, member)

    actor = factories.roster_in(realm)
    await _write(runtime, actor, lambda tx: memberships.remove(tx, part.id, founder.id))
    with pytest.raises(LastOrgAdministrator):
        await _write(runtime, actor, lambda tx: memberships.remove(tx, org.id, founder.id))
    async with runtime.read(actor) as tx:
        assert member.id in await within.holders(tx, "orgs.administer", part)
        assert member.id not in await within.holders(tx, "orgs.administer", org)


async def test_only_members_have_roles(runtime: Runtime, realm: Realm, founder: User, org: Org):
    stranger = await factories.a_person(runtime, realm)
    role_id = await a_role(runtime, realm, founder, org, "medics")
    with pytest.raises(NotAMember):
        await assign(runtime, realm, founder, org, role_id, stranger)
    member = await making.joined(runtime, realm, org)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(AssignmentNotFound):
            await roles.unassign(tx, org.id, role_id, member.id)
        with pytest.raises(RoleNotFound):
            await roles.assign(tx, org.id, RoleId(uuid7()), member.id)


async def test_roles_of_pending_members_are_promises(runtime: Runtime, realm: Realm, founder: User, org: Org):
    user = await factories.a_person(runtime, realm)
    role_id = await a_role(runtime, realm, founder, org, "medics", "orgs.read")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.pend(tx, org, [user.id], roles={})
    await assign(runtime, realm, founder, org, role_id, user)
    assert await names(runtime, realm, org, user) == {"medics"}
    assert (await factories.acting_as(runtime, realm, user)).grants.within == ()

    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        await roles.unassign(tx, org.id, role_id, user.id)
    assert await names(runtime, realm, org, user) == set()


async def test_another_organisation_s_roles_and_members_are_not_there(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    other = await making.founded(runtime, realm, await factories.a_person(runtime, realm))
    foreign = await making.role_of(runtime, realm, other, ORG_ADMINISTRATOR)
    stranger = await making.joined(runtime, realm, other)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        for attempt in (
            org_roles.get_role(tx, org.id, foreign.id),
            org_roles.get_numbered(tx, org.id, foreign.number),
            org_roles.change_role(tx, org.id, foreign.id, RoleChange(name="mine")),
            org_roles.delete_role(tx, org.id, foreign.id),
            roles.assign(tx, org.id, foreign.id, founder.id),
        ):
            with pytest.raises(RoleNotFound):
                await attempt
        for attempt in (memberships.get(tx, org.id, stranger.id), memberships.remove(tx, org.id, stranger.id)):
            with pytest.raises(NotAMember):
                await attempt
        for attempt in (memberships.get(tx, other.id, stranger.id), memberships.remove(tx, other.id, stranger.id)):
            with pytest.raises(OrgNotFound):
                await attempt


async def test_what_the_realm_gives_in_an_organisation_counts_there(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    part = await making.founded(runtime, realm, founder, below=org.id)
    await factories.a_role(runtime, realm, "auditors", "members.read", "orgs.read")
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user.id, [Wanted("auditors", {"organisation_tree": [str(org.id)]})])

    assert await may(runtime, realm, user, "members.read") == {str(org.id), str(part.id)}
    async with runtime.read(await factories.acting_as(runtime, realm, user)) as tx:
        assert len((await memberships.search(tx, part.id, None, (), Page(10))).items) == 1


async def test_founding_an_organisation_puts_nobody_out_of_reach(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    await factories.a_role(runtime, realm, "helpers", "users.read", "users.write")
    helper = await factories.a_person(runtime, realm, roles=("helpers",))
    assert await may(runtime, realm, founder, "orgs.administer") == {str(org.id)}
    async with runtime.write(await factories.acting_as(runtime, realm, helper)) as tx:
        assert (await users.change(tx, founder.id, UserChange(status="disabled"))).status == "disabled"


def test_front_doors_add_to_the_roles_of_every_organisation():
    key = Key("MEMBERS", ("members.read",))
    doors = Catalogue(
        "x",
        {"MEMBERS": key},
        org_roles=(BuiltIn("Owner", "", ("x:MEMBERS",)), BuiltIn("support staff", "Helps", ("orgs.read",))),
    )
    found = {role.name: role for role in Vocabulary([doors]).org_roles}

    assert list(found) == ["owner", "administrator", "participant", "support staff"]
    assert {"x:MEMBERS", "orgs.administer"} <= set(found["owner"].permissions)
    assert found["owner"].inheritable


async def test_roles_that_every_organisation_has_are_brought_up_to_date(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    before = runtime.memo.get("vocabulary")
    doors = Catalogue("x", {}, org_roles=(BuiltIn("support staff", "Helps", ("orgs.read",)),))
    changed = Catalogue("x", {}, org_roles=(BuiltIn("support staff", "Helps more", ("orgs.read", "members.read")),))
    for catalogue in (doors, changed):
        runtime.memo["vocabulary"] = Vocabulary([catalogue])
        async with runtime.write(factories.roster_in(realm)) as tx:
            await org_roles.keep_built_in(tx)
    runtime.memo["vocabulary"] = before

    role = await making.role_of(runtime, realm, org, "support staff")
    assert (role.built_in, role.description, role.permissions) == (True, "Helps more", ["members.read", "orgs.read"])
    assert role.ceiling == {"organisation": [str(org.id)]}


async def test_a_person_nobody_knows_has_no_role_here(runtime: Runtime, realm: Realm, founder: User, org: Org):
    role_id = await a_role(runtime, realm, founder, org, "medics")
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(NotAMember):
            await roles.assign(tx, org.id, role_id, UserId(uuid7()))
