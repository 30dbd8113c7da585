"""People of a place: who is limited to places sees and changes these, and nobody else."""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roster import app
from roster.core.access import reach
from roster.core.access import service as access
from roster.core.access.errors import Escalation
from roster.core.access.models import RoleChange, RoleDraft, Wanted
from roster.core.access.store import Held
from roster.core.credentials import identities
from roster.core.credentials import service as credentials
from roster.core.flows import dossier, passwords, signup
from roster.core.places import service as places
from roster.core.places.models import PlaceDraft
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.sessions import search as sessions_search
from roster.core.sessions import service as sessions
from roster.core.users import search, sight
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.fields import FIELDS
from roster.core.users.models import User, UserChange, UserDraft, View
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, NotFound, RosterError
from roster.kit.filters import EVERYTHING, All, AnyOf, Compare, Filter, Op, Some, Sort
from roster.kit.pages import Page, Walk
from roster.storage import sql
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import people

Contexts = dict[str, list[str]]
NORTH: Contexts = {"facility": ["north"]}
SOUTH: Contexts = {"facility": ["south"]}
NEEDLES = ["be", "BERG", "b", "b ", "b c", "b  ", "ss", "SSa", "ß", "É", "éa", "e\u0301B", "fi", "ﬁ", "\\%", ""]
"""How family names begin."""
ALL_OVER_PEOPLE = (
    *("users.read", "users.create", "users.write", "users.delete", "users.erase", "roles.read", "roles.assign"),
    *("credentials.read", "credentials.write", "sessions.read", "sessions.write"),
)


async def somebody(runtime: Runtime, realm: Realm, *roles: tuple[str, Contexts], **known: object) -> User:
    user = await factories.a_person(runtime, realm, **known)  # type: ignore[arg-type]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user.id, [Wanted(role, contexts) for role, contexts in roles])
    return user


async def a_lead(runtime: Runtime, realm: Realm, contexts: Contexts, *permissions: str, **role: Contexts) -> Actor:
    async with runtime.write(factories.roster_in(realm)) as tx:
        name = f"lead-{random.random()}"
        draft = RoleDraft(name, permissions=list(permissions or ALL_OVER_PEOPLE), **role)  # type: ignore[arg-type]
        await access.create_role(tx, draft)
    return await factories.acting_as(runtime, realm, await somebody(runtime, realm, (name, contexts)))


@pytest.fixture
async def cooks(runtime: Runtime, realm: Realm) -> None:
    await factories.a_role(runtime, realm, "cook")
    await factories.a_role(runtime, realm, "waiter")


async def found(runtime: Runtime, actor: Actor) -> set[str]:
    async with runtime.read(actor) as tx:
        page = await search.search(tx, None, (), Page(100, total=True))
        assert page.total == await search.count(tx, None) == len(page.items)
        return {user.username for user in page.items if not tx.actor.is_user(user.id)}


@pytest.mark.usefixtures("cooks")
async def test_people_of_the_place_are_seen_in_full_and_all_others_are_not_there(runtime: Runtime, realm: Realm):
    here = await somebody(runtime, realm, ("cook", NORTH), username="here", email="here@example.org")
    both = await somebody(runtime, realm, ("cook", SOUTH), ("waiter", NORTH), username="both")
    there = await somebody(runtime, realm, ("cook", SOUTH), username="there")
    unlimited = await somebody(runtime, realm, ("cook", {}), username="unlimited")
    nobodys = await somebody(runtime, realm, username="nobodys")
    actor = await a_lead(runtime, realm, NORTH)

    assert await found(runtime, actor) == {"here", "both"}
    async with runtime.read(actor) as tx:
        assert (await users.get(tx, here.id)).view is View.FULL
        assert (await users.get(tx, both.id)).username == "both"
        for user in (there, unlimited, nobodys):
            with pytest.raises(UserNotFound):
                await users.get(tx, user.id)
        by_address = await search.search(tx, Compare("email", Op.EQ, "here@example.org"), (), Page(10))
        assert [user.id for user in by_address.items] == [here.id]
        for name in ("there", "unlimited"):
            assert await search.count(tx, Compare("username", Op.EQ, name)) == 0


