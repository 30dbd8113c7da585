"""Giving and taking roles in places: within one's own, never beyond, and all of a person's at once."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from roster.core.access import service as access
from roster.core.access.errors import AssignmentExists, AssignmentNotFound, Escalation, LastAdministrator
from roster.core.access.models import Assignment, MembersChange, RoleChange, RoleDraft, Wanted
from roster.core.audit import service as audit
from roster.core.history import service as history
from roster.core.places import service as places
from roster.core.places.models import PlaceDraft
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, NotFound, StaleVersion
from roster.kit.ids import AssignmentId, UserId, uuid7
from roster.storage.runtime import Runtime
from tests import factories

Contexts = dict[str, list[str]]
LEADING = ("users.read", "users.write", "roles.read", "roles.assign")
NORTH: Contexts = {"facility": ["north"]}
SOUTH: Contexts = {"facility": ["south"]}
BOTH: Contexts = {"facility": ["north", "south"]}


@pytest.fixture
async def roles(runtime: Runtime, realm: Realm) -> None:
    """Leads read, change and give roles; cooks and waiters do nothing that the directory knows."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("lead", permissions=list(LEADING)))
        await access.create_role(tx, RoleDraft("cook"))
        await access.create_role(tx, RoleDraft("waiter", requires=["facility"]))
        await access.create_role(tx, RoleDraft("reader", permissions=["users.read"]))
        await access.create_role(tx, RoleDraft("auditor", permissions=["audit.read"]))
        await access.create_role(tx, RoleDraft("here", permissions=["users.read"], ceiling=NORTH))
        await access.create_role(
            tx, RoleDraft("chief", permissions=list(LEADING), ceiling={"user_role": ["cook", "waiter"]})
        )


async def somebody(runtime: Runtime, realm: Realm, *roles: tuple[str, Contexts]) -> User:
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user.id, [Wanted(role, contexts) for role, contexts in roles])
    return user


async def a_lead(runtime: Runtime, realm: Realm, *contexts: Contexts, role: str = "lead") -> Actor:
    return await factories.acting_as(
        runtime, realm, await somebody(runtime, realm, *((role, each) for each in contexts))
    )


async def held(runtime: Runtime, realm: Realm, user_id: UserId) -> list[tuple[str, Contexts]]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return shown(await access.assignments_of(tx, user_id))


def shown(found: Sequence[Assignment]) -> list[tuple[str, Contexts]]:
    return sorted(((each.role_name, each.contexts) for each in found), key=str)


async def give(runtime: Runtime, actor: Actor, user: User, role: str, contexts: Contexts) -> Assignment:
    async with runtime.write(actor) as tx:
        return await access.assign(tx, (await access.find_role(tx, role)).id, user.id, contexts)


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize(
    ("role", "contexts", "allowed"),
    [
        ("cook", NORTH, True),
        ("reader", NORTH, True),
        ("lead", NORTH, True),
        ("here", NORTH, True),
        ("reader", {**NORTH, "zone": ["1"]}, True),
        ("cook", SOUTH, False),
        ("cook", BOTH, False),
        ("reader", SOUTH, False),
        ("cook", {"facility_group": ["all"]}, False),
        ("cook", {"facility": []}, True),
        ("auditor", NORTH, False),
        ("admin", NORTH, False),
        ("auditor", {"facility": []}, False),
    ],
)
async def test_who_leads_a_place_gives_roles_for_it_and_no_more_than_they_hold_there(
    runtime: Runtime, realm: Realm, role: str, contexts: Contexts, allowed: bool
):
    actor = await a_lead(runtime, realm, NORTH)
    user = await somebody(runtime, realm, ("cook", {**NORTH, "shift": ["early"]}))

    if allowed:
        assert (await give(runtime, actor, user, role, contexts)).contexts == contexts
        return
    with pytest.raises(Escalation):
        await give(runtime, actor, user, role, contexts)
    assert len(await held(runtime, realm, user.id)) == 1


@pytest.mark.usefixtures("roles")
async def test_leaving_a_place_out_means_ones_own_facilities_but_no_other_kind(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm, ("cook", {**NORTH, "zone": ["1"], "shift": ["early"]}))
    lead = await a_lead(runtime, realm, BOTH)
    zoned = await a_lead(runtime, realm, {"zone": ["1"]})
    grouped = await a_lead(runtime, realm, {"facility_group": ["unfilled"]})

    assert (await give(runtime, lead, user, "reader", {})).contexts == BOTH
    with pytest.raises(Escalation):
        await give(runtime, zoned, user, "cook", {})
    with pytest.raises(Forbidden):
        await give(runtime, grouped, user, "cook", {})


