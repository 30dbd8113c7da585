"""Swedish personal numbers: whom one means, and writing down one that was proved."""

import datetime as dt
from typing import Final

from roster.core.audit import service as audit
from roster.core.users import personal_store as store
from roster.core.users.models import User
from roster.kit.ids import UserId
from roster.storage.tx import Tx

_COORDINATION: Final = 60
"""What is added to the day of birth in numbers of people who are not registered in the country."""


def normal(text: str) -> str | None:
    """The twelve digits of a personal or coordination number whose check digit is right; None for anything else."""
    digits = text.strip().replace("-", "")
    if len(digits) != 12 or not digits.isascii() or not digits.isdigit():
        return None
    return digits if _is_day(digits[:8]) and _sum(digits[2:]) % 10 == 0 else None


def means(user: User, number: str) -> bool:
    """Whether this is the person's number, however it is written there."""
    return "".join(sign for sign in user.personal_number or "" if sign in "0123456789") == number


async def look_up(tx: Tx, number: str, *, tie: bytes) -> User | None:
    """Whom the number means: the one person who has it, or of several the one with a credential found by `tie`.

    None for nobody, and for several. Nothing is checked: part of use cases where the number was proved.
    """
    found = await store.with_number(tx, number, tie) if number else []
    tied = [user_id for user_id, is_tied in found if is_tied]
    ids = tied or [user_id for user_id, _ in found]
    return await store.find(tx, ids[0]) if len(ids) == 1 else None


async def others(tx: Tx, number: str, user_id: UserId) -> bool:
    """Whether anybody else who is not deleted has this number."""
    return any(found != user_id for found, _ in await store.with_number(tx, number, b""))


async def write(tx: Tx, user_id: UserId, number: str) -> None:
    """Write down a number that belongs to this person; part of the use case that has checked that it does.

    Raises UserNotFound.
    """
    user = await store.lock(tx, user_id)
    if means(user, number):
        return
    await store.set_number(tx, user.id, number)
    await audit.record(tx, "user.changed", "user", user.id, {"personal_number": [user.personal_number, number]})


def is_key(tx: Tx) -> bool:
    """Whether numbers open accounts here, because this installation asks electronic identifications."""
    settings = tx.runtime.settings
    return settings.bankid.certificate is not None or settings.freja.certificate is not None


def _is_day(text: str) -> bool:
    day = int(text[6:8])
    try:
        dt.date(int(text[:4]), int(text[4:6]), day - _COORDINATION if day > _COORDINATION else day)
    except ValueError:
        return False
    return True


def _sum(digits: str) -> int:
    """By Luhn's rule: every other digit is doubled, beginning with the first of ten."""
    doubled = (int(sign) * (2 - place % 2) for place, sign in enumerate(digits))
    return sum(each - 9 if each > 9 else each for each in doubled)
