"""A person's record, password and roles, changed in one use case: all of it is stored, or nothing is."""

from collections.abc import Collection, Sequence

from roster.core.access import service as access
from roster.core.access.models import Assignment, Wanted
from roster.core.flows import guesses, passwords
from roster.core.sessions import service as sessions
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import StepUpRequired
from roster.kit.ids import UserId
from roster.kit.patch import UNSET
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_FACILITY = "facility"


async def change(
    runtime: Runtime,
    actor: Actor,
    user_id: UserId,
    changed: UserChange,
    *,
    version: int | None = None,
    password: str | None = None,
    wanted: Sequence[Wanted] | None = None,
    facilities: Sequence[str] | None = None,
    spoken: Collection[str] | None = None,
) -> User:
    """Change a person; what is None stays as it is.

    `wanted` are all roles from now on. `facilities` become the facilities of every role, of those before or of those
    wanted, that is limited to some. `spoken` are the kinds of context that the caller has words for: limits of other
    kinds that a role had stay with it. Raises as `users.change`, `access.set_assignments` and `passwords.set_password`.
    """
    hashed = await passwords.prepare_for(runtime, actor, user_id, password) if password is not None else None
    async with runtime.write(actor) as tx:
        user = await users.change(tx, user_id, changed, version=version)
        if wanted is not None or facilities is not None:
            held = await access.assignments_of(tx, user_id)
            await access.set_assignments(tx, user_id, _roles(held, wanted, facilities, spoken))
        if hashed is not None:
            await passwords.replace(tx, user_id, hashed)
        return user


async def attach(tx: Tx, user_id: UserId, facility: str) -> None:
    """Let every role of the person that is limited to facilities hold in one more; doing it again changes nothing.

    Needs `users.write` too where something changes. Raises as `access.widen`.
    """
    if await access.widen(tx, user_id, _FACILITY, facility):
        await access.require_over(tx, "users.write", user_id)
        await access.require_not_above(tx, user_id)


async def change_own_credentials(
    runtime: Runtime, actor: Actor, current: str, *, password: str | None = None, email: str | None = None
) -> User:
    """Change one's own password, address, or both, knowing the present password.

    Other sessions end, and no refresh token is good any more, that of the present session included. Raises
    WrongPassword, which counts like every guess, InvalidInput, EmailTaken, StepUpRequired, TooMany, Unavailable.
    """
    user_id = actor.user_id
    if user_id is None:
        raise StepUpRequired
    confirmed = await passwords.confirm(runtime, actor, current)
    hashed = await passwords.prepare_for(runtime, confirmed, user_id, password) if password is not None else None
    async with runtime.write(confirmed) as tx:
        user = await users.change(tx, user_id, UserChange(email=UNSET if email is None else email))
        if hashed is not None:
            await passwords.replace(tx, user_id, hashed)
        await sessions.cut(tx, user_id, "credentials_changed", keep=actor.session_id)
        if actor.session_id is not None:
            await sessions.void_refresh(tx, actor.session_id)
    async with runtime.read(confirmed) as tx:
        await guesses.forgiven(tx, user_id)
    return user


def _roles(
    held: Sequence[Assignment],
    wanted: Sequence[Wanted] | None,
    facilities: Sequence[str] | None,
    spoken: Collection[str] | None,
) -> list[Wanted]:
    if wanted is None:
        roles = [Wanted(each.role_name, each.contexts) for each in held]
    else:
        roles = [Wanted(each.role, {**_unspoken(held, each.role, spoken), **each.contexts}) for each in wanted]
    return roles if facilities is None else [_placed(each, facilities) for each in roles]


def _unspoken(held: Sequence[Assignment], role: str, spoken: Collection[str] | None) -> dict[str, list[str]]:
    """Limits of this role that the caller could neither see nor mean to lift."""
    if spoken is None:
        return {}
    before = (each.contexts for each in held if fold(each.role_name) == fold(role))
    return {kind: values for contexts in before for kind, values in contexts.items() if kind not in spoken}


def _placed(wanted: Wanted, facilities: Sequence[str]) -> Wanted:
    if _FACILITY not in wanted.contexts:
        return wanted
    return Wanted(wanted.role, {**wanted.contexts, _FACILITY: list(facilities)})
