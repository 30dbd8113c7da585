"""Inviting people: those who are here and those who are not, whatever is said about them."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from roster.core.access import within
from roster.core.access.errors import Escalation, RoleNotFound
from roster.core.flows import organisations
from roster.core.invitations import service as invitations
from roster.core.invitations.models import SET, Invitee, Options
from roster.core.memberships import service as memberships
from roster.core.memberships.models import Membership
from roster.core.orgs.errors import OrgNotFound, OwnersOnly
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit.actor import Actor, Kind
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import UserId, uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people
from tests.core.invitations import inviting
from tests.core.invitations.inviting import invited, results


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without any role in the realm."""
    return await factories.a_person(runtime, realm, email="founder@example.org")


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    """Their organisation."""
    return await inviting.an_org(runtime, realm, founder, invitation_text="Welcome, {{ realm }}!")


@pytest.fixture
async def actor(runtime: Runtime, realm: Realm, founder: User, org: Org) -> Actor:
    """The founder, who runs it."""
    assert org.name == "Medics"
    return await factories.acting_as(runtime, realm, founder)


async def membership(runtime: Runtime, realm: Realm, org: Org, user_id: UserId | None) -> Membership:
    assert user_id is not None
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await memberships.get(tx, org.id, user_id)


async def found(runtime: Runtime, realm: Realm, name: str) -> User:
    async with runtime.read(factories.roster_in(realm)) as tx:
        user = await users.find_by_identifier(tx, name)
    assert user is not None
    return user


