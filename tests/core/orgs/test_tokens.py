"""Tokens of organisations: principals without any person, within their organisation only."""

from datetime import timedelta

import pytest

from roster.core.access import org_roles, search
from roster.core.access.errors import Escalation
from roster.core.access.models import RoleChange
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft
from roster.core.credentials.models import Kind as CredentialKind
from roster.core.flows import organisations
from roster.core.memberships import roles
from roster.core.memberships import service as memberships
from roster.core.memberships.models import MembershipChange
from roster.core.orgs import service as orgs
from roster.core.orgs import tokens as org_tokens
from roster.core.orgs.errors import OrgNotFound, OrgTokenNotFound, OwnersOnly
from roster.core.orgs.models import Issued, Org, OrgChange, OrgDraft, OrgTokenDraft
from roster.core.realms.models import Realm
from roster.core.sessions import activity
from roster.core.tokens import naming
from roster.core.tokens import organisations as principals
from roster.core.tokens import service as tokens
from roster.core.users.models import User
from roster.kit import clock
from roster.kit.actor import Actor, Kind
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken, StepUpRequired
from roster.kit.ids import uuid7
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


async def signed_in(runtime: Runtime, realm: Realm, user: User) -> Actor:
    return await factories.acting_as(runtime, realm, user, factors=("password",))


async def issued(runtime: Runtime, realm: Realm, founder: User, org: Org) -> Issued:
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        return await organisations.make_token(tx, org.id, OrgTokenDraft("machine"))


async def presented(runtime: Runtime, realm: Realm, text: str) -> Actor:
    async with runtime.lease() as tx:
        return await principals.authenticate(tx, realm.slug, text, factories.ORIGIN)


async def test_a_token_is_its_organisation_and_nobody(runtime: Runtime, realm: Realm, founder: User, org: Org):
    made = await issued(runtime, realm, founder, org)
    actor = await presented(runtime, realm, made.text)

    assert (actor.kind, actor.org_id, actor.user_id, actor.name) == (Kind.ORGANISATION, org.id, None, org.name)
    assert actor.grants.organisations("members.write") == {str(org.id)}
    assert actor.grants.everywhere == frozenset()
    async with runtime.lease() as tx:
        assert await naming.realm_of(tx, made.text) == realm.slug
        with pytest.raises(InvalidToken):
            await tokens.authenticate(tx, realm.slug, made.text, factories.ORIGIN)


