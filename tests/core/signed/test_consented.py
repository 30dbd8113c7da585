"""Keys that applications got by consent: what they change of the person whom they act for, and what never."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from roster.core.credentials import identities, signing
from roster.core.credentials.models import Identity, SigningChange, SigningDraft, SigningKey
from roster.core.flows import addresses, consenting, passwords, pins
from roster.core.flows.consenting import Grant
from roster.core.integrations import service as integrations
from roster.core.integrations.models import IntegrationDraft
from roster.core.mfa import service as mfa
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit.actor import Actor, Origin
from roster.kit.errors import Forbidden
from roster.messaging import mailbox
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.signed.signing import a_key, a_request, authenticated

BACK = "https://shop.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
LINK = "https://id.example/?token={token}"


async def consented(runtime: Runtime, person: Person, *permissions: str) -> SigningKey:
    """The key that an application gets when the person lets it do so much."""
    actor = await factories.acting_as(runtime, person.realm, person.user, factors=("password_key",))
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        draft = IntegrationDraft("app", "App", permissions=list(permissions), redirect_uris=[BACK])
        application = await integrations.create(tx, draft)
    async with runtime.write(actor) as tx:
        code = await consenting.authorize(tx, application, Grant(list(permissions), BACK, CHALLENGE))
    key, _ = await consenting.exchange(
        runtime, factories.roster_in(person.realm), code, alias="app", redirect_uri=BACK, verifier=VERIFIER
    )
    return key


async def by(runtime: Runtime, person: Person, made: SigningKey, behind: str = "") -> Actor:
    request = a_request(made.identifier + behind, made.key)
    return await authenticated(runtime, person.realm.slug, request, Origin(dialect="test"))


Change = Callable[[Runtime, Actor, Person], Awaitable[Any]]


def within(change: Callable[[Tx, Person], Awaitable[Any]]) -> Change:
    async def run(runtime: Runtime, actor: Actor, person: Person) -> None:
        async with runtime.write(actor) as tx:
            await change(tx, person)

    return run


OTHER = "other@example.org"
CHANGES: dict[str, Change] = {
    "password": lambda runtime, actor, asa: passwords.set_password(runtime, actor, asa.id, "correct horse battery"),
    "password_key": within(lambda tx, asa: passwords.set_key(tx, asa.id, b"another key")),
    "pin": lambda runtime, actor, asa: pins.set_pin(runtime, actor, asa.id, "4711"),
    "pin_key": within(lambda tx, asa: pins.set_key(tx, asa.id, b"another key")),
    "address": within(lambda tx, asa: users.change(tx, asa.id, UserChange(email=OTHER))),
    "wish_for_an_address": lambda runtime, actor, asa: addresses.request(runtime, actor, asa.id, OTHER, LINK),
    "signing_key": within(lambda tx, asa: signing.create(tx, asa.id, SigningDraft())),
    "second_factor": within(lambda tx, asa: mfa.enrol(tx, asa.id)),
    "external": within(lambda tx, asa: identities.replace(tx, asa.id, [Identity("google", "1")])),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("scope", ["credentials.own", "*"])
async def test_no_application_becomes_the_person_who_let_it_act(runtime: Runtime, realm: Realm, scope: str, what: str):
    asa = await people.a_member(runtime, realm, roles=("admin",), email="asa@example.org")
    actor = await by(runtime, asa, await consented(runtime, asa, scope))

    with pytest.raises(Forbidden, match="application"):
        await CHANGES[what](runtime, actor, asa)


async def test_an_application_changes_the_name_and_username_of_whoever_let_it(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "selves", "credentials.own")
    asa = await people.a_member(runtime, realm, roles=("selves",), email="asa@example.org")
    actor = await by(runtime, asa, await consented(runtime, asa, "credentials.own"))

    async with runtime.write(actor) as tx:
        after = await users.change(tx, asa.id, UserChange(username="anew", display_name="Asa", email="asa@example.org"))

    assert (after.username, after.display_name) == ("anew", "Asa")


async def test_a_key_stays_an_applications_whatever_is_changed_of_it(runtime: Runtime, realm: Realm):
    asa = await people.a_member(runtime, realm, roles=("admin",))
    made = await consented(runtime, asa, "users.read")

    async with runtime.write(factories.roster_in(realm)) as tx:
        change = SigningChange(alias="mine", label="Mine", permissions=None, facets={})
        await signing.change(tx, asa.id, made.credential.id, change)
        renewed = await signing.renew(tx, asa.id, made.credential.id)

    actor = await by(runtime, asa, renewed)
    assert actor.may("*")
    async with runtime.write(actor) as tx:
        with pytest.raises(Forbidden, match="application"):
            await passwords.set_key(tx, asa.id, b"another key")


@pytest.mark.parametrize("what", CHANGES)
async def test_an_application_in_another_name_changes_credentials_of_neither(runtime: Runtime, realm: Realm, what: str):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await realms.change(tx, realm.slug, RealmChange(settings={"possess": True}))
    boss = await people.a_member(runtime, realm, roles=("admin",), email="boss@example.org")
    other = await people.a_member(runtime, realm, roles=("admin",), email="asa@example.org")
    made = await consented(runtime, boss, "*")
    actor = await by(runtime, boss, made, f" usr:{other.username}@{realm.slug}")

    for person in (boss, other):
        with pytest.raises(Forbidden, match="application"):
            await CHANGES[what](runtime, actor, person)


async def test_an_application_reads_no_messages_to_whoever_let_it(runtime: Runtime, realm: Realm):
    """They hold links that set a password."""
    asa = await people.a_member(runtime, realm, roles=("admin",), email="asa@example.org")
    made = await consented(runtime, asa, "*")
    await recovery.request(runtime, people.nobody(realm), asa.username, "/reset?token={token}")

    async with runtime.read(await by(runtime, asa, made)) as tx:
        [message] = await mailbox.page(tx, user_id=asa.id)
        with pytest.raises(Forbidden, match="application"):
            await mailbox.read(tx, message.id)


async def test_a_key_that_was_made_by_others_keeps_the_right(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "selves", "credentials.own")
    asa = await people.a_member(runtime, realm, roles=("selves",), email="asa@example.org")
    actor = await by(runtime, asa, await a_key(runtime, asa))

    async with runtime.write(actor) as tx:
        await passwords.set_key(tx, asa.id, b"another key")
        await pins.set_key(tx, asa.id, b"another key")
        after = await users.change(tx, asa.id, UserChange(email="other@example.org"))

    assert after.email == "other@example.org"