async def test_an_address_that_nobody_has_gets_a_pending_account(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    wanted = Invitee("Bo@Example.org", given_name="Bo", family_name="Ek", locale="sv", external_id="7")
    [outcome] = await invited(runtime, actor, org, wanted)

    user = await found(runtime, realm, "bo@example.org")
    assert (outcome.result, outcome.is_new, outcome.user_id) == ("invited", True, user.id)
    assert (user.status, user.email_verified_at, user.given_name, user.family_name) == ("pending", None, "Bo", "Ek")
    member = await membership(runtime, realm, org, user.id)
    assert (member.state, member.external_id, member.created_by) == ("pending", "7", actor.user_id)
    [(recipient, values)] = await people.links(runtime, realm, "invitation")
    assert recipient == "Bo@example.org"
    assert (values["organisation"], values["note"]) == ("Medics", "Welcome, {{ realm }}!")
    assert values["display_name"] == "Bo Ek"


async def test_somebody_who_is_here_keeps_their_account_and_says_themselves_whether_they_join(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    eva = await factories.a_person(
        runtime, realm, email="eva@example.org", email_verified=True, given_name="Eva", locale="de"
    )
    wanted = Invitee("EVA@example.org", given_name="Somebody else", locale="sv")
    [outcome] = await invited(runtime, actor, org, wanted)

    assert (outcome.result, outcome.is_new, outcome.user_id) == ("invited", False, eva.id)
    assert await found(runtime, realm, "eva@example.org") == eva
    assert (await membership(runtime, realm, org, eva.id)).state == "pending"
    [mine] = await inviting.own(runtime, realm, eva)
    assert (mine.org_id, mine.org_number, mine.org_name) == (org.id, org.number, "Medics")
    assert mine.token == await inviting.token(runtime, realm)
    assert eva.username in await making.members_of(runtime, realm, org)


async def test_each_person_has_an_outcome_of_their_own(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    await factories.a_person(runtime, realm, email="off@example.org", status="disabled")
    gone = await factories.a_person(runtime, realm, email="gone@example.org")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, gone.id)

    outcomes = await invited(
        runtime,
        actor,
        org,
        *("new@example.org", "NEW@example.org", "no address", "x" * 400 + "@example.org", "off@example.org"),
        *("gone@example.org", "founder@example.org", Invitee(user_id=founder.id), Invitee()),
        *(Invitee(user_id=UserId(uuid7())), Invitee("a@example.org", external_id="x\x00"), Invitee("")),
        Invitee("b@example.org", given_name="x" * 300),
        Invitee("zero\x00@example.org"),
    )

    assert results(outcomes) == [
        *(("invited", None), ("skipped", "named_twice"), ("failed", "invalid_email"), ("failed", "invalid_email")),
        *(("failed", "not_possible"), ("failed", "not_possible"), ("skipped", "already_member")),
        *(("skipped", "named_twice"), ("failed", "required"), ("failed", "unknown_user"), ("failed", "invalid_text")),
        *(("failed", "required"), ("failed", "too_long"), ("failed", "invalid_email")),
    ]
    assert len(await people.links(runtime, realm, "invitation")) == 1


async def test_inviting_again_changes_nothing_until_the_invitation_has_expired(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    [first] = await invited(runtime, actor, org, "bo@example.org")
    assert results(await invited(runtime, actor, org, "bo@example.org")) == [("skipped", "already_invited")]
    assert len(await people.links(runtime, realm, "invitation")) == 1

    await people.execute(
        runtime, "UPDATE invitations SET expires_at = now() - interval '1 s' WHERE realm_id = $1", realm.id
    )
    [again] = await invited(runtime, actor, org, "bo@example.org")

    assert (again.result, again.user_id, again.is_new) == ("invited", first.user_id, False)
    assert len(await people.links(runtime, realm, "invitation")) == 2


async def test_the_same_address_invited_twice_at_once_is_one_person(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    other = await inviting.an_org(runtime, realm, founder)
    actor = await factories.acting_as(runtime, realm, founder)
    names = [f"p{number}@example.org" for number in range(20)]
    orders = [names, names[::-1]] * 3
    told = await asyncio.gather(
        *(invited(runtime, actor, org if turn % 2 else other, *order) for turn, order in enumerate(orders))
    )

    assert {each.result for outcomes in told for each in outcomes} <= {"invited", "skipped"}
    assert [each.is_new for outcomes in told for each in outcomes].count(True) == 20
    assert [each.result for outcomes in told for each in outcomes].count("invited") == 40  # type: ignore[comparison-overlap]
    made = await people.value(
        runtime, "SELECT count(*) FROM users WHERE realm_id = $1 AND status = 'pending'", realm.id
    )
    assert made == 20


async def test_ids_alone_invite_only_people_whom_one_may_know(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor, founder: User
):
    colleague = await making.joined(runtime, realm, org)
    stranger = await factories.a_person(runtime, realm, email="stranger@example.org")
    second = await inviting.an_org(runtime, realm, founder)
    actor = await factories.acting_as(runtime, realm, founder)

    outcomes = await invited(
        runtime,
        actor,
        second,
        Invitee(user_id=colleague.id),
        Invitee(user_id=stranger.id),
        Invitee("colleague@example.org", user_id=stranger.id),
    )
    assert results(outcomes) == [("invited", None), ("failed", "unknown_user"), ("failed", "unknown_user")]
    [by_both] = await invited(runtime, actor, second, Invitee("Stranger@example.org", user_id=stranger.id))
    assert by_both.user_id == stranger.id


async def test_an_owner_who_is_no_member_is_invited_by_id(runtime: Runtime, realm: Realm, org: Org):
    owner = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await organisations.add_owner(tx, org.id, owner.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        grants = await within.grants_of(tx, org.id)
    machine = msgspec.structs.replace(factories.roster_in(realm), kind=Kind.ORGANISATION, org_id=org.id, grants=grants)

    outcomes = await invited(runtime, machine, org, Invitee(user_id=owner.id), Invitee(user_id=UserId(uuid7())))

    assert results(outcomes) == [("invited", None), ("failed", "unknown_user")]
    assert await people.links(runtime, realm, "invitation") == []


async def test_roles_are_promised_by_those_who_may_give_them_and_had_on_joining_only(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    role_id = await making.a_role(runtime, actor, org, "Drivers", "members.read")
    owner = await making.role_of(runtime, realm, org, "owner")
    [outcome] = await invited(runtime, actor, org, Invitee("bo@example.org", roles=[role_id]))

    member = await membership(runtime, realm, org, outcome.user_id)
    assert member.promised == [role_id]
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await within.roles_in(tx, org, [member.user_id]))[member.user_id] == []
    with pytest.raises(OwnersOnly):
        await invited(runtime, actor, org, Invitee("c@example.org", roles=[owner.id]))
    other = await inviting.an_org(runtime, realm, await factories.a_person(runtime, realm))
    foreign = await making.role_of(runtime, realm, other, "participant")
    with pytest.raises(RoleNotFound):
        await invited(runtime, actor, org, Invitee("c@example.org", roles=[foreign.id]))


async def test_nobody_promises_more_than_they_hold(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    strong = await making.role_of(runtime, realm, org, "administrator")
    inviters = await making.a_role(runtime, actor, org, "Inviters", "members.write", "roles.assign")
    helper = await making.joined(runtime, realm, org)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await within.give(tx, org, [inviters], helper.id)
    helping = await factories.acting_as(runtime, realm, helper)

    with pytest.raises(Escalation):
        await invited(runtime, helping, org, Invitee("bo@example.org", roles=[strong.id]))
    assert results(await invited(runtime, helping, org, "bo@example.org")) == [("invited", None)]


async def test_only_those_invite_who_may(runtime: Runtime, realm: Realm, other_realm: Realm, org: Org):
    member = await making.joined(runtime, realm, org)
    stranger = await factories.a_person(runtime, realm)
    neighbour = await factories.a_person(runtime, realm)
    await inviting.an_org(runtime, realm, neighbour)
    abroad = await factories.a_person(runtime, other_realm)

    with pytest.raises(Forbidden):
        await invited(runtime, await factories.acting_as(runtime, realm, member), org, "bo@example.org")
    for actor in (
        await factories.acting_as(runtime, realm, stranger),
        await factories.acting_as(runtime, realm, neighbour),
        await factories.acting_as(runtime, other_realm, abroad),
        factories.roster_in(other_realm),
    ):
        with pytest.raises(OrgNotFound):
            await invited(runtime, actor, org, "bo@example.org")
    assert await people.links(runtime, realm, "invitation") == []


async def test_what_is_said_about_members_is_put_in_force_when_asked(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    drivers = await making.a_role(runtime, actor, org, "Drivers", "members.read")
    medics = await making.a_role(runtime, actor, org, "Medics", "members.read")
    member = await making.joined(runtime, realm, org)
    first = Invitee(user_id=member.id, external_id="1", facets={"x": {"rank": 1}}, roles=[drivers])
    second = Invitee(user_id=member.id, roles=[medics])

    assert results(await invited(runtime, actor, org, first)) == [("skipped", "already_member")]
    assert results(await invited(runtime, actor, org, first, options=Options(update=True))) == [("updated", None)]
    await invited(runtime, actor, org, second, options=Options(update=True))
    kept = await membership(runtime, realm, org, member.id)
    async with runtime.read(factories.roster_in(realm)) as tx:
        added = {role.name for role in (await within.roles_in(tx, org, [member.id]))[member.id]}
    await invited(runtime, actor, org, second, options=Options(update=True, replace=True))
    replaced = await membership(runtime, realm, org, member.id)
    async with runtime.read(factories.roster_in(realm)) as tx:
        left = {role.name for role in (await within.roles_in(tx, org, [member.id]))[member.id]}

    assert (kept.external_id, kept.facets) == ("1", {"x": {"rank": 1}})
    assert {"Drivers", "Medics"} <= added
    assert (replaced.external_id, replaced.facets.get("x")) == (None, {})
    assert left == {"Medics"}


async def test_replacing_roles_leaves_an_administrator(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    assert actor.user_id is not None
    await people.execute(
        runtime,
        "DELETE FROM assignments a USING roles r WHERE a.realm_id = $1 AND r.realm_id = $1 AND r.id = a.role_id"
        " AND r.name_key = 'owner'",
        realm.id,
    )
    options = Options(update=True, replace=True)
    outcomes = await invited(runtime, actor, org, Invitee(user_id=actor.user_id), "bo@example.org", options=options)

    assert results(outcomes) == [("failed", "last_org_administrator"), ("invited", None)]


async def test_sending_again_lengthens_the_invitation_and_is_limited(
    runtime: Runtime, realm: Realm, org: Org, actor: Actor
):
    [outcome] = await invited(runtime, actor, org, "bo@example.org")
    member = await making.joined(runtime, realm, org)
    assert outcome.user_id is not None
    first = await inviting.token(runtime, realm)
    await people.execute(
        runtime, "UPDATE invitations SET expires_at = now() - interval '1 s' WHERE realm_id = $1", realm.id
    )
    sent: list[int] = []
    for _ in range(7):
        async with runtime.write(actor) as tx:
            wanted = [outcome.user_id, member.id, UserId(uuid7())]
            assert outcome.user_id in await invitations.with_addresses(tx, org.id, ["BO@example.org", "x@example.org"])
            sent.append(len(await invitations.resend(tx, org.id, wanted, link=inviting.LINK)))

    assert sent == [1, 1, 1, 1, 1, 0, 0]
    assert await inviting.token(runtime, realm) == first
    async with runtime.read(people.nobody(realm)) as tx:
        shown = await invitations.show(tx, first)
        assert shown.expires_at - tx.now > timedelta(days=13)
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        with pytest.raises(Forbidden):
            await invitations.resend(tx, org.id, [outcome.user_id], link=inviting.LINK)


async def test_at_most_one_set_is_invited_at_once(runtime: Runtime, org: Org, actor: Actor):
    with pytest.raises(InvalidInput):
        await invited(runtime, actor, org, *[f"p{number}@example.org" for number in range(SET + 1)])


async def test_nobody_reads_the_invitations_of_others(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    [outcome] = await invited(runtime, actor, org, "bo@example.org")
    assert outcome.user_id is not None
    for each in (actor, factories.roster_in(realm), people.nobody(realm)):
        async with runtime.read(each) as tx:
            with pytest.raises(Forbidden):
                await invitations.own(tx, outcome.user_id)
