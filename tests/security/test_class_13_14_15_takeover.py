"""Classes 13 to 15: stale sessions, pre-registered accounts and self-verification as ways to somebody's account.

Also covered: `tests/core/flows/test_passwords.py` (what it takes to set a password), `test_external.py` (linking),
`tests/core/mfa` (what it takes to change a second factor).
"""

import pytest

from roster.core.credentials import identities
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Identity, Kind
from roster.core.flows import external, login
from roster.core.flows.errors import LinkRequired
from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person, nobody
from tests.security.fronts import Front

EVIL = "mallory@evil.example"


async def _address(runtime: Runtime, person: Person) -> str | None:
    return (await _now(runtime, person)).email


async def _now(runtime: Runtime, person: Person) -> User:
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        return await users.get(tx, person.id)


async def _age_sessions(runtime: Runtime, person: Person) -> None:
    await people.execute(
        runtime, "UPDATE sessions SET authenticated_at = now() - interval '1 h' WHERE realm_id = $1", person.realm.id
    )


# 13: step-up


async def test_a_stale_session_does_not_change_the_address_by_which_passwords_are_recovered(
    front: Front, runtime: Runtime, person: Person
):
    token = (await people.sign_in(runtime, person)).access_token
    await _age_sessions(runtime, person)

    answer = await front.change_me(token, name="eva", email=EVIL)

    assert answer.status_code == 403
    assert await _address(runtime, person) == "eva@example.org"


@pytest.mark.parametrize("kind", [Kind.API_KEY, Kind.PERSONAL])
async def test_a_key_does_not_change_that_address(front: Front, runtime: Runtime, person: Person, kind: Kind):
    made = await credentials.create(runtime, factories.roster_in(person.realm), person.id, CredentialDraft(kind))

    answer = await front.change_me(made.secret, name="eva", email=EVIL)

    assert answer.status_code == 403
    assert await _address(runtime, person) == "eva@example.org"


async def test_a_device_secret_does_not_change_it_where_there_is_a_password(
    front: Front, runtime: Runtime, person: Person
):
    draft = CredentialDraft(Kind.DEVICE, secret="device secret")
    await credentials.create(runtime, factories.roster_in(person.realm), person.id, draft)
    token = (await people.sign_in(runtime, person, "device secret")).access_token

    assert (await front.change_me(token, name="eva", email=EVIL)).status_code == 403


async def test_an_administrators_key_does_not_change_their_own_address_either(
    front: Front, runtime: Runtime, admin: Person
):
    made = await credentials.create(runtime, factories.roster_in(admin.realm), admin.id, CredentialDraft(Kind.API_KEY))

    assert (await front.change_me(made.secret, name="chief", email=EVIL)).status_code == 403


async def test_after_a_recent_sign_in_people_change_it_and_it_is_unverified(
    front: Front, runtime: Runtime, person: Person
):
    token = (await people.sign_in(runtime, person)).access_token

    assert (await front.change_me(token, name="eva", email="new@example.org")).status_code == 200
    now = await _now(runtime, person)
    assert (now.email, now.email_verified_at) == ("new@example.org", None)


async def test_a_stale_session_still_changes_what_opens_no_door(front: Front, runtime: Runtime, person: Person):
    token = (await people.sign_in(runtime, person)).access_token
    await _age_sessions(runtime, person)

    assert (await front.change_me(token, name="eve", email="Eva@Example.org")).status_code == 200


async def test_helpers_without_a_say_in_credentials_do_not_redirect_a_persons_recovery(
    runtime: Runtime, person: Person
):
    await factories.a_role(runtime, person.realm, "clerks", "users.read", "users.write")
    await factories.a_role(runtime, person.realm, "helpers", "users.read", "users.write", "credentials.write")
    clerk = await factories.a_person(runtime, person.realm, roles=("clerks",))
    helper = await factories.a_person(runtime, person.realm, roles=("helpers",))

    async with runtime.write(await factories.acting_as(runtime, person.realm, clerk)) as tx:
        await users.change(tx, person.id, UserChange(display_name="Eva"))
        with pytest.raises(Forbidden):
            await users.change(tx, person.id, UserChange(email=EVIL))
    async with runtime.write(await factories.acting_as(runtime, person.realm, helper)) as tx:
        assert (await users.change(tx, person.id, UserChange(email="e@example.org"))).email == "e@example.org"


# 14: pre-registration and linking