@pytest.mark.usefixtures("roles")
async def test_ones_own_facilities_are_those_where_one_gives_that_role(runtime: Runtime, realm: Realm):
    actor = await factories.acting_as(runtime, realm, await somebody(runtime, realm, ("chief", NORTH), ("lead", SOUTH)))
    user = await somebody(runtime, realm, ("cook", {**NORTH, "shift": ["early"]}), ("cook", SOUTH))

    assert (await give(runtime, actor, user, "cook", {})).contexts == NORTH
    assert (await give(runtime, actor, user, "reader", {})).contexts == SOUTH


@pytest.mark.usefixtures("roles")
async def test_leaving_a_place_out_means_all_places_where_one_gives_that_role(runtime: Runtime, realm: Realm):
    east: Contexts = {"facility": ["east"], "zone": ["1"]}
    actor = await factories.acting_as(
        runtime, realm, await somebody(runtime, realm, ("lead", NORTH), ("lead", SOUTH), ("lead", east))
    )
    user = await somebody(runtime, realm, *(("auditor", each) for each in (NORTH, SOUTH, east)))

    await give(runtime, actor, user, "cook", {})
    await give(runtime, actor, user, "here", {})
    with pytest.raises(AssignmentExists):
        await give(runtime, actor, user, "cook", {})
    cook, here = [("cook", NORTH), ("cook", SOUTH)], [("here", NORTH)]
    assert [each for each in await held(runtime, realm, user.id) if each[0] != "auditor"] == [*cook, *here]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user.id, [Wanted("cook", each) for each in (NORTH, SOUTH)])
    async with runtime.write(actor) as tx:
        found = await access.set_assignments(tx, user.id, [Wanted("cook", NORTH), Wanted("waiter")])
    assert shown(found) == [("cook", NORTH), ("waiter", NORTH), ("waiter", SOUTH)]


@pytest.mark.usefixtures("roles")
async def test_two_places_of_a_lead_do_not_make_one(runtime: Runtime, realm: Realm):
    actor = await a_lead(runtime, realm, NORTH, SOUTH)
    user = await somebody(runtime, realm, ("cook", NORTH))

    with pytest.raises(Escalation):
        await give(runtime, actor, user, "reader", BOTH)
    with pytest.raises(Escalation):
        await give(runtime, actor, user, "reader", SOUTH)
    assert (await give(runtime, actor, user, "reader", NORTH)).contexts == NORTH


@pytest.mark.usefixtures("roles")
async def test_nobody_elsewhere_is_given_anything_and_they_look_like_nobody(runtime: Runtime, realm: Realm):
    actor = await a_lead(runtime, realm, NORTH)
    elsewhere, unlimited = await somebody(runtime, realm, ("cook", SOUTH)), await somebody(runtime, realm, ("cook", {}))
    missing = msgspec.structs.replace(elsewhere, id=UserId(uuid7()))

    for user in (elsewhere, unlimited, missing):
        with pytest.raises(Forbidden) as refused:
            await give(runtime, actor, user, "cook", NORTH)
        assert type(refused.value) is Forbidden
        async with runtime.write(actor) as tx:
            with pytest.raises((Forbidden, NotFound)):
                await access.set_assignments(tx, user.id, [])


@pytest.mark.usefixtures("roles")
async def test_only_the_roles_a_lead_is_for_are_handed_out_and_only_to_those_who_have_no_other(
    runtime: Runtime, realm: Realm
):
    chief = await a_lead(runtime, realm, NORTH, role="chief")
    cook = await somebody(runtime, realm, ("Cook", NORTH))
    reader = await somebody(runtime, realm, ("cook", NORTH), ("reader", NORTH))

    assert (await give(runtime, chief, cook, "waiter", NORTH)).role_name == "waiter"
    for role in ("reader", "chief", "lead", "here"):
        with pytest.raises(Escalation):
            await give(runtime, chief, cook, role, NORTH)
    with pytest.raises(Forbidden):
        await give(runtime, chief, reader, "waiter", NORTH)