async def test_a_token_does_within_its_organisation_what_administrators_do(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    part = await making.founded(runtime, realm, founder, below=org.id)
    other = await making.founded(runtime, realm, founder)
    actor = await presented(runtime, realm, (await issued(runtime, realm, founder, org)).text)

    async with runtime.write(actor) as tx:
        assert [each.id for each in (await orgs.search(tx, None, (), Page(10))).items] == [org.id]
        assert (await orgs.change(tx, org.id, OrgChange(description="By machine"))).updated_by is None
        await memberships.change(tx, org.id, founder.id, MembershipChange(external_id="1"))
        assert (await search.search(tx, None, (), Page(10))).items == []
        for elsewhere in (part, other):
            with pytest.raises(OrgNotFound):
                await memberships.search(tx, elsewhere.id, None, (), Page(10))


async def test_a_token_neither_owns_nor_founds_nor_makes_tokens(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    made = await issued(runtime, realm, founder, org)
    async with runtime.write(await presented(runtime, realm, made.text)) as tx:
        for attempt in (
            organisations.add_owner(tx, org.id, founder.id),
            organisations.remove_owner(tx, org.id, founder.id),
            orgs.delete(tx, org.id),
        ):
            with pytest.raises(OwnersOnly):
                await attempt
        for attempt in (
            organisations.make_token(tx, org.id, OrgTokenDraft("more")),
            org_tokens.revoke(tx, org.id, made.token.id),
            organisations.found(tx, OrgDraft("Own")),
        ):
            with pytest.raises(Forbidden):
                await attempt
        assert [each.name for each in await org_tokens.list_of(tx, org.id)] == ["machine"]
        assert (await organisations.found(tx, OrgDraft("Part", parent_id=org.id))).path[0] == org.id


async def test_a_token_ends_when_it_is_revoked(runtime: Runtime, realm: Realm, founder: User, org: Org):
    made = await issued(runtime, realm, founder, org)
    await presented(runtime, realm, made.text)
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        await org_tokens.revoke(tx, org.id, made.token.id)
        with pytest.raises(OrgTokenNotFound):
            await org_tokens.revoke(tx, org.id, made.token.id)
    with pytest.raises(InvalidToken):
        await presented(runtime, realm, made.text)


async def test_a_token_ends_with_its_time_and_its_organisation(runtime: Runtime, realm: Realm, founder: User, org: Org):
    late, orphaned = [await issued(runtime, realm, founder, org) for _ in range(2)]
    past = clock.now() - timedelta(seconds=1)
    await people.execute(runtime, "UPDATE org_tokens SET expires_at = $1 WHERE id = $2", past, late.token.id)
    with pytest.raises(InvalidToken):
        await presented(runtime, realm, late.text)
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        await orgs.delete(tx, org.id)
    with pytest.raises(InvalidToken):
        await presented(runtime, realm, orphaned.text)


async def test_a_token_is_good_in_its_realm_and_as_it_was_shown(
    runtime: Runtime, realm: Realm, other_realm: Realm, founder: User, org: Org
):
    text = (await issued(runtime, realm, founder, org)).text
    with pytest.raises(InvalidToken):
        await presented(runtime, other_realm, text)
    for wrong in (text[:-1], text[:-2] + ("AA" if text[-2:] != "AA" else "BB"), "ro_", "ro_" + "A" * 86, "ro_\x00"):
        with pytest.raises(InvalidToken):
            await presented(runtime, realm, wrong)


async def test_tokens_are_for_those_who_run_the_organisation(runtime: Runtime, realm: Realm, founder: User, org: Org):
    made = await issued(runtime, realm, founder, org)
    member = await signed_in(runtime, realm, await making.joined(runtime, realm, org))
    stranger = await signed_in(runtime, realm, await factories.a_person(runtime, realm))
    for actor, error in ((member, Forbidden), (stranger, OrgNotFound)):
        async with runtime.write(actor) as tx:
            for attempt in (
                org_tokens.list_of(tx, org.id),
                organisations.make_token(tx, org.id, OrgTokenDraft("mine")),
                org_tokens.revoke(tx, org.id, made.token.id),
            ):
                with pytest.raises(error):
                    await attempt


async def test_no_key_makes_a_token(runtime: Runtime, realm: Realm, founder: User, org: Org):
    """It would outlive the key, and whoever has stolen that would keep the organisation."""
    person = people.Person(realm, founder)
    draft = CredentialDraft(CredentialKind.API_KEY)
    made = await credentials.create(runtime, factories.roster_in(realm), founder.id, draft)
    by_key = await people.actor_of(runtime, person, made.secret or "")
    async with runtime.write(by_key) as tx:
        assert await org_tokens.list_of(tx, org.id) == []
        with pytest.raises(StepUpRequired):
            await organisations.make_token(tx, org.id, OrgTokenDraft("mine"))
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        await organisations.make_token(tx, org.id, OrgTokenDraft("mine"))


async def test_whoever_may_only_make_tokens_gets_by_none_what_administrators_may(
    runtime: Runtime, realm: Realm, founder: User, org: Org
):
    boss = await signed_in(runtime, realm, founder)
    role = await making.a_role(runtime, boss, org, "keys", "orgs.administer")
    keeper = await making.joined(runtime, realm, org)
    async with runtime.write(boss) as tx:
        await roles.assign(tx, org.id, role, keeper.id)
    async with runtime.write(await signed_in(runtime, realm, keeper)) as tx:
        with pytest.raises(Escalation):
            await organisations.make_token(tx, org.id, OrgTokenDraft("mine"))

    async with runtime.write(boss) as tx:
        administrators = await making.role_of(runtime, realm, org, "administrator")
        every = RoleChange(permissions=administrators.permissions)
        await org_roles.change_role(tx, org.id, role, every)
    async with runtime.write(await signed_in(runtime, realm, keeper)) as tx:
        await organisations.make_token(tx, org.id, OrgTokenDraft("mine"))


async def test_owners_make_tokens_of_what_is_below_too(runtime: Runtime, realm: Realm, founder: User, org: Org):
    part = await making.founded(runtime, realm, founder, below=org.id)
    owner = await making.joined(runtime, realm, org)
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        await organisations.add_owner(tx, org.id, owner.id)
    async with runtime.write(await signed_in(runtime, realm, owner)) as tx:
        for each in (org, part):
            await organisations.make_token(tx, each.id, OrgTokenDraft("theirs"))


async def test_another_organisation_s_token_is_not_there(runtime: Runtime, realm: Realm, founder: User, org: Org):
    made = await issued(runtime, realm, founder, org)
    other = await making.founded(runtime, realm, founder)
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        for token_id in (made.token.id, uuid7()):
            with pytest.raises(OrgTokenNotFound):
                await org_tokens.revoke(tx, other.id, token_id)
    await presented(runtime, realm, made.text)


@pytest.mark.parametrize("known", [{"name": "x" * 201}, {"name": "\x00"}, {"expires_at": clock.now()}])
async def test_a_token_that_cannot_be_is_refused(
    runtime: Runtime, realm: Realm, founder: User, org: Org, known: dict[str, object]
):
    async with runtime.write(await signed_in(runtime, realm, founder)) as tx:
        with pytest.raises(InvalidInput):
            await organisations.make_token(tx, org.id, OrgTokenDraft(**known))  # type: ignore[arg-type]


async def test_when_a_token_was_last_used_is_written_down(runtime: Runtime, realm: Realm, founder: User, org: Org):
    made = await issued(runtime, realm, founder, org)
    assert made.token.last_used_at is None
    await presented(runtime, realm, made.text)
    await activity.flush(runtime)
    async with runtime.read(await signed_in(runtime, realm, founder)) as tx:
        assert (await org_tokens.list_of(tx, org.id))[0].last_used_at is not None
