"""Setting up, checking and removing second factors."""

from collections.abc import Sequence
from typing import Final

from roster.core.audit import service as audit
from roster.core.credentials import rules, seeds
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound
from roster.core.mfa import bankid_store, sms, sms_store, store, totp
from roster.core.mfa.errors import AlreadyActive, NotActive, NothingPrepared, WrongCode
from roster.core.mfa.models import Activated, Enrolment, Seed
from roster.core.orgs import rights
from roster.core.realms import service as realms
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.errors import Internal
from roster.kit.ids import CredentialId, UserId, uuid7
from roster.storage.tx import Tx

CODES: Final = 10
METHODS: Final = ("totp", "sms", "bankid")


async def enrol(tx: Tx, user_id: UserId, *, label: str = "", recently: bool = True) -> Enrolment:
    """Begin to set up TOTP; nothing is asked for at sign-in until `activate`. Beginning again makes a new seed.

    Own ones after a recent sign-in (`recently` as in `credentials.require_write`, here and below); for others
    `credentials.write`. Raises AlreadyActive, StepUpRequired, Forbidden,
    Escalation, UserNotFound.
    """
    await credentials.require_write(tx, user_id, recently=recently)
    rules.check_text(label, "label")
    user = await users.tx_maybe(tx, user_id)
    if user is None:
        raise UserNotFound
    realm = await realms.current(tx)
    credential_id, seed = CredentialId(uuid7()), totp.new_seed()
    sealed = seeds.seal(tx.runtime.keyring, tx.realm_id, credential_id, seed)
    await store.delete_pending(tx, user_id)
    credential = await store.insert_pending(tx, user_id, credential_id, label=label, sealed=sealed)
    await audit.record(tx, "mfa.enrolled", "user", user_id)
    return Enrolment(credential, seed, totp.url(seed, account=user.username, issuer=realm.display_name or realm.slug))


async def activate(tx: Tx, user_id: UserId, credential_id: CredentialId, code: str) -> Activated:
    """Prove that the authenticator works; MFA is on from then. Raises WrongCode, CredentialNotFound, and as `enrol`."""
    await credentials.require_write(tx, user_id)
    seed = await store.look_up(tx, user_id)
    if seed is None or seed.id != credential_id:
        raise CredentialNotFound
    if seed.state != "pending":
        raise AlreadyActive
    if not await _is_right(tx, seed, code):
        raise WrongCode.of("code", "wrong_code", WrongCode.text)
    credential = await store.activate(tx, seed.id)
    codes = await credentials.replace_backups(tx, user_id, CODES)
    await audit.record(tx, "mfa.activated", "user", user_id)
    return Activated(credential, codes)


async def activate_prepared(tx: Tx, user_id: UserId, code: str, *, recently: bool = True) -> None:
    """The same for whatever seed is prepared; no backup codes are made. Raises NothingPrepared instead of not found."""
    await credentials.require_write(tx, user_id, recently=recently)
    seed = await store.look_up(tx, user_id)
    if seed is None:
        raise NothingPrepared
    if seed.state != "pending":
        raise AlreadyActive
    if not await _is_right(tx, seed, code):
        raise WrongCode.of("code", "wrong_code", WrongCode.text)
    await store.activate(tx, seed.id)
    await audit.record(tx, "mfa.activated", "user", user_id)


async def renew_codes(tx: Tx, user_id: UserId, *, recently: bool = True) -> list[str]:
    """New backup codes in place of the old ones. Raises NotActive, and as `enrol`."""
    await credentials.require_write(tx, user_id, recently=recently)
    if not await is_active(tx, user_id):
        raise NotActive
    codes = await credentials.replace_backups(tx, user_id, CODES)
    await audit.record(tx, "mfa.codes_renewed", "user", user_id)
    return codes


async def remove(tx: Tx, user_id: UserId, *, recently: bool = True) -> None:
    """Turn MFA off: seed and backup codes go. Raises NotActive, SecondFactorRequired, and as `enrol`."""
    await credentials.require_write(tx, user_id, recently=recently)
    await rights.require_not_enforced(tx, user_id)
    if not await credentials.remove_second_factors(tx, user_id):
        raise NotActive
    await audit.record(tx, "mfa.removed", "user", user_id)


async def is_active(tx: Tx, user_id: UserId) -> bool:
    """Whether the person is asked for a second factor; the caller has checked that the actor may know."""
    seed = await store.look_up(tx, user_id)
    return seed is not None and seed.state == "active"


async def methods(tx: Tx, user_id: UserId) -> tuple[str, ...]:
    """What the person is asked for besides a password: `totp` or `sms` a code, `bankid` BankID instead of the password.

    The caller has checked that the actor may know.
    """
    held = await bankid_store.kinds(tx, user_id)
    return tuple(each for each in METHODS if each in held)


async def methods_of(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[str]]:
    """The same of several people; those without any are left out."""
    found: dict[UserId, list[str]] = {}
    for user_id, kind in await sms_store.kinds(tx, user_ids, METHODS):
        found.setdefault(user_id, []).append(kind)
    return found


async def count_guess(tx: Tx, user_id: UserId) -> bool:
    """Before `check`, where codes are texted too: whether there is one that may be guessed at. Not in a transaction."""
    return await sms.count_guess(tx, user_id, sms.Purpose.SIGN_IN)


async def check(tx: Tx, user_id: UserId, code: str, *, is_texted: bool = False) -> str | None:
    """Which second factor the code is: `totp`, `backup` or, with `is_texted`, `sms`; it is used up.

    None when it is wrong or was used before. Part of the sign-in flows, which count guesses.
    """
    if is_texted and await sms.spend(tx, user_id, code):
        return "sms"
    seed = await store.look_up(tx, user_id)
    if seed is None or seed.state != "active":
        return None
    if await _is_right(tx, seed, code):
        return "totp"
    return "backup" if await credentials.spend_backup(tx, user_id, code) else None


async def _is_right(tx: Tx, seed: Seed, code: str) -> bool:
    opened = seeds.unseal(tx.runtime.keyring, tx.realm_id, seed.id, seed.sealed)
    if opened is None:
        raise Internal("The seed cannot be opened with this installation's secret key.")
    step = totp.step_of(opened, code, tx.now)
    return step is not None and await store.spend_step(tx, seed.id, step)
