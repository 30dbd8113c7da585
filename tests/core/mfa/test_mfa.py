"""Second factors: setting up, signing in with them, and that no code works twice."""

import asyncio

import pytest
from pyotp.totp import TOTP

from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import login
from roster.core.flows.models import Granted, StepNeeded
from roster.core.mfa import service as mfa
from roster.core.mfa import totp
from roster.core.mfa.errors import AlreadyActive, NotActive, WrongCode
from roster.core.realms.models import Realm
from roster.core.tokens import service as tokens
from roster.core.users import service as users
from roster.kit import clock
from roster.kit.actor import Origin
from roster.kit.errors import BadCredentials, Forbidden, InvalidToken, StepUpRequired, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person, code_of, nobody


async def second(runtime: Runtime, person: Person, proof: str, code: str) -> Granted:
    return await login.second_factor(runtime, nobody(person.realm), proof, code)


async def test_a_seed_asks_for_nothing_before_it_was_proved(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)

    async with runtime.write(actor) as tx:
        enrolment = await mfa.enrol(tx, person.id)

    assert enrolment.credential.state == "pending"
    assert enrolment.otpauth_url.startswith("otpauth://totp/")
    assert f"secret={enrolment.secret}" in enrolment.otpauth_url
    await people.sign_in(runtime, person)


async def test_setting_up_takes_a_right_code_and_gives_ten_backup_codes(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    async with runtime.write(actor) as tx:
        enrolment = await mfa.enrol(tx, person.id)
        for wrong in (
            "000000",
            "",
            "12345",
            "1234567",
            "abcdef",
            "\uff11" * 6,
            code_of(enrolment.secret, 5),
        ):
            with pytest.raises(WrongCode):
                await mfa.activate(tx, person.id, enrolment.credential.id, wrong)
        activated = await mfa.activate(tx, person.id, enrolment.credential.id, code_of(enrolment.secret))

    assert activated.credential.state == "active"
    assert len(set(activated.codes)) == 10
    assert isinstance(await login.password(runtime, nobody(person.realm), person.username, PASSWORD), StepNeeded)


async def test_beginning_again_makes_a_new_seed(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    async with runtime.write(actor) as tx:
        first = await mfa.enrol(tx, person.id)
        second_try = await mfa.enrol(tx, person.id)

        with pytest.raises(CredentialNotFound):
            await mfa.activate(tx, person.id, first.credential.id, code_of(first.secret))
        with pytest.raises(WrongCode):
            await mfa.activate(tx, person.id, second_try.credential.id, code_of(first.secret))
        await mfa.activate(tx, person.id, second_try.credential.id, code_of(second_try.secret))
        with pytest.raises(AlreadyActive):
            await mfa.enrol(tx, person.id)


async def test_the_seed_is_stored_sealed(runtime: Runtime, person: Person):
    seed, _ = await people.with_second_factor(runtime, person)

    sealed = await people.value(
        runtime, "SELECT sealed FROM credentials WHERE user_id = $1 AND kind = 'totp'", person.id
    )

    assert isinstance(sealed, bytes)
    assert seed.encode() not in sealed


async def test_the_second_step_signs_in_with_both_factors(runtime: Runtime, person: Person):
    seed, _ = await people.with_second_factor(runtime, person)
    step = await people.begin(runtime, person)

    granted = await second(runtime, person, step.proof, code_of(seed))

    assert granted.session.factors == ("password", "totp")
    assert (await people.actor_of(runtime, person, granted.access_token)).factors == ("password", "totp")
    assert step.factors == ("totp", "backup")
    assert step.expires_in == 180


async def test_password_and_code_can_come_together(runtime: Runtime, person: Person):
    seed, _ = await people.with_second_factor(runtime, person)

    granted = await people.sign_in(runtime, person, code=code_of(seed))

    assert granted.session.factors == ("password", "totp")
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code="000000")


async def test_the_proof_of_the_first_step_grants_nothing(runtime: Runtime, person: Person):
    await people.with_second_factor(runtime, person)
    step = await people.begin(runtime, person)

    async with runtime.lease() as tx:
        with pytest.raises(InvalidToken):
            await tokens.authenticate(tx, person.realm.slug, step.proof, Origin())
    with pytest.raises(InvalidToken):
        await login.refresh(runtime, nobody(person.realm), step.proof)


async def test_a_proof_survives_a_wrong_code_but_no_right_one(runtime: Runtime, person: Person):
    seed, codes = await people.with_second_factor(runtime, person)
    step = await people.begin(runtime, person)
    with pytest.raises(BadCredentials):
        await second(runtime, person, step.proof, "000000")
    await second(runtime, person, step.proof, code_of(seed))

    with pytest.raises(InvalidToken):
        await second(runtime, person, step.proof, codes[0])


async def test_a_code_works_once(runtime: Runtime, person: Person):
    seed, _ = await people.with_second_factor(runtime, person)
    code = code_of(seed)
    await people.sign_in(runtime, person, code=code)

    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code=code)


