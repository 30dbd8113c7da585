"""Signing keys: one per realm, published, and replaced when needed."""

import asyncio

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from roster.core.realms.models import Realm
from roster.core.tokens import keys, verdicts
from roster.core.tokens import service as tokens
from roster.kit.actor import Origin
from roster.kit.errors import Forbidden, Internal, InvalidToken
from roster.kit.secrets import Keyring
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person, nobody


async def test_parallel_first_uses_make_one_key(runtime: Runtime, realm: Realm):
    async def use() -> str:
        async with people.a_worker(runtime).write(factories.roster_in(realm)) as tx:
            return (await keys.signing(tx)).kid

    kids = await asyncio.gather(*(use() for _ in range(8)))

    assert len(set(kids)) == 1


async def test_a_key_of_a_transaction_that_failed_signs_nothing_afterwards(runtime: Runtime, realm: Realm):
    seen: list[str] = []

    async def sign_and_fail() -> None:
        async with runtime.write(factories.roster_in(realm)) as tx:
            seen.append((await keys.signing(tx)).kid)
            raise Forbidden

    with pytest.raises(Forbidden):
        await sign_and_fail()

    async with runtime.write(factories.roster_in(realm)) as tx:
        assert (await keys.signing(tx)).kid not in seen


async def test_anybody_can_verify_a_token_with_the_published_keys(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    async with runtime.read(nobody(person.realm)) as tx:
        published = await tokens.jwks(tx)

    token = jwt.decode(granted.access_token, KeySet.import_key_set(published), algorithms=["ES256"])  # type: ignore[arg-type]

    assert token.header["typ"] == "at+jwt"
    assert token.claims["sub"] == str(person.id)
    assert token.claims["iss"] == f"{runtime.settings.server.public_url}/realms/{person.realm.slug}"
    assert all("d" not in key for key in published["keys"])  # type: ignore[attr-defined]


async def test_a_replaced_key_still_verifies_what_it_signed(runtime: Runtime, person: Person):
    before = await people.sign_in(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await tokens.replace_key(tx)

    after = await people.sign_in(runtime, person)

    await people.actor_of(runtime, person, before.access_token)
    await people.actor_of(runtime, person, after.access_token)
    async with runtime.read(nobody(person.realm)) as tx:
        assert len((await tokens.jwks(tx))["keys"]) == 2  # type: ignore[arg-type]


async def test_a_key_replaced_at_once_fails_on_the_next_request_of_every_worker(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    workers = [runtime, people.a_worker(runtime), people.a_worker(runtime)]
    for worker in workers:
        await people.actor_of(worker, person, granted.access_token)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await tokens.replace_key(tx, at_once=True)

    for worker in workers:
        with pytest.raises(InvalidToken):
            await people.actor_of(worker, person, granted.access_token)
        await people.actor_of(worker, person, (await people.sign_in(worker, person)).access_token)


async def test_only_those_who_may_change_the_realm_replace_its_key(runtime: Runtime, person: Person):
    async with runtime.write(await people.signed_in(runtime, person)) as tx:
        with pytest.raises(Forbidden):
            await tokens.replace_key(tx)


async def test_a_key_opens_only_with_the_key_of_the_installation(runtime: Runtime, person: Person):
    await people.sign_in(runtime, person)
    stranger = people.a_worker(runtime)
    stranger.keyring = Keyring(b"\1" * 32)

    async with stranger.read(factories.roster_in(person.realm)) as tx:
        with pytest.raises(Internal):
            await keys.signing(tx)


async def test_the_memory_of_signatures_is_bounded(runtime: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch):
    worker = people.a_worker(runtime)
    monkeypatch.setattr(verdicts._KNOWN, "most", 3)
    granted = [await people.sign_in(worker, person) for _ in range(5)]
    for each in granted:
        await people.actor_of(worker, person, each.access_token)

    assert len(worker.memo["signatures"]) == 3  # type: ignore[arg-type]
    for each in granted:
        await people.actor_of(worker, person, each.access_token)


async def test_a_bad_token_is_not_remembered(runtime: Runtime, person: Person):
    worker = people.a_worker(runtime)
    granted = await people.sign_in(runtime, person)
    async with worker.lease() as tx:
        for _ in range(3):
            with pytest.raises(InvalidToken):
                await tokens.authenticate(tx, person.realm.slug, granted.access_token[:-2] + "AA", Origin())

    assert worker.memo.get("signatures", {}) == {}


async def test_an_access_token_ends_with_its_session(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm)
    granted = await people.sign_in(runtime, person)
    short = msgspec.structs.replace(granted.session, expires_at=granted.session.created_at)

    async with runtime.read(factories.roster_in(realm)) as tx:
        token = await tokens.issue_access(tx, short)

    assert token.expires_in == 0
    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, token.text)
