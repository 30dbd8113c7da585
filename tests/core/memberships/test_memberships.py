"""Members: joining, leaving, what they see of each other, and who always stays."""

import asyncio

import pytest

from roster.core.access.errors import LastOrgAdministrator
from roster.core.access.models import ORG_ADMINISTRATOR
from roster.core.credentials import service as credentials
from roster.core.flows import dossier, identified, organisations
from roster.core.memberships import roles
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import AlreadyMember, NotAMember, StillMember
from roster.core.memberships.models import Member, MembershipChange
from roster.core.mfa import bankid, sms, sms_store
from roster.core.mfa import service as mfa
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import SecondFactorRequired
from roster.core.orgs.models import Org, OrgChange
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit import clock
from roster.kit.errors import Forbidden, InvalidInput, NotFound
from roster.kit.filters import Compare, Op, Sort
from roster.kit.ids import UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without any role in the realm."""
    return await factories.a_person(runtime, realm)


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    """Their organisation."""
    return await making.founded(runtime, realm, founder)


async def pended(runtime: Runtime, realm: Realm, org: Org, user: User, *names: str) -> None:
    promised = [(await making.role_of(runtime, realm, org, name)).id for name in names]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.pend(tx, org, [user.id], roles={user.id: promised})


async def listed(runtime: Runtime, realm: Realm, user: User, org: Org, *, sort: str = "") -> list[Member]:
    async with runtime.read(await factories.acting_as(runtime, realm, user)) as tx:
        sorts = (Sort(sort),) if sort else ()
        return (await memberships.search(tx, org.id, None, sorts, Page(100))).items


async def remove(runtime: Runtime, realm: Realm, org: Org, user: User, *, by: User | None = None) -> None:
    async with runtime.write(await factories.acting_as(runtime, realm, by or user)) as tx:
        await memberships.remove(tx, org.id, user.id)


async def test_members_see_each_other_and_what_they_may_know(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    found = await listed(runtime, realm, member, org)

    assert [each.person.id for each in found] == [founder.id, member.id]
    assert {each.membership.state for each in found} == {"active"}
    assert not hasattr(found[0].person, "attributes")


async def test_the_list_pages_sorts_and_filters(runtime: Runtime, realm: Realm, founder: User, org: Org):
    for name in ("Berta", "Anton", "Carla"):
        user = await factories.a_person(runtime, realm, given_name=name)
        async with runtime.write(factories.roster_in(realm)) as tx:
            await memberships.add(tx, org.id, user.id)

    named = [each.person.given_name for each in await listed(runtime, realm, founder, org, sort="given_name")]
    assert named == ["Anton", "Berta", "Carla", None]
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        where = Compare("given_name", Op.STARTS, "b")
        first = await memberships.search(tx, org.id, where, (), Page(1, total=True))
        assert ([each.person.given_name for each in first.items], first.total) == (["Berta"], 1)
        page = await memberships.search(tx, org.id, None, (), Page(3))
        rest = await memberships.search(tx, org.id, None, (), Page(3, cursor=page.next))
    assert [each.person.given_name for each in rest.items] == ["Carla"]


async def test_a_pending_member_has_agreed_to_nothing(runtime: Runtime, realm: Realm, founder: User, org: Org):
    user = await factories.a_person(runtime, realm, email="ada@example.org", given_name="Ada")
    await pended(runtime, realm, org, user, ORG_ADMINISTRATOR)

    assert (await factories.acting_as(runtime, realm, user)).grants.within == ()
    shown = (await listed(runtime, realm, founder, org))[-1].person
    assert (shown.id, shown.email, shown.given_name) == (user.id, None, None)
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        for field, value in (("email", "ada@example.org"), ("given_name", "Ada")):
            found = await memberships.search(tx, org.id, Compare(field, Op.EQ, value), (), Page(10))
            assert found.items == [], "nor is it found out by searching"


async def test_somebody_invited_without_an_account_in_use_is_shown_as_invited(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    user = await factories.a_person(runtime, realm, email="new@example.org", status="pending")
    await pended(runtime, realm, org, user)
    assert (await listed(runtime, realm, founder, org))[-1].person.email == "new@example.org"


async def test_who_accepts_gets_the_roles_promised(runtime: Runtime, realm: Realm, founder: User, org: Org):
    user = await factories.a_person(runtime, realm)
    await pended(runtime, realm, org, user, ORG_ADMINISTRATOR)
    async with runtime.write(factories.roster_in(realm)) as tx:
        joined = await memberships.join(tx, org, user.id)
        again = await memberships.join(tx, org, user.id)

    assert (joined.state, joined.promised) == ("active", [])
    assert again == joined
    actor = await factories.acting_as(runtime, realm, user)
    assert actor.grants.organisations("orgs.administer") == {str(org.id)}
    async with runtime.read(actor) as tx:
        found = await roles.of_members(tx, org, [joined])
    assert {role.name for role in found[user.id]} == {"participant", "administrator"}


async def test_who_is_invited_twice_is_invited_once(runtime: Runtime, realm: Realm, founder: User, org: Org):
    user = await factories.a_person(runtime, realm)
    nobody = UserId(uuid7())
    async with runtime.write(factories.roster_in(realm)) as tx:
        first = await memberships.pend(tx, org, [user.id, founder.id, nobody], roles={})
        again = await memberships.pend(tx, org, [user.id], roles={})
    assert (set(first), set(again)) == ({user.id}, set())


async def test_nobody_is_made_a_member_without_being_asked_by_those_who_may_not_change_them(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    stranger = await factories.a_person(runtime, realm)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        with pytest.raises(NotFound):
            await memberships.add(tx, org.id, stranger.id)
        with pytest.raises(NotFound):
            await memberships.add(tx, org.id, UserId(uuid7()))
        with pytest.raises(AlreadyMember):
            await memberships.add(tx, org.id, founder.id)


async def test_whom_one_may_name(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    stranger = await factories.a_person(runtime, realm)
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        known = [await memberships.may_know(tx, each.id) for each in (founder, member, stranger)]
    assert known == [True, True, False]


async def test_participants_change_nothing(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    other = await making.joined(runtime, realm, org)
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        for attempt in (
            memberships.add(tx, org.id, other.id),
            memberships.change(tx, org.id, other.id, MembershipChange(external_id="7")),
            memberships.remove(tx, org.id, other.id),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_what_an_organisation_says_of_a_member(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        change = MembershipChange(external_id="7", facets={"x": {"rank": 3}})
        after = await memberships.change(tx, org.id, member.id, change)
        assert (after.external_id, after.facets) == ("7", {"x": {"rank": 3}})
        with pytest.raises(InvalidInput):
            await memberships.change(tx, org.id, member.id, MembershipChange(external_id="x" * 201))
        with pytest.raises(NotAMember):
            await memberships.change(tx, org.id, UserId(uuid7()), change)


async def test_who_leaves_loses_what_the_organisation_gave(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org, ORG_ADMINISTRATOR)
    await remove(runtime, realm, org, member)

    assert (await factories.acting_as(runtime, realm, member)).grants.within == ()
    with pytest.raises(NotAMember):
        await remove(runtime, realm, org, member)


async def test_the_last_administrator_stays(runtime: Runtime, realm: Realm, founder: User, org: Org):
    await making.joined(runtime, realm, org)
    for by in (None, founder):
        with pytest.raises(LastOrgAdministrator):
            await remove(runtime, realm, org, founder, by=by)

    pending = await factories.a_person(runtime, realm)
    await pended(runtime, realm, org, pending, ORG_ADMINISTRATOR)
    disabled = await making.joined(runtime, realm, org, ORG_ADMINISTRATOR)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, disabled.id, people.status("disabled"))
    with pytest.raises(LastOrgAdministrator):
        await remove(runtime, realm, org, founder)

    await making.joined(runtime, realm, org, ORG_ADMINISTRATOR)
    await remove(runtime, realm, org, founder)


async def test_of_two_administrators_who_leave_at_once_one_stays(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    owner = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await organisations.add_owner(tx, org.id, owner.id)
        await organisations.remove_owner(tx, org.id, founder.id)
    other = await making.joined(runtime, realm, org, ORG_ADMINISTRATOR)

    async def leave(user: User) -> bool:
        try:
            await remove(runtime, realm, org, user)
        except LastOrgAdministrator:
            return False
        return True

    assert sorted(await asyncio.gather(leave(founder), leave(other))) == [False, True]


# second factors


async def test_who_has_no_second_factor_stays_out_where_one_is_required(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        org = await orgs.change(tx, org.id, OrgChange(enforces_mfa=True))
    person = await people.a_member(runtime, realm)
    await pended(runtime, realm, org, person.user)

    async with runtime.write(factories.roster_in(realm)) as tx:
        for attempt in (memberships.join(tx, org, person.id), memberships.add(tx, org.id, person.id)):
            with pytest.raises(SecondFactorRequired):
                await attempt

    await people.with_second_factor(runtime, person)
    async with runtime.write(factories.roster_in(realm)) as tx:
        assert (await memberships.join(tx, org, person.id)).state == "active"


async def test_a_second_factor_that_an_organisation_requires_is_kept(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    person = await people.a_member(runtime, realm)
    await people.with_second_factor(runtime, person)
    async with runtime.write(factories.roster_in(realm)) as tx:
        org = await orgs.change(tx, org.id, OrgChange(enforces_mfa=True))
        await memberships.add(tx, org.id, person.id)

    now = clock.now()
    async with runtime.write(
        await factories.acting_as(
            runtime, realm, person.user, session_id=person.id, authenticated_at=now, factors=("password", "totp")
        )
    ) as tx:
        seed = next(each for each in await credentials.list_of(tx, person.id) if each.kind == "totp")
        with pytest.raises(SecondFactorRequired):
            await mfa.remove(tx, person.id)
        with pytest.raises(SecondFactorRequired):
            await credentials.delete(tx, person.id, seed.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await mfa.remove(tx, person.id)


async def test_being_opened_by_bankid_is_as_good_as_a_second_factor_and_is_kept_too(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    person = await people.a_member(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        org = await orgs.change(tx, org.id, OrgChange(enforces_mfa=True))
        await identified.activate(tx, person.id, number="199001012385")
        await memberships.add(tx, org.id, person.id)

    now = clock.now()
    async with runtime.write(
        await factories.acting_as(
            runtime, realm, person.user, session_id=person.id, authenticated_at=now, factors=("bankid",)
        )
    ) as tx:
        tie = next(each for each in await credentials.list_of(tx, person.id) if each.kind == "bankid")
        with pytest.raises(SecondFactorRequired):
            await bankid.unbind(tx, person.id)
        with pytest.raises(SecondFactorRequired):
            await credentials.delete(tx, person.id, tie.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await bankid.unbind(tx, person.id)


# accounts


async def test_what_is_known_about_somebody_names_their_organisations(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    async with runtime.read(await factories.acting_as(runtime, realm, founder)) as tx:
        found = await dossier.gather(tx, founder.id)
    assert [each.org_id for each in found.memberships] == [each.id for each in found.owned] == [org.id]


async def test_an_account_is_deleted_after_leaving_only(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    for user in (founder, member):
        async with runtime.write(await factories.acting_as(runtime, realm, user)) as tx:
            with pytest.raises(StillMember):
                await organisations.delete_account(tx, user.id)

    await remove(runtime, realm, org, member)
    async with runtime.write(await factories.acting_as(runtime, realm, member)) as tx:
        await organisations.delete_account(tx, member.id)
        with pytest.raises(UserNotFound):
            await users.get(tx, member.id)


async def test_an_owner_who_is_no_member_is_still_an_owner(runtime: Runtime, realm: Realm, founder: User, org: Org):
    await making.joined(runtime, realm, org, ORG_ADMINISTRATOR)
    await remove(runtime, realm, org, founder)
    actor = await factories.acting_as(runtime, realm, founder)
    async with runtime.write(actor) as tx:
        assert (await memberships.search(tx, org.id, None, (), Page(10))).items
        with pytest.raises(StillMember):
            await organisations.delete_account(tx, founder.id)


async def test_an_erased_person_is_in_no_organisation(runtime: Runtime, realm: Realm, founder: User, org: Org):
    member = await making.joined(runtime, realm, org)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.erase(tx, member.id)
        await users.erase(tx, founder.id)
        assert (await memberships.search(tx, org.id, None, (), Page(10))).items == []
        assert (await orgs.owners_of(tx, [org])) == {}


async def test_texted_codes_are_kept_too_where_a_second_factor_is_enforced(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    person = await people.a_member(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await sms_store.put(tx, person.id, b"sealed")
        org = await orgs.change(tx, org.id, OrgChange(enforces_mfa=True))
        await memberships.add(tx, org.id, person.id)

    now = clock.now()
    async with runtime.write(
        await factories.acting_as(
            runtime, realm, person.user, session_id=person.id, authenticated_at=now, factors=("password", "sms")
        )
    ) as tx:
        number = next(each for each in await credentials.list_of(tx, person.id) if each.kind == "sms")
        with pytest.raises(SecondFactorRequired):
            await sms.remove(tx, person.id)
        with pytest.raises(SecondFactorRequired):
            await credentials.delete(tx, person.id, number.id)
