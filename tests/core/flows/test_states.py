"""Every state of person, realm, session and credential against every way to prove who one is.

The way is prepared while all is in order, works, and must fail once the state has changed: on the very next request,
on this worker and on another one.
"""

from collections.abc import Awaitable, Callable

import pytest

from roster.core.access import service as access
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import external, login, passwords
from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.kit.errors import BadCredentials, InvalidToken
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person, nobody

Use = Callable[[Runtime], Awaitable[object]]
Way = Callable[[Runtime, Person], Awaitable[Use]]


async def by_password(runtime: Runtime, person: Person) -> Use:
    return lambda worker: login.password(worker, nobody(person.realm), person.username, PASSWORD)


async def by_device(runtime: Runtime, person: Person) -> Use:
    return await _by_secret(runtime, person, CredentialDraft(Kind.DEVICE, secret="device secret"))


async def by_chosen_key(runtime: Runtime, person: Person) -> Use:
    return await _by_secret(runtime, person, CredentialDraft(Kind.API_KEY, secret="chosen secret"))


async def by_key_as_secret(runtime: Runtime, person: Person) -> Use:
    return await _by_secret(runtime, person, CredentialDraft(Kind.API_KEY))


async def by_key(runtime: Runtime, person: Person) -> Use:
    made = await _made(runtime, person, CredentialDraft(Kind.API_KEY))
    return lambda worker: people.actor_of(worker, person, made)


async def by_personal_token(runtime: Runtime, person: Person) -> Use:
    made = await _made(runtime, person, CredentialDraft(Kind.PERSONAL))
    return lambda worker: people.actor_of(worker, person, made)


async def by_access_token(runtime: Runtime, person: Person) -> Use:
    token = (await people.sign_in(runtime, person)).access_token
    return lambda worker: people.actor_of(worker, person, token)


async def by_access_token_of_a_registration(runtime: Runtime, person: Person) -> Use:
    done = await external.sign_in(runtime, await people.signed_in(runtime, person), people.identity())
    token = getattr(done, "access_token", "")
    return lambda worker: people.actor_of(worker, person, token)


async def by_refresh_token(runtime: Runtime, person: Person) -> Use:
    token = (await people.sign_in(runtime, person)).refresh_token
    return lambda worker: login.refresh(worker, nobody(person.realm), token)


async def by_provider(runtime: Runtime, person: Person) -> Use:
    who = people.identity()
    await external.sign_in(runtime, await people.signed_in(runtime, person), who)
    return lambda worker: external.sign_in(worker, nobody(person.realm), who)


async def by_recovery(runtime: Runtime, person: Person) -> Use:
    await recovery.request(runtime, nobody(person.realm), person.username, "/x?token={token}")
    token = await people.mailed_token(runtime, person.realm, "recover_password")
    return lambda worker: passwords.recover(worker, nobody(person.realm), token, "another long secret")


async def by_second_factor(runtime: Runtime, person: Person) -> Use:
    seed, _ = await people.with_second_factor(runtime, person)
    step = await people.begin(runtime, person)
    return lambda worker: login.second_factor(worker, nobody(person.realm), step.proof, people.code_of(seed))


async def by_backup_code(runtime: Runtime, person: Person) -> Use:
    _, codes = await people.with_second_factor(runtime, person)
    return lambda worker: login.password(worker, nobody(person.realm), person.username, codes[0])


async def _made(runtime: Runtime, person: Person, draft: CredentialDraft) -> str:
    made = await credentials.create(runtime, factories.roster_in(person.realm), person.id, draft)
    return made.secret or draft.secret or ""


async def _by_secret(runtime: Runtime, person: Person, draft: CredentialDraft) -> Use:
    secret = await _made(runtime, person, draft)
    return lambda worker: login.password(worker, nobody(person.realm), person.username, secret)


WAYS: list[Way] = [
    by_password,
    by_device,
    by_chosen_key,
    by_key_as_secret,
    by_key,
    by_personal_token,
    by_access_token,
    by_access_token_of_a_registration,
    by_refresh_token,
    by_provider,
    by_recovery,
    by_second_factor,
    by_backup_code,
]


