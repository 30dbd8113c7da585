"""PINs: setting them, and signing in with one on a trusted device. Anywhere else a PIN opens nothing."""

from roster.core.audit import service as audit
from roster.core.credentials import chosen, hashing, rules
from roster.core.credentials import service as credentials
from roster.core.credentials.chosen import ChosenKey, Prepared
from roster.core.credentials.models import Credential, Stored, asked_besides
from roster.core.flows import granting, guesses
from roster.core.flows.models import ClaimsFor, Granted, StepNeeded
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import BankIdRequired
from roster.core.realms import service as realms
from roster.core.sessions.models import Opening
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit.actor import Actor, Kind
from roster.kit.errors import BadCredentials, Forbidden, Unavailable
from roster.kit.ids import UserId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


async def set_pin(runtime: Runtime, actor: Actor, user_id: UserId, pin: str) -> Credential:
    """Set a person's PIN of 4 to 12 digits. One's own after a recent sign-in, else with `credentials.write`.

    Raises InvalidInput, StepUpRequired, Forbidden, Escalation, UserNotFound, TooMany, Unavailable.
    """
    rules.check_pin(pin)
    async with runtime.read(actor) as tx:
        user = await _require(tx, user_id)
        await credentials.spend_hashing(tx, user_id)
        realm = await realms.current(tx)
    name = realm.settings.key_derivation
    made = await runtime.workers.run(chosen.prepare, "pin", pin, name, user.username, realm.slug)
    async with runtime.write(actor) as tx:
        return await credentials.replace_pin(tx, user_id, made)


async def set_key(tx: Tx, user_id: UserId, key: bytes) -> Credential:
    """Set a person's PIN by the key that their client made of it. Raises as `set_pin` does."""
    chosen.check_key(key, "pin")
    user = await _require(tx, user_id)
    return await credentials.replace_pin(
        tx, user_id, Prepared(None, ChosenKey(key, "", user.username, tx.actor.realm_slug))
    )


async def sign_in(
    runtime: Runtime,
    actor: Actor,
    identifier: str,
    pin: str,
    *,
    claims: ClaimsFor | None = None,
    label: str = "",
) -> Granted | StepNeeded:
    """Sign in with a PIN on the device that acts, which has proved itself with its key.

    The session ends with the device's trust. People with a second factor get StepNeeded, unless the realm lets PINs
    skip it. Raises Forbidden for anybody but a device, BadCredentials, TooMany, Unavailable.
    """
    if actor.kind is not Kind.DEVICE or actor.origin.device_id is None:
        raise Forbidden("A PIN works on a trusted device only.")
    async with runtime.read(actor) as tx:
        user = await users.find_by_identifier(tx, identifier)
        key = guesses.key_of(user, identifier)
        await guesses.spend(tx, key)
        stored = await credentials.pin_of(tx, user.id if user else UserId(uuid7()))
    is_right = await _check(runtime, actor, stored, pin, key)
    if not is_right or user is None or stored is None or user.status != "active":
        async with runtime.write(actor) as tx:
            await audit.record(tx, "sign_in.failed", "user", user.id if user else None)
        raise BadCredentials
    async with runtime.write(actor) as tx:
        done = await _finish(tx, user, Opening(user.id, ("pin", "device"), stored.id, stored.version, label), claims)
    if isinstance(done, Granted):  # who lacks the second factor has guesses at that left, and no more
        async with runtime.read(actor) as tx:
            await guesses.succeeded(tx, user.id)
    return done


async def _finish(tx: Tx, user: User, opening: Opening, claims: ClaimsFor | None) -> Granted | StepNeeded:
    skipping = (await realms.current(tx)).settings.mfa_skipped_by
    asked = () if "pin" in skipping else await mfa.methods(tx, user.id)
    if "bankid" in asked:
        raise BankIdRequired
    factors = asked_besides(asked)
    if factors:
        return await granting.ask_for_second_factor(tx, opening, factors)
    return await granting.grant(tx, user, opening, claims)


async def _check(runtime: Runtime, actor: Actor, stored: Stored | None, pin: str, key: str) -> bool:
    """Whoever has no PIN costs one hash too."""
    known = [stored.hash] if stored and stored.hash else []
    try:
        _, verdict = await runtime.workers.run(hashing.verify_any, known, pin)
    except Unavailable:
        async with runtime.read(actor) as tx:
            await guesses.undone(tx, key)
        raise
    return verdict.ok


async def _require(tx: Tx, user_id: UserId) -> User:
    """Whoever signs each request changes their own PIN by that: without a trusted device it opens nothing."""
    actor = tx.actor
    if not (actor.is_in_person(user_id) and credentials.signs(actor)):
        await credentials.require_write(tx, user_id)
    elif actor.may("devices.write") or actor.may("devices.bind"):
        await credentials.require_whole(tx, user_id)
    user = await users.tx_maybe(tx, user_id)
    if user is None:
        raise UserNotFound
    return user
