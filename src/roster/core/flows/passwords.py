"""Setting a password: one's own, another's, or a lost one. Other sessions end, and open proofs become useless."""

from typing import Final

import msgspec

from roster.core.access import recent
from roster.core.access import service as access
from roster.core.credentials import chosen, hashing, rules
from roster.core.credentials import service as credentials
from roster.core.credentials.chosen import ChosenKey, Prepared
from roster.core.credentials.errors import CredentialExists, WrongPassword
from roster.core.credentials.models import Credential, Stored
from roster.core.flows import guesses
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.sessions import service as sessions
from roster.core.tokens import proofs
from roster.core.tokens.models import Purpose
from roster.core.users import notices
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, StepUpRequired, Unavailable
from roster.kit.ids import ProofId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_KEYS: Final = frozenset({"api_key", "personal"})
"""What was left with a program. It must not be enough, with a password, to shut out whoever has a second factor."""


async def set_password(
    runtime: Runtime,
    actor: Actor,
    user_id: UserId,
    new: str,
    *,
    current: str | None = None,
    only_first: bool = False,
) -> Credential:
    """Set a person's password; with `only_first` it must be their first one.

    One's own needs the current password, a recent sign-in, or for the very first one a recent session of any kind.
    Another's needs `credentials.write` and no fewer permissions than they have. An actor who holds a proof for
    recovery may set the password of that person, once. All other sessions of the person end.
    Raises InvalidInput, WrongPassword, StepUpRequired, Forbidden, Escalation, InvalidToken, UserNotFound,
    CredentialExists, TooMany, Unavailable.
    """
    hashed = await prepare_for(runtime, actor, user_id, new, current=current, only_first=only_first)
    async with runtime.write(actor) as tx:
        if actor.proof is not None:
            await _spend_proof(tx, user_id)
        credential = await replace(tx, user_id, hashed, only_first=only_first)
    async with runtime.read(actor) as tx:
        await guesses.forgiven(tx, user_id)
    return credential


async def prepare_for(
    runtime: Runtime,
    actor: Actor,
    user_id: UserId,
    new: str,
    *,
    current: str | None = None,
    only_first: bool = False,
) -> Prepared:
    """The forms of a password that the actor may give this person, for `replace`. Raises as `set_password` does.

    One's own takes the place of the very one that there was: while it is hashed its owner may have set another, and
    ended the session that asks.
    """
    async with runtime.read(actor) as tx:
        await _require(tx, user_id, current)
        realm = await realms.current(tx)
        rules.check(new, realm.settings.password_min_length)
        user = await users.tx_maybe(tx, user_id)
        await credentials.spend_hashing(tx, user_id)
        stored = await credentials.password_of(tx, user_id)
        if only_first and stored is not None:
            raise CredentialExists
        if actor.is_in_person(user_id) and actor.proof is None and current is None:
            await _require_fresh(tx, stored)
    if current is not None and actor.is_in_person(user_id):
        await _check_current(runtime, actor, user_id, stored, current)
    made = await _prepared(runtime, realm, user.username if user else None, new)
    if actor.proof is not None or not actor.is_in_person(user_id):
        return made
    return msgspec.structs.replace(made, over=stored.version if stored else chosen.NONE)


async def confirm(runtime: Runtime, actor: Actor, current: str) -> Actor:
    """The actor as one who has just signed in, because they know their password.

    Raises WrongPassword, which counts like every guess, StepUpRequired for those who came without a session, TooMany,
    Unavailable.
    """
    user_id = actor.user_id
    if user_id is None or actor.session_id is None or not actor.is_in_person(user_id):
        raise StepUpRequired
    async with runtime.read(actor) as tx:
        stored = await credentials.password_of(tx, user_id)
    await _check_current(runtime, actor, user_id, stored, current)
    async with runtime.read(actor) as tx:
        await guesses.succeeded(tx, user_id)
        return msgspec.structs.replace(actor, authenticated_at=tx.now, factors=("password", *actor.factors))


async def change_knowing(runtime: Runtime, actor: Actor, user_id: UserId, old: str, new: str) -> None:
    """Replace a password by whoever knows the present one, which the person is told by mail.

    One's own, however one came but with a key of one's own; another's with `credentials.write`. Other sessions end.
    Raises UserNotFound, WrongPassword, InvalidInput, StepUpRequired, Forbidden, Escalation, TooMany, Unavailable.
    """
    async with runtime.read(actor) as tx:
        user = await users.tx_maybe(tx, user_id)
        if user is None:
            raise UserNotFound
        recent.require_no_application(tx, user_id)
        if not actor.is_in_person(user_id):
            await access.require_over(tx, "credentials.write", user_id)
            await access.require_not_above(tx, user_id)
        elif not _KEYS.isdisjoint(actor.factors):
            raise StepUpRequired
    version = await require_current(runtime, actor, user_id, old)
    hashed = await prepare(runtime, actor, new, username=user.username)
    async with runtime.write(actor) as tx:
        try:
            await replace(tx, user_id, msgspec.structs.replace(hashed, over=version))
        except StepUpRequired:  # another was set meanwhile
            raise WrongPassword from None
        await notices.tell(tx, user, "password_changed")


async def require_current(runtime: Runtime, actor: Actor, user_id: UserId, current: str) -> int:
    """Raise WrongPassword unless this is the person's password; counts like every guess. TooMany, Unavailable too.

    Whoever calls decides who may ask. The version of the password.
    """
    async with runtime.read(actor) as tx:
        stored = await credentials.password_of(tx, user_id)
    await _check_current(runtime, actor, user_id, stored, current)
    async with runtime.read(actor) as tx:
        await guesses.succeeded(tx, user_id)
    return stored.version if stored else chosen.NONE


