"""What people are told about changes that somebody else may have made."""

import pytest

from roster.core.messages import service as messages
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import StaleVersion
from roster.storage.runtime import Runtime
from tests import factories

Told = list[tuple[str, str | None, dict[str, object] | None]]


async def told(runtime: Runtime, realm: Realm, user: User) -> Told:
    """Recipient, language and values of each notice to the person, in order."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        rows = await tx.rows(
            "SELECT id, recipient, locale, sealed FROM messages WHERE user_id = $1 AND template = 'email_changed'"
            " ORDER BY id",
            user.id,
        )
    keyring = runtime.keyring
    return [(to, locale, messages.values_of(keyring, realm.id, id, sealed)) for id, to, locale, sealed in rows]


async def change(runtime: Runtime, actor: Actor, user: User, change: UserChange, version: int | None = None) -> User:
    async with runtime.write(actor) as tx:
        return await users.change(tx, user.id, change, version=version)


async def test_the_old_address_hears_of_a_new_one(runtime: Runtime, realm: Realm):
    eva = await factories.a_person(
        runtime, realm, "eva", email="old@example.com", email_verified=True, locale="sv", display_name="Eva"
    )

    await change(runtime, factories.roster_in(realm), eva, UserChange(email="new@example.com"))
    await change(runtime, factories.roster_in(realm), eva, UserChange(email=None))

    values = {"username": "eva", "display_name": "Eva", "realm": realm.display_name}
    assert await told(runtime, realm, eva) == [("old@example.com", "sv", values), ("new@example.com", "sv", values)]


async def test_people_hear_of_it_who_changed_it_themselves(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        now = tx.now
    eva = await factories.a_person(runtime, realm, "eva", email="old@example.com", email_verified=True)
    actor = await factories.acting_as(
        runtime, realm, eva, session_id=eva.id, authenticated_at=now, factors=("password",)
    )

    await change(runtime, actor, eva, UserChange(email="new@example.com"))

    assert [to for to, _, _ in await told(runtime, realm, eva)] == ["old@example.com"]


@pytest.mark.parametrize("email", ["a@example.com", None])
async def test_nobody_is_told_where_no_address_is_lost(runtime: Runtime, realm: Realm, email: str | None):
    eva = await factories.a_person(runtime, realm, email=email)

    await change(runtime, factories.roster_in(realm), eva, UserChange(email="A@example.com", display_name="Eva"))

    assert await told(runtime, realm, eva) == []


async def test_a_change_that_fails_tells_nobody(runtime: Runtime, realm: Realm):
    eva = await factories.a_person(runtime, realm, email="old@example.com", email_verified=True)

    with pytest.raises(StaleVersion):
        await change(runtime, factories.roster_in(realm), eva, UserChange(email="new@example.com"), version=7)

    assert await told(runtime, realm, eva) == []


async def test_addresses_that_nobody_has_verified_cannot_be_flooded(runtime: Runtime, realm: Realm):
    eva = await factories.a_person(runtime, realm, email="0@example.com")
    for number in range(1, 12):
        eva = await change(runtime, factories.roster_in(realm), eva, UserChange(email=f"{number}@example.com"))

    assert [to for to, _, _ in await told(runtime, realm, eva)] == [f"{number}@example.com" for number in range(5)]
    await change(runtime, factories.roster_in(realm), eva, UserChange(email_verified=True))
    await change(runtime, factories.roster_in(realm), eva, UserChange(email="other@example.com"))
    assert [to for to, _, _ in await told(runtime, realm, eva)][-1] == "11@example.com"
