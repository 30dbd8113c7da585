"""Organisations: trees of them, whose they are, and who may know of them."""

import asyncio

import pytest

from roster.core.access import org_roles
from roster.core.flows import organisations
from roster.core.limits.service import Policy
from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.core.orgs import trees
from roster.core.orgs.errors import (
    LastOwner,
    OrgHasParts,
    OrgInsideItself,
    OrgNotFound,
    OrgTooDeep,
    OwnersOnly,
)
from roster.core.orgs.models import DEEPEST, Org, OrgChange, OrgDraft
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion, TooMany
from roster.kit.filters import Compare, Op
from roster.kit.ids import OrgId, UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without any role in the realm."""
    return await factories.a_person(runtime, realm)


async def seen(runtime: Runtime, realm: Realm, user: User, *, below: OrgId | None = None) -> list[str]:
    """Names of the organisations that the person is shown."""
    async with runtime.read(await factories.acting_as(runtime, realm, user)) as tx:
        return [org.name for org in (await orgs.search(tx, None, (), Page(100), below=below)).items]


async def test_who_founds_an_organisation_owns_it_and_runs_it(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)

    assert org.path == [org.id]
    assert await making.owners_of(runtime, realm, org) == {founder.username}
    assert await making.members_of(runtime, realm, org) == {founder.username}
    actor = await factories.acting_as(runtime, realm, founder)
    assert str(org.id) in actor.grants.organisations("orgs.administer")
    assert not actor.grants.holds("roles.read")


async def test_everybody_founds_organisations_unless_the_realm_says_otherwise(runtime: Runtime):
    realm = await factories.a_realm(runtime, organisations_by_anyone=False)
    user = await factories.a_person(runtime, realm)
    with pytest.raises(Forbidden):
        await making.founded(runtime, realm, user)

    await factories.a_role(runtime, realm, "founders", "orgs.create")
    other = await factories.a_person(runtime, realm, roles=("founders",))
    assert (await making.founded(runtime, realm, other)).name == "Medics"


async def test_nobody_founds_organisations_without_end(
    runtime: Runtime, realm: Realm, founder: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(organisations, "PER_FOUNDER", Policy("organisations:founder", 2, 86_400))
    for _ in range(2):
        await making.founded(runtime, realm, founder)
    with pytest.raises(TooMany):
        await making.founded(runtime, realm, founder)
    await making.founded(runtime, realm, await factories.a_person(runtime, realm))


async def test_an_organisation_is_given_to_somebody_by_those_who_may_found_any(
    runtime: Runtime, realm: Realm, founder: User
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        org = await organisations.found(tx, OrgDraft("Given"), owner=founder.id)
    assert await making.owners_of(runtime, realm, org) == {founder.username}
    assert await making.members_of(runtime, realm, org) == set()

    other = await factories.a_person(runtime, realm)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(Forbidden):
            await organisations.found(tx, OrgDraft("Not given"), owner=other.id)


async def test_parts_know_the_way_from_the_root(runtime: Runtime, realm: Realm, founder: User):
    root = await making.founded(runtime, realm, founder, name="Root")
    part = await making.founded(runtime, realm, founder, below=root.id, name="Part")
    leaf = await making.founded(runtime, realm, founder, below=part.id, name="Leaf")

    assert leaf.path == [root.id, part.id, leaf.id]
    assert await seen(runtime, realm, founder, below=root.id) == ["Part"]
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        assert [org.name for org in await orgs.way_to(tx, leaf)] == ["Root", "Part", "Leaf"]
        assert await orgs.with_parts(tx, [root, part, leaf]) == {root.id, part.id}


async def test_strangers_learn_nothing_of_an_organisation(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)
    stranger = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))

    async with runtime.write(stranger) as tx:
        assert (await orgs.search(tx, None, (), Page(10))).items == []
        for attempt in (
            orgs.get(tx, org.id),
            orgs.get_by_number(tx, org.number),
            orgs.change(tx, org.id, OrgChange(name="Mine")),
            orgs.move(tx, org.id, None),
            orgs.delete(tx, org.id),
            organisations.found(tx, OrgDraft("Part", parent_id=org.id)),
            organisations.add_owner(tx, org.id, UserId(uuid7())),
            org_roles.roles_of(tx, org.id),
            memberships.search(tx, org.id, None, (), Page(10)),
            memberships.add(tx, org.id, founder.id),
        ):
            with pytest.raises(OrgNotFound):
                await attempt


async def test_another_realm_has_nothing_to_do_with_it(
    runtime: Runtime, realm: Realm, other_realm: Realm, founder: User
):
    org = await making.founded(runtime, realm, founder)

    async with runtime.write(factories.roster_in(other_realm)) as tx:
        assert (await orgs.search(tx, None, (), Page(10))).items == []
        assert await trees.below(tx, [str(org.id)]) == {}
        for attempt in (
            orgs.get(tx, org.id),
            orgs.get_by_number(tx, org.number),
            orgs.delete(tx, org.id),
            organisations.found(tx, OrgDraft("Part", parent_id=org.id)),
        ):
            with pytest.raises(OrgNotFound):
                await attempt


async def test_members_see_their_organisation_and_not_what_is_above(runtime: Runtime, realm: Realm, founder: User):
    root = await making.founded(runtime, realm, founder, name="Root")
    part = await making.founded(runtime, realm, founder, below=root.id, name="Part")
    member = await making.joined(runtime, realm, part)

    assert await seen(runtime, realm, member) == ["Part"]
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        assert [org.name for org in await orgs.way_to(tx, part)] == ["Part"]
        with pytest.raises(OrgNotFound):
            await orgs.get(tx, root.id)
        with pytest.raises(Forbidden):
            await orgs.change(tx, part.id, OrgChange(name="Ours"))


async def test_a_change_names_what_changes_and_is_kept_in_the_trail(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)
    change = OrgChange(name="Others", timezone="Europe/Berlin", facets={"x": {"a": 1}})

    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        after = await orgs.change(tx, org.id, change, version=org.version)
        assert (after.name, after.timezone, after.facets, after.version) == (
            "Others",
            "Europe/Berlin",
            {"x": {"a": 1}},
            2,
        )
        assert await orgs.change(tx, org.id, OrgChange(name="Others")) == after
        with pytest.raises(StaleVersion):
            await orgs.change(tx, org.id, OrgChange(name="Late"), version=1)


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"name": "x" * 201},
        {"name": "a\x00b"},
        {"timezone": "Europe/Atlantis"},
        {"timezone": "../etc/passwd"},
        {"timezone": ""},
        {"language": ""},
        {"description": "x" * 10_001},
        {"invitation_text": "\x00"},
        {"facets": {"x": {"y": "z" * 70_000}}},
    ],
)
async def test_what_an_organisation_cannot_be_is_refused(
    runtime: Runtime, realm: Realm, founder: User, change: dict[str, object]
):
    org = await making.founded(runtime, realm, founder)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(InvalidInput):
            await orgs.change(tx, org.id, OrgChange(**change))  # type: ignore[arg-type]


async def test_searching_finds_by_name_whatever_its_case(runtime: Runtime, realm: Realm, founder: User):
    for name in ("Alpha", "Beta"):
        await making.founded(runtime, realm, founder, name=name)
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        found = await orgs.search(tx, Compare("name", Op.STARTS, "BE"), (), Page(10))
    assert [org.name for org in found.items] == ["Beta"]


# moving


async def a_tree(runtime: Runtime, realm: Realm, founder: User) -> tuple[Org, Org, Org]:
    root = await making.founded(runtime, realm, founder, name="Root")
    part = await making.founded(runtime, realm, founder, below=root.id, name="Part")
    return root, part, await making.founded(runtime, realm, founder, below=part.id, name="Leaf")


async def found(runtime: Runtime, realm: Realm, org: Org) -> Org:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await orgs.get(tx, org.id)


async def test_owners_move_an_organisation_with_all_below(runtime: Runtime, realm: Realm, founder: User):
    root, part, leaf = await a_tree(runtime, realm, founder)
    other = await making.founded(runtime, realm, founder, name="Other")

    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        assert (await orgs.move(tx, part.id, other.id)).path == [other.id, part.id]
    assert (await found(runtime, realm, leaf)).path == [other.id, part.id, leaf.id]
    assert (await found(runtime, realm, root)).path == [root.id]


async def test_what_moves_is_reached_from_its_new_place_only(runtime: Runtime, realm: Realm, founder: User):
    root, part, leaf = await a_tree(runtime, realm, founder)
    elsewhere = await factories.a_person(runtime, realm)
    other = await making.founded(runtime, realm, elsewhere, name="Other")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await orgs.move(tx, part.id, other.id)

    before = await factories.acting_as(runtime, realm, founder)
    after = await factories.acting_as(runtime, realm, elsewhere)
    async with runtime.read(before) as tx:
        assert set(await trees.below(tx, [str(root.id)])) == {str(root.id)}
    assert after.grants.organisations("orgs.write") == {str(other.id), str(part.id), str(leaf.id)}
    assert before.grants.organisations("orgs.write") == {str(root.id), str(part.id), str(leaf.id)}, (
        "by membership still"
    )


async def test_nothing_is_moved_below_itself(runtime: Runtime, realm: Realm, founder: User):
    root, part, leaf = await a_tree(runtime, realm, founder)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        for below in (root, part, leaf):
            with pytest.raises(OrgInsideItself):
                await orgs.move(tx, root.id, below.id)


async def test_administrators_do_not_move_what_they_do_not_own(runtime: Runtime, realm: Realm, founder: User):
    root, part, _ = await a_tree(runtime, realm, founder)
    administrator = await making.joined(runtime, realm, part, "administrator")
    own = await making.founded(runtime, realm, administrator, name="Own")
    async with runtime.write(await factories.acting_as(runtime, realm, administrator)) as tx:
        with pytest.raises(OwnersOnly):
            await orgs.move(tx, part.id, own.id)
        with pytest.raises(OrgNotFound):
            await orgs.move(tx, own.id, root.id)
        with pytest.raises(OwnersOnly):
            await orgs.delete(tx, part.id)


async def test_a_part_becomes_a_root_only_with_owners_of_its_own(runtime: Runtime, realm: Realm, founder: User):
    _, part, _ = await a_tree(runtime, realm, founder)
    actor = await factories.acting_as(runtime, realm, founder)
    async with runtime.write(actor) as tx:
        with pytest.raises(LastOwner):
            await orgs.move(tx, part.id, None)
        await organisations.add_owner(tx, part.id, founder.id)
        assert (await orgs.move(tx, part.id, None)).path == [part.id]


async def test_trees_are_not_too_deep(runtime: Runtime, realm: Realm, founder: User):
    below = None
    for _ in range(DEEPEST):
        below = (await making.founded(runtime, realm, founder, below=below)).id
    with pytest.raises(OrgTooDeep):
        await making.founded(runtime, realm, founder, below=below)

    _, part, _ = await a_tree(runtime, realm, founder)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(OrgTooDeep):
            await orgs.move(tx, part.id, below)


async def test_two_that_move_below_each_other_make_no_circle(runtime: Runtime, realm: Realm, founder: User):
    first = await making.founded(runtime, realm, founder, name="First")
    second = await making.founded(runtime, realm, founder, name="Second")
    actor = await factories.acting_as(runtime, realm, founder)

    async def move(org: Org, below: Org) -> bool:
        try:
            async with runtime.write(actor) as tx:
                await orgs.move(tx, org.id, below.id)
        except OrgInsideItself:
            return False
        return True

    assert sorted(await asyncio.gather(move(first, second), move(second, first))) == [False, True]


# trees, remembered


async def test_a_tree_is_remembered_until_one_changes(runtime: Runtime, realm: Realm, founder: User):
    root = await making.founded(runtime, realm, founder)

    async def below() -> frozenset[str]:
        async with runtime.read(factories.roster_in(realm)) as tx:
            version = (await realms.by_id(tx, realm.id)).access_version
            return (await trees.below(tx, [str(root.id)], version))[str(root.id)]

    first = await below()
    assert await below() is first
    part = await making.founded(runtime, realm, founder, below=root.id)
    assert await below() == {str(root.id), str(part.id)}


# owners


async def test_owners_are_made_and_unmade_by_owners(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)
    other = await making.joined(runtime, realm, org)
    actor = await factories.acting_as(runtime, realm, founder)
    async with runtime.write(actor) as tx:
        await organisations.add_owner(tx, org.id, other.id)
        await organisations.add_owner(tx, org.id, other.id)
    assert await making.owners_of(runtime, realm, org) == {founder.username, other.username}

    async with runtime.write(await factories.acting_as(runtime, realm, other)) as tx:
        await organisations.remove_owner(tx, org.id, founder.id)
        with pytest.raises(LastOwner):
            await organisations.remove_owner(tx, org.id, other.id)
    former = await factories.acting_as(runtime, realm, founder)
    async with runtime.write(former) as tx:
        with pytest.raises(OwnersOnly):
            await organisations.add_owner(tx, org.id, founder.id)


@pytest.mark.parametrize("role", ["participant", "administrator"])
async def test_nobody_makes_themselves_an_owner(runtime: Runtime, realm: Realm, founder: User, role: str):
    org = await making.founded(runtime, realm, founder)
    member = await making.joined(runtime, realm, org, role)
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        with pytest.raises(OwnersOnly):
            await organisations.add_owner(tx, org.id, member.id)
        with pytest.raises(OwnersOnly):
            await organisations.remove_owner(tx, org.id, founder.id)


async def test_two_owners_who_leave_at_once_do_not_leave_it_to_nobody(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)
    other = await making.joined(runtime, realm, org)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        await organisations.add_owner(tx, org.id, other.id)

    async def leave(user: User) -> bool:
        try:
            async with runtime.write(await factories.acting_as(runtime, realm, user)) as tx:
                await organisations.remove_owner(tx, org.id, user.id)
        except LastOwner:
            return False
        return True

    assert sorted(await asyncio.gather(leave(founder), leave(other))) == [False, True]


async def test_only_people_whom_one_may_know_of_become_owners(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)
    stranger = await factories.a_person(runtime, realm)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        for user_id in (stranger.id, UserId(uuid7())):
            with pytest.raises(InvalidInput):
                await organisations.add_owner(tx, org.id, user_id)


async def test_an_owner_of_the_root_owns_all_below_without_being_a_member(
    runtime: Runtime, realm: Realm, founder: User
):
    root = await making.founded(runtime, realm, founder)
    administrator = await making.joined(runtime, realm, root, "administrator")
    part = await making.founded(runtime, realm, administrator, below=root.id)

    actor = await factories.acting_as(runtime, realm, founder)
    async with runtime.write(actor) as tx:
        assert (await orgs.change(tx, part.id, OrgChange(description="Ours"))).description == "Ours"
        await orgs.delete(tx, part.id)


# deleting


async def test_parts_are_deleted_first(runtime: Runtime, realm: Realm, founder: User):
    root, part, leaf = await a_tree(runtime, realm, founder)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(OrgHasParts):
            await orgs.delete(tx, part.id)
        for org in (leaf, part, root):
            await orgs.delete(tx, org.id)
    assert await seen(runtime, realm, founder) == []


async def test_with_an_organisation_its_roles_go_and_people_stay(runtime: Runtime, realm: Realm, founder: User):
    org = await making.founded(runtime, realm, founder)
    member = await making.joined(runtime, realm, org)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        await orgs.delete(tx, org.id)

    assert (await factories.acting_as(runtime, realm, member)).grants.within == ()
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await users.get(tx, member.id)
        assert await memberships.of_user(tx, member.id) == []
        assert await orgs.owned_by(tx, founder.id) == []