@pytest.mark.usefixtures("cooks")
async def test_whoever_leads_two_places_by_two_roles_does_in_each_what_that_role_says(runtime: Runtime, realm: Realm):
    here = await somebody(runtime, realm, ("cook", NORTH), username="here")
    there = await somebody(runtime, realm, ("cook", SOUTH), username="there")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("watcher", permissions=["users.read"]))
        await access.create_role(tx, RoleDraft("changer", permissions=["users.write"]))
    actor = await factories.acting_as(
        runtime, realm, await somebody(runtime, realm, ("watcher", NORTH), ("changer", SOUTH))
    )

    assert await found(runtime, actor) == {"here"}
    async with runtime.write(actor) as tx:
        with pytest.raises(Forbidden):
            await users.change(tx, here.id, UserChange(display_name="x"))
        assert (await users.change(tx, there.id, UserChange(display_name="x"))).display_name == "x"


@pytest.mark.usefixtures("cooks")
async def test_every_limit_counts_and_groups_stand_for_their_facilities(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "all", PlaceDraft(members=["north", "south"]))
    await somebody(runtime, realm, ("cook", {**NORTH, "zone": ["1"]}), username="both")
    await somebody(runtime, realm, ("cook", SOUTH), username="south")
    await somebody(runtime, realm, ("waiter", {"facility_group": ["all"]}), username="grouped")
    await somebody(runtime, realm, ("waiter", {"facility": ["east"]}), username="east")

    zoned = await a_lead(runtime, realm, {**NORTH, "zone": ["1"]})
    grouped = await a_lead(runtime, realm, {"facility_group": ["all"]})
    north = await a_lead(runtime, realm, NORTH)
    of_cooks = await a_lead(runtime, realm, {"facility_group": ["all"]}, ceiling={"user_role": ["COOK"]})

    assert await found(runtime, zoned) == {"both"}
    assert await found(runtime, grouped) >= {"both", "south", "grouped"}
    assert "east" not in await found(runtime, grouped)
    assert await found(runtime, north) >= {"both", "grouped"}
    assert "south" not in await found(runtime, north)
    assert await found(runtime, of_cooks) == {"both", "south"}


@pytest.mark.usefixtures("cooks")
async def test_a_group_that_changes_moves_people_in_and_out_of_reach(runtime: Runtime, realm: Realm):
    await somebody(runtime, realm, ("cook", SOUTH), username="there")
    actor = await a_lead(runtime, realm, {"facility_group": ["all"]})
    before = await found(runtime, actor)

    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "all", PlaceDraft(members=["south"]))
        assert actor.user_id
        lead = await users.get(tx, actor.user_id)
        realm = await realms.by_id(tx, realm.id)

    assert before == set()
    assert await found(runtime, await factories.acting_as(runtime, realm, lead)) == {"there"}


async def ceiling(runtime: Runtime, realm: Realm, role: str, contexts: Contexts) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.change_role(tx, (await access.find_role(tx, role)).id, RoleChange(ceiling=contexts))


@pytest.mark.usefixtures("cooks")
async def test_people_are_where_their_roles_ceiling_and_assignment_leave_them(runtime: Runtime, realm: Realm):
    by_ceiling = await somebody(runtime, realm, ("cook", {}), username="by-ceiling")
    both = await somebody(runtime, realm, ("cook", {"facility": ["north", "south"]}), username="both")
    in_south = await factories.acting_as(runtime, realm, await somebody(runtime, realm, username="nobody"))
    north, south = await a_lead(runtime, realm, NORTH), await a_lead(runtime, realm, SOUTH)
    before = [await found(runtime, actor) for actor in (north, south)]
    async with runtime.read(in_south) as tx:
        version = await tx.value("SELECT access_version FROM users WHERE id = $1", both.id)

    await ceiling(runtime, realm, "cook", NORTH)

    assert before == [{"both"}, {"both"}]
    assert await found(runtime, north) == {"by-ceiling", "both"}
    assert await found(runtime, south) == set()
    async with runtime.read(north) as tx:
        assert (await users.get(tx, by_ceiling.id)).view is View.FULL
        assert await tx.value("SELECT access_version FROM users WHERE id = $1", both.id) == version + 1
    async with runtime.read(south) as tx:
        with pytest.raises(UserNotFound):
            await users.get(tx, both.id)
    await ceiling(runtime, realm, "cook", {})
    assert await found(runtime, south) == await found(runtime, north) == {"both"}


