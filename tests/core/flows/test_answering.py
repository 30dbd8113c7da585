"""Accepting and declining invitations."""

import asyncio

import pytest

from roster.core.access import within
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import answering, login
from roster.core.flows.models import Granted
from roster.core.invitations import service as invitations
from roster.core.invitations.errors import InvitationExpired, InvitationNotFound, NotInvited
from roster.core.invitations.models import Invitee
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.memberships.models import Membership
from roster.core.orgs.errors import SecondFactorRequired
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.tokens import service as tokens
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidInput, InvalidToken
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people
from tests.core.invitations import inviting
from tests.core.people import PASSWORD, Person, nobody


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without any role in the realm."""
    return await factories.a_person(runtime, realm, email="founder@example.org")


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    """Their organisation."""
    return await inviting.an_org(runtime, realm, founder)


async def ask(runtime: Runtime, realm: Realm, founder: User, org: Org, who: str | Invitee = "bo@example.org") -> str:
    await inviting.invited(runtime, await factories.acting_as(runtime, realm, founder), org, who)
    return await inviting.token(runtime, realm)


async def person(runtime: Runtime, realm: Realm, name: str) -> User:
    async with runtime.read(factories.roster_in(realm)) as tx:
        user = await users.find_by_identifier(tx, name)
    assert user is not None
    return user


async def membership(runtime: Runtime, realm: Realm, org: Org, user_id: UserId) -> Membership:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await memberships.get(tx, org.id, user_id)


async def decline(runtime: Runtime, actor: Actor, token: str) -> None:
    async with runtime.write(actor) as tx:
        await answering.decline(tx, token)


async def test_who_had_no_account_has_one_and_is_a_member_with_the_roles_promised(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    host = await factories.acting_as(runtime, realm, founder)
    role_id = await making.a_role(runtime, host, org, "Drivers", "members.read")
    token = await ask(runtime, realm, founder, org, Invitee("bo@example.org", given_name="B.", roles=[role_id]))
    async with runtime.read(nobody(realm)) as tx:
        shown = await invitations.show(tx, token)
    assert (shown.org_name, shown.email, shown.needs_account, shown.needs_second_factor) == (
        *("Medics", "bo@example.org", True, False),
    )

    names = UserChange(given_name="Bo", family_name="Ek")
    joined = await answering.accept(runtime, nobody(realm), token, names=names, password=PASSWORD)

    user = await person(runtime, realm, "bo@example.org")
    assert (user.status, user.given_name, user.family_name) == ("active", "Bo", "Ek")
    assert user.email_verified_at is not None
    assert (joined.user_id, joined.state, joined.promised) == (user.id, "active", [])
    async with runtime.read(factories.roster_in(realm)) as tx:
        roles = {role.name for role in (await within.roles_in(tx, org, [user.id]))[user.id]}
    assert roles == {"Drivers", "participant"}
    granted = await login.password(runtime, nobody(realm), "bo@example.org", PASSWORD)
    assert isinstance(granted, Granted)


async def test_who_has_an_account_joins_with_it_signed_in_or_by_the_mail(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    second = await inviting.an_org(runtime, realm, founder)
    eva = await people.a_member(runtime, realm, email="eva@example.org", email_verified=True)
    by_mail = await ask(runtime, realm, founder, org, "eva@example.org")
    await ask(runtime, realm, founder, second, "eva@example.org")
    [_, listed] = await inviting.own(runtime, realm, eva.user)

    await answering.accept(runtime, nobody(realm), by_mail, password="another long secret")
    await answering.accept(runtime, await people.signed_in(runtime, eva), listed.token)

    assert (await membership(runtime, realm, org, eva.id)).state == "active"
    assert (await membership(runtime, realm, second, eva.id)).state == "active"
    assert await person(runtime, realm, "eva@example.org") == await person(runtime, realm, eva.username)
    await people.sign_in(runtime, eva)
    assert await inviting.own(runtime, realm, eva.user) == []


async def test_whoever_registered_somebodys_address_does_not_join_in_their_place(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    eve = await people.a_member(runtime, realm, username="eve", email="bo@example.org")
    key = await credentials.create(runtime, factories.roster_in(realm), eve.id, CredentialDraft(Kind.API_KEY))
    token = await ask(runtime, realm, founder, org)
    async with runtime.read(nobody(realm)) as tx:
        assert (await invitations.show(tx, token)).needs_account

    assert await inviting.own(runtime, realm, eve.user) == []
    with pytest.raises(InvalidInput):
        await answering.accept(runtime, nobody(realm), token)
    await answering.accept(runtime, nobody(realm), token, password="of the mailbox's owner")

    assert (await membership(runtime, realm, org, eve.id)).state == "active"
    with pytest.raises(BadCredentials):
        await people.sign_in(runtime, eve)
    async with runtime.read(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidToken):
            await tokens.authenticate(tx, realm.slug, key.secret or "", factories.ORIGIN)
    await people.sign_in(runtime, eve, "of the mailbox's owner")
    assert (await person(runtime, realm, "bo@example.org")).email_verified_at is not None


async def test_who_signs_in_with_the_mail_in_hand_has_proved_the_address(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    bo = await people.a_member(runtime, realm, email="bo@example.org")
    token = await ask(runtime, realm, founder, org)
    await answering.accept(runtime, await people.signed_in(runtime, bo), token)

    assert (await membership(runtime, realm, org, bo.id)).state == "active"
    await people.sign_in(runtime, bo)
    assert (await person(runtime, realm, "bo@example.org")).email_verified_at is not None


async def test_an_invitation_to_a_mailbox_that_looks_alike_reaches_nobody_else(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    await people.a_member(runtime, realm, email="bo@faß.de", email_verified=True)
    host = await factories.acting_as(runtime, realm, founder)
    outcomes = await inviting.invited(runtime, host, org, "bo@fass.de")
    assert inviting.results(outcomes) == [("failed", "not_possible")]


async def test_an_invitation_is_answered_once_also_in_parallel(runtime: Runtime, realm: Realm, founder: User, org: Org):
    token = await ask(runtime, realm, founder, org)

    outcomes = await asyncio.gather(
        *(answering.accept(runtime, nobody(realm), token, password=f"a long secret {n}") for n in range(4)),
        *(decline(runtime, nobody(realm), token) for _ in range(2)),
        return_exceptions=True,
    )

    done = [each for each in outcomes if not isinstance(each, InvitationNotFound)]
    assert len(done) == 1
    for answer in (answering.accept(runtime, nobody(realm), token), decline(runtime, nobody(realm), token)):
        with pytest.raises(InvitationNotFound):
            await answer


async def test_who_declines_is_no_member(runtime: Runtime, realm: Realm, founder: User, org: Org):
    token = await ask(runtime, realm, founder, org)
    await decline(runtime, nobody(realm), token)

    user = await person(runtime, realm, "bo@example.org")
    with pytest.raises(NotAMember):
        await membership(runtime, realm, org, user.id)
    assert user.status == "pending"
    assert await ask(runtime, realm, founder, org) != token


async def test_nobody_answers_for_somebody_else(runtime: Runtime, realm: Realm, founder: User, org: Org):
    token = await ask(runtime, realm, founder, org)
    other = await people.signed_in(runtime, await people.a_member(runtime, realm))

    for actor in (other, await factories.acting_as(runtime, realm, founder), factories.roster_in(realm)):
        with pytest.raises(NotInvited):
            await answering.accept(runtime, actor, token, password=PASSWORD)
        with pytest.raises(NotInvited):
            await decline(runtime, actor, token)
    assert (await person(runtime, realm, "bo@example.org")).status == "pending"


async def test_an_expired_invitation_answers_nothing(runtime: Runtime, realm: Realm, founder: User, org: Org):
    token = await ask(runtime, realm, founder, org)
    await people.execute(runtime, "UPDATE invitations SET expires_at = now() WHERE realm_id = $1", realm.id)

    with pytest.raises(InvitationExpired):
        await answering.accept(runtime, nobody(realm), token, password=PASSWORD)
    with pytest.raises(InvitationExpired):
        await decline(runtime, nobody(realm), token)


@pytest.mark.parametrize("what", ["removed", "disabled", "deleted", "readdressed", "organisation"])
async def test_what_became_of_the_person_ends_it(runtime: Runtime, realm: Realm, founder: User, org: Org, what: str):
    token = await ask(runtime, realm, founder, org)
    user = await person(runtime, realm, "bo@example.org")
    async with runtime.write(factories.roster_in(realm)) as tx:
        if what == "removed":
            await memberships.remove(tx, org.id, user.id)
        elif what == "disabled":
            await users.change(tx, user.id, people.status("disabled"))
        elif what == "deleted":
            await users.delete(tx, user.id)
        elif what == "readdressed":
            await users.change(tx, user.id, UserChange(username="bo", email="new@example.org"))
        else:
            await tx.run("DELETE FROM orgs WHERE realm_id = $1 AND id = $2", realm.id, org.id)

    with pytest.raises(InvitationNotFound):
        await answering.accept(runtime, nobody(realm), token, password=PASSWORD)


async def test_an_invitation_is_good_in_its_realm_and_as_it_was_written(
    runtime: Runtime, realm: Realm, other_realm: Realm, founder: User, org: Org
):
    token = await ask(runtime, realm, founder, org)
    changed = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]

    for text in ("", "ri_", "x" * 10_000, token + "A", token[:-4], changed, "ri_" + "\x00" * 91, "rr_" + token[3:]):
        with pytest.raises(InvitationNotFound):
            await answering.accept(runtime, nobody(realm), text, password=PASSWORD)
    with pytest.raises(InvitationNotFound):
        await answering.accept(runtime, nobody(other_realm), token, password=PASSWORD)


@pytest.mark.parametrize("password", [None, "short", "x" * 5000])
async def test_an_account_is_taken_over_with_a_good_password_only(
    runtime: Runtime, realm: Realm, founder: User, org: Org, password: str | None
):
    token = await ask(runtime, realm, founder, org)

    with pytest.raises(InvalidInput):
        await answering.accept(runtime, nobody(realm), token, password=password)

    assert (await person(runtime, realm, "bo@example.org")).status == "pending"
    await answering.accept(runtime, nobody(realm), token, password=PASSWORD)


async def test_names_that_are_too_long_leave_the_invitation_open(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    token = await ask(runtime, realm, founder, org)
    with pytest.raises(InvalidInput):
        await answering.accept(runtime, nobody(realm), token, names=UserChange(given_name="x" * 300), password=PASSWORD)
    await answering.accept(runtime, nobody(realm), token, password=PASSWORD)


async def test_an_invitation_changes_only_names_and_only_of_new_accounts(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    token = await ask(runtime, realm, founder, org)
    sneaky = UserChange(given_name="Bo", tags=["staff"], username="root", email="evil@example.org", status="disabled")
    await answering.accept(runtime, nobody(realm), token, names=sneaky, password=PASSWORD)

    user = await person(runtime, realm, "bo@example.org")
    assert (user.username, user.email, user.tags, user.status) == (*("bo@example.org", "bo@example.org", [], "active"),)


async def test_where_a_second_factor_is_required_people_join_when_they_have_one(
    runtime: Runtime, realm: Realm, founder: User
):
    strict = await inviting.an_org(runtime, realm, founder, enforces_mfa=True)
    token = await ask(runtime, realm, founder, strict)
    with pytest.raises(SecondFactorRequired):
        await answering.accept(runtime, nobody(realm), token, password=PASSWORD)

    user = await person(runtime, realm, "bo@example.org")
    assert user.status == "active"
    assert (await membership(runtime, realm, strict, user.id)).state == "pending"
    async with runtime.read(nobody(realm)) as tx:
        shown = await invitations.show(tx, token)
    assert (shown.needs_account, shown.needs_second_factor) == (False, True)
    bo = Person(realm, user)
    await people.sign_in(runtime, bo)
    with pytest.raises(SecondFactorRequired):
        await answering.accept(runtime, nobody(realm), token, password="another long secret")
    await people.sign_in(runtime, bo)

    await people.with_second_factor(runtime, bo)
    [mine] = await inviting.own(runtime, realm, user)
    await answering.accept(runtime, nobody(realm), mine.token)

    assert (await membership(runtime, realm, strict, user.id)).state == "active"


async def test_what_others_set_up_in_a_pending_account_ends_when_it_is_taken_over(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    token = await ask(runtime, realm, founder, org)
    user = await person(runtime, realm, "bo@example.org")
    await people.execute(
        runtime,
        "INSERT INTO credentials (realm_id, id, user_id, kind, created_at, updated_at)"
        " VALUES ($1, gen_random_uuid(), $2, 'api_key', now(), now())",
        realm.id,
        user.id,
    )
    await answering.accept(runtime, nobody(realm), token, password=PASSWORD)

    kinds = await people.value(
        runtime, "SELECT array_agg(kind) FROM credentials WHERE realm_id = $1 AND user_id = $2", realm.id, user.id
    )
    assert kinds == ["password"]
