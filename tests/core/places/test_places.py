"""Places: what may be registered, by whom, and what everybody sees of groups."""

import asyncio

import pytest

from roster.core.access import assigning
from roster.core.access import service as access
from roster.core.access.models import RoleDraft
from roster.core.places import service as places
from roster.core.places.errors import GroupGivesMore, PlaceNotFound, TooManyMembers
from roster.core.places.models import MAX_MEMBERS, MAX_MEMBERS_IN_ALL, PlaceDraft
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.kit.actor import Actor, Grants, Kind
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.filters import Compare, Op
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories


def within(realm: Realm, *permissions: str) -> Actor:
    """Somebody who holds these permissions in the realm."""
    grants = Grants(everywhere=frozenset(permissions))
    return Actor(Kind.USER, realm.id, realm.slug, factories.ORIGIN, grants=grants, access_version=realm.access_version)


async def latest(runtime: Runtime, realm: Realm) -> Actor:
    """An actor as a request finds them now, with the realm's access version of this moment."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        return within(await realms.by_id(tx, realm.id))


async def put(runtime: Runtime, realm: Realm, key: str, *members: str, kind: str = "facility_group", name: str = ""):
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await places.put(tx, kind, key, PlaceDraft(name, list(members)))


async def test_a_place_is_registered_changed_and_forgotten(runtime: Runtime, realm: Realm):
    made = await put(runtime, realm, "F-12", kind="facility", name="Depot")
    changed = await put(runtime, realm, "F-12", kind="facility", name="Store")

    assert (made.kind, made.key, made.name, made.members, made.version) == ("facility", "F-12", "Depot", [], 1)
    assert (changed.id, changed.name, changed.version) == (made.id, "Store", 2)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.delete(tx, "facility", "F-12", version=2)
        with pytest.raises(PlaceNotFound):
            await places.get(tx, "facility", "F-12")
        with pytest.raises(PlaceNotFound):
            await places.delete(tx, "facility", "F-12")
        rows = await tx.rows("SELECT action, changes FROM audit_entries WHERE subject_id = $1 ORDER BY id", made.id)
    assert rows == [
        ("place.created", {"kind": [None, "facility"], "key": [None, "F-12"], "name": [None, "Depot"]}),
        ("place.changed", {"name": ["Depot", "Store"]}),
        ("place.deleted", {"kind": ["facility", None], "key": ["F-12", None], "name": ["Store", None]}),
    ]


async def test_the_same_key_of_another_kind_is_another_place(runtime: Runtime, realm: Realm):
    facility = await put(runtime, realm, "1", kind="facility")
    zone = await put(runtime, realm, "1", kind="zone")

    assert facility.id != zone.id


async def test_saying_the_same_again_leaves_version_trail_and_grants_alone(runtime: Runtime, realm: Realm):
    first = await put(runtime, realm, "north", "b", "a", "b")
    before = (await latest(runtime, realm)).access_version

    again = await put(runtime, realm, "north", "a", "b")

    assert (first.members, again.version) == (["a", "b"], 1)
    assert (await latest(runtime, realm)).access_version == before
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await tx.value("SELECT count(*) FROM audit_entries WHERE subject_id = $1", first.id) == 1


async def test_the_trail_says_who_left_a_group_and_who_came(runtime: Runtime, realm: Realm):
    group = await put(runtime, realm, "north", "a", "b")
    await put(runtime, realm, "north", "b", "c")

    async with runtime.read(factories.roster_in(realm)) as tx:
        changes = await tx.value(
            "SELECT changes FROM audit_entries WHERE subject_id = $1 AND action = 'place.changed'", group.id
        )
    assert changes == {"members": [["a"], ["c"]]}


async def test_places_of_another_realm_are_none(runtime: Runtime, realm: Realm, other_realm: Realm):
    await put(runtime, realm, "north", "a")

    async with runtime.write(factories.roster_in(other_realm)) as tx:
        with pytest.raises(PlaceNotFound):
            await places.get(tx, "facility_group", "north")
        with pytest.raises(PlaceNotFound):
            await places.delete(tx, "facility_group", "north")
        assert (await places.search(tx, None, (), Page(10))).items == []
        assert await places.groups(tx) == {}
        await places.put(tx, "facility_group", "north", PlaceDraft(members=["z"]))
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await places.groups(tx) == {"north": {"a"}}


async def test_reading_and_writing_take_a_permission_each(runtime: Runtime, realm: Realm):
    async with runtime.write(within(realm, "places.read", "realm.write")) as tx:
        assert (await places.search(tx, None, (), Page(10))).items == []
        with pytest.raises(Forbidden):
            await places.put(tx, "zone", "1", PlaceDraft())
        with pytest.raises(Forbidden):
            await places.delete(tx, "zone", "1")
    async with runtime.write(within(realm, "places.write")) as tx:
        await places.put(tx, "zone", "1", PlaceDraft())
        with pytest.raises(Forbidden):
            await places.get(tx, "zone", "1")
        with pytest.raises(Forbidden):
            await places.search(tx, None, (), Page(10))


@pytest.mark.parametrize("is_ceiling", [True, False])
async def test_nobody_widens_a_group_within_which_others_may_do_more(runtime: Runtime, realm: Realm, is_ceiling: bool):
    person, limits = await factories.a_person(runtime, realm), {"facility_group": ["north"]}
    async with runtime.write(factories.roster_in(realm)) as tx:
        draft = RoleDraft("keepers", permissions=["users.write"], ceiling=limits if is_ceiling else {})
        role = await access.create_role(tx, draft)
        await assigning.assign(tx, role.id, person.id, {} if is_ceiling else limits)
        await places.put(tx, "facility_group", "north", PlaceDraft(members=["a"]))
    clerk, keeper = within(realm, "places.write"), within(realm, "places.write", "users.write")

    async with runtime.write(clerk) as tx:
        with pytest.raises(GroupGivesMore):
            await places.put(tx, "facility_group", "north", PlaceDraft(members=["a", "b"]))
        with pytest.raises(GroupGivesMore):
            await places.delete(tx, "facility_group", "north")
        await places.put(tx, "facility_group", "north", PlaceDraft("North", ["a"]))
        await places.put(tx, "facility_group", "south", PlaceDraft(members=["b"]))
    async with runtime.write(keeper) as tx:
        widened = await places.put(tx, "facility_group", "north", PlaceDraft(members=["a", "b"]))
    assert widened.members == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "key", "draft", "code"),
    [
        ("galaxy", "x", PlaceDraft(), "unknown_kind"),
        ("FACILITY", "x", PlaceDraft(), "unknown_kind"),
        ("zone", "", PlaceDraft(), "invalid_key"),
        ("zone", " x", PlaceDraft(), "invalid_key"),
        ("zone", "x\n", PlaceDraft(), "invalid_key"),
        ("zone", "a\0b", PlaceDraft(), "invalid_key"),
        ("zone", "a\u202eb", PlaceDraft(), "invalid_key"),
        ("zone", "\ud800", PlaceDraft(), "invalid_key"),
        ("zone", "x" * 201, PlaceDraft(), "too_long"),
        ("zone", "x", PlaceDraft("a\0b"), "invalid_name"),
        ("zone", "x", PlaceDraft("\ud800"), "invalid_name"),
        ("zone", "x", PlaceDraft("x" * 201), "too_long"),
        ("zone", "x", PlaceDraft(members=["a"]), "not_a_group"),
        ("facility_group", "x", PlaceDraft(members=["a", ""]), "invalid_key"),
        ("facility_group", "x", PlaceDraft(members=["a\tb"]), "invalid_key"),
        ("facility_group", "x", PlaceDraft(members=[str(each) for each in range(MAX_MEMBERS + 1)]), "too_many"),
    ],
)
async def test_what_is_no_place_is_refused(
    runtime: Runtime, realm: Realm, kind: str, key: str, draft: PlaceDraft, code: str
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput) as caught:
            await places.put(tx, kind, key, draft)
        assert caught.value.problems[0].code == code
        assert (await places.search(tx, None, (), Page(10))).items == []


@pytest.mark.parametrize("key", ["'; DROP TABLE places --", "a/b", "%2e%2e", "Äß 東京", '{"x"}', "NULL"])
async def test_odd_names_are_only_names(runtime: Runtime, realm: Realm, key: str):
    await put(runtime, realm, key, key, "b", name=key)

    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await places.search(tx, Compare("members", Op.EQ, key), (), Page(10))
        assert [(each.key, each.name) for each in found.items] == [(key, key)]
        assert await places.groups(tx) == {key: {key, "b"}}


async def test_the_members_of_all_groups_together_are_bounded(runtime: Runtime, realm: Realm):
    full = MAX_MEMBERS_IN_ALL // MAX_MEMBERS - 1
    many = PlaceDraft(members=[str(each) for each in range(MAX_MEMBERS)])
    async with runtime.write(factories.roster_in(realm)) as tx:
        await places.put(tx, "facility_group", "0", many)
        await tx.run(
            "INSERT INTO places (realm_id, id, kind, key, members, created_at, updated_at)"
            " SELECT realm_id, gen_random_uuid(), kind, n::text, members, created_at, updated_at"
            " FROM places, generate_series(1, $2) n WHERE realm_id = $1",
            realm.id,
            full,
        )

        assert (await places.put(tx, "facility_group", "0", PlaceDraft(members=["a"]))).members == ["a"]
        await places.put(tx, "facility_group", "0", many)
        with pytest.raises(TooManyMembers):
            await places.put(tx, "facility_group", "one more", PlaceDraft(members=["a"]))


async def test_whoever_is_late_hears_that_the_place_has_changed(runtime: Runtime, realm: Realm):
    await put(runtime, realm, "north", "a")

    async with runtime.write(factories.roster_in(realm)) as tx:
        for version in (0, 2):
            with pytest.raises(StaleVersion):
                await places.put(tx, "facility_group", "north", PlaceDraft(members=["b"]), version=version)
            with pytest.raises(StaleVersion):
                await places.delete(tx, "facility_group", "north", version=version)
        with pytest.raises(StaleVersion):
            await places.put(tx, "facility_group", "new", PlaceDraft(), version=1)
        assert (await places.put(tx, "facility_group", "new", PlaceDraft(), version=0)).version == 1


async def test_of_many_who_register_the_same_place_at_once_one_is_first(runtime: Runtime, realm: Realm):
    found = await asyncio.gather(*(put(runtime, realm, "north", str(each)) for each in range(8)))

    assert sorted(each.version for each in found) == list(range(1, 9))
    assert len({each.id for each in found}) == 1
    (last,) = [each for each in found if each.version == 8]
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await places.groups(tx) == {"north": set(last.members)}


async def test_of_many_who_know_the_same_version_one_writes(runtime: Runtime, realm: Realm):
    async def register(number: int) -> bool:
        async with runtime.write(factories.roster_in(realm)) as tx:
            try:
                await places.put(tx, "facility_group", "north", PlaceDraft(members=[str(number)]), version=0)
            except StaleVersion:
                return False
            return True

    assert sum(await asyncio.gather(*map(register, range(8)))) == 1


async def test_groups_are_remembered_until_somebody_changes_a_place(runtime: Runtime, realm: Realm):
    await put(runtime, realm, "north", "a")
    async with runtime.read(await latest(runtime, realm)) as tx:
        first = await places.groups(tx)
    async with runtime.read(await latest(runtime, realm)) as tx:
        again = await places.groups(tx)
    await put(runtime, realm, "north", "a", "b")

    async with runtime.read(await latest(runtime, realm)) as tx:
        then = await places.groups(tx)

    assert again is first
    assert (first, then) == ({"north": {"a"}}, {"north": {"a", "b"}})


async def test_a_change_counts_on_every_worker_from_the_next_request_on(runtime: Runtime, realm: Realm, dsn: str):
    other = Runtime.open(runtime.settings, dsn)
    try:
        await put(runtime, realm, "north", "a")
        async with other.read(await latest(other, realm)) as tx:
            assert await places.groups(tx) == {"north": {"a"}}

        async with runtime.write(factories.roster_in(realm)) as tx:
            await places.delete(tx, "facility_group", "north")

        async with other.read(await latest(other, realm)) as tx:
            assert await places.groups(tx) == {}
    finally:
        await other.close()


async def test_what_was_rolled_back_is_not_remembered(runtime: Runtime, realm: Realm):
    await put(runtime, realm, "north", "a")
    actor = await latest(runtime, realm)
    boss = Actor(
        Kind.USER,
        realm.id,
        realm.slug,
        factories.ORIGIN,
        grants=Grants(everywhere=frozenset({"*"})),
        access_version=actor.access_version,
    )

    async def give_up() -> None:
        async with runtime.write(boss) as tx:
            await places.put(tx, "facility_group", "north", PlaceDraft(members=["z"]))
            assert await places.groups(tx) == {"north": {"z"}}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await give_up()

    async with runtime.read(actor) as tx:
        assert await places.groups(tx) == {"north": {"a"}}
