"""Labels of organisations: whose they are, who may change them, and that nobody else sees them."""

from typing import Any

import pytest

from roster.core.access.models import ORG_ADMINISTRATOR
from roster.core.audit import service as audit
from roster.core.history import service as history
from roster.core.history.errors import NotThere
from roster.core.labels import categories, org_labels
from roster.core.labels import service as labels
from roster.core.labels.errors import LabelNameTaken, LabelNotDeleted, LabelNotFound, TooManyOrgLabels
from roster.core.labels.models import (
    CategoryDraft,
    LabelChange,
    LabelDraft,
    OrgLabel,
    OrgLabelChange,
    OrgLabelDraft,
    Subject,
)
from roster.core.memberships import roles
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import Org, OrgChange
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, NotFound, StaleVersion
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.organisations import a_role, founded, joined


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    return await factories.a_person(runtime, realm, "fay")


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    return await founded(runtime, realm, founder)


@pytest.fixture
async def actor(runtime: Runtime, realm: Realm, founder: User, org: Org) -> Actor:
    """The founder, who runs it."""
    assert org.name == "Medics"
    return await factories.acting_as(runtime, realm, founder)


async def a_label(runtime: Runtime, actor: Actor, org: Org, name: str = "Drivers", **known: Any) -> OrgLabel:
    async with runtime.write(actor) as tx:
        return await org_labels.create(tx, org.id, OrgLabelDraft(name, **known))


async def names(runtime: Runtime, actor: Actor, org: Org) -> list[str]:
    async with runtime.read(actor) as tx:
        return [each.name for each in await org_labels.labels_of(tx, org.id)]


async def test_a_label_of_an_organisation_lives_like_one_of_the_realm(runtime: Runtime, org: Org, actor: Actor):
    made = await a_label(runtime, actor, org, facets={"x": {"a": 1}}, tags=["t"])
    async with runtime.write(actor) as tx:
        change = OrgLabelChange(name="Pilots", facets={"y": {"b": 2}})
        changed = await org_labels.change(tx, org.id, made.id, change, version=made.version)
        with pytest.raises(StaleVersion):
            await org_labels.change(tx, org.id, made.id, change, version=made.version)
    async with runtime.write(actor) as tx:
        await org_labels.delete(tx, org.id, made.id)
        with pytest.raises(LabelNotFound):
            await org_labels.find_numbered(tx, made.number)
        assert (await org_labels.get(tx, org.id, made.id)).deleted_at is not None
    assert await names(runtime, actor, org) == []
    async with runtime.write(actor) as tx:
        restored = await org_labels.restore(tx, org.id, made.id)
        with pytest.raises(LabelNotDeleted):
            await org_labels.restore(tx, org.id, made.id)
        assert await org_labels.find_numbered(tx, made.number) == (org, restored)
        actions = [each.action for each in await audit.of_subject(tx, made.id, 10)]

    assert (changed.name, changed.facets, changed.tags) == ("Pilots", {"x": {"a": 1}, "y": {"b": 2}}, ["t"])
    assert restored.version == made.version + 3
    assert actions == ["label.restored", "label.deleted", "label.changed", "label.created"]


async def test_the_past_of_a_label_can_be_read(runtime: Runtime, org: Org, actor: Actor):
    made = await a_label(runtime, actor, org)
    async with runtime.write(actor) as tx:
        changed = await org_labels.change(tx, org.id, made.id, OrgLabelChange(name="Pilots"))
    async with runtime.write(actor) as tx:
        await org_labels.delete(tx, org.id, made.id)
    async with runtime.read(actor) as tx:
        now = await org_labels.get(tx, org.id, made.id)
        assert await history.org_label_at(tx, now, made.created_at) == made
        assert await history.org_label_at(tx, now, changed.updated_at) == changed
        with pytest.raises(NotThere):
            await history.org_label_at(tx, now, org.created_at)