async def _change(runtime: Runtime, person: Person, state: str) -> None:
    everything = {
        "realm disabled": "UPDATE realms SET status = 'disabled', version = version + 1 WHERE id = $1",
        "disabled behind our back": "UPDATE users SET status = 'disabled' WHERE realm_id = $1",
        "deleted behind our back": "UPDATE users SET deleted_at = now() WHERE realm_id = $1",
        "everything revoked": "DELETE FROM credentials WHERE realm_id = $1",
        "everything expired": "UPDATE credentials SET expires_at = now() - interval '1 s' WHERE realm_id = $1",
    }
    if state in everything:
        await people.execute(runtime, everything[state], person.realm.id)
    if state == "everything revoked":
        await people.execute(runtime, "UPDATE sessions SET ended_at = now() WHERE realm_id = $1", person.realm.id)
        await people.execute(runtime, "UPDATE proofs SET used_at = now() WHERE realm_id = $1", person.realm.id)
    if state == "everything expired":
        await people.execute(runtime, "UPDATE sessions SET expires_at = now() WHERE realm_id = $1", person.realm.id)
        await people.execute(runtime, "UPDATE proofs SET expires_at = now() WHERE realm_id = $1", person.realm.id)
    if state in everything:
        return
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        if state == "erased":
            await users.delete(tx, person.id)
            await users.erase(tx, person.id)
        elif state == "deleted":
            await users.delete(tx, person.id)
        else:
            await users.change(tx, person.id, people.status(state))


STATES = [
    "pending",
    "disabled",
    "deleted",
    "erased",
    "realm disabled",
    "disabled behind our back",
    "deleted behind our back",
    "everything revoked",
    "everything expired",
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_no_way_works_in_a_state_that_forbids_it(runtime: Runtime, way: Way, state: str):
    realm = await factories.a_realm(runtime)
    person = await people.a_member(runtime, realm, email="jo@example.org", email_verified=True)
    use = await way(runtime, person)
    await _change(runtime, person, state)

    for worker in (runtime, people.a_worker(runtime)):
        if way is by_provider and state in ("erased", "everything revoked"):
            # The identity is gone with the credential: whoever comes with it now is somebody else.
            done = await use(worker)
            assert getattr(done, "user", person.user).id != person.id
            continue
        with pytest.raises((BadCredentials, InvalidToken)):
            await use(worker)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_every_way_works_while_all_is_in_order(runtime: Runtime, way: Way):
    """Otherwise the matrix above would prove nothing."""
    realm = await factories.a_realm(runtime)
    person = await people.a_member(runtime, realm, email="jo@example.org", email_verified=True)

    await (await way(runtime, person))(people.a_worker(runtime))


async def test_a_restored_person_signs_in_anew_with_the_old_password_but_no_old_session(runtime: Runtime):
    realm = await factories.a_realm(runtime)
    person = await people.a_member(runtime, realm)
    granted = await people.sign_in(runtime, person)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, person.id)
        await users.restore(tx, person.id)

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)
    with pytest.raises(InvalidToken):
        await login.refresh(runtime, nobody(realm), granted.refresh_token)
    await people.sign_in(runtime, person)


async def test_nothing_is_carried_over_to_a_person_who_takes_the_name_of_an_erased_one(runtime: Runtime):
    realm = await factories.a_realm(runtime)
    person = await people.a_member(runtime, realm, username="reused", roles=("admin",))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await people.a_member(runtime, realm, roles=("admin",))
        await users.delete(tx, person.id)
        await users.erase(tx, person.id)
    successor = await people.a_member(runtime, realm, username="reused")

    actor = await people.signed_in(runtime, successor)

    assert successor.id != person.id
    assert not actor.grants.roles
    async with runtime.read(actor) as tx:
        assert [each.kind for each in await credentials.list_of(tx, successor.id)] == ["password"]


async def test_a_change_of_roles_is_seen_on_the_next_request_of_every_worker(runtime: Runtime):
    realm = await factories.a_realm(runtime)
    await factories.a_role(runtime, realm, "readers", "users.read")
    person = await people.a_member(runtime, realm, roles=("readers",))
    token = (await people.sign_in(runtime, person)).access_token
    workers = [runtime, people.a_worker(runtime)]
    for worker in workers:
        assert (await people.actor_of(worker, person, token)).may("users.read")

    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_roles(tx, person.id, [])

    for worker in workers:
        assert not (await people.actor_of(worker, person, token)).may("users.read")
