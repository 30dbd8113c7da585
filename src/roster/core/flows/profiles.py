"""A person's record with what hangs on it, in one use case: roles, external identities, the mail for a new address."""

from collections.abc import Sequence
from typing import Final

from roster.core.access import service as access
from roster.core.access.models import Wanted
from roster.core.credentials import identities as external
from roster.core.credentials.models import Identity
from roster.core.flows import passwords, pins
from roster.core.flows.models import ChosenKeys
from roster.core.limits import service as limits
from roster.core.recovery import service as recovery
from roster.core.users import normal
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, UserChange, UserDraft
from roster.kit.ids import UserId
from roster.storage.tx import Tx

_NO_KEYS: Final = ChosenKeys()


async def create(
    tx: Tx,
    draft: UserDraft,
    *,
    roles: Sequence[str] = (),
    identities: Sequence[Identity] = (),
    keys: ChosenKeys = _NO_KEYS,
    link: str | None = None,
) -> User:
    """Make an account for somebody, with roles, external identities, and keys of a password and a PIN.

    With `link` (see `recovery.request`) a verification message goes out. Raises as `users.create`, `access.set_roles`,
    `external.replace`, `passwords.set_key` and `pins.set_key` do.
    """
    user = await users.create(tx, draft, roles=[Wanted(name) for name in roles])
    await _attach(tx, user.id, None, identities or None, keys)
    if link is not None and user.email_verified_at is None:
        await recovery.send_verification(tx, user, link)
    return user


async def change(
    tx: Tx,
    user_id: UserId,
    change: UserChange,
    *,
    version: int | None = None,
    roles: Sequence[str] | None = None,
    identities: Sequence[Identity] | None = None,
    keys: ChosenKeys = _NO_KEYS,
    link: str | None = None,
) -> User:
    """Change a person; roles and external identities become exactly those given, None leaves them alone.

    With `link` a new address is asked to be verified, as often as `recovery` sends messages to one person.
    Raises as `users.change` and, for what hangs on the record, as `create` does.
    """
    before = await users.tx_maybe(tx, user_id)
    if before is None:
        raise UserNotFound
    after = await users.change(tx, user_id, change, version=version)
    await _attach(tx, user_id, roles, identities, keys)
    if link is not None and _needs_proof(before, after):
        flooded = await limits.try_spend(tx, [(recovery.PER_PERSON, str(user_id))])
        if not flooded:
            await recovery.send_verification(tx, after, link)
    return after


async def _attach(
    tx: Tx,
    user_id: UserId,
    roles: Sequence[str] | None,
    identities: Sequence[Identity] | None,
    keys: ChosenKeys,
) -> None:
    if roles is not None:
        await access.set_roles(tx, user_id, roles)
    if identities is not None:
        await external.replace(tx, user_id, identities)
    if keys.password is not None:
        await passwords.set_key(tx, user_id, keys.password)
    if keys.pin is not None:
        await pins.set_key(tx, user_id, keys.pin)


def _needs_proof(before: User, after: User) -> bool:
    return after.email_verified_at is None and not normal.is_same_mailbox(before.email, after.email)
