"""Which labels members carry: given, taken away, and gone with the membership."""

import msgspec
import pytest

from roster.core.access.models import ORG_ADMINISTRATOR
from roster.core.audit import service as audit
from roster.core.availability import service as availability
from roster.core.labels import org_labels
from roster.core.labels.errors import LabelNotFound
from roster.core.labels.models import OrgLabel, OrgLabelDraft
from roster.core.memberships import labels, service
from roster.core.memberships.errors import NotAMember
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit.actor import Actor, Grants
from roster.kit.errors import Forbidden, InvalidInput
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.organisations import founded, joined


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


async def a_label(runtime: Runtime, actor: Actor, org: Org, name: str = "Drivers") -> OrgLabel:
    async with runtime.write(actor) as tx:
        return await org_labels.create(tx, org.id, OrgLabelDraft(name))


async def carrying(runtime: Runtime, actor: Actor, org: Org, label: OrgLabel) -> set[int]:
    """Numbers of those who carry it."""
    async with runtime.read(actor) as tx:
        found = await labels.carriers(tx, [org], [label])
        return {each.number for each in found.get(label.id, [])}


async def held(runtime: Runtime, realm: Realm, org: Org, user: User) -> list[OrgLabel]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        member = await service.get(tx, org.id, user.id)
        mine = (await labels.of_members(tx, [member])).get(member.id, [])
        return [await org_labels.get(tx, org.id, each) for each in mine]


