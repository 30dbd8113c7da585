"""Labels that come with an invitation: by id or by name, known or to be made."""

import pytest

from roster.core.audit import service as audit
from roster.core.invitations import service as invitations
from roster.core.invitations.models import SET, Invitee, Options, Outcome
from roster.core.labels import org_labels
from roster.core.labels.models import OrgLabel, OrgLabelDraft
from roster.core.memberships import labels, roles
from roster.core.memberships import service as memberships
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden
from roster.kit.ids import LabelId, uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people
from tests.core.invitations import inviting
from tests.core.invitations.inviting import LINK, invited, results

MAKING = Options(create_labels=True)
UNKNOWN = ("failed", "unknown_label")


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without any role in the realm."""
    return await factories.a_person(runtime, realm, email="founder@example.org")


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    """Their organisation."""
    return await inviting.an_org(runtime, realm, founder)


@pytest.fixture
async def actor(runtime: Runtime, realm: Realm, founder: User, org: Org) -> Actor:
    """The founder, who runs it."""
    assert org.name == "Medics"
    return await factories.acting_as(runtime, realm, founder)


async def a_label(runtime: Runtime, actor: Actor, org: Org, name: str) -> OrgLabel:
    async with runtime.write(actor) as tx:
        return await org_labels.create(tx, org.id, OrgLabelDraft(name))


async def carried(runtime: Runtime, realm: Realm, org: Org, outcome: Outcome) -> list[str]:
    """Names of the labels that somebody invited carries."""
    assert outcome.user_id is not None
    async with runtime.read(factories.roster_in(realm)) as tx:
        member = await memberships.get(tx, org.id, outcome.user_id)
        held = (await labels.of_members(tx, [member])).get(member.id, [])
        return [(await org_labels.get(tx, org.id, each)).name for each in held]


async def names(runtime: Runtime, actor: Actor, org: Org) -> list[str]:
    async with runtime.read(actor) as tx:
        return [each.name for each in await org_labels.labels_of(tx, org.id)]


async def test_labels_come_with_the_invitation(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    drivers, pilots = await a_label(runtime, actor, org, "Drivers"), await a_label(runtime, actor, org, "Pilots")
    outcomes = await invited(
        runtime,
        actor,
        org,
        Invitee(email="bo@example.org", labels=[drivers.id, drivers.id], label_names=["PILOTS"]),
        Invitee(email="cy@example.org", label_names=["pilots"]),
        Invitee(email="di@example.org"),
    )

    assert {result for result, _ in results(outcomes)} == {"invited"}
    assert [await carried(runtime, realm, org, each) for each in outcomes] == [
        [drivers.name, pilots.name],
        [pilots.name],
        [],
    ]
    async with runtime.read(actor) as tx:
        assert outcomes[1].user_id is not None
        entries = await audit.of_subject(tx, outcomes[1].user_id, 10)
    assert [each.changes["labels"] for each in entries if each.action == "member.invited"] == [[None, [str(pilots.id)]]]


async def test_a_label_that_is_not_there_is_made_only_when_asked(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    wanted = [
        Invitee(email="bo@example.org", label_names=["Medics", "Night shift"]),
        Invitee(email="cy@example.org", label_names=["mEDICS"]),
    ]
    assert results(await invited(runtime, actor, org, *wanted)) == [UNKNOWN, UNKNOWN]
    assert await names(runtime, actor, org) == []

    outcomes = await invited(runtime, actor, org, *wanted, options=MAKING)

    assert [result for result, _ in results(outcomes)] == ["invited", "invited"]
    assert sorted(await names(runtime, actor, org)) == ["Medics", "Night shift"]
    assert sorted(await carried(runtime, realm, org, outcomes[0])) == ["Medics", "Night shift"]
    assert await carried(runtime, realm, org, outcomes[1]) == ["Medics"]
    async with runtime.read(actor) as tx:
        for label in await org_labels.labels_of(tx, org.id):
            assert [each.action for each in await audit.of_subject(tx, label.id, 5)] == ["label.created"]


async def test_labels_of_others_and_what_is_no_name_invite_nobody(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    other = await making.founded(runtime, realm, founder, name="Other")
    theirs = await a_label(runtime, await factories.acting_as(runtime, realm, founder), other, "Drivers")
    outcomes = await invited(
        runtime,
        actor,
        org,
        Invitee(email="bo@example.org", labels=[theirs.id]),
        Invitee(email="cy@example.org", labels=[LabelId(uuid7())]),
        Invitee(email="di@example.org", label_names=["\x07"]),
        Invitee(email="ed@example.org", label_names=["Drivers", " "]),
        options=MAKING,
    )
    assert results(outcomes) == [UNKNOWN] * 4
    assert [each.user_id for each in outcomes] == [None] * 4


async def test_members_keep_their_labels_get_more_or_have_them_replaced(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    for name in ("One", "Two", "Three"):
        await a_label(runtime, actor, org, name)
    who = "bo@example.org"
    (first,) = await invited(runtime, actor, org, Invitee(email=who, label_names=["One"]))

    for options, result, expected in (
        (Options(), "skipped", ["One"]),
        (Options(update=True), "updated", ["One", "Two"]),
        (Options(update=True, replace=True), "updated", ["Two"]),
    ):
        (outcome,) = await invited(runtime, actor, org, Invitee(email=who, label_names=["Two"]), options=options)
        assert outcome.result == result
        assert await carried(runtime, realm, org, first) == expected
    await invited(runtime, actor, org, Invitee(email=who), options=Options(update=True, replace=True))
    assert await carried(runtime, realm, org, first) == []


async def test_only_those_who_may_give_labels_invite_with_them(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    label = await a_label(runtime, actor, org, "Drivers")
    role_id = await making.a_role(runtime, actor, org, "inviters", "members.write")
    host = await making.joined(runtime, realm, org)
    async with runtime.write(actor) as tx:
        await roles.assign(tx, org.id, role_id, host.id)
    by_host = await factories.acting_as(runtime, realm, host)

    assert results(await invited(runtime, by_host, org, Invitee(email="bo@example.org"))) == [("invited", None)]
    for invitee in (
        Invitee(email="cy@example.org", labels=[label.id]),
        Invitee(email="cy@example.org", label_names=["Drivers"]),
    ):
        with pytest.raises(Forbidden):
            await invited(runtime, by_host, org, invitee)
        async with runtime.write(by_host) as tx:
            with pytest.raises(Forbidden):
                await invitations.invite_later(tx, org.id, [invitee], link=LINK)


async def test_a_crowd_takes_as_many_statements_as_a_few(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    taken: list[int] = []
    for count in (20, SET):
        crowd = [
            Invitee(email=f"p{each}@{count}.example.org", label_names=[f"Team {each % 20}"]) for each in range(count)
        ]
        await invited(runtime, actor, org, *crowd[:1], options=MAKING)
        with people.counting() as statements:
            outcomes = await invited(runtime, actor, org, *crowd[1:], options=MAKING)
        taken.append(len(statements))
        assert {result for result, _ in results(outcomes)} == {"invited"}

    assert taken[0] >= taken[1]
    async with runtime.read(actor) as tx:
        found = await org_labels.labels_of(tx, org.id)
        carriers = await labels.carriers(tx, [org], found)
    assert len(found) == 20
    assert {len(carriers[each.id]) for each in found} == {SET // 20 + 1}
