"""Acting in somebody's name: whose own affairs count, and what it never opens."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from roster.core.access import service as access
from roster.core.access.errors import Escalation, RoleNotFound
from roster.core.access.models import RoleChange
from roster.core.audit import service as audit
from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft
from roster.core.flows import passwords, pins
from roster.core.mfa import service as mfa
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import UserChange
from roster.kit.actor import Actor, Origin
from roster.kit.errors import Forbidden, StepUpRequired
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.signed.signing import a_key, a_request, authenticated


@pytest.fixture
async def boss(runtime: Runtime, realm: Realm) -> Person:
    """An administrator of a realm that lets them act in the names of others."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await realms.change(tx, realm.slug, RealmChange(settings={"possess": True}))
    return await people.a_member(runtime, realm, roles=("admin",))


async def as_another(runtime: Runtime, boss: Person, other: Person) -> Actor:
    made = await a_key(runtime, boss)
    identifier = f"{made.identifier} usr:{other.username}@{boss.realm.slug}"
    return await authenticated(runtime, boss.realm.slug, a_request(identifier, made.key), Origin(dialect="test"))


async def test_what_is_the_persons_own_may_be_done_in_their_name(runtime: Runtime, boss: Person):
    asa = await people.a_member(runtime, boss.realm)
    actor = await as_another(runtime, boss, asa)

    async with runtime.write(actor) as tx:
        seen = await users.get(tx, asa.id)
        after = await users.change(tx, asa.id, UserChange(display_name="Asa"))
        await access.assignments_of(tx, asa.id)
    async with runtime.read(factories.roster_in(boss.realm)) as tx:
        [entry] = await audit.of_subject(tx, asa.id, 1)

    assert (seen.id, after.display_name) == (asa.id, "Asa")
    assert (entry.action, entry.actor_id, entry.actor_name) == ("user.changed", boss.id, boss.username)
    assert (entry.acting_for, entry.acting_for_name) == (asa.id, asa.username)


async def test_what_is_the_signers_own_is_not_in_another_name(runtime: Runtime, boss: Person):
    actor = await as_another(runtime, boss, await people.a_member(runtime, boss.realm))

    assert (actor.is_user(boss.id), actor.is_in_person(boss.id)) == (False, False)
    async with runtime.write(actor) as tx:
        with pytest.raises(UserNotFound):
            await users.get(tx, boss.id)
        with pytest.raises(UserNotFound):
            await users.change(tx, boss.id, UserChange(display_name="Not me"))


async def test_who_owns_a_role_changes_it_in_another_name_and_who_signs_does_not(runtime: Runtime, boss: Person):
    asa, eva = await people.a_member(runtime, boss.realm), await people.a_member(runtime, boss.realm)
    await factories.a_role(runtime, boss.realm, "club")
    async with runtime.write(factories.roster_in(boss.realm)) as tx:
        role = await access.find_role(tx, "club")
        await access.assign(tx, role.id, asa.id, is_owner=True)
        await access.assign(tx, role.id, boss.id, is_owner=True)

    async with runtime.write(await as_another(runtime, boss, asa)) as tx:
        await access.change_role(tx, role.id, RoleChange(description="Ours"))
    async with runtime.write(await as_another(runtime, boss, eva)) as tx:
        with pytest.raises(RoleNotFound):
            await access.change_role(tx, role.id, RoleChange(description="Mine"))


Change = Callable[[Runtime, Actor, Person], Awaitable[Any]]


def within(change: Callable[[Tx, Person], Awaitable[Any]]) -> Change:
    async def run(runtime: Runtime, actor: Actor, person: Person) -> None:
        async with runtime.write(actor) as tx:
            await change(tx, person)

    return run


CREDENTIALS: dict[str, Change] = {
    "password": lambda runtime, actor, asa: passwords.set_password(runtime, actor, asa.id, "correct horse battery"),
    "password_with_current": lambda runtime, actor, asa: passwords.set_password(
        runtime, actor, asa.id, "correct horse battery", current=people.PASSWORD
    ),
    "password_key": within(lambda tx, asa: passwords.set_key(tx, asa.id, b"another key")),
    "pin": lambda runtime, actor, asa: pins.set_pin(runtime, actor, asa.id, "4711"),
    "pin_key": within(lambda tx, asa: pins.set_key(tx, asa.id, b"another key")),
    "signing_key": within(lambda tx, asa: signing.create(tx, asa.id, SigningDraft())),
    "second_factor": within(lambda tx, asa: mfa.enrol(tx, asa.id)),
    "address": within(lambda tx, asa: users.change(tx, asa.id, UserChange(email="mine@example.org"))),
}


@pytest.mark.parametrize("what", CREDENTIALS)
async def test_nobodys_credentials_are_changed_in_their_name(runtime: Runtime, boss: Person, what: str):
    """Not even where the person could do so with a key of their own."""
    await factories.a_role(runtime, boss.realm, "selves", "credentials.own")
    asa = await people.a_member(runtime, boss.realm, roles=("selves",), email="asa@example.org")
    actor = await as_another(runtime, boss, asa)

    with pytest.raises((Forbidden, StepUpRequired)):
        await CREDENTIALS[what](runtime, actor, asa)
    with pytest.raises((Forbidden, StepUpRequired, UserNotFound)):
        await CREDENTIALS[what](runtime, actor, boss)


async def test_who_signs_with_their_own_password_changes_no_others_by_it(runtime: Runtime):
    realm = await factories.a_realm(runtime, possess=True, key_derivation="roster-kdf-1")
    boss = await people.a_member(runtime, realm, roles=("admin",))
    asa = await people.a_member(runtime, realm, email="asa@example.org")
    key = b"a password's key of the boss"
    async with runtime.write(factories.roster_in(realm)) as tx:
        await passwords.set_key(tx, boss.id, key)
    identifier = f"usr:{boss.username}@{realm.slug} usr:{asa.username}@{realm.slug}"
    actor = await authenticated(runtime, realm.slug, a_request(identifier, key))

    for what in ("password_key", "address", "signing_key"):
        with pytest.raises((Forbidden, StepUpRequired)):
            await CREDENTIALS[what](runtime, actor, asa)


async def test_who_may_set_others_credentials_may_in_their_name_and_never_of_who_may_do_more(
    runtime: Runtime, boss: Person
):
    await factories.a_role(runtime, boss.realm, "helpers", "credentials.write", "users.read")
    helper = await people.a_member(runtime, boss.realm, roles=("helpers",))
    third = await people.a_member(runtime, boss.realm)

    async with runtime.write(await as_another(runtime, boss, helper)) as tx:
        await passwords.set_key(tx, third.id, b"another key")
        with pytest.raises(Escalation):
            await passwords.set_key(tx, boss.id, b"another key")


async def test_the_key_that_signed_is_known_in_another_name_and_no_other_key_of_the_signer(
    runtime: Runtime, boss: Person
):
    asa = await people.a_member(runtime, boss.realm)
    other = await a_key(runtime, boss)
    actor = await as_another(runtime, boss, asa)

    async with runtime.read(actor) as tx:
        presented = await credentials.presented(tx)
        assert presented is not None
        assert (presented.id, presented.user_id) == (actor.credential_id, boss.id)
        with pytest.raises(Exception, match="no such"):
            await credentials.get(tx, boss.id, other.credential.id)
