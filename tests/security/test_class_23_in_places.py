"""Class 23, in places: who holds a permission in one facility cannot make it hold in another, by no way round."""

import asyncio

import httpx
import pytest

from roster.core.access import search as roles_search
from roster.core.access import service as access
from roster.core.access.errors import Escalation
from roster.core.access.models import MembersChange, RoleChange, RoleDraft, Wanted
from roster.core.places import service as places
from roster.core.places.models import PlaceDraft
from roster.core.realms.models import Realm
from roster.core.users import search
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, UserChange, UserDraft
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, NotFound
from roster.kit.filters import Compare, Op, PrivateField
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.security import walking
from tests.security.fronts import Front

HERE = {"facility": ["7"]}
ELSEWHERE = {"facility": ["8"]}
LEADING = (
    "users.read",
    "users.create",
    "users.write",
    "users.delete",
    "roles.read",
    "roles.assign",
    "credentials.write",
)


async def member(runtime: Runtime, realm: Realm, *wanted: Wanted) -> User:
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user.id, wanted)
    return user


@pytest.fixture
async def lead(runtime: Runtime, realm: Realm) -> Actor:
    """Somebody who leads facility 7."""
    await factories.a_role(runtime, realm, "lead", *LEADING)
    await factories.a_role(runtime, realm, "cook")
    return await factories.acting_as(runtime, realm, await member(runtime, realm, Wanted("lead", HERE)))


async def test_nobody_pulls_people_of_other_places_over_to_their_own(runtime: Runtime, realm: Realm, lead: Actor):
    stranger, unlimited = await member(runtime, realm, Wanted("cook", ELSEWHERE)), await member(runtime, realm)

    for user in (stranger, unlimited):
        async with runtime.write(lead) as tx:
            cook = await access.find_role(tx, "cook")
            for attempt in (
                access.assign(tx, cook.id, user.id, HERE),
                access.set_assignments(tx, user.id, [Wanted("cook", HERE)]),
                access.widen(tx, user.id, "facility", "7"),
                access.change_role(tx, cook.id, RoleChange(), members=MembersChange(frozenset({user.id}))),
            ):
                with pytest.raises((Forbidden, NotFound)):
                    await attempt


async def test_nobody_widens_their_own_place(runtime: Runtime, realm: Realm, lead: Actor):
    assert lead.user_id
    async with runtime.write(lead) as tx:
        own = await access.find_role(tx, "lead")
        for contexts in (ELSEWHERE, {"facility": ["7", "8"]}, {"facility_group": ["any"]}):
            with pytest.raises((Escalation, InvalidInput)):
                await access.assign(tx, own.id, lead.user_id, contexts)
        with pytest.raises(Escalation):
            await access.widen(tx, lead.user_id, "facility", "8")
        with pytest.raises(Forbidden):
            await access.create_role(tx, RoleDraft("mine", permissions=list(LEADING)))
        with pytest.raises(Forbidden):
            await places.put(tx, "facility_group", "any", PlaceDraft(members=["7", "8"]))


async def test_a_group_that_grows_later_gives_its_leads_people_nothing_more_than_the_lead_has(
    runtime: Runtime, realm: Realm, lead: Actor
):
    """A facility is not its group: whoever leads the first cannot give roles for the second."""
    friend = await member(runtime, realm, Wanted("cook", HERE))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "alone", PlaceDraft(members=["7"]))

    async with runtime.write(lead) as tx:
        own = await access.find_role(tx, "lead")
        with pytest.raises(Escalation):
            await access.assign(tx, own.id, friend.id, {"facility_group": ["alone"]})


async def test_people_elsewhere_are_neither_counted_nor_guessed_by_any_search(
    runtime: Runtime, realm: Realm, lead: Actor
):
    hidden = await member(runtime, realm, Wanted("cook", ELSEWHERE))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, hidden.id, UserChange(email="hidden@example.org"))

    async with runtime.read(lead) as tx:
        for asked in (
            Compare("username", Op.EQ, hidden.username),
            Compare("email", Op.CONTAINS, "hidden"),
            Compare("id", Op.EQ, str(hidden.id)),
            Compare("roles", Op.CONTAINS, "nothing"),
        ):
            page = await search.search(tx, asked, (), Page(10, total=True))
            assert (page.items, page.total, await search.count(tx, asked)) == ([], 0, 0)
        with pytest.raises(UserNotFound):
            await users.get(tx, hidden.id)


@pytest.mark.parametrize("role", ["lead", "cook", "local"])
async def test_lists_that_show_people_to_everybody_show_nobody_elsewhere_to_whoever_is_limited_to_places(
    runtime: Runtime, realm: Realm, client: httpx.AsyncClient, lead: Actor, role: str
):
    """The permission list of users in AcceleratXR does so by default."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("local", permissions=["users.write"], ceiling=HERE))
    limited = await member(runtime, realm, Wanted(role, {} if role == "local" else HERE))
    hidden, open_to_all = await member(runtime, realm, Wanted("cook", ELSEWHERE)), await member(runtime, realm)
    front = Front("acceleratxr", client, realm)

    seen = await front.call("GET", f"/users/{hidden.id}", token=await walking.token_for(runtime, realm, open_to_all))
    assert seen.status_code == 200
    token = await walking.token_for(runtime, realm, limited)
    for name in (hidden.id, hidden.username, "nobody-at-all"):
        assert (await front.call("GET", f"/users/{name}", token=token)).status_code == 403
    listed = await front.call("GET", "/users", token=token)
    assert str(hidden.username) not in listed.text
    assert (await front.call("GET", f"/users/{limited.id}", token=token)).status_code == 200


async def test_whoever_reads_roles_in_one_place_does_not_learn_who_has_them_elsewhere(
    runtime: Runtime, realm: Realm, lead: Actor
):

    await factories.a_person(runtime, realm, roles=("cook",))
    async with runtime.read(lead) as tx:
        cook = await access.find_role(tx, "cook")
        assert await access.members_of(tx, [cook.id]) == {}
        with pytest.raises(PrivateField):
            await roles_search.search(tx, Compare("members", Op.EXISTS, value=True), (), Page(10))


async def test_somebody_who_moves_away_is_out_of_reach_at_once_even_in_a_race(
    runtime: Runtime, realm: Realm, lead: Actor
):
    """Either the lead changed them while they were there, or not at all."""
    for _ in range(5):
        user = await member(runtime, realm, Wanted("cook", HERE))

        async def move(user: User = user) -> None:
            async with runtime.write(factories.roster_in(realm)) as tx:
                await access.set_assignments(tx, user.id, [Wanted("cook", ELSEWHERE)])

        async def change(user: User = user) -> None:
            async with runtime.write(lead) as tx:
                await users.change(tx, user.id, UserChange(display_name="mine"))

        await asyncio.gather(move(), change(), return_exceptions=True)
        async with runtime.write(lead) as tx:
            with pytest.raises(UserNotFound):
                await users.change(tx, user.id, UserChange(display_name="late"))


async def test_a_refused_person_leaves_nothing_behind(runtime: Runtime, realm: Realm, lead: Actor):
    for wanted in ((), (Wanted("cook", ELSEWHERE),), (Wanted("admin"),)):
        with pytest.raises((Forbidden, InvalidInput)):
            async with runtime.write(lead) as tx:
                await users.create(tx, UserDraft("ghost"), roles=wanted)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await search.count(tx, Compare("username", Op.EQ, "ghost")) == 0
        trail = "SELECT count(*) FROM audit_entries WHERE realm_id = $1 AND changes::text LIKE '%ghost%'"
        assert await tx.value(trail, realm.id) == 0
