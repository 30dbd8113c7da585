"""New accounts."""

import asyncio

import pytest

from roster.core.flows import login, signup
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.users.errors import EmailTaken, UsernameTaken
from roster.core.users.models import UserDraft
from roster.kit import ids
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import PASSWORD, Person, nobody

LINK = "/verify?token={token}"


def a_draft(**known: object) -> UserDraft:
    return UserDraft(f"person-{ids.uuid7().hex[-12:]}", **known)  # type: ignore[arg-type]


async def test_who_registers_is_signed_in(runtime: Runtime, realm: Realm):
    draft = a_draft(email="new@example.org", display_name="New")

    granted = await signup.register(runtime, nobody(realm), draft, password=PASSWORD, link=LINK)

    person = Person(realm, granted.user)
    actor = await people.actor_of(runtime, person, granted.access_token)
    assert actor.is_user(granted.user.id)
    assert actor.factors == ("sign_up",)
    assert granted.user.status == "active"
    await people.sign_in(runtime, person)
    user = await recovery.verify_email(
        runtime, nobody(realm), await people.mailed_token(runtime, realm, "verify_email")
    )
    assert user.email_verified_at is not None


async def test_nobody_registers_with_rights_or_a_verified_address(runtime: Runtime, realm: Realm):
    draft = a_draft(
        email="new@example.org", email_verified=True, status="disabled", tags=["vip"], facets={"x": {"admin": True}}
    )

    granted = await signup.register(runtime, nobody(realm), draft)

    user = granted.user
    assert (user.email_verified_at, user.status, user.tags, user.facets) == (None, "active", [], {})
    actor = await people.actor_of(runtime, Person(realm, user), granted.access_token)
    assert not actor.grants.everywhere


async def test_without_a_password_nobody_can_sign_in_later(runtime: Runtime, realm: Realm):
    granted = await signup.register(runtime, nobody(realm), a_draft())

    for guess in ("", " ", "None", PASSWORD):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(realm), granted.user.username, guess)


async def test_a_realm_may_be_closed(runtime: Runtime, workers: CountingWorkers):
    realm = await factories.a_realm(runtime, self_registration=False)

    with pytest.raises(Forbidden):
        await signup.register(runtime, nobody(realm), a_draft(), password=PASSWORD)

    assert workers.ran == []


async def test_a_taken_name_leaves_nothing_behind(runtime: Runtime, realm: Realm):
    draft = a_draft(email="new@example.org")
    await signup.register(runtime, nobody(realm), draft)

    with pytest.raises(UsernameTaken):
        await signup.register(runtime, nobody(realm), UserDraft(draft.username.upper()), password=PASSWORD, link=LINK)
    with pytest.raises(EmailTaken):
        await signup.register(runtime, nobody(realm), a_draft(email="NEW@example.org"), password=PASSWORD, link=LINK)

    assert await people.value(runtime, "SELECT count(*) FROM users WHERE realm_id = $1", realm.id) == 1
    assert await people.value(runtime, "SELECT count(*) FROM messages WHERE realm_id = $1", realm.id) == 0
    assert await people.value(runtime, "SELECT count(*) FROM credentials WHERE realm_id = $1", realm.id) == 0


async def test_of_parallel_registrations_of_one_name_one_wins(runtime: Runtime, realm: Realm):
    draft = a_draft()

    outcomes = await asyncio.gather(
        *(signup.register(runtime, nobody(realm), draft) for _ in range(8)), return_exceptions=True
    )

    assert sum(isinstance(outcome, UsernameTaken) for outcome in outcomes) == 7


async def test_a_bad_password_makes_no_account(runtime: Runtime, realm: Realm):
    with pytest.raises(InvalidInput):
        await signup.register(runtime, nobody(realm), a_draft(), password="password1")

    assert await people.value(runtime, "SELECT count(*) FROM users WHERE realm_id = $1", realm.id) == 0


async def test_registrations_are_limited_per_address(runtime: Runtime, realm: Realm):
    for _ in range(signup.PER_ADDRESS.count):
        await signup.register(runtime, nobody(realm, "192.0.2.33"), a_draft())

    with pytest.raises(TooMany):
        await signup.register(runtime, nobody(realm, "192.0.2.33"), a_draft())
    await signup.register(runtime, nobody(realm, "192.0.2.34"), a_draft())


async def test_an_administrator_makes_an_account_with_a_password(runtime: Runtime, realm: Realm):
    administrator = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("admin",)))
    draft = a_draft(email="new@example.org", email_verified=True)

    user = await signup.create(runtime, administrator, draft, password=PASSWORD, link=LINK)

    assert user.email_verified_at is not None
    assert await people.links(runtime, realm, "verify_email") == []
    await people.sign_in(runtime, Person(realm, user))


@pytest.mark.parametrize(
    ("held", "password"), [((), None), (("users.create",), PASSWORD), (("credentials.write",), None)]
)
async def test_making_accounts_takes_permission(
    runtime: Runtime, realm: Realm, held: tuple[str, ...], password: str | None
):
    await factories.a_role(runtime, realm, "helpers", *held)
    helper = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("helpers",)))

    with pytest.raises(Forbidden):
        await signup.create(runtime, helper, a_draft(), password=password)
