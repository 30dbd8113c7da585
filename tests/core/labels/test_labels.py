"""Labels, their categories, and what they are attached to."""

from collections.abc import Callable
from typing import Any

import pytest

from roster.core.access.errors import Escalation
from roster.core.audit import service as audit
from roster.core.labels import categories
from roster.core.labels import service as labels
from roster.core.labels.errors import (
    CategoryInUse,
    CategoryNameTaken,
    CategoryNotFound,
    LabelNameTaken,
    LabelNotDeleted,
    LabelNotFound,
)
from roster.core.labels.models import (
    Category,
    CategoryChange,
    CategoryDraft,
    Label,
    LabelChange,
    LabelDraft,
    Subject,
)
from roster.core.realms.models import Realm
from roster.kit.actor import Actor, Grants, Kind
from roster.kit.errors import Forbidden, InvalidInput, NotFound, StaleVersion
from roster.kit.filters import Compare, Op, Sort
from roster.kit.ids import CategoryId, LabelId, UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person


async def a_category(runtime: Runtime, realm: Realm, name: str = "Colours", **known: Any) -> Category:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await categories.create(tx, CategoryDraft(name=name, **known))


async def a_label(runtime: Runtime, realm: Realm, name: str = "Red", category: Category | None = None) -> Label:
    category = category or await a_category(runtime, realm, f"of {name}")
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await labels.create(tx, LabelDraft(name=name, category_id=category.id))


async def attached(runtime: Runtime, realm: Realm, kind: Subject, subject: Any, *wanted: Label) -> list[int]:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await labels.attach(tx, kind, subject, [each.id for each in wanted])
        return (await labels.numbers_of(tx, [subject])).get(subject, [])


def somebody(realm: Realm, *permissions: str) -> Actor:
    return Actor(Kind.USER, realm.id, realm.slug, user_id=UserId(uuid7()), grants=Grants(frozenset(permissions)))


async def test_a_label_is_made_in_a_category(runtime: Runtime, realm: Realm):
    category = await a_category(runtime, realm, resources=["users"], facets={"x": {"a": 1}}, tags=["t"])
    label = await a_label(runtime, realm, "Red", category)

    assert (category.name, category.resources, category.facets, category.tags) == (
        "Colours", ["users"], {"x": {"a": 1}}, ["t"],
    )  # fmt: skip
    assert (label.name, label.category_id, label.category_number) == ("Red", category.id, category.number)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await labels.get(tx, label.id) == label
        assert await labels.find_numbered(tx, label.number) == label
        assert await categories.get(tx, category.id) == category
        assert await categories.find_numbered(tx, category.number) == category
        [entry] = await audit.of_subject(tx, label.id, 10)
    assert (entry.action, entry.changes["category_id"]) == ("label.created", [None, str(category.id)])


async def test_names_are_unique_without_regard_to_case_among_the_living(runtime: Runtime, realm: Realm):
    category = await a_category(runtime, realm)
    label = await a_label(runtime, realm, "Red", category)
    other = await a_label(runtime, realm, "Blue", category)

    with pytest.raises(CategoryNameTaken):
        await a_category(runtime, realm, "COLOURS")
    with pytest.raises(LabelNameTaken):
        await a_label(runtime, realm, "rED", category)
    with pytest.raises(LabelNameTaken):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await labels.change(tx, other.id, LabelChange(name="RED"))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await labels.delete(tx, label.id)
    await a_label(runtime, realm, "red", category)
    with pytest.raises(LabelNameTaken):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await labels.restore(tx, label.id)


async def test_a_change_touches_what_it_names(runtime: Runtime, realm: Realm):
    category = await a_category(runtime, realm, facets={"x": {"a": 1}})
    label, target = await a_label(runtime, realm), await a_category(runtime, realm, "Others")

    async with runtime.write(factories.roster_in(realm)) as tx:
        changed = await categories.change(tx, category.id, CategoryChange(facets={"y": {}}, tags=["new"]))
        moved = await labels.change(tx, label.id, LabelChange(category_id=target.id))
        entry = (await audit.of_subject(tx, label.id, 1))[0]

    assert (changed.facets, changed.tags, changed.version) == ({"x": {"a": 1}, "y": {}}, ["new"], 1)
    assert (moved.name, moved.category_number, moved.version) == ("Red", target.number, 1)
    assert entry.changes == {"category_id": [str(label.category_id), str(target.id)]}