@pytest.mark.usefixtures("cooks")
async def test_a_facility_within_a_ceilings_group_counts_while_it_is_in_the_group(runtime: Runtime, realm: Realm):
    await ceiling(runtime, realm, "cook", {"facility_group": ["cold"]})
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "cold", PlaceDraft(members=["north"]))
    await somebody(runtime, realm, ("cook", NORTH), username="here")
    north = await a_lead(runtime, realm, NORTH)
    assert await found(runtime, north) == {"here"}

    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "cold", PlaceDraft(members=["south"]))
    assert await found(runtime, north) == set()


Doing = Callable[[Tx, User], Awaitable[object]]
DEEDS: dict[str, tuple[str, Doing]] = {
    "change": ("users.write", lambda tx, user: users.change(tx, user.id, UserChange(display_name="new"))),
    "disable": ("users.write", lambda tx, user: users.change(tx, user.id, UserChange(status="disabled"))),
    "delete": ("users.delete", lambda tx, user: users.delete(tx, user.id)),
    "erase": ("users.erase", lambda tx, user: users.erase(tx, user.id)),
    "export": ("users.erase", lambda tx, user: dossier.gather(tx, user.id)),
    "assignments": ("roles.read", lambda tx, user: access.assignments_of(tx, user.id)),
    "effective": ("roles.read", lambda tx, user: access.effective(tx, user.id)),
    "explain": ("roles.read", lambda tx, user: access.explain(tx, user.id, "users.read")),
    "sessions": ("sessions.read", lambda tx, user: sessions.list_of(tx, user.id)),
    "end sessions": ("sessions.write", lambda tx, user: sessions.end_all(tx, user.id)),
    "credentials": ("credentials.read", lambda tx, user: credentials.list_of(tx, user.id)),
    "identities": ("credentials.write", lambda tx, user: identities.replace(tx, user.id, [])),
}


@pytest.mark.usefixtures("cooks")
@pytest.mark.parametrize("deed", DEEDS)
async def test_what_is_done_to_one_person_is_done_within_the_place_only(runtime: Runtime, realm: Realm, deed: str):
    permission, work = DEEDS[deed]
    here = await somebody(runtime, realm, ("cook", NORTH))
    there = await somebody(runtime, realm, ("cook", SOUTH))
    actor = await a_lead(runtime, realm, NORTH, permission)
    other = await a_lead(runtime, realm, NORTH, "audit.read")

    for who, user in ((actor, there), (other, here)):
        with pytest.raises((Forbidden, NotFound)):
            async with runtime.write(who) as tx:
                await work(tx, user)
    async with runtime.write(actor) as tx:
        await work(tx, here)


@pytest.mark.usefixtures("cooks")
async def test_deleted_people_of_the_place_come_back_and_only_these(runtime: Runtime, realm: Realm):
    here = await somebody(runtime, realm, ("cook", NORTH), username="here")
    there = await somebody(runtime, realm, ("cook", SOUTH), username="there")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, here.id)
        await users.delete(tx, there.id)
    actor = await a_lead(runtime, realm, NORTH)

    async with runtime.write(actor) as tx:
        page = await search.search(tx, None, (), Page(10), deleted="only")
        assert [user.username for user in page.items] == ["here"]
        assert (await users.find_deleted(tx, "here")).id == here.id
        with pytest.raises(UserNotFound):
            await users.find_deleted(tx, "there")
        with pytest.raises(UserNotFound):
            await users.restore(tx, there.id)
        assert (await users.restore(tx, here.id)).username == "here"


@pytest.mark.usefixtures("cooks")
async def test_passwords_and_messages_are_for_people_of_the_place(runtime: Runtime, realm: Realm):
    here = await somebody(runtime, realm, ("cook", NORTH), email="here@example.org")
    there = await somebody(runtime, realm, ("cook", SOUTH), email="there@example.org")
    actor = await a_lead(runtime, realm, NORTH)

    await passwords.set_password(runtime, actor, here.id, people.PASSWORD)
    await recovery.request_verification(runtime, actor, here.id, "/verify/{token}")
    with pytest.raises((Forbidden, UserNotFound)):
        await passwords.set_password(runtime, actor, there.id, people.PASSWORD)
    with pytest.raises((Forbidden, UserNotFound)):
        await recovery.request_verification(runtime, actor, there.id, "/verify/{token}")