async def test_an_older_code_than_the_last_one_is_spent_too(runtime: Runtime, person: Person):
    seed, _ = await people.with_second_factor(runtime, person)
    await people.sign_in(runtime, person, code=code_of(seed, 1))

    for steps in (-1, 0, 1):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code=code_of(seed, steps))


@pytest.mark.parametrize("kind", ["totp", "backup"])
async def test_of_parallel_uses_of_one_code_one_wins(runtime: Runtime, person: Person, kind: str):
    seed, codes = await people.with_second_factor(runtime, person)
    code = code_of(seed) if kind == "totp" else codes[0]
    steps = [await people.begin(runtime, person) for _ in range(4)]

    outcomes = await asyncio.gather(
        *(second(runtime, person, step.proof, code) for step in steps), return_exceptions=True
    )

    assert sum(isinstance(outcome, Granted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, BadCredentials) for outcome in outcomes) == 3


async def test_the_code_used_for_setting_up_signs_nobody_in(runtime: Runtime, person: Person):
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        enrolment = await mfa.enrol(tx, person.id)
        code = code_of(enrolment.secret)
        await mfa.activate(tx, person.id, enrolment.credential.id, code)

    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code=code)


async def test_a_backup_code_works_once_however_it_is_typed(runtime: Runtime, person: Person):
    _, codes = await people.with_second_factor(runtime, person)
    typed = codes[0].upper().replace("-", " ")

    granted = await people.sign_in(runtime, person, code=typed)

    assert granted.session.factors == ("password", "backup")
    for spelling in (codes[0], typed):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code=spelling)


async def test_a_backup_code_is_useless_to_others(runtime: Runtime, person: Person, realm: Realm):
    _, codes = await people.with_second_factor(runtime, person)
    other = await people.a_member(runtime, realm)
    await people.with_second_factor(runtime, other)

    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(realm), other.username, PASSWORD, code=codes[0])


async def test_a_backup_code_signs_in_alone_where_the_realm_lets_it(runtime: Runtime, person: Person):
    _, codes = await people.with_second_factor(runtime, person)

    granted = await people.sign_in(runtime, person, codes[0])

    assert granted.session.factors == ("backup",)
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, codes[0])


async def test_of_parallel_sign_ins_by_one_backup_code_one_wins(runtime: Runtime, person: Person):
    _, codes = await people.with_second_factor(runtime, person)

    outcomes = await asyncio.gather(
        *(login.password(runtime, nobody(person.realm), person.username, codes[0]) for _ in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Granted) for outcome in outcomes) == 1


async def test_guesses_at_codes_and_passwords_share_one_counter(runtime: Runtime, person: Person):
    seed, codes = await people.with_second_factor(runtime, person)
    step = await people.begin(runtime, person)
    for _ in range(4):
        with pytest.raises(BadCredentials):
            await second(runtime, person, step.proof, "000000")
    for _ in range(4):
        with pytest.raises(BadCredentials):
            await login.password(runtime, nobody(person.realm), person.username, "wrong")
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code="000000")

    with pytest.raises(TooMany):
        await second(runtime, person, step.proof, code_of(seed))
    with pytest.raises(TooMany):
        await login.password(runtime, nobody(person.realm), person.username, codes[0])


async def test_a_right_password_does_not_buy_more_guesses_at_the_code(runtime: Runtime, person: Person):
    await people.with_second_factor(runtime, person)
    for _ in range(5):
        step = await people.begin(runtime, person)
        with pytest.raises(BadCredentials):
            await second(runtime, person, step.proof, "000000")

    with pytest.raises(TooMany):
        await people.begin(runtime, person)