async def test_whoever_recovers_an_account_that_a_stranger_registered_has_it_alone(front: Front, runtime: Runtime):
    """The stranger registers the victim's address and leaves ways in; the victim claims the account by mail."""
    made = await front.register("victim", "victim@example.org")
    async with runtime.read(factories.roster_in(front.realm)) as tx:
        found = await users.find_by_identifier(tx, "victim@example.org")
    assert found is not None
    victim = Person(front.realm, found)
    actor = factories.roster_in(front.realm)
    key = await credentials.create(runtime, actor, victim.id, CredentialDraft(Kind.API_KEY))
    await credentials.create(runtime, actor, victim.id, CredentialDraft(Kind.DEVICE, secret="strangers device"))
    identity = Identity("example", "stranger")
    async with runtime.write(actor) as tx:
        await identities.attach(tx, victim.id, identity)
    _, codes = await people.with_second_factor(runtime, victim)

    await front.recover("victim@example.org")
    token = await people.mailed_token(runtime, front.realm, "recover_password")
    assert (await front.set_password(token, "the victims password")).status_code in (200, 204)

    assert (await front.me(front.token_of(made))).status_code == 401
    assert (await front.me(key.secret)).status_code == 401
    for secret in ("strangers device", codes[0], key.secret or ""):
        assert (await front.sign_in("victim", secret)).status_code == 401
    done = await external.sign_in(runtime, nobody(front.realm), identity)
    assert getattr(done, "user", victim.user).id != victim.id
    assert (await _now(runtime, victim)).email_verified_at is not None


async def test_recovery_of_a_proved_account_leaves_keys_and_devices_alone(
    front: Front, runtime: Runtime, person: Person
):
    made = await credentials.create(
        runtime, factories.roster_in(person.realm), person.id, CredentialDraft(Kind.API_KEY)
    )
    await front.recover("eva")
    token = await people.mailed_token(runtime, front.realm, "recover_password")
    await front.set_password(token, "another long secret")

    assert (await front.me(made.secret)).status_code == 200


@pytest.mark.parametrize(
    "theirs", ["ceo@faß.example", "ceo@FASS.example", "\uff43eo@fass.example", "ceo\uff20fass.example"]
)
async def test_only_the_very_same_mailbox_links_an_identity(runtime: Runtime, theirs: str):
    """`faß.example` and `fass.example` compare alike here, but are two domains with two owners (RFC 5895)."""
    realm = await factories.a_realm(runtime)
    boss = await people.a_member(runtime, realm, username="ceo", email="ceo@fass.example", email_verified=True)
    identity = Identity("example", "1", email=theirs, email_verified=True)

    try:
        done = await external.sign_in(runtime, nobody(realm), identity)
        linked = getattr(done, "user", None)
    except (LinkRequired, BadCredentials, InvalidInput):
        linked = None

    assert (linked is not None and linked.id == boss.id) is (theirs == "ceo@FASS.example")


async def test_a_proof_is_useless_once_the_address_has_changed(front: Front, runtime: Runtime, person: Person):
    await recovery.request(runtime, nobody(person.realm), "eva", "/x?token={token}")
    token = await people.mailed_token(runtime, person.realm, "recover_password")
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await users.change(tx, person.id, UserChange(email="new@example.org"))

    assert (await front.set_password(token, "another long secret")).status_code in (401, 403)
    await people.sign_in(runtime, person, PASSWORD)


# 15: self-verification


async def test_nobody_verifies_their_own_address_by_saying_so(front: Front, runtime: Runtime, person: Person):
    token = (await people.sign_in(runtime, person)).access_token
    await front.change_me(token, name="eva", email="new@example.org")
    for body in (
        {"name": "eva", "email": "new@example.org", "verified": True},
        {"email_verified": True},
        {"email_verified_at": "2026-01-01T00:00:00.000Z"},
        {"emailVerifiedAt": "2026-01-01T00:00:00.000Z", "name": "eva", "email": "new@example.org"},
    ):
        if front.name == "native":
            await front.call("PATCH", "/me", token=token, json=body)
            await front.call("PATCH", f"/users/{person.id}", token=token, json=body)
        else:
            await front.call("PUT", "/users/me", token=token, json=body)

    assert (await _now(runtime, person)).email_verified_at is None


async def test_the_token_for_one_address_verifies_no_other(front: Front, runtime: Runtime, person: Person):
    token = (await people.sign_in(runtime, person)).access_token
    await front.change_me(token, name="eva", email="mine@example.org")
    actor = await people.actor_of(runtime, person, token)
    await recovery.request_verification(runtime, actor, person.id, "/x?token={token}")
    proof = await people.mailed_token(runtime, person.realm, "verify_email")
    await front.change_me(token, name="eva", email="ceo@example.org")

    with pytest.raises(InvalidToken):
        await recovery.verify_email(runtime, nobody(person.realm), proof)
    assert (await _now(runtime, person)).email_verified_at is None


async def test_a_recovery_token_signs_nobody_in(front: Front, runtime: Runtime, person: Person):
    await recovery.request(runtime, nobody(person.realm), "eva", "/x?token={token}")
    token = await people.mailed_token(runtime, person.realm, "recover_password")

    assert (await front.me(token)).status_code == 401
    assert (await front.sign_in("eva", token)).status_code == 401
    with pytest.raises(InvalidToken):
        await login.refresh(runtime, nobody(person.realm), token)