async def test_a_label_is_given_and_taken_away(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    drivers, pilots = await a_label(runtime, actor, org), await a_label(runtime, actor, org, "Pilots")
    pat = await joined(runtime, realm, org)

    async with runtime.write(actor) as tx:
        for label in (drivers, pilots, drivers):
            await labels.give(tx, org.id, label.id, pat.id)
    assert await held(runtime, realm, org, pat) == [drivers, pilots]
    async with runtime.write(actor) as tx:
        await labels.take(tx, org.id, drivers.id, pat.id)
        with pytest.raises(LabelNotFound):
            await labels.take(tx, org.id, drivers.id, pat.id)
    assert await held(runtime, realm, org, pat) == [pilots]
    async with runtime.read(actor) as tx:
        entries = [each for each in await audit.of_subject(tx, pat.id, 10) if each.action == "member.labelled"]
    both = sorted([str(drivers.id), str(pilots.id)])
    assert [each.changes["labels"] for each in entries] == [
        [both, [str(pilots.id)]],
        [[str(drivers.id)], both],
        [[], [str(drivers.id)]],
    ]
    assert all(each.changes["organisation"] == [str(org.id), str(org.id)] for each in entries)


async def test_exactly_these_members_carry_a_label(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    label = await a_label(runtime, actor, org)
    ada, bo, cy = [await joined(runtime, realm, org) for _ in range(3)]
    stranger = await factories.a_person(runtime, realm)

    async with runtime.write(actor) as tx:
        await labels.give_to(tx, org.id, label.id, [ada.id, bo.id])
        await labels.give_to(tx, org.id, label.id, [bo.id, cy.id])
        with pytest.raises(InvalidInput):
            await labels.give_to(tx, org.id, label.id, [ada.id, stranger.id])
    assert await carrying(runtime, actor, org, label) == {bo.number, cy.number}
    async with runtime.write(actor) as tx:
        await labels.give_to(tx, org.id, label.id, [])
    assert await carrying(runtime, actor, org, label) == set()


async def test_only_labels_and_members_of_this_organisation_count(
    runtime: Runtime, realm: Realm, other_realm: Realm, org: Org, actor: Actor, founder: User
):
    other = await founded(runtime, realm, founder, name="Other")
    actor = await factories.acting_as(runtime, realm, founder)
    here, there = await a_label(runtime, actor, org), await a_label(runtime, actor, other)
    pat, stranger = await joined(runtime, realm, org), await factories.a_person(runtime, realm)

    async with runtime.write(actor) as tx:
        with pytest.raises(LabelNotFound):
            await labels.give(tx, org.id, there.id, pat.id)
        with pytest.raises(LabelNotFound):
            await labels.give_to(tx, org.id, there.id, [pat.id])
        with pytest.raises(NotAMember):
            await labels.give(tx, org.id, here.id, stranger.id)
        with pytest.raises(NotAMember):
            await labels.take(tx, org.id, here.id, stranger.id)
    async with runtime.write(factories.roster_in(other_realm)) as tx:
        with pytest.raises(OrgNotFound):
            await labels.give(tx, org.id, here.id, pat.id)
    assert await carrying(runtime, actor, org, here) == set()


async def test_only_those_give_labels_who_may_change_them(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    label, pat = await a_label(runtime, actor, org), await joined(runtime, realm, org)
    administrator = await factories.acting_as(runtime, realm, await joined(runtime, realm, org, ORG_ADMINISTRATOR))
    async with runtime.write(administrator) as tx:
        await labels.give(tx, org.id, label.id, pat.id)
    participant = await factories.acting_as(runtime, realm, pat)
    stranger = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))

    for caller, refusal in ((participant, Forbidden), (stranger, OrgNotFound)):
        async with runtime.write(caller) as tx:
            with pytest.raises(refusal):
                await labels.give(tx, org.id, label.id, pat.id)
            with pytest.raises(refusal):
                await labels.take(tx, org.id, label.id, pat.id)
            with pytest.raises(refusal):
                await labels.give_to(tx, org.id, label.id, [])
    assert await carrying(runtime, participant, org, label) == {pat.number}


async def test_whoever_may_not_see_members_sees_only_themselves(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    label, pat = await a_label(runtime, actor, org), await joined(runtime, realm, org)
    async with runtime.write(actor) as tx:
        await labels.give_to(tx, org.id, label.id, [pat.id, founder.id])

    stranger = await factories.a_person(runtime, realm)
    assert await carrying(runtime, await factories.acting_as(runtime, realm, pat), org, label) == {
        pat.number,
        founder.number,
    }
    assert await carrying(runtime, await factories.acting_as(runtime, realm, stranger), org, label) == set()
    bare = msgspec.structs.replace(await factories.acting_as(runtime, realm, pat), grants=Grants())
    assert await carrying(runtime, bare, org, label) == {pat.number}


async def test_labels_end_with_the_membership_and_rest_while_deleted(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    label, pat = await a_label(runtime, actor, org), await joined(runtime, realm, org)
    async with runtime.write(actor) as tx:
        await labels.give(tx, org.id, label.id, pat.id)
        await org_labels.delete(tx, org.id, label.id)
        with pytest.raises(LabelNotFound):
            await labels.give(tx, org.id, label.id, pat.id)
    assert await held(runtime, realm, org, pat) == []
    async with runtime.write(actor) as tx:
        await org_labels.restore(tx, org.id, label.id)
    assert [each.id for each in await held(runtime, realm, org, pat)] == [label.id]
    async with runtime.write(actor) as tx:
        await service.remove(tx, org.id, pat.id)
        await service.pend(tx, org, [pat.id], roles={})
    assert await held(runtime, realm, org, pat) == []


async def test_those_who_can_be_called_on_are_active_members_who_say_so(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    label = await a_label(runtime, actor, org)
    ready, away = await joined(runtime, realm, org), await joined(runtime, realm, org)
    pending = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await service.pend(tx, org, [pending.id], roles={})
        await labels.give_to(tx, org.id, label.id, [ready.id, away.id, pending.id])
    async with runtime.write(await factories.acting_as(runtime, realm, away)) as tx:
        await availability.say(tx, False, org_id=org.id)
    async with runtime.read(actor) as tx:
        found = (await labels.carriers(tx, [org], [label]))[label.id]
        here = await availability.ready(tx, [each.membership_id for each in found])
        assert {each.user_id for each in found if each.membership_id in here} == {ready.id}
        assert await availability.ready(tx, []) == set()
