"""Signing in, and tying an account to BankID, by a personal number that an electronic identification has proved."""

from typing import Final

from roster.core.credentials import service as credentials
from roster.core.flows import granting
from roster.core.flows.models import ClaimsFor, Granted, Terms
from roster.core.mfa import bankid
from roster.core.orders import service as orders
from roster.core.realms import service as realms
from roster.core.sessions.models import Opening
from roster.core.users import personal
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit.errors import BadCredentials, InvalidInput
from roster.kit.ids import UserId
from roster.storage.tx import Tx

BANKID: Final = "bankid"
_NO_TERMS: Final = Terms()


async def find(tx: Tx, number: str) -> User | None:
    """The one person whom a number means; nothing is checked."""
    return await personal.look_up(tx, number, tie=bankid.mark(tx.runtime.keyring, number))


async def sign_in(
    tx: Tx, number: str, factor: str, *, claims: ClaimsFor | None = None, terms: Terms = _NO_TERMS
) -> Granted:
    """Open a session for whom the number means; no second factor is asked for, because the identification is two.

    Of the terms count how long what is opened lasts. Raises UserNotFound for nobody, or several, BadCredentials for
    people who may not sign in.
    """
    user = await find(tx, number)
    if user is None:
        raise UserNotFound
    if user.status != "active" or (await realms.current(tx)).status != "active":
        raise BadCredentials
    opening = Opening(user.id, (factor,), lasting=terms.lasting)
    return await granting.grant(tx, user, opening, claims, refresh_for=terms.refresh_for)


async def activate(
    tx: Tx, user_id: UserId, *, number: str | None = None, reference: str | None = None, recently: bool = True
) -> None:
    """From now on BankID opens the account, and a password alone does not.

    For oneself the number comes from a complete order of this session (`reference`), which is as good as a recent
    sign-in where it is the number that is known, or from having signed in with BankID; for others, which takes
    `credentials.write`, it is named, or known already. Raises OrderNotFound, InvalidInput, and as `bankid.bind` does.
    """
    await credentials.require_write(tx, user_id, recently=False)
    user = await users.tx_maybe(tx, user_id)
    if user is None:
        raise UserNotFound
    proved = await _proved(tx, user, number, reference)
    is_fresh = reference is not None and personal.means(user, proved)
    await bankid.bind(tx, user_id, proved, recently=recently and not is_fresh)


async def _proved(tx: Tx, user: User, number: str | None, reference: str | None) -> str:
    named = None if number is None else _normal(number)
    if not tx.actor.is_in_person(user.id):
        return named or _normal(user.personal_number or "")
    if reference is not None:
        found = await orders.spend(tx, BANKID, reference)
    elif BANKID in tx.actor.factors:
        found = _normal(user.personal_number or "")
    else:
        raise InvalidInput.of("orderRef", "required", "A finished BankID order is needed.")
    if named not in (None, found):
        raise InvalidInput.of("personalNumber", "wrong_value", "The order was answered by somebody else.")
    return found


def _normal(text: str) -> str:
    found = personal.normal(text)
    if found is None:
        raise InvalidInput.of("personalNumber", "wrong_value", "This is not a personal number of twelve digits.")
    return found