async def prepare(runtime: Runtime, actor: Actor, new: str, *, username: str | None = None) -> Prepared:
    """The forms of a password that the realm's rules allow, for `store`. Raises InvalidInput, Unavailable.

    Where the realm derives keys, one is made for the person who is to have this username.
    """
    async with runtime.read(actor) as tx:
        realm = await realms.current(tx)
        rules.check(new, realm.settings.password_min_length)
    return await _prepared(runtime, realm, username, new)


async def _prepared(runtime: Runtime, realm: Realm, username: str | None, new: str) -> Prepared:
    name = realm.settings.key_derivation
    if username is None or name == "none":
        return Prepared(await runtime.workers.run(hashing.hash_secret, new))
    return await runtime.workers.run(chosen.prepare, "password", new, name, username.strip(), realm.slug)


async def set_key(tx: Tx, user_id: UserId, key: bytes) -> Credential:
    """Set a person's password by the key that their client made of it; nobody else knows it.

    A typed password works then only where the realm says how keys are derived. One's own by signing with the present
    password's key, with another key and `credentials.own`, or after a recent sign-in, else as `set_password`. Other
    sessions of the person end.
    Raises InvalidInput, StepUpRequired, Forbidden, Escalation, UserNotFound.
    """
    await credentials.require_renewal(tx, user_id)
    chosen.check_key(key, "password")
    user = await users.tx_maybe(tx, user_id)
    if user is None:
        raise UserNotFound
    return await replace(tx, user_id, Prepared(None, ChosenKey(key, "", user.username, tx.actor.realm_slug)))


async def replace(tx: Tx, user_id: UserId, hashed: Prepared, *, only_first: bool = False) -> Credential:
    """Set a password that `prepare_for` hashed: part of a larger use case. All other sessions of the person end."""
    credential = await credentials.replace_password(tx, user_id, hashed, only_first=only_first)
    own = tx.actor.is_in_person(user_id)
    await sessions.cut(tx, user_id, "password_changed", keep=tx.actor.session_id if own else None)
    await proofs.void(tx, user_id)
    return credential


async def store(tx: Tx, user_id: UserId, hashed: Prepared) -> Credential:
    """Give a person who was just made, in the same transaction, a first password that `prepare` hashed."""
    return await credentials.replace_password(tx, user_id, hashed, only_first=True)


async def recover(runtime: Runtime, actor: Actor, token: str, new: str, *, telling: bool = False) -> UserId:
    """Set a new password with the token of a recovery message; whose it was. Signs nobody in, so MFA is not bypassed.

    With `telling` the person is told by mail. Raises InvalidToken, InvalidInput, Unavailable.
    """
    async with runtime.read(actor) as tx:
        proved = await proofs.recovering(tx, actor, token)
    if proved.acting_for is None:
        raise Forbidden
    await set_password(runtime, proved, proved.acting_for, new)
    if telling:
        async with runtime.write(actor) as tx:
            user = await users.tx_maybe(tx, proved.acting_for)
            if user is not None:
                await notices.tell(tx, user, "password_changed")
    return proved.acting_for


async def _require(tx: Tx, user_id: UserId, current: str | None) -> None:
    if tx.actor.proof is not None:
        if tx.actor.proof != Purpose.RECOVER_PASSWORD or tx.actor.acting_for != user_id:
            raise Forbidden
        return
    recent.require_no_application(tx, user_id)
    if not tx.actor.is_in_person(user_id):
        await access.require_over(tx, "credentials.write", user_id)
        await access.require_not_above(tx, user_id)
    if await users.tx_maybe(tx, user_id) is None:
        raise UserNotFound
    if current is not None and tx.actor.is_in_person(user_id) and tx.actor.session_id is None:
        raise StepUpRequired


async def _require_fresh(tx: Tx, stored: Stored | None) -> None:
    if stored is not None:
        await recent.require_recent_sign_in(tx)
    elif not await recent.is_recent(tx):
        raise StepUpRequired


async def _check_current(runtime: Runtime, actor: Actor, user_id: UserId, stored: Stored | None, current: str) -> None:
    """A stolen session must not become a way to guess the password: these guesses count like those at sign-in."""
    key = str(user_id)
    async with runtime.read(actor) as tx:
        await guesses.spend(tx, key)
    try:
        known = [stored.hash] if stored and stored.hash else []
        _, verdict = await runtime.workers.run(hashing.verify_any, known, current)
    except Unavailable:
        async with runtime.read(actor) as tx:
            await guesses.undone(tx, key)
        raise
    if not verdict.ok:
        raise WrongPassword


async def _spend_proof(tx: Tx, user_id: UserId) -> None:
    """Once, by somebody who may sign in, and only while the address it was mailed to is theirs.

    Until now nobody has shown that the address is theirs: whoever registered it may have been somebody else. They must
    not keep a second way in, so all there is goes; a second factor, which alone opens nothing, stays.
    """
    if tx.actor.credential_id is None:
        raise InvalidToken
    proof = await proofs.find(tx, ProofId(tx.actor.credential_id), Purpose.RECOVER_PASSWORD, user_id)
    user = await recovery.still_addressed(tx, proof)
    if user.status != "active":
        raise InvalidToken
    await proofs.spend(tx, proof.id, Purpose.RECOVER_PASSWORD)
    if user.email_verified_at is None:
        await credentials.remove_other_ways(tx, user_id)
        await users.mark_verified(tx, user, "email")