async def test_a_stale_version_is_refused(runtime: Runtime, realm: Realm):
    label = await a_label(runtime, realm)

    async with runtime.write(factories.roster_in(realm)) as tx:
        for call in (
            labels.change(tx, label.id, LabelChange(name="x"), version=7),
            labels.delete(tx, label.id, version=7),
            categories.change(tx, label.category_id, CategoryChange(name="x"), version=7),
            categories.delete(tx, label.category_id, version=7),
        ):
            with pytest.raises(StaleVersion):
                await call


async def test_a_category_with_labels_stays(runtime: Runtime, realm: Realm):
    label = await a_label(runtime, realm)
    actor = factories.roster_in(realm)

    async with runtime.write(actor) as tx:
        with pytest.raises(CategoryInUse):
            await categories.delete(tx, label.category_id)
        await labels.delete(tx, label.id)
        await categories.delete(tx, label.category_id)
        with pytest.raises(InvalidInput):
            await labels.restore(tx, label.id)
        with pytest.raises(InvalidInput):
            await labels.create(tx, LabelDraft(name="New", category_id=label.category_id))
        await categories.restore(tx, label.category_id)
        await labels.restore(tx, label.id)
        with pytest.raises(LabelNotDeleted):
            await labels.restore(tx, label.id)
        with pytest.raises(LabelNotDeleted):
            await categories.restore(tx, label.category_id)


async def test_deleted_ones_are_seen_by_id_and_not_changed(runtime: Runtime, realm: Realm):
    label = await a_label(runtime, realm)

    async with runtime.write(factories.roster_in(realm)) as tx:
        await labels.delete(tx, label.id)
        assert (await labels.get(tx, label.id)).deleted_at is not None
        with pytest.raises(LabelNotFound):
            await labels.change(tx, label.id, LabelChange(name="x"))
        with pytest.raises(LabelNotFound):
            await labels.delete(tx, label.id)


async def test_labels_are_listed_and_searched(runtime: Runtime, realm: Realm):
    category = await a_category(runtime, realm)
    made = [await a_label(runtime, realm, name, category) for name in ("b", "a", "c")]
    other = await a_label(runtime, realm, "d")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await labels.delete(tx, made[2].id)
    where = Compare("category_number", Op.EQ, category.number)

    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await labels.search(tx, where, [Sort("name")], Page(limit=10))
        every = await labels.search(tx, where, [Sort("name")], Page(limit=10), deleted=True)
        counted = Page(limit=1, total=True)
        counts = [(await labels.search(tx, None, [], counted, deleted=deleted)).total for deleted in (False, True)]
        groups = await categories.search(tx, None, [Sort("name")], Page(limit=10, total=True))

    assert groups.total == len(groups.items) == 2
    assert [each.name for each in found.items] == ["a", "b"]
    assert [each.name for each in every.items] == ["a", "b", "c"]
    assert counts == [3, 4]
    assert other.name == "d"


@pytest.mark.parametrize("name", [" ", "a\nb", "a\0b"])
async def test_names_can_be_shown(runtime: Runtime, realm: Realm, name: str):
    with pytest.raises(InvalidInput):
        await a_category(runtime, realm, name)


async def test_labels_are_attached_and_replaced(runtime: Runtime, person: Person):
    realm = person.realm
    first, second, third = [await a_label(runtime, realm, name) for name in ("a", "b", "c")]

    assert await attached(runtime, realm, Subject.USER, person.id, second, first) == [first.number, second.number]
    assert await attached(runtime, realm, Subject.USER, person.id, third, second) == [second.number, third.number]
    assert await attached(runtime, realm, Subject.LABEL, first.id, third) == [third.number]
    assert await attached(runtime, realm, Subject.CATEGORY, first.category_id, third) == [third.number]
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await labels.of(tx, [person.id, first.id]) == {person.id: [second.id, third.id], first.id: [third.id]}
        trail = [each for each in await audit.of_subject(tx, person.id, 10) if each.action == "user.labelled"]
    assert trail[0].changes == {
        "labels": [sorted([str(first.id), str(second.id)]), sorted([str(second.id), str(third.id)])]
    }
    assert await attached(runtime, realm, Subject.USER, person.id) == []


async def test_attaching_the_same_again_leaves_no_trace(runtime: Runtime, person: Person):
    label = await a_label(runtime, person.realm)
    await attached(runtime, person.realm, Subject.USER, person.id, label)
    await attached(runtime, person.realm, Subject.USER, person.id, label, label)

    async with runtime.read(factories.roster_in(person.realm)) as tx:
        trail = [each for each in await audit.of_subject(tx, person.id, 10) if each.action == "user.labelled"]
    assert len(trail) == 1