async def test_names_are_unique_within_each_organisation(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    other = await founded(runtime, realm, founder, below=org.id, name="North")
    actor = await factories.acting_as(runtime, realm, founder)
    made = await a_label(runtime, actor, org, "Drivers")

    await a_label(runtime, actor, other, "Drivers")
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as tx:
        category = await categories.create(tx, CategoryDraft("Jobs"))
        await labels.create(tx, LabelDraft("Drivers", category.id))
    with pytest.raises(LabelNameTaken):
        await a_label(runtime, actor, org, "dRIVERS")
    async with runtime.write(roster) as tx:
        with pytest.raises(LabelNameTaken):
            await labels.create(tx, LabelDraft("DRIVERS", category.id))
    async with runtime.write(actor) as tx:
        await org_labels.delete(tx, org.id, made.id)
    again = await a_label(runtime, actor, org, "drivers")
    async with runtime.write(actor) as tx:
        with pytest.raises(LabelNameTaken):
            await org_labels.restore(tx, org.id, made.id)
    pilots = await a_label(runtime, actor, org, "Pilots")
    async with runtime.write(actor) as tx:
        with pytest.raises(LabelNameTaken):
            await org_labels.change(tx, org.id, pilots.id, OrgLabelChange(name=again.name))


async def test_labels_of_organisations_are_nobody_elses_business(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    """The realm's labels are not those of organisations, nor the other way round, be it by list, id or number."""
    made = await a_label(runtime, actor, org)
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as tx:
        category = await categories.create(tx, CategoryDraft("Jobs"))
        realms_own = await labels.create(tx, LabelDraft("Cooks", category.id))
        found = await labels.search(tx, None, (), Page(10, total=True), deleted=True)
        assert ([each.name for each in found.items], found.total) == (["Cooks"], 1)
        for refused in (
            lambda: labels.get(tx, made.id),
            lambda: labels.find_numbered(tx, made.number),
            lambda: labels.change(tx, made.id, LabelChange(name="x")),
            lambda: labels.delete(tx, made.id),
            lambda: labels.add(tx, Subject.USER, founder.id, made.id),
            lambda: org_labels.get(tx, org.id, realms_own.id),
            lambda: org_labels.find_numbered(tx, realms_own.number),
            lambda: org_labels.change(tx, org.id, realms_own.id, OrgLabelChange(name="x")),
            lambda: org_labels.delete(tx, org.id, realms_own.id),
        ):
            with pytest.raises(LabelNotFound):
                await refused()
        with pytest.raises(InvalidInput):
            await labels.attach(tx, Subject.USER, founder.id, [made.id])
        with pytest.raises(InvalidInput):
            await labels.numbered(tx, [made.number])
        with pytest.raises(NotFound):
            await labels.attach(tx, Subject.LABEL, made.id, [realms_own.id])
        assert await labels.numbers_for(tx, [made.id]) == []
    assert await names(runtime, actor, org) == ["Drivers"]


async def test_members_read_labels_and_administrators_change_them(
    runtime: Runtime, realm: Realm, other_realm: Realm, org: Org, actor: Actor
):
    made = await a_label(runtime, actor, org)
    participant = await factories.acting_as(runtime, realm, await joined(runtime, realm, org))
    administrator = await factories.acting_as(runtime, realm, await joined(runtime, realm, org, ORG_ADMINISTRATOR))
    stranger = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))
    elsewhere = factories.roster_in(other_realm)

    async with runtime.write(administrator) as tx:
        await org_labels.change(tx, org.id, made.id, OrgLabelChange(tags=["x"]))
    assert await names(runtime, participant, org) == ["Drivers"]
    for caller, refusal in ((participant, Forbidden), (stranger, OrgNotFound), (elsewhere, OrgNotFound)):
        async with runtime.write(caller) as tx:
            for refused in (
                lambda: org_labels.create(tx, org.id, OrgLabelDraft("x")),
                lambda: org_labels.change(tx, org.id, made.id, OrgLabelChange(name="x")),
                lambda: org_labels.delete(tx, org.id, made.id),
                lambda: org_labels.restore(tx, org.id, made.id),
            ):
                with pytest.raises(refusal):
                    await refused()
    for caller in (stranger, elsewhere):
        async with runtime.read(caller) as tx:
            with pytest.raises(OrgNotFound):
                await org_labels.labels_of(tx, org.id)
            with pytest.raises(OrgNotFound):
                await org_labels.get(tx, org.id, made.id)
            with pytest.raises(LabelNotFound):
                await org_labels.find_numbered(tx, made.number)


async def test_a_role_of_the_organisation_may_give_nothing_but_labels(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    made = await a_label(runtime, actor, org)
    role_id = await a_role(runtime, actor, org, "labellers", "labels.write")
    labeller = await joined(runtime, realm, org)
    async with runtime.write(actor) as tx:
        await roles.assign(tx, org.id, role_id, labeller.id)

    async with runtime.write(await factories.acting_as(runtime, realm, labeller)) as tx:
        await org_labels.change(tx, org.id, made.id, OrgLabelChange(name="Pilots"))
        with pytest.raises(Forbidden):
            await orgs.change(tx, org.id, OrgChange(name="x"))
    assert await names(runtime, actor, org) == ["Pilots"]


@pytest.mark.parametrize(
    "draft", [OrgLabelDraft("  "), OrgLabelDraft("a\x07"), OrgLabelDraft("x", {"a": {"b": "c" * 17_000}})]
)
async def test_a_label_has_a_name_and_is_small(runtime: Runtime, org: Org, actor: Actor, draft: OrgLabelDraft):
    async with runtime.write(actor) as tx:
        with pytest.raises(InvalidInput):
            await org_labels.create(tx, org.id, draft)


async def test_an_organisation_has_its_share_of_labels(runtime: Runtime, org: Org, actor: Actor):
    first = await a_label(runtime, actor, org, "first")
    async with runtime.write(actor) as tx:
        await org_labels.delete(tx, org.id, first.id)
        made = await org_labels.named(tx, org, [f"label {each}" for each in range(org_labels.MOST + 1)], create=True)
        assert len(made) == org_labels.MOST
        assert await org_labels.named(tx, org, ["label 0", "one more", "\x07"], create=True) == {
            "label 0": made["label 0"]
        }
        with pytest.raises(TooManyOrgLabels):
            await org_labels.create(tx, org.id, OrgLabelDraft("one more"))
        with pytest.raises(TooManyOrgLabels):
            await org_labels.restore(tx, org.id, first.id)


async def test_labels_end_with_their_organisation(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    made = await a_label(runtime, actor, org)
    async with runtime.write(actor) as tx:
        await orgs.delete(tx, org.id)
    async with runtime.read(factories.roster_in(realm)) as tx:
        with pytest.raises(LabelNotFound):
            await org_labels.find_numbered(tx, made.number)
        assert await tx.value("SELECT count(*) FROM labels WHERE realm_id = $1", realm.id) == 0