@pytest.mark.usefixtures("roles")
async def test_a_lead_takes_only_what_is_theirs_to_give(runtime: Runtime, realm: Realm):
    actor = await a_lead(runtime, realm, NORTH)
    user = await somebody(
        runtime, realm, ("cook", NORTH), ("cook", SOUTH), ("cook", {}), ("auditor", NORTH), ("waiter", BOTH)
    )
    async with runtime.read(actor) as tx:
        found = {(each.role_name, str(each.contexts)): each.id for each in await access.assignments_of(tx, user.id)}

    async def take(role: str, contexts: Contexts) -> None:
        async with runtime.write(actor) as tx:
            await access.unassign(tx, found[role, str(contexts)])

    for role, contexts in (("cook", SOUTH), ("cook", {}), ("auditor", NORTH), ("waiter", BOTH)):
        with pytest.raises(Escalation):
            await take(role, contexts)
    await take("cook", NORTH)
    assert len(await held(runtime, realm, user.id)) == 4
    with pytest.raises((Forbidden, AssignmentNotFound)):
        async with runtime.write(actor) as tx:
            await access.unassign(tx, AssignmentId(uuid7()))


@pytest.mark.usefixtures("roles")
async def test_a_role_says_which_places_it_must_be_given_for(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm)
    system = factories.roster_in(realm)

    for contexts in ({}, {"zone": ["1"]}, {"facility": []}):
        with pytest.raises(InvalidInput) as refused:
            await give(runtime, system, user, "waiter", contexts)
        assert refused.value.problems[0].code == "context_required"
    assert (await give(runtime, system, user, "waiter", {"facility_group": ["all"]})).contexts
    async with runtime.write(system) as tx:
        waiter = await access.find_role(tx, "waiter")
        with pytest.raises(InvalidInput):
            await access.change_role(tx, waiter.id, RoleChange(), members=MembersChange(frozenset({user.id})))


@pytest.mark.usefixtures("roles")
async def test_nobody_is_given_a_role_beyond_its_ceiling(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm)
    system = factories.roster_in(realm)
    async with runtime.write(system) as tx:
        await places.put(tx, "facility_group", "all", PlaceDraft(members=["north", "south"]))
        await places.put(tx, "facility_group", "some", PlaceDraft(members=["north"]))

    for contexts in (SOUTH, BOTH, {"facility_group": ["all"]}, {"facility_group": ["unknown"]}):
        with pytest.raises(InvalidInput) as refused:
            await give(runtime, system, user, "here", contexts)
        assert refused.value.problems[0].code == "above_ceiling"
    for contexts in ({}, NORTH, {"facility_group": ["some"]}, {"zone": ["1"]}, {"facility": []}):
        assert (await give(runtime, system, user, "here", contexts)).contexts == contexts


# all at once