@pytest.mark.parametrize(("skipping", "skips"), [(("device", "api_key"), True), ((), False)])
@pytest.mark.parametrize("kind", [Kind.DEVICE, Kind.API_KEY])
async def test_the_realm_decides_which_kinds_skip_the_second_factor(
    runtime: Runtime, kind: Kind, skipping: tuple[str, ...], skips: bool
):
    realm = await factories.a_realm(runtime, mfa_skipped_by=list(skipping))
    person = await people.a_member(runtime, realm)
    draft = CredentialDraft(kind, secret="a secret of its own")
    await credentials.create(runtime, factories.roster_in(realm), person.id, draft)
    await people.with_second_factor(runtime, person)

    done = await login.password(runtime, nobody(realm), person.username, "a secret of its own")

    assert isinstance(done, Granted) is skips


@pytest.mark.parametrize("state", ["disabled", "pending", "deleted", "password changed"])
async def test_the_second_step_needs_a_person_in_order(runtime: Runtime, person: Person, state: str):
    seed, _ = await people.with_second_factor(runtime, person)
    step = await people.begin(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        if state == "deleted":
            await users.delete(tx, person.id)
        elif state == "password changed":
            await credentials.replace_password(tx, person.id, people.HASH)
        else:
            await users.change(tx, person.id, people.status(state))

    with pytest.raises(BadCredentials):
        await second(runtime, person, step.proof, code_of(seed))


async def test_removing_ends_mfa_and_its_backup_codes(runtime: Runtime, person: Person):
    seed, codes = await people.with_second_factor(runtime, person)
    actor = await people.actor_of(
        runtime, person, (await people.sign_in(runtime, person, code=code_of(seed))).access_token
    )
    async with runtime.write(actor) as tx:
        await mfa.remove(tx, person.id)
        with pytest.raises(NotActive):
            await mfa.remove(tx, person.id)

    await people.sign_in(runtime, person)
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, codes[0])


async def test_new_backup_codes_make_the_old_ones_void(runtime: Runtime, person: Person):
    _, old = await people.with_second_factor(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        new = await mfa.renew_codes(tx, person.id)
        assert await credentials.count_backups(tx, person.id) == 10

    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(person.realm), person.username, PASSWORD, code=old[0])
    await people.sign_in(runtime, person, code=new[0])


@pytest.mark.parametrize("secret", ["device secret", "backup code"])
async def test_what_skips_the_second_factor_cannot_change_it(runtime: Runtime, person: Person, secret: str):
    draft = CredentialDraft(Kind.DEVICE, secret="device secret")
    await credentials.create(runtime, factories.roster_in(person.realm), person.id, draft)
    _, codes = await people.with_second_factor(runtime, person)
    granted = await people.sign_in(runtime, person, codes[3] if secret == "backup code" else secret)
    actor = await people.actor_of(runtime, person, granted.access_token)

    async with runtime.write(actor) as tx:
        with pytest.raises(StepUpRequired):
            await mfa.remove(tx, person.id)
        with pytest.raises(StepUpRequired):
            await mfa.renew_codes(tx, person.id)


async def test_a_stale_session_cannot_change_the_second_factor(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    await people.execute(
        runtime,
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes' WHERE id = $1",
        actor.session_id,
    )
    granted = await login.refresh(
        runtime,
        nobody(person.realm),
        await people.refresh_token(runtime, person, actor.session_id),
    )
    stale = await people.actor_of(runtime, person, granted.access_token)

    async with runtime.write(stale) as tx:
        with pytest.raises(StepUpRequired):
            await mfa.enrol(tx, person.id)


async def test_nobody_sets_up_a_second_factor_for_others_without_permission(
    runtime: Runtime, person: Person, realm: Realm
):
    stranger = await people.signed_in(runtime, await people.a_member(runtime, realm))

    async with runtime.write(stranger) as tx:
        with pytest.raises(Forbidden):
            await mfa.enrol(tx, person.id)
        with pytest.raises(Forbidden):
            await mfa.remove(tx, person.id)


def test_a_code_fits_its_own_step_and_the_neighbours_only():
    seed, now = totp.new_seed(), clock.now()
    here = int(now.timestamp()) // 30

    found = [totp.step_of(seed, code_of_step(seed, here + steps), now) for steps in range(-3, 4)]

    assert found == [None, None, here - 1, here, here + 1, None, None]
    assert totp.step_of(seed, " ".join(code_of_step(seed, here)), now) == here


def code_of_step(seed: str, step: int) -> str:
    return TOTP(seed).generate_otp(step)
