"""Signing in: by a secret, by a second factor, by a refresh token; and signing out.

Whoever fails gets one answer at one price: unknown, disabled and deleted people and those without a password cost the
same statements and one hash too. Where it must wait for a hash, no connection is held.
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.credentials import chosen, hashing
from roster.core.credentials import service as credentials
from roster.core.credentials.chosen import ChosenKey
from roster.core.credentials.models import Candidates, Kind, Stored
from roster.core.flows import granting, guesses
from roster.core.flows.models import ClaimsFor, Granted, StepNeeded, Terms
from roster.core.limits.service import Policy
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import BankIdRequired
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.sessions import activity
from roster.core.sessions import service as sessions
from roster.core.sessions.errors import SessionNotFound
from roster.core.sessions.models import Opening
from roster.core.tokens import proofs
from roster.core.tokens.models import Proof, Purpose
from roster.core.users import meant
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidToken, Unavailable
from roster.kit.ids import CredentialId, UserId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_USUAL: Final = Terms()


class _Attempt(msgspec.Struct, frozen=True):
    actor: Actor
    realm: Realm
    user: User | None
    candidates: Candidates
    key: str
    terms: Terms

    def factors_after(self, kind: str) -> tuple[str, ...]:
        """What is asked for besides a secret of this kind."""
        return () if kind in self.realm.settings.mfa_skipped_by else self.candidates.second_factors


class _Typed(msgspec.Struct, frozen=True):
    secret: str
    code: str | None
    is_texted: bool


class _Proved(msgspec.Struct, frozen=True):
    """Which stored secret was right; `renewed` is its hash in our own form, when it was foreign or outdated.

    `key` is what clients make of the password, when the realm wants that and it is not stored yet.
    """

    user: User
    stored: Stored
    renewed: str | None = None
    key: ChosenKey | None = None


async def password(
    runtime: Runtime,
    actor: Actor,
    identifier: str,
    secret: str,
    *,
    code: str | None = None,
    claims: ClaimsFor | None = None,
    label: str = "",
    limit: Policy | None = None,
    kinds: Collection[Kind] | None = None,
    terms: Terms = _USUAL,
) -> Granted | StepNeeded:
    """Sign in with an identifier and a secret: a password, a device secret, an API key or a backup code.

    People with a second factor need `code` too, or get StepNeeded, unless the realm lets this kind of secret skip it.
    `limit` is how many may sign in to the realm in this way; `kinds` are the only secrets taken, if given.
    Raises BadCredentials, TooMany, Unavailable, what the `terms` raise, and BankIdRequired for a right secret where
    only BankID opens the account.
    """
    attempt = await _prepare(runtime, actor, identifier, secret, terms, limit=limit)
    try:
        done = await _try(runtime, attempt, secret, code=code, claims=claims, label=label, kinds=kinds)
    except Unavailable:
        async with runtime.read(attempt.actor) as tx:
            await guesses.undone(tx, attempt.key)
        raise
    except (BadCredentials, BankIdRequired):
        await _note_failure(runtime, attempt.actor, attempt.user.id if attempt.user else None)
        raise
    if isinstance(done, Granted):
        guesses.give_back_soon(runtime, attempt.actor)
    return done


async def check(runtime: Runtime, actor: Actor, identifier: str, secret: str, *, terms: Terms = _USUAL) -> User:
    """Whose password this is, for programs that sign people in by themselves: no session is opened.

    Second factors are theirs to ask for. Needs `credentials.write`; guesses count as at sign-in. Raises as `password`.
    """
    async with runtime.read(actor) as tx:
        access.require(tx, "credentials.write")
    attempt = await _prepare(runtime, actor, identifier, secret, terms)
    try:
        proved = await _prove_active(runtime, attempt, secret, (Kind.PASSWORD,))
        async with runtime.write(attempt.actor) as tx:
            if terms.require is not None:
                await terms.require(tx, proved.user)
            if proved.renewed is not None:
                await credentials.rehash(tx, proved.stored, proved.renewed)
    except BadCredentials:
        await _note_failure(runtime, attempt.actor, attempt.user.id if attempt.user else None)
        raise
    except Unavailable:
        async with runtime.read(attempt.actor) as tx:
            await guesses.undone(tx, attempt.key)
        raise
    async with runtime.read(attempt.actor) as tx:
        if attempt.candidates.second_factors:
            await guesses.undone(tx, attempt.key)  # guesses at these are counted together, and stay so
        else:
            await guesses.succeeded(tx, proved.user.id)
    return proved.user


async def _prove_active(runtime: Runtime, attempt: _Attempt, secret: str, kinds: Collection[Kind] | None) -> _Proved:
    """What was right about the secret of somebody who may sign in. Raises BadCredentials."""
    proved = await _prove(runtime, attempt, secret)
    if proved is not None and kinds is not None and proved.stored.kind not in kinds:
        raise BadCredentials
    if proved is None or attempt.user is None or attempt.user.status != "active" or attempt.realm.status != "active":
        raise BadCredentials
    return proved


async def _try(
    runtime: Runtime,
    attempt: _Attempt,
    secret: str,
    *,
    code: str | None,
    claims: ClaimsFor | None,
    label: str,
    kinds: Collection[Kind] | None,
) -> Granted | StepNeeded:
    proved = await _prove_active(runtime, attempt, secret, kinds)
    is_texted = code is not None and await _counted(runtime, attempt.actor, proved.user.id)
    typed = _Typed(secret, code, is_texted)
    unit = runtime.write_once if _is_one_change(attempt, proved) else runtime.write
    async with unit(attempt.actor) as tx:
        return await _finish(tx, attempt, proved, typed, claims=claims, label=label)


def _is_one_change(attempt: _Attempt, proved: _Proved) -> bool:
    """Whether opening the session is the one change that is made, which is one statement and needs no transaction."""
    stored, terms = proved.stored, attempt.terms
    if stored.kind == Kind.BACKUP or proved.renewed is not None or proved.key is not None:
        return False
    return terms.require is None and terms.refresh_for is None and not attempt.factors_after(stored.kind)


async def _counted(runtime: Runtime, actor: Actor, user_id: UserId) -> bool:
    """Whether the code may be one that was texted; counted as a guess at it, which outlives a refusal."""
    async with runtime.read(actor) as tx:
        return await mfa.count_guess(tx, user_id)


async def _note_failure(runtime: Runtime, actor: Actor, user_id: UserId | None) -> None:
    """Failures are in the trail too, also those of names that nobody has."""
    async with runtime.write_once(actor) as tx:
        await audit.record(tx, "sign_in.failed", "user", user_id)


async def _prepare(
    runtime: Runtime, actor: Actor, identifier: str, secret: str, terms: Terms, *, limit: Policy | None = None
) -> _Attempt:
    async with runtime.read(actor) as tx:
        realm = await realms.current(tx)
        user, rows = await _count(tx, identifier, terms)
        key, user_id = guesses.key_of(user, identifier), user.id if user else UserId(uuid7())
        if limit is not None:
            await guesses.spend_shared(tx, limit, key)
        candidates = await credentials.candidates(tx, user_id, secret, rows)
    actor = msgspec.structs.replace(actor, realm_version=realm.version)
    return _Attempt(actor, realm, user, candidates, key, terms)


async def _count(tx: Tx, identifier: str, terms: Terms) -> tuple[User | None, list[Any]]:
    """Count the guess at whoever is meant; who that is, and what there is to know of their credentials."""
    if terms.find is None:
        whom = await meant.asked(tx, identifier)
        person, rows = await guesses.spend_and_ask(tx, identifier, whom, credentials.asked(tx))
        return meant.of_rows(person), rows
    user = await terms.find(tx, identifier)
    _, rows = await guesses.spend_and_ask(tx, identifier, meant.known(user), credentials.asked(tx))
    return user, rows


async def _prove(runtime: Runtime, attempt: _Attempt, secret: str) -> _Proved | None:
    candidates, user = attempt.candidates, attempt.user
    if candidates.digested is not None and user is not None:
        return _Proved(user, candidates.digested)
    hashes = [stored.hash or "" for stored in candidates.hashed]
    place, verdict = await runtime.workers.run(hashing.verify_any, hashes, secret)
    if not verdict.ok or user is None:
        return None
    renewed = await runtime.workers.run(hashing.hash_secret, secret) if verdict.needs_rehash else None
    stored = candidates.hashed[place]
    return _Proved(user, stored, renewed, await _derived(runtime, attempt, stored, secret))


async def _derived(runtime: Runtime, attempt: _Attempt, stored: Stored, secret: str) -> ChosenKey | None:
    """The password's key, where it is missing, or was made for a name that the person no longer has."""
    name, user = attempt.realm.settings.key_derivation, attempt.user
    if stored.kind != Kind.PASSWORD or user is None or name == "none":
        return None
    if stored.sealed is not None and stored.data.get("username") == user.username:
        return None
    return await runtime.workers.run(chosen.derive, name, "password", secret, user.username, attempt.realm.slug)


