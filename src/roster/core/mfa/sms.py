"""Codes by text message as a second factor: six digits that work once, for ten minutes, against five guesses.

Only a keyed mac of a code is stored, and the number only sealed. A guess is counted before the code is looked at, in a
statement of its own, so that parallel guesses cannot slip past.
"""

import secrets as randomness
from datetime import timedelta
from enum import StrEnum
from typing import Final

from roster.core.audit import service as audit
from roster.core.credentials import service as credentials
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.messages import service as messages
from roster.core.mfa import sms_store
from roster.core.mfa.errors import NotActive, WrongCode
from roster.core.orgs import rights
from roster.core.realms import service as realms
from roster.core.users import normal
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.errors import Internal, InvalidInput, Problem, TooMany
from roster.kit.ids import UserId
from roster.storage.tx import Tx

LASTING: Final = 600
GUESSES: Final = 5
PAUSE: Final = 30
"""Seconds before another code is sent to the same person."""
PER_PERSON: Final = Policy("sms-codes:user", 10, 3600)
_SEALED: Final = "sms-number"
_E164: Final = 16


class Purpose(StrEnum):
    """What a code is for; it is good for nothing else."""

    ENABLE = "enable"
    SIGN_IN = "sign_in"


async def begin(tx: Tx, user_id: UserId, number: str) -> None:
    """Text a code to a number, which `confirm` makes the person's. Nothing is asked for at sign-in until then.

    One's own by a sign-in with password or the like, and a recent one where another number is active already.
    Raises InvalidInput, StepUpRequired, Forbidden, UserNotFound, TooMany.
    """
    await credentials.require_write(tx, user_id, recently=await sms_store.look_up(tx, user_id) is not None)
    if await users.tx_maybe(tx, user_id) is None:
        raise UserNotFound
    number = _checked(number)
    if not await _send(tx, user_id, Purpose.ENABLE, number, sealed=_seal(tx, user_id, number)):
        raise TooMany(PAUSE)
    await audit.record(tx, "mfa.enrolled", "user", user_id)


async def confirm(tx: Tx, user_id: UserId, code: str) -> None:
    """Codes are asked for at sign-in from now on, and go to the number that this one came to. Raises WrongCode.

    Part of the flow that has counted the guess.
    """
    sent = await sms_store.spend(tx, user_id, Purpose.ENABLE, _mac(tx, user_id, Purpose.ENABLE, code))
    if sent is None or sent.sealed is None:
        raise WrongCode.of("code", "wrong_code", WrongCode.text)
    await sms_store.put(tx, user_id, sent.sealed)
    await audit.record(tx, "mfa.activated", "user", user_id)


async def remove(tx: Tx, user_id: UserId, *, recently: bool = True) -> None:
    """Turn it off, and drop what was sent. Raises NotActive, SecondFactorRequired, and as `begin`."""
    await credentials.require_write(tx, user_id, recently=recently)
    await rights.require_not_enforced(tx, user_id)
    await sms_store.drop_codes(tx, user_id)
    if not await sms_store.delete(tx, user_id):
        raise NotActive
    await audit.record(tx, "mfa.removed", "user", user_id)


async def is_active(tx: Tx, user_id: UserId) -> bool:
    """Whether the person is asked for a texted code; the caller has checked that the actor may know."""
    return await sms_store.look_up(tx, user_id) is not None


async def send(tx: Tx, user_id: UserId) -> None:
    """Text a code for signing in, unless one was sent moments ago, which is still good, or too many were sent."""
    stored = await sms_store.look_up(tx, user_id)
    if stored is None:
        return
    number = tx.runtime.keyring.open(_SEALED, stored.sealed, _row(tx, user_id))
    if number is None:
        raise Internal("The number cannot be opened with this installation's secret key.")
    await _send(tx, user_id, Purpose.SIGN_IN, number.decode())


async def count_guess(tx: Tx, user_id: UserId, purpose: Purpose) -> bool:
    """Count one, at once and whatever happens next; whether there is a code that may be guessed at. Not inside a
    transaction.
    """
    return await sms_store.count_guess(tx, user_id, purpose, GUESSES)


async def spend(tx: Tx, user_id: UserId, code: str) -> bool:
    """Use a code for signing in up; part of the flow that has counted the guess."""
    mac = _mac(tx, user_id, Purpose.SIGN_IN, code)
    return await sms_store.spend(tx, user_id, Purpose.SIGN_IN, mac) is not None


async def sweep(tx: Tx) -> int:
    """Remove codes that expired long ago; the number removed."""
    return await sms_store.sweep(tx, tx.now - timedelta(seconds=LASTING))


async def _send(tx: Tx, user_id: UserId, purpose: Purpose, number: str, *, sealed: bytes | None = None) -> bool:
    if await limits.waiting(tx, [(PER_PERSON, str(user_id))]):
        return False  # and the one that was sent last stays good
    code = f"{randomness.randbelow(10**6):06d}"
    is_new = await sms_store.replace_code(
        tx,
        user_id,
        purpose,
        mac=_mac(tx, user_id, purpose, code),
        sealed=sealed,
        expires_at=tx.now + timedelta(seconds=LASTING),
        sent_before=tx.now - timedelta(seconds=PAUSE),
    )
    if not is_new or await limits.try_spend(tx, [(PER_PERSON, str(user_id))]):
        return False
    user = await users.tx_maybe(tx, user_id)
    realm = await realms.current(tx)
    locale = (user.locale if user else None) or realm.settings.default_locale
    values = {"code": code, "realm": realm.display_name or realm.slug, "expires_in": LASTING}
    await messages.send(tx, "sms_code", values, user_id=user_id, recipient=number, locale=locale, channel="sms")
    return True


def _checked(number: str) -> str:
    found = normal.phone(number, "ZZ")
    if isinstance(found, Problem):
        raise InvalidInput([found])
    if not found[1].startswith("+") or len(found[1]) > _E164:
        raise InvalidInput.of("phone", "invalid_phone", "Write the number with the country's prefix, as +46701234567.")
    return found[1]


def _mac(tx: Tx, user_id: UserId, purpose: Purpose, code: str) -> bytes:
    typed = code.replace(" ", "")
    return tx.runtime.keyring.mac("sms-code", user_id.bytes + f"{purpose}:{typed}".encode("utf-8", "surrogatepass"))


def _seal(tx: Tx, user_id: UserId, number: str) -> bytes:
    return tx.runtime.keyring.seal(_SEALED, number.encode(), _row(tx, user_id))


def _row(tx: Tx, user_id: UserId) -> bytes:
    return tx.realm_id.bytes + user_id.bytes