@pytest.mark.usefixtures("roles")
async def test_a_persons_roles_become_exactly_those_wanted_with_an_entry_for_each_change(
    runtime: Runtime, realm: Realm
):
    user = await somebody(runtime, realm, ("cook", NORTH), ("reader", {}), ("waiter", SOUTH))
    before = await held(runtime, realm, user.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        count = "SELECT count(*) FROM audit_entries WHERE realm_id = $1 AND subject_id = $2 AND action LIKE 'role.%'"
        entries = await tx.value(count, realm.id, user.id)
        kept = {each.id for each in await access.assignments_of(tx, user.id) if each.role_name == "reader"}
        wanted = [
            Wanted("READER"),
            Wanted("cook", {"facility": ["south", "north", "south"]}),
            Wanted("cook", BOTH),
            Wanted("waiter", {"facility": ["south"]}),
        ]
        found = await access.set_assignments(tx, user.id, wanted)
        assert await tx.value(count, realm.id, user.id) == entries + 2
        assert await access.set_assignments(tx, user.id, wanted) == found
        assert await tx.value(count, realm.id, user.id) == entries + 2

    assert before != shown(found) == [("cook", BOTH), ("reader", {}), ("waiter", SOUTH)]
    assert kept <= {each.id for each in found}


@pytest.mark.usefixtures("roles")
async def test_nothing_changes_when_one_of_the_wanted_roles_cannot_be(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm, ("cook", NORTH))
    system = factories.roster_in(realm)

    for wrong in (Wanted("nobody's"), Wanted("waiter"), Wanted("here", SOUTH), Wanted("cook", {"": ["x"]})):
        with pytest.raises(InvalidInput):
            async with runtime.write(system) as tx:
                await access.set_assignments(tx, user.id, [Wanted("reader"), wrong])
    assert await held(runtime, realm, user.id) == [("cook", NORTH)]


@pytest.mark.usefixtures("roles")
async def test_a_lead_sets_the_roles_of_their_people_and_leaves_the_others_as_they_are(runtime: Runtime, realm: Realm):
    actor = await a_lead(runtime, realm, NORTH)
    user = await somebody(runtime, realm, ("cook", NORTH), ("cook", SOUTH))

    async with runtime.write(actor) as tx:
        await access.set_assignments(tx, user.id, [Wanted("waiter", NORTH), Wanted("cook", SOUTH)])
    assert await held(runtime, realm, user.id) == [("cook", SOUTH), ("waiter", NORTH)]
    for wanted in ([], [Wanted("waiter", NORTH)], [Wanted("waiter", BOTH), Wanted("cook", SOUTH)]):
        with pytest.raises(Escalation):
            async with runtime.write(actor) as tx:
                await access.set_assignments(tx, user.id, wanted)
    assert await held(runtime, realm, user.id) == [("cook", SOUTH), ("waiter", NORTH)]


@pytest.mark.usefixtures("roles")
async def test_two_who_set_the_roles_of_one_person_leave_what_one_of_them_wanted(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm, ("reader", {}))
    choices = [[Wanted("cook", NORTH), Wanted("waiter", NORTH)], [Wanted("cook", SOUTH)], [Wanted("reader", SOUTH)]]

    async def choose(wanted: list[Wanted]) -> None:
        async with runtime.write(factories.roster_in(realm)) as tx:
            await access.set_assignments(tx, user.id, wanted)

    for _ in range(5):
        await asyncio.gather(*map(choose, choices))
        found = await held(runtime, realm, user.id)
        assert found in [[(each.role, each.contexts) for each in wanted] for wanted in choices]


@pytest.mark.usefixtures("roles")
async def test_roles_given_at_the_same_moment_all_count_for_where_somebody_is(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm)
    everywhere = [{"facility": [f"f{n}"]} for n in range(8)]

    await asyncio.gather(*(give(runtime, factories.roster_in(realm), user, "cook", each) for each in everywhere))

    async with runtime.read(factories.roster_in(realm)) as tx:
        kept = await tx.rows("SELECT cardinality(places), cardinality(held) FROM users WHERE id = $1", user.id)
    assert kept == [(8, 1)]


async def test_the_last_administrator_stays_whatever_is_wanted(runtime: Runtime, realm: Realm):
    admin = await factories.a_person(runtime, realm, roles=("admin",))

    for wanted in ([], [Wanted("admin", NORTH)]):
        with pytest.raises(LastAdministrator):
            async with runtime.write(factories.roster_in(realm)) as tx:
                await access.set_assignments(tx, admin.id, wanted)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, admin.id, [Wanted("admin", NORTH), Wanted("admin")])
        await access.set_assignments(tx, admin.id, [Wanted("admin")])


# more places


@pytest.mark.usefixtures("roles")
async def test_a_place_is_added_to_every_role_that_names_places_of_its_kind(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm, ("cook", NORTH), ("waiter", SOUTH), ("reader", {}), ("lead", {"zone": ["1"]}))
    system = factories.roster_in(realm)
    async with runtime.write(system) as tx:
        before = {each.id for each in await access.assignments_of(tx, user.id)}
        for _ in range(2):
            await access.widen(tx, user.id, "facility", "east")
        found = await access.assignments_of(tx, user.id)

    assert {each.id for each in found} == before
    assert shown(found) == [
        ("cook", {"facility": ["east", "north"]}),
        ("lead", {"zone": ["1"]}),
        ("reader", {}),
        ("waiter", {"facility": ["east", "south"]}),
    ]


@pytest.mark.usefixtures("roles")
async def test_a_lead_adds_only_their_own_places_and_a_ceiling_stays_one(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm, ("cook", NORTH))
    confined = await somebody(runtime, realm, ("here", NORTH))
    narrow, wide = await a_lead(runtime, realm, NORTH), await a_lead(runtime, realm, BOTH)

    with pytest.raises(Escalation):
        async with runtime.write(narrow) as tx:
            await access.widen(tx, user.id, "facility", "south")
    with pytest.raises(InvalidInput):
        async with runtime.write(wide) as tx:
            await access.widen(tx, confined.id, "facility", "south")
    async with runtime.write(wide) as tx:
        await access.widen(tx, user.id, "facility", "south")
    assert await held(runtime, realm, user.id) == [("cook", BOTH)]


