"""Setting passwords: one's own, and those of others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from roster.core.access.errors import Escalation
from roster.core.credentials import service as credentials
from roster.core.credentials.chosen import Prepared
from roster.core.credentials.errors import CredentialExists, WrongPassword
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import login, passwords
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, StepUpRequired, TooMany
from roster.kit.workers import Workers
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import PASSWORD, Person, nobody

NEW = "an entirely new secret"
T = TypeVar("T")


async def stale(runtime: Runtime, person: Person, secret: str = PASSWORD) -> Actor:
    """The person in a session that is open for eleven minutes."""
    granted = await people.sign_in(runtime, person, secret)
    await people.execute(
        runtime,
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes' WHERE id = $1",
        granted.session.id,
    )
    return await people.actor_of(runtime, person, granted.access_token)


async def test_a_new_password_replaces_the_old_one(runtime: Runtime, person: Person):
    await passwords.set_password(runtime, await people.signed_in(runtime, person), person.id, NEW)

    await people.sign_in(runtime, person, NEW)
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD)


class Meanwhile(Workers):
    """A pool whose work takes so long that something else happens first, once."""

    def __init__(self, what: Callable[[], Awaitable[object]]) -> None:
        super().__init__(threads=1, queue=10)
        self._what: Callable[[], Awaitable[object]] | None = what

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._what is not None:
            what, self._what = self._what, None
            await what()
        return await super().run(work, *arguments)


@asynccontextmanager
async def another_set_meanwhile(runtime: Runtime, realm: Realm, person: Person) -> AsyncIterator[None]:
    """Within it the owner sets a password while the first one is hashed, and it is theirs afterwards."""

    async def owner() -> None:
        async with runtime.write(factories.roster_in(realm)) as tx:
            await passwords.replace(tx, person.id, Prepared(people.HASH))

    before, runtime.workers = runtime.workers, Meanwhile(owner)
    try:
        yield
    finally:
        runtime.workers.close()
        runtime.workers = before
    await people.sign_in(runtime, person)


@pytest.mark.parametrize("had_one", [True, False])
async def test_a_change_that_is_under_way_does_not_undo_a_newer_one(runtime: Runtime, realm: Realm, had_one: bool):
    """Who has stolen a session could otherwise set a password after its owner has set another and ended it."""
    person = await people.a_member(runtime, realm)
    thief = await people.signed_in(runtime, person)
    if not had_one:
        await people.execute(runtime, "DELETE FROM credentials WHERE user_id = $1", person.id)

    async with another_set_meanwhile(runtime, realm, person):
        with pytest.raises(StepUpRequired):
            await passwords.set_password(runtime, thief, person.id, NEW)


async def test_nor_does_one_by_whoever_knew_the_password_before(runtime: Runtime, realm: Realm, person: Person):
    thief = await people.signed_in(runtime, person)

    async with another_set_meanwhile(runtime, realm, person):
        with pytest.raises(WrongPassword):
            await passwords.change_knowing(runtime, thief, person.id, PASSWORD, NEW)


@pytest.mark.parametrize("kind", [Kind.API_KEY, Kind.PERSONAL])
async def test_a_key_left_with_a_program_and_the_password_set_no_other(runtime: Runtime, person: Person, kind: Kind):
    """Whoever has both may still lack the second factor, and would shut out who has it."""
    roster = factories.roster_in(person.realm)
    made = await credentials.create(runtime, roster, person.id, CredentialDraft(kind))
    thief = await people.actor_of(runtime, person, made.secret or "")

    with pytest.raises(StepUpRequired):
        await passwords.change_knowing(runtime, thief, person.id, PASSWORD, NEW)
    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, thief, person.id, NEW, current=PASSWORD)
    await people.sign_in(runtime, person)


async def test_all_other_sessions_end_and_the_own_one_stays(runtime: Runtime, person: Person):
    others = [await people.sign_in(runtime, person) for _ in range(2)]
    granted = await people.sign_in(runtime, person)
    actor = await people.actor_of(runtime, person, granted.access_token)

    await passwords.set_password(runtime, actor, person.id, NEW)

    await people.actor_of(runtime, person, granted.access_token)
    for other in others:
        with pytest.raises(InvalidToken):
            await people.actor_of(runtime, person, other.access_token)
        with pytest.raises(InvalidToken):
            await login.refresh(runtime, nobody(person.realm), other.refresh_token)


async def test_a_stale_session_needs_the_current_password(runtime: Runtime, person: Person):
    actor = await stale(runtime, person)

    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, actor, person.id, NEW)
    with pytest.raises(WrongPassword):
        await passwords.set_password(runtime, actor, person.id, NEW, current="wrong")
    await passwords.set_password(runtime, actor, person.id, NEW, current=PASSWORD)

    await people.sign_in(runtime, person, NEW)


async def test_guesses_at_the_current_password_count_like_those_at_sign_in(runtime: Runtime, person: Person):
    actor = await stale(runtime, person)
    for _ in range(10):
        with pytest.raises(WrongPassword):
            await passwords.set_password(runtime, actor, person.id, NEW, current="wrong")

    with pytest.raises(TooMany):
        await passwords.set_password(runtime, actor, person.id, NEW, current=PASSWORD)
    with pytest.raises(TooMany):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD)


async def test_a_device_secret_sets_the_first_password_but_changes_none(runtime: Runtime, realm: Realm):
    person = Person(realm, await factories.a_person(runtime, realm))
    draft = CredentialDraft(Kind.DEVICE, secret="device secret")
    await credentials.create(runtime, factories.roster_in(realm), person.id, draft)
    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, await stale(runtime, person, "device secret"), person.id, NEW)
    actor = await people.actor_of(
        runtime, person, (await people.sign_in(runtime, person, "device secret")).access_token
    )

    await passwords.set_password(runtime, actor, person.id, NEW)

    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, actor, person.id, "yet another secret")


@pytest.mark.parametrize("current", [None, PASSWORD])
async def test_an_api_key_changes_no_own_password(runtime: Runtime, person: Person, current: str | None):
    made = await credentials.create(
        runtime, factories.roster_in(person.realm), person.id, CredentialDraft(Kind.API_KEY)
    )
    as_bearer = await people.actor_of(runtime, person, made.secret or "")

    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, as_bearer, person.id, NEW, current=current)


async def test_a_sign_in_by_api_key_sets_no_password_not_even_the_first(runtime: Runtime, realm: Realm):
    person = Person(realm, await factories.a_person(runtime, realm))
    made = await credentials.create(runtime, factories.roster_in(realm), person.id, CredentialDraft(Kind.API_KEY))
    actor = await people.actor_of(
        runtime, person, (await people.sign_in(runtime, person, made.secret or "")).access_token
    )

    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, actor, person.id, NEW)


async def test_only_the_first_password_can_be_insisted_on(runtime: Runtime, person: Person, realm: Realm):
    bare = Person(realm, await factories.a_person(runtime, realm))
    actor = factories.roster_in(realm)
    with pytest.raises(CredentialExists):
        await passwords.set_password(runtime, actor, person.id, NEW, only_first=True)

    outcomes = await asyncio.gather(
        *(passwords.set_password(runtime, actor, bare.id, NEW, only_first=True) for _ in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, CredentialExists) for outcome in outcomes) == 3
    await people.sign_in(runtime, bare, NEW)


async def test_helpers_set_passwords_of_people_who_may_no_more_than_they(
    runtime: Runtime, person: Person, realm: Realm
):
    await factories.a_role(runtime, realm, "helpers", "credentials.write")
    helper = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("helpers",)))
    powerful = await people.a_member(runtime, realm, roles=("admin",))
    granted = await people.sign_in(runtime, person)

    await passwords.set_password(runtime, helper, person.id, NEW)

    await people.sign_in(runtime, person, NEW)
    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)
    with pytest.raises(Escalation):
        await passwords.set_password(runtime, helper, powerful.id, NEW)


async def test_an_administrator_needs_a_recent_sign_in_for_the_own_password_like_everybody(
    runtime: Runtime, realm: Realm
):
    administrator = await people.a_member(runtime, realm, roles=("admin",))

    with pytest.raises(StepUpRequired):
        await passwords.set_password(runtime, await stale(runtime, administrator), administrator.id, NEW)


async def test_strangers_and_nobody_set_no_password(runtime: Runtime, person: Person, realm: Realm):
    stranger = await people.signed_in(runtime, await people.a_member(runtime, realm))

    for actor in (stranger, nobody(realm)):
        with pytest.raises(Forbidden):
            await passwords.set_password(runtime, actor, person.id, NEW)
        with pytest.raises(Forbidden):
            await passwords.set_password(runtime, actor, person.id, NEW, current=PASSWORD)


async def test_a_person_of_another_realm_is_not_there(runtime: Runtime, person: Person, other_realm: Realm):
    with pytest.raises(UserNotFound):
        await passwords.set_password(runtime, factories.roster_in(other_realm), person.id, NEW)


async def test_a_deleted_person_gets_no_password(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    async with runtime.write(actor) as tx:
        await users.delete(tx, person.id)

    with pytest.raises(UserNotFound):
        await passwords.set_password(runtime, actor, person.id, NEW)


async def test_a_password_that_breaks_a_rule_costs_no_hash(runtime: Runtime, person: Person, workers: CountingWorkers):
    actor = factories.roster_in(person.realm)

    for bad in ("short", "password", "x" * 1025):
        with pytest.raises(InvalidInput):
            await passwords.set_password(runtime, actor, person.id, bad)

    assert workers.ran == []


async def test_a_password_is_kept_to_the_last_letter(runtime: Runtime, person: Person):
    long = "\ufb01 \uff21 é " + "x" * 1000
    await passwords.set_password(runtime, factories.roster_in(person.realm), person.id, long)

    await people.sign_in(runtime, person, long)
    for other in (long[:-1], long.strip(), long.replace("\ufb01", "fi"), long.lower()):
        if other != long:
            with pytest.raises(BadCredentials):
                await login.password(runtime, nobody(person.realm), person.username, other)
