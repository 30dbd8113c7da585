"""New accounts: people make their own, or an administrator makes one, with password and verification message."""

from collections.abc import Sequence
from typing import Final

from roster.core.access import service as access
from roster.core.access.models import Wanted
from roster.core.credentials.chosen import Prepared
from roster.core.flows import granting, passwords
from roster.core.flows.models import ClaimsFor, Granted
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.realms import service as realms
from roster.core.recovery import service as recovery
from roster.core.sessions.models import Opening
from roster.core.users import service as users
from roster.core.users.models import User, UserDraft
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

PER_ADDRESS: Final = Policy("sign-up:address", 100, 3600)


async def register(
    runtime: Runtime,
    actor: Actor,
    draft: UserDraft,
    *,
    password: str | None = None,
    link: str | None = None,
    claims: ClaimsFor | None = None,
) -> Granted:
    """A person makes their own account and is signed in.

    With `link` (see `recovery.request`) a verification message goes out. Raises Forbidden when the realm does not
    allow it, InvalidInput, UsernameTaken, EmailTaken, TooMany, Unavailable.
    """
    async with runtime.read(actor) as tx:
        await require_open(tx)
    hashed = await _prepared(runtime, actor, draft, password) if password is not None else None
    async with runtime.write(actor) as tx:
        user = await users.register(tx, draft)
        await _complete(tx, user, hashed, link)
        return await granting.grant(tx, user, Opening(user.id, ("sign_up",)), claims)


async def create(
    runtime: Runtime,
    actor: Actor,
    draft: UserDraft,
    *,
    password: str | None = None,
    roles: Sequence[str | Wanted] = (),
    link: str | None = None,
) -> User:
    """An administrator makes an account, perhaps with a first password and with roles.

    Needs `users.create`, for a password `credentials.write`, for roles `roles.assign`; whoever holds these in some
    places only makes people for there. Raises as `register`, `users.create` and `access.assign` do.
    """
    async with runtime.read(actor) as tx:
        access.require_somewhere(tx, "users.create")
        if password is not None:
            access.require_somewhere(tx, "credentials.write")
    hashed = await _prepared(runtime, actor, draft, password) if password is not None else None
    async with runtime.write(actor) as tx:
        wanted = [Wanted(each) if isinstance(each, str) else each for each in roles]
        user = await users.create(tx, draft, roles=wanted)
        if password is not None:
            await access.require_over(tx, "credentials.write", user.id)
        await _complete(tx, user, hashed, link)
        return user


async def require_open(tx: Tx) -> None:
    """Raise unless people may register here now: Forbidden by the realm's rule, TooMany by network address."""
    if not (await realms.current(tx)).settings.self_registration:
        raise Forbidden("This realm does not allow self-registration.")
    await _spend(tx)


async def spend(runtime: Runtime, actor: Actor) -> None:
    """Count an account that somebody makes for another like one they make for themselves. Raises TooMany.

    For front doors where whoever is signed in may do so: every account sends a message to an address of their choice.
    """
    async with runtime.read(actor) as tx:
        await _spend(tx)


async def _spend(tx: Tx) -> None:
    address = limits.network(tx.actor.origin.address)
    wait = await limits.try_spend(tx, [(PER_ADDRESS, address)]) if address else 0
    if wait:
        raise TooMany(wait)


async def _prepared(runtime: Runtime, actor: Actor, draft: UserDraft, password: str) -> Prepared:
    return await passwords.prepare(runtime, actor, password, username=draft.username)


async def _complete(tx: Tx, user: User, hashed: Prepared | None, link: str | None) -> None:
    if hashed is not None:
        await passwords.store(tx, user.id, hashed)
    if link is not None and user.email_verified_at is None:
        await recovery.send_verification(tx, user, link)