async def test_a_deleted_label_is_shown_nowhere_until_it_is_restored(runtime: Runtime, person: Person):
    label = await a_label(runtime, person.realm)
    await attached(runtime, person.realm, Subject.USER, person.id, label)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await labels.delete(tx, label.id)
        assert await labels.of(tx, [person.id]) == {}
        await labels.restore(tx, label.id)
        assert await labels.of(tx, [person.id]) == {person.id: [label.id]}


async def test_unknown_labels_and_subjects_are_refused(runtime: Runtime, person: Person, other_realm: Realm):
    label, foreign = await a_label(runtime, person.realm), await a_label(runtime, other_realm)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        for wanted in ([LabelId(uuid7())], [label.id, foreign.id]):
            with pytest.raises(InvalidInput):
                await labels.attach(tx, Subject.USER, person.id, wanted)
        for kind in Subject:
            with pytest.raises(NotFound):
                await labels.attach(tx, kind, uuid7(), [label.id])
        with pytest.raises(InvalidInput):
            await labels.numbered(tx, [label.number, foreign.number])
        assert await labels.numbered(tx, [label.number]) == [label.id]
        assert await labels.numbered(tx, []) == []


async def test_what_belongs_to_another_realm_does_not_exist(runtime: Runtime, realm: Realm, other_realm: Realm):
    label = await a_label(runtime, realm)

    async with runtime.write(factories.roster_in(other_realm)) as tx:
        for call in (labels.get, labels.delete, labels.restore):
            with pytest.raises(LabelNotFound):
                await call(tx, label.id)
        for call in (categories.get, categories.delete, categories.restore):
            with pytest.raises(CategoryNotFound):
                await call(tx, label.category_id)
        with pytest.raises(InvalidInput):
            await labels.create(tx, LabelDraft(name="x", category_id=label.category_id))


async def test_attaching_takes_what_changing_the_subject_takes(runtime: Runtime, realm: Realm):
    boss, member = await people.a_member(runtime, realm, roles=("admin",)), await people.a_member(runtime, realm)
    label = await a_label(runtime, realm)

    async with runtime.write(somebody(realm, "labels.write", "users.read")) as tx:
        with pytest.raises(Forbidden):
            await labels.attach(tx, Subject.USER, member.id, [label.id])
    async with runtime.write(somebody(realm, "users.write")) as tx:
        await labels.attach(tx, Subject.USER, member.id, [label.id])
        with pytest.raises(Escalation):
            await labels.attach(tx, Subject.USER, boss.id, [label.id])
        for kind in (Subject.ROLE, Subject.DEVICE, Subject.LABEL, Subject.CATEGORY, Subject.CREDENTIAL):
            with pytest.raises(Forbidden):
                await labels.attach(tx, kind, label.id, [label.id])


CALLS: list[Callable[..., Any]] = [
    lambda tx, label: categories.create(tx, CategoryDraft(name=str(label.id))),
    lambda tx, label: categories.change(tx, label.category_id, CategoryChange(name="x")),
    lambda tx, label: labels.create(tx, LabelDraft(name="x", category_id=label.category_id)),
    lambda tx, label: labels.change(tx, label.id, LabelChange(name="x")),
    lambda tx, label: labels.delete(tx, label.id),
]


@pytest.mark.parametrize("call", CALLS)
async def test_writing_takes_the_permission_to_write(runtime: Runtime, realm: Realm, call: Callable[..., Any]):
    label = await a_label(runtime, realm)

    for permissions in ((), ("labels.read",)):
        async with runtime.write(somebody(realm, *permissions)) as tx:
            with pytest.raises((Forbidden, NotFound)):
                await call(tx, label)
    async with runtime.write(somebody(realm, "labels.write")) as tx:
        await call(tx, label)


async def test_reading_takes_the_permission_to_read(runtime: Runtime, realm: Realm):
    label = await a_label(runtime, realm)

    async with runtime.read(somebody(realm)) as tx:
        for call in (labels.get(tx, label.id), labels.find_numbered(tx, label.number)):
            with pytest.raises(LabelNotFound):
                await call
        with pytest.raises(CategoryNotFound):
            await categories.get(tx, CategoryId(label.category_id))
        for search in (labels.search, categories.search):
            with pytest.raises(Forbidden):
                await search(tx, None, [], Page(limit=1))