async def _finish(
    tx: Tx,
    attempt: _Attempt,
    proved: _Proved,
    typed: _Typed,
    *,
    claims: ClaimsFor | None,
    label: str,
) -> Granted | StepNeeded:
    stored, user = proved.stored, proved.user
    if stored.kind == Kind.BACKUP and not await credentials.spend_backup(tx, user.id, typed.secret):
        raise BadCredentials
    if proved.renewed is not None:
        await credentials.rehash(tx, stored, proved.renewed)
    if proved.key is not None:
        await credentials.keep_key(tx, user.id, stored, proved.key)
    if attempt.terms.require is not None:
        await attempt.terms.require(tx, user)
    opening = Opening(user.id, (stored.kind,), stored.id, stored.version, label, attempt.terms.lasting)
    if attempt.candidates.has_bankid and stored.kind not in attempt.realm.settings.mfa_skipped_by:
        raise BankIdRequired
    factors = attempt.factors_after(stored.kind)
    if factors and typed.code is None:
        return await granting.ask_for_second_factor(tx, opening, factors)
    if factors and typed.code is not None:
        opening = await _with_code(tx, opening, typed.code, is_texted=typed.is_texted)
    activity.touch_key(tx.runtime, tx.realm_id, stored.id, None, tx.now)
    along = guesses.succeeding(tx, user.id)
    return await granting.grant(tx, user, opening, claims, refresh_for=attempt.terms.refresh_for, along=along)