@pytest.mark.usefixtures("cooks")
async def test_live_sessions_are_listed_of_people_of_the_place(runtime: Runtime, realm: Realm):
    here, there = [await people.a_member(runtime, realm, username=name) for name in ("here", "there")]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, here.id, [Wanted("cook", NORTH)])
        await access.set_assignments(tx, there.id, [Wanted("cook", SOUTH)])
    await people.signed_in(runtime, here)
    await people.signed_in(runtime, there)

    async with runtime.read(await a_lead(runtime, realm, NORTH, "sessions.read")) as tx:
        page = await sessions_search.search(tx, None, (), Page(10))
    assert [session.user_id for session in page.items] == [here.id]


@pytest.mark.usefixtures("cooks")
async def test_nobody_in_a_place_changes_those_who_may_do_something_elsewhere(runtime: Runtime, realm: Realm):
    """Whoever sets the password of somebody with a say elsewhere has that say."""
    actor = await a_lead(runtime, realm, NORTH)
    await factories.a_role(runtime, realm, "reader", "users.read")
    equal = await somebody(runtime, realm, ("reader", NORTH))
    elsewhere = await somebody(runtime, realm, ("reader", NORTH), ("reader", SOUTH))
    everywhere = await somebody(runtime, realm, ("cook", NORTH), ("reader", {}))

    for user in (elsewhere, everywhere):
        with pytest.raises(Escalation):
            await passwords.set_password(runtime, actor, user.id, people.PASSWORD)
        async with runtime.write(actor) as tx:
            with pytest.raises(Escalation) as refused:
                await users.delete(tx, user.id)
        assert "grant" not in refused.value.text
    await passwords.set_password(runtime, actor, equal.id, people.PASSWORD)


# making people


@pytest.mark.usefixtures("cooks")
async def test_a_person_made_by_a_lead_belongs_to_the_place(runtime: Runtime, realm: Realm):
    actor = await a_lead(runtime, realm, NORTH)

    draft = UserDraft("new", tags=["vip"])
    made = await signup.create(runtime, actor, draft, roles=["cook"], password=people.PASSWORD)

    assert made.tags == ["vip"]
    assert await found(runtime, actor) == {"new"}
    async with runtime.read(actor) as tx:
        assert [each.contexts for each in await access.assignments_of(tx, made.id)] == [NORTH]


@pytest.mark.usefixtures("cooks")
@pytest.mark.parametrize(
    "roles",
    [
        (),
        (Wanted("cook", SOUTH),),
        (Wanted("cook", NORTH), Wanted("cook", SOUTH)),
        (Wanted("cook", {"zone": ["1"], "facility": ["north", "south"]}),),
        (Wanted("admin"),),
        (Wanted("cook", {"facility": []}),),
        (Wanted("nobody's"),),
    ],
)
async def test_a_lead_makes_nobody_for_elsewhere(runtime: Runtime, realm: Realm, roles: tuple[Wanted, ...]):
    actor = await a_lead(runtime, realm, NORTH)

    with pytest.raises(RosterError):
        await signup.create(runtime, actor, UserDraft("new"), roles=roles)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await search.count(tx, Compare("username", Op.EQ, "new")) == 0


@pytest.mark.usefixtures("cooks")
async def test_making_people_needs_every_permission_in_that_place(runtime: Runtime, realm: Realm):
    creating = await a_lead(runtime, realm, NORTH, "users.create", "roles.assign", "roles.read")
    assigning = await a_lead(runtime, realm, NORTH, "roles.assign", "roles.read")
    alone = await a_lead(runtime, realm, NORTH, "users.create")
    cook = [Wanted("cook", NORTH)]

    with pytest.raises(Forbidden):
        await signup.create(runtime, assigning, UserDraft("new"), roles=cook)
    with pytest.raises(Forbidden):
        await signup.create(runtime, alone, UserDraft("new"), roles=cook)
    with pytest.raises(Forbidden):
        await signup.create(runtime, creating, UserDraft("new"), roles=cook, password=people.PASSWORD)
    made = await signup.create(runtime, creating, UserDraft("new", tags=["vip"]), roles=cook)
    assert made.tags == []


@pytest.mark.usefixtures("cooks")
async def test_somebody_made_a_moment_ago_is_not_for_the_taking(runtime: Runtime, realm: Realm):
    """Only within the use case that makes a person does it count that one has made them."""
    everywhere = await a_lead(runtime, realm, {}, "users.create")
    async with runtime.write(everywhere) as tx:
        made = await users.create(tx, UserDraft("new"))
    assert everywhere.user_id
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft("giver", permissions=["roles.assign", "roles.read"]))
        await access.set_assignments(tx, everywhere.user_id, [Wanted("giver", NORTH)])
        lead = await users.get(tx, everywhere.user_id)

    async with runtime.write(await factories.acting_as(runtime, realm, lead)) as tx:
        with pytest.raises(Forbidden):
            await access.assign(tx, (await access.find_role(tx, "cook")).id, made.id, NORTH)


