"""Signing in through an external provider, whose word the caller has already checked.

An identity belongs to whom it was attached; else to whom the e-mail address belongs, when it is verified on both
sides; else to a new person. An address that only one side has verified proves nothing: whoever registered it here
first, or claims it there, could otherwise take over the other's account.
"""

import re
from collections.abc import Iterator
from typing import Final

from roster.core.access import recent
from roster.core.credentials import identities
from roster.core.credentials.errors import CredentialExists
from roster.core.credentials.identities import Attached
from roster.core.credentials.models import Identity, asked_besides
from roster.core.flows import granting, signup
from roster.core.flows.errors import LinkRequired
from roster.core.flows.models import ClaimsFor, Granted, StepNeeded
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import BankIdRequired
from roster.core.realms import service as realms
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Opening
from roster.core.users import normal
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from roster.core.users.models import User, UserDraft
from roster.kit import secrets
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_FACTOR: Final = "external"
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+")


async def sign_in(
    runtime: Runtime, actor: Actor, identity: Identity, *, claims: ClaimsFor | None = None
) -> Granted | StepNeeded:
    """Sign in, or register, by an external identity; an actor who is signed in gets it attached instead.

    Raises BadCredentials for people who may not sign in, LinkRequired, Forbidden when a new person may not register,
    StepUpRequired, BankIdRequired, TooMany.
    """
    if actor.user_id is not None and actor.session_id is not None:
        return await _attach(runtime, actor, actor.user_id, identity, claims)
    async with runtime.write(actor) as tx:
        found = await _find(tx, identity)
        if found is not None:
            return await _grant(tx, found, claims)
    await _require_open(runtime, actor)
    return await _register(runtime, actor, identity, claims)


async def _attach(
    runtime: Runtime, actor: Actor, user_id: UserId, identity: Identity, claims: ClaimsFor | None
) -> Granted:
    async with runtime.write(actor) as tx:
        await recent.require_recent_sign_in(tx)
        await identities.attach(tx, user_id, identity)
        user = await users.tx_maybe(tx, user_id)
        if user is None or actor.session_id is None:
            raise UserNotFound
        return await granting.tokens_for(tx, user, await sessions.get(tx, actor.session_id), claims)


async def _find(tx: Tx, identity: Identity) -> Attached | None:
    known = await identities.find(tx, identity)
    if known is not None or identity.email is None:
        return known
    user = await users.find_by_identifier(tx, identity.email)
    if user is None or user.email is None or not _is_same_mailbox(user.email, identity.email):
        return None
    if not identity.email_verified or user.email_verified_at is None:
        if (await realms.current(tx)).settings.email_unique:
            raise LinkRequired
        return None
    if user.status != "active":
        raise BadCredentials
    return await identities.attach(tx, user.id, identity)


def _is_same_mailbox(here: str, there: str) -> bool:
    found = normal.email(there)
    return isinstance(found, tuple) and normal.is_same_mailbox(here, found[0])


async def _grant(tx: Tx, attached: Attached, claims: ClaimsFor | None) -> Granted | StepNeeded:
    realm = await realms.current(tx)
    user = await users.tx_maybe(tx, attached.user_id)
    if user is None or user.status != "active" or realm.status != "active":
        raise BadCredentials
    opening = Opening(user.id, (_FACTOR,), attached.id, attached.version)
    asked = () if _FACTOR in realm.settings.mfa_skipped_by else await mfa.methods(tx, user.id)
    if "bankid" in asked:
        raise BankIdRequired
    factors = asked_besides(asked)
    if factors:
        return await granting.ask_for_second_factor(tx, opening, factors)
    return await granting.grant(tx, user, opening, claims)


async def _require_open(runtime: Runtime, actor: Actor) -> None:
    async with runtime.read(actor) as tx:
        await signup.require_open(tx)


async def _register(
    runtime: Runtime, actor: Actor, identity: Identity, claims: ClaimsFor | None
) -> Granted | StepNeeded:
    """A taken name is no reason to fail: the person can change it later."""
    for username in _names(identity):
        try:
            async with runtime.write(actor) as tx:
                user = await _create(tx, identity, username)
                return await _grant(tx, await identities.attach(tx, user.id, identity), claims)
        except UsernameTaken:
            continue
        except (EmailTaken, CredentialExists):
            return await _found_meanwhile(runtime, actor, identity, claims)
    raise UsernameTaken


async def _found_meanwhile(
    runtime: Runtime, actor: Actor, identity: Identity, claims: ClaimsFor | None
) -> Granted | StepNeeded:
    """The same person in another tab was quicker, or the address belongs to somebody who is deleted."""
    async with runtime.write(actor) as tx:
        found = await _find(tx, identity)
        if found is None:
            raise LinkRequired
        return await _grant(tx, found, claims)


async def _create(tx: Tx, identity: Identity, username: str) -> User:
    draft = UserDraft(
        username=username,
        email=identity.email,
        display_name=_line(identity.display_name),
        given_name=_line(identity.given_name),
        family_name=_line(identity.family_name),
    )
    user = await users.register(tx, draft)
    return await users.mark_verified(tx, user, "email") if identity.email_verified and user.email else user


def _names(identity: Identity) -> Iterator[str]:
    wished = identity.username or (identity.email or "").partition("@")[0] or identity.provider
    name = _NOT_IN_NAMES.sub("", wished.partition("@")[0]).strip("._-")[:64] or identity.provider
    if isinstance(normal.username(name), tuple):
        yield name
    for _ in range(3):
        yield f"{name}-{secrets.token(6).lower()}"


def _line(text: str | None) -> str | None:
    return text[:200] if text else None