async def _with_code(tx: Tx, opening: Opening, code: str, *, is_texted: bool) -> Opening:
    factor = await mfa.check(tx, opening.user_id, code, is_texted=is_texted)
    if factor is None:
        raise BadCredentials
    return msgspec.structs.replace(opening, factors=(*opening.factors, factor))


async def second_factor(
    runtime: Runtime,
    actor: Actor,
    proof: str,
    code: str,
    *,
    claims: ClaimsFor | None = None,
    refresh_for: int | None = None,
) -> Granted:
    """Finish a sign-in with the proof of its first step and a TOTP or backup code.

    The proof may be tried again after a wrong code, until the person's guesses are used up. Raises InvalidToken for
    the proof, BadCredentials for the code, TooMany.
    """
    async with runtime.read(actor) as tx:
        step = await proofs.read(tx, proof, Purpose.MFA_STEP)
        await guesses.spend(tx, str(step.user_id))
        typed = _Typed("", code, await mfa.count_guess(tx, step.user_id))
    try:
        granted = await _finish_step(runtime, actor, step, typed, claims=claims, refresh_for=refresh_for)
    except BadCredentials:
        await _note_failure(runtime, actor, step.user_id)
        raise
    guesses.give_back_soon(runtime, actor)
    return granted


async def is_step(runtime: Runtime, actor: Actor, text: str) -> bool:
    """Whether a text is the proof of a first step that still can be finished."""
    async with runtime.read(actor) as tx:
        return await _step(tx, text) is not None


async def abandon(tx: Tx, text: str) -> bool:
    """Make the proof of a first step useless; False for any other text."""
    step = await _step(tx, text)
    if step is not None:
        await proofs.spend(tx, step.id, Purpose.MFA_STEP)
    return step is not None


async def _step(tx: Tx, text: str) -> Proof | None:
    try:
        return await proofs.read(tx, text, Purpose.MFA_STEP)
    except InvalidToken:
        return None


async def _finish_step(
    runtime: Runtime,
    actor: Actor,
    step: Proof,
    typed: _Typed,
    *,
    claims: ClaimsFor | None,
    refresh_for: int | None,
) -> Granted:
    async with runtime.write(actor) as tx:
        user = await users.tx_maybe(tx, step.user_id)
        if user is None or user.status != "active":
            raise BadCredentials
        opening = await _with_code(tx, _opening_of(step), typed.code or "", is_texted=typed.is_texted)
        await proofs.spend(tx, step.id, Purpose.MFA_STEP)
        along = guesses.succeeding(tx, user.id)
        return await granting.grant(tx, user, opening, claims, refresh_for=refresh_for, along=along)


def _opening_of(step: Proof) -> Opening:
    data = msgspec.convert(step.data, _Step)
    credential_id = CredentialId(data.credential) if data.credential else None
    return Opening(step.user_id, data.factors, credential_id, data.version, data.label, data.lasting)


class _Step(msgspec.Struct, frozen=True):
    factors: tuple[str, ...]
    credential: UUID | None
    version: int
    label: str
    lasting: int | None = None


async def refresh(runtime: Runtime, actor: Actor, text: str, *, claims: ClaimsFor | None = None) -> Granted:
    """New tokens for a refresh token, which is spent. Raises InvalidToken for every reason."""
    refreshed = await sessions.refresh(runtime, actor, text)
    async with runtime.read(actor) as tx:
        user = await users.tx_maybe(tx, refreshed.session.user_id)
        if user is None:
            raise InvalidToken
        return await granting.tokens_for(tx, user, refreshed.session, claims)


async def renew(tx: Tx, *, claims: ClaimsFor | None = None) -> Granted:
    """A fresh access token for the session that the actor came with, which lasts longer by it.

    For front doors that know no refresh tokens; one that another front door gave out stays good.
    Raises InvalidToken for those who came without a session, or whose session has ended meanwhile.
    """
    user = await users.tx_maybe(tx, tx.actor.user_id) if tx.actor.user_id else None
    if user is None or tx.actor.session_id is None:
        raise InvalidToken
    try:
        session = await sessions.extend(tx, tx.actor.session_id)
    except SessionNotFound:
        raise InvalidToken from None
    return await granting.tokens_for(tx, user, session, claims)


async def sign_out(tx: Tx) -> None:
    """End the session that the actor came with. Raises SessionNotFound for those who came without one."""
    if tx.actor.session_id is None:
        raise SessionNotFound
    await sessions.end(tx, tx.actor.session_id)