# what is said in SQL and in Python is the same


@pytest.mark.parametrize("seed", [7, 8, 9])
async def test_searching_and_looking_at_one_person_agree_about_everybody(runtime: Runtime, realm: Realm, seed: int):
    chance = random.Random(seed)
    kinds = {
        "facility": ["a", "b", "c"],
        "facility_group": ["ab", "c", "empty"],
        "zone": ["1", "2"],
        "user_role": ["Cook", "WAITER", "boss"],
        "role": ["cook", "boss"],
        "shift": ["early", "late"],
    }

    def some(*, more: int) -> Contexts:
        named = chance.sample(sorted(kinds), chance.randint(0, more))
        if chance.random() < 0.3:
            named = list({*named, "facility", "facility_group"} - {chance.choice(["facility", "facility_group"])})
        return {kind: chance.sample(kinds[kind], chance.randint(0, len(kinds[kind]))) for kind in named}

    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "ab", PlaceDraft(members=["a", "b"]))
        await places.put(tx, "facility_group", "c", PlaceDraft(members=["c"]))
        for name in ("cook", "waiter", "boss"):
            await access.create_role(tx, RoleDraft(name))
        for number in range(60):
            user = await users.create(tx, UserDraft(f"person-{number}"))
            wanted = [Wanted(chance.choice(["cook", "waiter", "boss"]), some(more=3)) for _ in range(number % 4)]
            await access.set_assignments(tx, user.id, wanted)
    async with runtime.write(factories.roster_in(realm)) as tx:
        for name in ("waiter", "boss"):
            await access.change_role(tx, (await access.find_role(tx, name)).id, RoleChange(ceiling=some(more=3)))
        ceilings = {name: (await access.find_role(tx, name)).ceiling for name in ("cook", "waiter", "boss")}
        everybody = (await search.search(tx, None, (), Page(100))).items
        held = {
            user.username: [
                Held(each.role_name, [], ceilings[each.role_name], each.contexts)
                for each in await access.assignments_of(tx, user.id)
            ]
            for user in everybody
            if user.username.startswith("person-")
        }
        groups = await places.groups(tx)
    for number in range(60):
        await access_of_one(runtime, realm, f"lead-{number}", [some(more=3) for _ in range(chance.randint(1, 3))])
        actor = await lead_named(runtime, realm, f"lead-{number}")
        if actor.may("users.read") or not actor.grants.within:
            continue
        scopes = actor.grants.scopes("users.read")
        expected = {name for name, roles in held.items() if any(reach.admits(each, roles, groups) for each in scopes)}
        seen = {name for name in await found(runtime, actor) if name.startswith("person-")}
        assert seen == expected, (number, scopes)


async def access_of_one(runtime: Runtime, realm: Realm, name: str, contexts: list[Contexts]) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft(f"role-{name}", permissions=["users.read"]))
        user = await users.create(tx, UserDraft(name))
        await access.set_assignments(tx, user.id, [Wanted(f"role-{name}", each) for each in contexts])


async def lead_named(runtime: Runtime, realm: Realm, name: str) -> Actor:
    async with runtime.read(factories.roster_in(realm)) as tx:
        user = await users.find_by_identifier(tx, name)
    assert user
    return await factories.acting_as(runtime, realm, user)


@pytest.mark.usefixtures("cooks")
async def test_few_people_are_gathered_first_and_pages_are_the_same_as_of_many(
    runtime: Runtime, realm: Realm, monkeypatch: pytest.MonkeyPatch
):
    for number in range(7):
        await somebody(
            runtime,
            realm,
            ("cook", NORTH if number % 3 else SOUTH),
            username=f"p{number}",
            email="a@b.se" if number == 1 else None,
        )
    actor = await a_lead(runtime, realm, NORTH, "users.read")

    async def walk() -> list[str]:
        names: list[str] = []
        cursor: str | None = None
        async with runtime.read(actor) as tx:
            for _ in range(5):
                sorts = [Sort("email"), Sort("username", descending=True)]
                page = await search.search(tx, Compare("username", Op.STARTS, "p"), sorts, Page(2, cursor=cursor))
                names += [user.username for user in page.items]
                cursor = page.next
                if cursor is None:
                    break
        return names

    few = await walk()
    monkeypatch.setattr(sight, "_FEW", 1)
    assert few == await walk()
    assert few[0] == "p1"
    assert {name for name in few if name[1:].isdigit()} == {"p1", "p2", "p4", "p5"}


