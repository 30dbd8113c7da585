"""One-time proofs: for one purpose, once, for a while, in one realm."""

import asyncio

import pytest

from roster.core.realms.models import Realm
from roster.core.tokens import proofs
from roster.core.tokens import service as tokens
from roster.core.tokens.models import Purpose
from roster.core.users import service as users
from roster.kit.actor import Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import ProofId
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person, nobody


async def issued(runtime: Runtime, person: Person, purpose: Purpose, seconds: int = 60) -> str:
    async with runtime.write(nobody(person.realm)) as tx:
        return await proofs.issue(tx, purpose, person.id, {"n": 1}, seconds)


async def spend(runtime: Runtime, realm: Realm, text: str, purpose: Purpose) -> None:
    async with runtime.write(nobody(realm)) as tx:
        await proofs.spend(tx, (await proofs.read(tx, text, purpose)).id, purpose)


async def test_a_proof_works_once(runtime: Runtime, person: Person):
    text = await issued(runtime, person, Purpose.MFA_STEP)
    await spend(runtime, person.realm, text, Purpose.MFA_STEP)

    with pytest.raises(InvalidToken):
        await spend(runtime, person.realm, text, Purpose.MFA_STEP)


async def test_of_parallel_uses_one_wins(runtime: Runtime, person: Person):
    text = await issued(runtime, person, Purpose.VERIFY_EMAIL)

    outcomes = await asyncio.gather(
        *(spend(runtime, person.realm, text, Purpose.VERIFY_EMAIL) for _ in range(20)), return_exceptions=True
    )

    assert [outcome for outcome in outcomes if outcome is None] == [None]
    assert all(isinstance(outcome, InvalidToken) for outcome in outcomes if outcome is not None)


@pytest.mark.parametrize("made_for", Purpose)
async def test_a_proof_is_useless_for_any_other_purpose(runtime: Runtime, person: Person, made_for: Purpose):
    text = await issued(runtime, person, made_for)

    async with runtime.read(nobody(person.realm)) as tx:
        for purpose in set(Purpose) - {made_for}:
            with pytest.raises(InvalidToken):
                await proofs.read(tx, text, purpose)
            proof = await proofs.read(tx, text, made_for)
            with pytest.raises(InvalidToken):
                await proofs.spend(tx, proof.id, purpose)
        with pytest.raises(InvalidToken):
            await tokens.authenticate(tx, person.realm.slug, text, Origin())


async def test_an_access_token_is_no_proof(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)

    async with runtime.read(nobody(person.realm)) as tx:
        for purpose in Purpose:
            with pytest.raises(InvalidToken):
                await proofs.read(tx, granted.access_token, purpose)


async def test_a_proof_of_another_realm_is_useless(runtime: Runtime, person: Person, other_realm: Realm):
    text = await issued(runtime, person, Purpose.MFA_STEP)

    async with runtime.read(nobody(other_realm)) as tx:
        with pytest.raises(InvalidToken):
            await proofs.read(tx, text, Purpose.MFA_STEP)


async def test_an_expired_proof_is_useless(runtime: Runtime, person: Person):
    by_claim = await issued(runtime, person, Purpose.MFA_STEP, seconds=0)
    by_row = await issued(runtime, person, Purpose.MFA_STEP)
    await people.execute(runtime, "UPDATE proofs SET expires_at = now() WHERE user_id = $1", person.id)

    async with runtime.read(nobody(person.realm)) as tx:
        for text in (by_claim, by_row):
            with pytest.raises(InvalidToken):
                await proofs.read(tx, text, Purpose.MFA_STEP)


async def test_a_proof_for_nobody_is_not_stored(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        person = await people.a_member(runtime, realm)
        await users.delete(tx, person.id)
        text = await proofs.issue(tx, Purpose.MFA_STEP, person.id, {}, 60)

        with pytest.raises(InvalidToken):
            await proofs.read(tx, text, Purpose.MFA_STEP)


async def test_voiding_reaches_every_open_proof_of_the_person_alone(runtime: Runtime, person: Person):
    other = await people.a_member(runtime, person.realm)
    texts = [await issued(runtime, person, purpose) for purpose in Purpose]
    kept = await issued(runtime, other, Purpose.MFA_STEP)

    async with runtime.write(nobody(person.realm)) as tx:
        await proofs.void(tx, person.id)

        for text, purpose in zip(texts, Purpose, strict=True):
            with pytest.raises(InvalidToken):
                await proofs.read(tx, text, purpose)
        assert (await proofs.read(tx, kept, Purpose.MFA_STEP)).user_id == other.id


async def test_the_actor_of_a_recovery_proof_is_nobody(runtime: Runtime, person: Person):
    text = await issued(runtime, person, Purpose.RECOVER_PASSWORD)

    async with runtime.lease() as tx:
        actor = await proofs.authenticate(tx, person.realm.slug, text, Origin())

    assert not actor.is_known
    assert not actor.is_user(person.id)
    assert (actor.acting_for, actor.proof) == (person.id, "recover_password")
    assert not actor.grants.everywhere
    assert actor.session_id is None


async def test_the_sweep_removes_expired_proofs(runtime: Runtime, person: Person):
    await issued(runtime, person, Purpose.MFA_STEP)
    await people.execute(runtime, "UPDATE proofs SET expires_at = now() - interval '1 s' WHERE user_id = $1", person.id)
    kept = await issued(runtime, person, Purpose.MFA_STEP)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        assert await proofs.sweep(tx) == 1
        assert (await proofs.read(tx, kept, Purpose.MFA_STEP)).id != ProofId(person.id)
