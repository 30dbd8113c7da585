"""Answering an invitation: joining, with an account that may be made one's own by it, or declining."""

from typing import Final

from roster.core.credentials import service as credentials
from roster.core.credentials.chosen import Prepared
from roster.core.flows import passwords
from roster.core.invitations import service as invitations
from roster.core.invitations.errors import InvitationNotFound, NotInvited
from roster.core.invitations.models import Open
from roster.core.memberships import service as memberships
from roster.core.memberships.models import Membership
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import SecondFactorRequired
from roster.core.orgs.models import Org
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import UserChange
from roster.kit.actor import Actor, Kind
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_UNNAMED: Final = UserChange()


async def accept(
    runtime: Runtime, actor: Actor, token: str, *, names: UserChange = _UNNAMED, password: str | None = None
) -> Membership:
    """Join the organisation of an invitation, which works once.

    Whoever has no account in use, or one whose address nobody has proved, says a password, and may say `names` (given
    and family name) of a new one: the account is theirs then, its address verified, and every other way into it ends.
    Who is signed in has proved the address by having the mail. Where the organisation requires a second factor that
    the person lacks, the account is made theirs all the same, so that they can set one up; the invitation stays open.
    Raises InvitationNotFound, InvitationExpired, NotInvited for somebody else who is signed in, SecondFactorRequired,
    InvalidInput, Unavailable.
    """
    async with runtime.read(actor) as tx:
        found = await _read(tx, token)
        needs_account = invitations.needs_account(tx, found)
    hashed = None
    if needs_account:
        if password is None:
            raise _no_password()
        hashed = await passwords.prepare(runtime, actor, password, username=found.username)
    async with runtime.write(actor) as tx:
        joined = await _join(tx, token, names, hashed)
    if joined is None:
        raise SecondFactorRequired
    return joined


async def decline(tx: Tx, token: str) -> None:
    """Do not join. Raises InvitationNotFound, InvitationExpired, NotInvited."""
    org, found = await _locked(tx, token)
    await memberships.decline(tx, org, found.user_id)


async def _read(tx: Tx, token: str) -> Open:
    found = await invitations.read(tx, token)
    if tx.actor.kind is not Kind.ANONYMOUS and not tx.actor.is_user(found.user_id):
        raise NotInvited
    return found


async def _locked(tx: Tx, token: str) -> tuple[Org, Open]:
    """An invitation is answered under the lock of its organisation, so that it is answered once."""
    org = await orgs.lock(tx, (await _read(tx, token)).org_id)
    return org, await _read(tx, token)


async def _join(tx: Tx, token: str, names: UserChange, hashed: Prepared | None) -> Membership | None:
    """None when only a second factor is missing."""
    org, found = await _locked(tx, token)
    if invitations.needs_account(tx, found):
        if hashed is None:
            raise _no_password()
        await _take_over(tx, found, names, hashed)
    elif not found.is_confirmed:
        await _verify(tx, found)
    try:
        joined = await memberships.join(tx, org, found.user_id)
    except SecondFactorRequired:
        return None
    await invitations.spend(tx, found)
    return joined


async def _take_over(tx: Tx, found: Open, names: UserChange, hashed: Prepared) -> None:
    """Nobody has shown until now that the address is theirs: what others have set up goes."""
    await credentials.remove_other_ways(tx, found.user_id)
    try:
        if found.status == "pending":
            await users.activate(tx, found.user_id, names)
        else:
            await _verify(tx, found)
    except UserNotFound:
        raise InvitationNotFound from None
    await passwords.replace(tx, found.user_id, hashed)


async def _verify(tx: Tx, found: Open) -> None:
    user = await users.tx_maybe(tx, found.user_id)
    if user is None:
        raise InvitationNotFound
    await users.mark_verified(tx, user, "email")


def _no_password() -> InvalidInput:
    return InvalidInput.of("password", "required", "Please choose a password.")