@pytest.mark.usefixtures("cooks")
async def test_how_a_family_name_begins_finds_the_same_of_few_people_and_of_many(
    runtime: Runtime, realm: Realm, monkeypatch: pytest.MonkeyPatch
):
    names = ["Berg", "berga", "B", "b c", "B  d", "ßar", "Éa", "e\u0301b", "ﬁn", "\\%_", None]
    for number, name in enumerate(names):
        wheres = [NORTH, SOUTH, {"facility": ["north", "south"]}]
        await somebody(runtime, realm, ("cook", wheres[number % 3]), username=f"p{number}", family_name=name)
        await somebody(runtime, realm, ("waiter", NORTH), ("cook", SOUTH), username=f"q{number}", family_name=name)
    await factories.a_role(runtime, realm, "reader", "users.read")
    leads = [await a_lead(runtime, realm, each, "users.read") for each in (NORTH, {"facility": ["north", "east"]})]
    leads.append(await factories.acting_as(runtime, realm, await somebody(runtime, realm, ("reader", {}))))
    narrow = Some("facilities", Compare("value", Op.EQ, "north"))

    async def walk(actor: Actor) -> list[set[str]]:
        asked = [Compare("family_name", op, name) for op in (Op.STARTS, Op.EQ) for name in NEEDLES]
        async with runtime.read(actor) as tx:
            pages = [await search.search(tx, All((each, narrow)), [Sort("family_name")], Page(50)) for each in asked]
        return [{user.username for user in page.items} for page in pages]

    few = [await walk(actor) for actor in leads]
    monkeypatch.setattr(sight, "_FEW", 0)
    assert few == [await walk(actor) for actor in leads]
    assert few[0] == few[1] == few[2]
    assert few[0][NEEDLES.index("be")] == {"p0", "q0", "q1"}
    assert [needle for needle, names in zip(NEEDLES, few[0], strict=False) if not names] == []


@pytest.mark.parametrize(
    ("where", "by_name"),
    [
        (EVERYTHING, False),
        (Compare("family_name", Op.STARTS, "f"), False),
        (Compare("family_name", Op.STARTS, "F1"), True),
        (All((Compare("status", Op.EQ, "active"), Compare("family_name", Op.STARTS, "f1999"))), True),
        (AnyOf((Compare("status", Op.EQ, "active"), Compare("family_name", Op.STARTS, "f1999"))), False),
    ],
)
async def test_people_of_a_place_come_from_the_index_of_places(
    own_dsn: str, tmp_path: Path, where: Filter, *, by_name: bool
):
    """Among 20,000 people in 200 facilities; PostgreSQL would else walk through the family names for one page."""
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    realm = await factories.a_realm(runtime)
    lead = await a_lead(runtime, realm, {"facility": ["f7"]}, "users.read", ceiling={"user_role": ["cook"]})
    async with runtime.write(factories.roster_in(realm)) as tx:
        await tx.run(
            "INSERT INTO users (realm_id, id, username, username_key, family_key, places, created_at, updated_at)"
            " SELECT $1, gen_random_uuid(), 'u' || n, 'u' || n, 'f' || n,"
            " ARRAY[place_mark($1, 'facility', 'f' || n % 200)], now(), now() FROM generate_series(1, 20000) n",
            realm.id,
        )
        await tx.run("ANALYZE users")

    async with runtime.write(lead) as tx:
        listing = await sight.listing_of(tx, seen := await sight.of_actor(tx, "exclude"), "exclude")
        walk = Walk(b"key", Page(20), where=where, sorts=(Sort("family_name"),), fields=FIELDS, about=())
        query, values = sql.compile_page(listing, FIELDS, walk, args=(realm.id, *seen.args), realm_id=realm.id)
        plan = "\n".join(line for (line,) in await tx.rows("EXPLAIN " + query, *values))
    await runtime.close()

    assert listing.gathered
    assert "Bitmap Index Scan on users_by_place" in plan
    assert "users_by_family" not in plan
    assert ("place_names(places, family_key) && " in plan) == by_name
