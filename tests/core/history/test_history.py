"""The past: whatever somebody or something went through, every moment comes out as it was."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster.core.access import removal
from roster.core.access import service as access
from roster.core.access.errors import RoleNotFound
from roster.core.access.models import MembersChange, Role, RoleChange, RoleDraft, Wanted
from roster.core.devices import service as devices
from roster.core.devices.models import DeviceChange, DeviceDraft
from roster.core.history import service as history
from roster.core.history.errors import NotThere, PastUnknown
from roster.core.history.models import Held
from roster.core.labels import categories
from roster.core.labels import service as labels
from roster.core.labels.models import CategoryChange, CategoryDraft, LabelChange, LabelDraft, Subject
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.actor import NOTHING, Actor
from roster.kit.errors import Forbidden
from roster.kit.filters import Compare, Op
from roster.kit.ids import LabelId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.transfer import moving

Step = Callable[[Tx], Awaitable[Any]]
Read = Callable[[Tx], Awaitable[Any]]
Past = Callable[[Tx, Any, datetime], Awaitable[Any]]


async def lived(runtime: Runtime, actor: Actor, read: Read, steps: list[Step]) -> list[tuple[datetime, Any]]:
    """What was there after each step, with the time of the step."""
    seen: list[tuple[datetime, Any]] = []
    for step in steps:
        async with runtime.write(actor) as tx:
            await step(tx)
        async with runtime.read(actor) as tx:
            found = await read(tx)
        seen.append((found.updated_at, found))
    return seen


async def came_out(runtime: Runtime, actor: Actor, read: Read, past: Past, seen: list[tuple[datetime, Any]]) -> None:
    """At the moment of each step, and just before the next one, it was what it was."""
    async with runtime.read(actor) as tx:
        now = await read(tx)
        for place, (at, expected) in enumerate(seen):
            until = seen[place + 1][0] - timedelta(microseconds=1) if place + 1 < len(seen) else at
            for moment in (at, until):
                assert await past(tx, now, moment) == expected, (place, moment)
        with pytest.raises(NotThere):
            await past(tx, now, now.created_at - timedelta(microseconds=1))


def without_grants(user: User) -> User:
    return msgspec.structs.replace(user, last_sign_in_at=None, access_version=0)


async def a_user_life(runtime: Runtime, realm: Realm, changes: list[UserChange | str]) -> None:
    actor = factories.roster_in(realm)
    person = await factories.a_person(runtime, realm, email="first@example.org")

    async def read(tx: Tx) -> User:
        return without_grants(await users.get_deleted(tx, person.id))

    async def past(tx: Tx, now: User, at: datetime) -> User:
        return without_grants(await history.user_at(tx, now, at))

    def step(change: UserChange | str) -> Step:
        async def take(tx: Tx) -> None:
            is_deleted = (await users.get_deleted(tx, person.id)).deleted_at is not None
            if is_deleted:
                await users.restore(tx, person.id)
            elif change == "delete":
                await users.delete(tx, person.id)
            elif change == "verify":
                await users.mark_verified(tx, await users.get(tx, person.id), "email")
            elif isinstance(change, UserChange):
                await users.change(tx, person.id, change)

        return take

    seen = [(person.created_at, without_grants(person)), *await lived(runtime, actor, read, list(map(step, changes)))]
    await came_out(runtime, actor, read, past, seen)


async def test_a_person_comes_out_as_they_were_at_every_moment(runtime: Runtime, realm: Realm):
    await a_user_life(
        runtime,
        realm,
        [
            UserChange(display_name="Asa", tags=["a"], attributes={"size": 3}, facets={"x": {"y": [1, None]}}),
            "verify",
            UserChange(email="second@example.org"),
            UserChange(display_name=None, attributes={"size": None}, status="disabled"),
            UserChange(),
            "delete",
            "restore",
            UserChange(email_verified=True, username="anew", status="active"),
            "verify",
            "delete",
        ],
    )


CHANGES = st.one_of(
    st.sampled_from(["delete", "verify"]),
    st.builds(
        UserChange,
        display_name=st.sampled_from([None, "A", "B"]),
        email=st.sampled_from(["a@example.org", "b@example.org"]),
        tags=st.lists(st.sampled_from(["x", "y"]), max_size=2),
        attributes=st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from([None, 1, "z", [1]]), max_size=2),
        status=st.sampled_from(["active", "disabled", "pending"]),
        email_verified=st.booleans(),
    ),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, max_size=8))
async def test_any_life_can_be_told_backwards(runtime: Runtime, changes: list[UserChange | str]):
    await a_user_life(runtime, await factories.a_realm(runtime), changes)


async def test_who_changed_somebody_then_and_from_where_comes_out_too(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        device = await devices.create(tx, DeviceDraft(name="Till"))
    origin = msgspec.structs.replace(actor.origin, device_id=device.id)
    async with runtime.write(msgspec.structs.replace(actor, origin=origin)) as tx:
        then = await users.change(tx, person.id, UserChange(display_name="Asa"))
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        now = await users.change(tx, person.id, UserChange(display_name="Other"))
        found = await history.user_at(tx, now, then.updated_at)

    assert (found.updated_by, found.updated_from) == (person.id, device.id)
    assert without_grants(found) == without_grants(then)


async def test_of_somebody_hardly_seen_nothing_old_is_told(runtime: Runtime, person: Person):
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        with pytest.raises(Forbidden):
            await history.user_at(tx, person.user.basic(), person.user.created_at)


async def test_a_trail_that_was_cut_tells_nothing_older(runtime: Runtime, person: Person):
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        changed = await users.change(tx, person.id, UserChange(display_name="Asa"))
        await tx.run("DELETE FROM audit_entries WHERE realm_id = $1 AND at < $2", person.realm.id, changed.updated_at)
        with pytest.raises(PastUnknown):
            await history.user_at(tx, changed, person.user.created_at)
        found = await history.user_at(tx, changed, changed.updated_at)
    assert without_grants(found) == without_grants(changed)


async def test_a_role_comes_out_as_it_was(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        role = await access.create_role(tx, RoleDraft(name="first", description="d", permissions=["users.read"]))

    async def read(tx: Tx) -> Role:
        return await access.get_role(tx, role.id)

    def step(change: RoleChange) -> Step:
        return lambda tx: access.change_role(tx, role.id, change)

    changes = [
        RoleChange(permissions=["users.read", "roles.read"], ceiling={"facility": ["a"]}),
        RoleChange(name="second", description=""),
        RoleChange(ceiling={}),
    ]
    seen = [(role.created_at, role), *await lived(runtime, actor, read, [step(change) for change in changes])]

    await came_out(runtime, actor, read, history.role_at, seen)


async def test_a_role_that_roster_made_has_a_past_too(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "admin")
        assert await history.role_at(tx, role, role.created_at) == role


async def test_a_device_comes_out_as_it_was(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        device = await devices.create(tx, DeviceDraft(name="Till", external_id="a", facets={"x": {"y": 1}}))
    steps: list[Step] = [
        lambda tx: devices.change(tx, device.id, DeviceChange(name="New", facets={"z": {}}, external_id=None)),
        lambda tx: devices.set_key(tx, device.id),
        lambda tx: devices.set_key(tx, device.id),
        lambda tx: devices.delete(tx, device.id),
        lambda tx: devices.restore(tx, device.id),
        lambda tx: devices.remove_key(tx, device.id),
        lambda tx: devices.change(tx, device.id, DeviceChange(status="disabled")),
    ]

    async def read(tx: Tx) -> Any:
        return await devices.get(tx, device.id)

    seen = [(device.created_at, device), *await lived(runtime, actor, read, steps)]

    await came_out(runtime, actor, read, history.device_at, seen)


async def test_labels_and_categories_come_out_as_they_were(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        category = await categories.create(tx, CategoryDraft(name="A", resources=["users"]))
        other = await categories.create(tx, CategoryDraft(name="B"))
        label = await labels.create(tx, LabelDraft(name="Red", category_id=category.id))
    of_label: list[Step] = [
        lambda tx: labels.change(tx, label.id, LabelChange(name="Blue", category_id=other.id)),
        lambda tx: labels.delete(tx, label.id),
        lambda tx: labels.restore(tx, label.id),
        lambda tx: labels.change(tx, label.id, LabelChange(tags=["x"])),
    ]
    of_category: list[Step] = [
        lambda tx: categories.change(tx, category.id, CategoryChange(resources=[], facets={"x": {}})),
        lambda tx: categories.delete(tx, category.id),
        lambda tx: categories.restore(tx, category.id),
    ]

    async def read_label(tx: Tx) -> Any:
        return await labels.get(tx, label.id)

    async def read_category(tx: Tx) -> Any:
        return await categories.get(tx, category.id)

    seen = [(label.created_at, label), *await lived(runtime, actor, read_label, of_label)]
    await came_out(runtime, actor, read_label, history.label_at, seen)
    seen = [(category.created_at, category), *await lived(runtime, actor, read_category, of_category)]
    await came_out(runtime, actor, read_category, history.category_at, seen)


async def test_attached_labels_come_out_as_they_were(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    async with runtime.write(actor) as tx:
        category = await categories.create(tx, CategoryDraft(name="A"))
        made = [(await labels.create(tx, LabelDraft(name=name, category_id=category.id))).id for name in "abc"]
    seen: list[tuple[datetime, list[LabelId]]] = []
    for wanted in ([made[0]], [made[0], made[1]], [], [made[2], made[1]]):
        async with runtime.write(actor) as tx:
            await labels.attach(tx, Subject.USER, person.id, wanted)
            seen.append((tx.now, wanted))
    async with runtime.write(actor) as tx:
        await labels.delete(tx, made[1])

    async with runtime.read(actor) as tx:
        for at, wanted in seen:
            found = await history.labels_at(tx, person.id, at)
            assert set(found) == set(wanted) - {made[1]}
        assert await history.labels_at(tx, person.id, person.user.created_at) == []


async def test_roles_of_a_person_come_out_as_they_were(runtime: Runtime, person: Person):
    realm, actor = person.realm, factories.roster_in(person.realm)
    for name in ("a", "b"):
        await factories.a_role(runtime, realm, name, "users.read")
    async with runtime.read(actor) as tx:
        roles = {name: (await access.find_role(tx, name)).id for name in ("a", "b")}
    nobody: frozenset[UserId] = frozenset()
    steps: list[Step] = [
        lambda tx: access.set_roles(tx, person.id, ["a"]),
        lambda tx: access.change_role(tx, roles["a"], RoleChange(name="c")),
        lambda tx: access.set_roles(tx, person.id, ["b", "c"]),
        lambda tx: access.change_role(tx, roles["b"], RoleChange(), members=MembersChange(nobody, nobody)),
        lambda tx: access.change_role(tx, roles["b"], RoleChange(), members=MembersChange(frozenset({person.id}))),
        lambda tx: access.set_roles(tx, person.id, []),
    ]
    expected = [{"a"}, {"a"}, {"a", "b"}, {"a"}, {"a", "b"}, set[str]()]
    moments: list[datetime] = []
    for step in steps:
        async with runtime.write(actor) as tx:
            await step(tx)
            moments.append(tx.now)

    async with runtime.read(actor) as tx:
        for at, names in zip(moments, expected, strict=True):
            assert await history.roles_at(tx, person.id, at) == {roles[name] for name in names}
        assert await history.roles_at(tx, person.id, person.user.created_at) == set()


async def test_roles_that_are_deleted_now_come_out_with_those_who_had_them(runtime: Runtime, person: Person):
    realm, actor = person.realm, factories.roster_in(person.realm)
    other = await factories.a_person(runtime, realm)
    for name in ("a", "b", "c"):
        await factories.a_role(runtime, realm, name, "users.read")
    async with runtime.write(actor) as tx:
        roles = {name: (await access.find_role(tx, name)).id for name in ("a", "b", "c")}
        await access.change_role(tx, roles["a"], RoleChange(), members=MembersChange(frozenset({person.id, other.id})))
        await access.assign(tx, roles["b"], person.id, {"facility": ["F-1"]})
        await access.assign(tx, roles["c"], person.id)
        before = tx.now
    async with runtime.write(actor) as tx:
        await access.delete_role(tx, roles["a"])
    async with runtime.write(actor) as tx:
        await removal.delete_roles(tx, Compare("name", Op.IN, ("b", "c")))
    await factories.a_role(runtime, realm, "c")
    async with runtime.write(actor) as tx:
        await access.set_roles(tx, person.id, ["c"])

    async with runtime.read(actor) as tx:
        assert await history.roles_at(tx, person.id, before) == {roles["a"], roles["c"]}
        assert await history.roles_at(tx, other.id, before) == {roles["a"]}
        assert await history.assignments_at(tx, person.id, before) == [
            Held(roles["a"], {}), Held(roles["b"], {"facility": ["F-1"]}), Held(roles["c"], {}),
        ]  # fmt: skip
        assert [name for _, name, _ in await history.names_at(tx, person.id, before)] == ["a", "c"]
        assert [name for _, name, _ in await history.names_at(tx, person.id, tx.now)] == ["c"]


async def test_roles_in_places_come_out_with_the_places_of_then(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    await factories.a_role(runtime, person.realm, "a", "users.read")
    north, both = {"facility": ["north"]}, {"facility": ["north", "south"]}
    async with runtime.read(actor) as tx:
        role = (await access.find_role(tx, "a")).id
    steps: list[Step] = [
        lambda tx: access.set_assignments(tx, person.id, [Wanted("a", north)]),
        lambda tx: access.widen(tx, person.id, "facility", "south"),
        lambda tx: access.set_assignments(tx, person.id, [Wanted("a", both), Wanted("a")]),
        lambda tx: access.set_assignments(tx, person.id, []),
    ]
    moments: list[datetime] = []
    for step in steps:
        async with runtime.write(actor) as tx:
            await step(tx)
            moments.append(tx.now)

    expected = [[north], [both], [both, {}], []]
    async with runtime.read(actor) as tx:
        for at, places in zip(moments, expected, strict=True):
            found = await history.assignments_at(tx, person.id, at)
            assert sorted(map(repr, found)) == sorted(repr(Held(role, each)) for each in places)


async def test_a_role_that_is_deleted_comes_out_as_it_was(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        first = await access.create_role(tx, RoleDraft(name="first", permissions=["users.read"]))
    async with runtime.write(actor) as tx:
        second = await access.change_role(tx, first.id, RoleChange(name="second", permissions=[]))
    async with runtime.write(actor) as tx:
        await access.delete_role(tx, first.id)
        gone = tx.now

    async with runtime.read(actor) as tx:
        assert await history.deleted_role_at(tx, first.number, first.created_at) == first
        assert await history.deleted_role_at(tx, first.number, gone - timedelta(microseconds=1)) == second
        for moment in (gone, first.created_at - timedelta(microseconds=1)):
            with pytest.raises(NotThere):
                await history.deleted_role_at(tx, first.number, moment)
        with pytest.raises(RoleNotFound), tx.acting(msgspec.structs.replace(actor, grants=NOTHING)):
            await history.deleted_role_at(tx, first.number, first.created_at)


async def test_roles_that_an_import_gave_come_out_too(runtime: Runtime, person: Person):
    realm, actor = person.realm, factories.roster_in(person.realm)
    for name in ("a", "b"):
        await factories.a_role(runtime, realm, name)
    async with runtime.write(actor) as tx:
        await access.set_roles(tx, person.id, ["a"])
        before = tx.now
    data = moving.ndjson({"username": person.username, "roles": ["a", "b"]})
    await moving.run(runtime, actor, await moving.upload(runtime, actor, data))

    async with runtime.read(actor) as tx:
        roles = {name: (await access.find_role(tx, name)).id for name in ("a", "b")}
        assert await history.roles_at(tx, person.id, before) == {roles["a"]}
        assert await history.roles_at(tx, person.id, tx.now) == set(roles.values())


async def test_the_steps_of_a_life_are_listed(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    for step in (users.delete, users.restore):
        async with runtime.write(actor) as tx:
            await step(tx, person.id)
    async with runtime.write(actor) as tx:
        changed = await users.change(tx, person.id, UserChange(display_name="Asa"))
        found = await history.revisions(tx, "user", person.id)

    assert [each.deleted for each in found] == [False, False, True, False]
    assert (found[0].at, found[0].by) == (changed.updated_at, changed.updated_by)