@pytest.mark.usefixtures("roles")
async def test_grants_and_places_of_everybody_who_had_a_role_end_with_it(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm, ("cook", NORTH), ("reader", SOUTH))
    ask = "SELECT cardinality(places), cardinality(held), access_version FROM users WHERE id = $1"
    async with runtime.write(factories.roster_in(realm)) as tx:
        ((*_, version),) = await tx.rows(ask, user.id)
        await access.delete_role(tx, (await access.find_role(tx, "cook")).id)
        assert await tx.rows(ask, user.id) == [(1, 1, version + 1)]


# roles


@pytest.mark.parametrize(
    ("permissions", "ceiling", "allowed"),
    [
        (["users.read"], NORTH, True),
        (["users.read"], {**NORTH, "zone": ["1"]}, True),
        (["users.read"], {}, False),
        (["users.read"], BOTH, False),
        (["users.read"], {"zone": ["1"]}, False),
        (["users.read"], {"facility": []}, True),
        (["users.read", "users.write"], NORTH, False),
        (["roles.write"], {}, True),
        ([], {}, True),
    ],
)
async def test_nobody_puts_more_into_a_role_than_they_hold_in_one_place(
    runtime: Runtime, realm: Realm, permissions: list[str], ceiling: Contexts, allowed: bool
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("keeper", permissions=["roles.read", "roles.write"]))
        await access.create_role(tx, RoleDraft("reader", permissions=["users.read"]))
    actor = await factories.acting_as(runtime, realm, await somebody(runtime, realm, ("keeper", {}), ("reader", NORTH)))
    async with runtime.write(actor) as tx:
        empty = await access.create_role(tx, RoleDraft("empty"))

    async with runtime.write(actor) as tx:
        if allowed:
            await access.create_role(tx, RoleDraft("new", permissions=permissions, ceiling=ceiling))
            await access.change_role(tx, empty.id, RoleChange(permissions=permissions, ceiling=ceiling))
            return
        with pytest.raises(Escalation):
            await access.create_role(tx, RoleDraft("new", permissions=permissions, ceiling=ceiling))
        with pytest.raises(Escalation):
            await access.change_role(tx, empty.id, RoleChange(permissions=permissions, ceiling=ceiling))


async def test_nobody_lifts_a_ceiling_above_their_own_places(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("keeper", permissions=["roles.read", "roles.write"]))
        await access.create_role(tx, RoleDraft("reader", permissions=["users.read"]))
        low = await access.create_role(tx, RoleDraft("low", permissions=["users.read"], ceiling=NORTH))
    actor = await factories.acting_as(runtime, realm, await somebody(runtime, realm, ("keeper", {}), ("reader", NORTH)))

    for ceiling in ({}, BOTH, {"zone": ["1"]}):
        with pytest.raises(Escalation):
            async with runtime.write(actor) as tx:
                await access.change_role(tx, low.id, RoleChange(ceiling=ceiling))
    async with runtime.write(actor) as tx:
        changed = await access.change_role(tx, low.id, RoleChange(requires=["facility"], ceiling={"facility": []}))
    assert (changed.requires, changed.ceiling) == (["facility"], {"facility": []})


# versions


async def test_whoever_is_given_or_loses_a_role_has_a_new_version_with_an_entry(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm)
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as tx:
        role = await access.create_role(tx, RoleDraft("cook"))
    async with runtime.write(roster) as tx:
        given = await access.assign(tx, role.id, user.id, NORTH)
    async with runtime.write(roster) as tx:
        await access.widen(tx, user.id, "facility", "south")
    async with runtime.write(roster) as tx:
        await access.set_assignments(tx, user.id, [Wanted("cook", BOTH)])
    async with runtime.write(roster) as tx:
        await access.unassign(tx, given.id)
    async with runtime.write(roster) as tx:
        members = MembersChange(frozenset({user.id}))
        await access.change_role(tx, role.id, RoleChange(), members=members)
    async with runtime.write(roster) as tx:
        after = await users.get(tx, user.id)
        entries = await audit.of_subject(tx, user.id, 100)
        first = await history.user_at(tx, after, user.created_at)
        with pytest.raises(StaleVersion):
            await users.change(tx, user.id, UserChange(display_name="x"), version=user.version)

    assert after.version == user.version + 4
    assert [each.action for each in entries].count("user.changed") == 4
    assert (first.version, first.updated_at) == (user.version, user.updated_at)
