"""Tying BankID to an account: from then on a password alone does not open it, BankID does."""

from roster.core.audit import service as audit
from roster.core.credentials import service as credentials
from roster.core.mfa import bankid_store as store
from roster.core.mfa.errors import LastWay, PersonalNumberTaken
from roster.core.orgs import rights
from roster.core.tokens import proofs
from roster.core.tokens.models import Purpose
from roster.core.users import personal
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.ids import UserId
from roster.kit.secrets import Keyring
from roster.storage.tx import Tx


async def bind(tx: Tx, user_id: UserId, number: str, *, recently: bool = True) -> None:
    """Tie the account to a number, which whoever calls knows to be this person's; it is written down with them.

    Sign-ins that lack their second step end; binding again is fine. Own ones as `credentials.require_write` says,
    `recently` as there; those of others with `credentials.write`. Raises PersonalNumberTaken, UserNotFound,
    StepUpRequired, Forbidden, Escalation.
    """
    await credentials.require_write(tx, user_id, recently=recently)
    await personal.write(tx, user_id, number)
    if await personal.others(tx, number, user_id):
        raise PersonalNumberTaken
    if await store.put(tx, user_id, mark(tx.runtime.keyring, number)):
        await proofs.void_all(tx, user_id, Purpose.MFA_STEP)
        await audit.record(tx, "bankid.bound", "user", user_id)


async def unbind(tx: Tx, user_id: UserId, *, recently: bool = True) -> None:
    """A password will do again; nothing happens where it does already. The number stays.

    Raises as `bind`; LastWay where there is no other way to sign in, SecondFactorRequired where an organisation wants
    two factors.
    """
    await credentials.require_write(tx, user_id, recently=recently)
    if await users.tx_maybe(tx, user_id) is None:
        raise UserNotFound
    held = await store.kinds(tx, user_id)
    if "bankid" not in held:
        return
    if held.isdisjoint({"password", "external", "device"}):
        raise LastWay
    if "totp" not in held:
        await rights.require_not_enforced(tx, user_id)
    await store.delete(tx, user_id)
    await audit.record(tx, "bankid.unbound", "user", user_id)


async def is_bound(tx: Tx, user_id: UserId) -> bool:
    """Whether BankID is asked for; the caller has checked that the actor may know."""
    return "bankid" in await store.kinds(tx, user_id)


def mark(keyring: Keyring, number: str) -> bytes:
    """By what a tie to this number is found."""
    return keyring.mac("bankid-number", number.encode())
