"""Finding out who signed a request (Hawk), in the order of the library's server part: MAC, payload, nonce, clock.

A worker remembers opened keys under their identifiers; whether key, person, device and realm are still what they were
is for the store to say (`standing.py`). Whatever is wrong, the caller learns nothing but that the signature is not
good; unknown names cost what wrong signatures cost.
"""

from typing import Final

import msgspec

from roster.core.access import service as access
from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.sessions import activity
from roster.core.signed import checks, guessing, identifiers, keys, standing, store
from roster.core.signed.errors import NotSigned
from roster.core.signed.identifiers import Named
from roster.core.signed.keys import Signer
from roster.core.signed.models import Holder, Known, Signed, Standing
from roster.kit import actor as actors
from roster.kit import hawk
from roster.kit.actor import Actor, Kind, Origin
from roster.kit.errors import Forbidden, InvalidToken
from roster.kit.ids import DeviceId
from roster.storage.memory import Memory
from roster.storage.runtime import Runtime
from roster.storage.trimming import trim_all
from roster.storage.tx import Tx

_KNOWN: Final = Memory[str, Known]("signing keys", 10_000)
_NO_KEY: Final = bytes(32)
_SWEPT: Final = 5_000


async def authenticate(tx: Tx, realm_slug: str, request: Signed, origin: Origin) -> Actor:
    """Whoever signed this request to this realm; also left in `tx.actor`. Not inside a transaction.

    Raises InvalidToken, for whatever reason, with StaleClock, Replayed and WrongPayload to those who have the key;
    TooMany for passwords and PINs that were guessed too often, and where too many wrong signatures come from;
    Forbidden for a name the signer may not act in; RealmNotFound for a realm that is none of the signer's.
    """
    named = identifiers.read(request.header.id)
    if named is None:
        raise InvalidToken
    try:
        find = _plain if named.is_plain else _other
        signer = await find(tx, named, request, origin)
    except NotSigned:
        await guessing.unsigned(tx, realm_slug, origin)
        raise InvalidToken from None
    tx.actor = await _in_realm(tx, signer, realm_slug)
    if named.possessed is not None:
        tx.actor = await _possess(tx, tx.actor, named)
    return tx.actor


async def sweep(runtime: Runtime) -> None:
    """Forget nonces that no clock lets through any more."""
    await trim_all(runtime, store.sweep, _SWEPT)


# a person's key, remembered


async def _plain(tx: Tx, named: Named, request: Signed, origin: Origin) -> Actor:
    known = _KNOWN.recall(tx.runtime, request.header.id)
    if known is not None and hawk.is_signed(known.key, request.header, request.target):
        found = await standing.of(tx, known, request, origin)
        if found is not None:
            return _of_key(known, found, origin)
    known = await _look_up(tx, named, request)
    found = await standing.of(tx, known, request, origin)
    if found is None:
        raise InvalidToken
    return _of_key(known, found, origin)


async def _look_up(tx: Tx, named: Named, request: Signed) -> Known:
    """The key as the store has it, which has signed the request; remembered from then on."""
    part = named.signer
    holder = await store.holder(tx, part.realm, part.name, kind="hawk", alias=part.alias)
    key = signing.unseal(tx.runtime.keyring, holder.realm_id, holder.credential_id, holder.sealed) if holder else None
    signed = hawk.is_signed(key or _NO_KEY, request.header, request.target)
    if holder is None or key is None or not signed:
        _KNOWN.forget(tx.runtime, request.header.id)
        raise NotSigned
    known = Known(
        part.realm,
        holder.realm_id,
        holder.user_id,
        holder.credential_id,
        holder.credential_version,
        holder.username_key,
        key,
        signing.permissions_of(holder.data),
        signing.is_by_consent(holder.data),
        signing.device_of(holder.data),
    )
    return _KNOWN.keep(tx.runtime, request.header.id, known)


def _of_key(known: Known, standing: Standing, origin: Origin) -> Actor:
    found = standing.found
    return Actor(
        Kind.USER,
        found.realm_id,
        known.realm_slug,
        _from_device(origin, known.device_id),
        home_id=found.realm_id,
        user_id=found.user_id,
        name=found.username,
        grants=standing.grants,
        credential_id=known.credential_id,
        factors=(credentials.SIGNED,),
        realm_version=found.realm_version,
        access_version=found.realm_access_version,
        platform=known.realm_slug == realms.MAIN,
        by_consent=known.by_consent,
    )


# everything else


async def _other(tx: Tx, named: Named, request: Signed, origin: Origin) -> Actor:
    """Passwords, PINs, devices, and whatever signs in somebody else's name: asked of the store every time."""
    signer = await keys.find(tx, named, origin)
    if signer.is_guessable:
        await guessing.require_open(tx, signer)
    key = signer.key or _NO_KEY
    if not hawk.is_signed(key, request.header, request.target) or signer.key is None:
        if signer.is_guessable:
            await guessing.failed(tx, signer)
            raise InvalidToken
        raise NotSigned
    checks.check_payload(tx, request)
    is_new = await store.spend_nonce(tx, signer.realm_id, checks.mark(signer.mark, request), checks.mark_until(tx))
    checks.check_new(tx, key, request, is_new=is_new)
    actor = await _of_signer(tx, signer, named, origin)
    if signer.is_guessable:  # and not refused for lack of a second factor, guesses at which are counted together
        await guessing.succeeded(tx, signer)
    return actor


async def _of_signer(tx: Tx, signer: Signer, named: Named, origin: Origin) -> Actor:
    holder, device = signer.holder, signer.device
    slug = named.signer.realm
    if holder is None:
        return _of_device(signer, slug, origin)
    await _require_enough(tx, holder)
    tied = signing.device_of(holder.data) if holder.kind == "hawk" else None
    origin = _from_device(origin, device.id if device else tied)
    tx.actor = actors.anonymous(holder.realm_id, slug, origin)
    activity.touch_key(tx.runtime, holder.realm_id, holder.credential_id, holder.last_used_at, tx.now)
    grants = await access.grants_of(tx, holder.user_id, (holder.access_version, holder.realm_access_version))
    return Actor(
        Kind.USER,
        holder.realm_id,
        slug,
        origin,
        home_id=holder.realm_id,
        user_id=holder.user_id,
        name=holder.username,
        grants=checks.limited(grants, signing.permissions_of(holder.data)) if holder.kind == "hawk" else grants,
        credential_id=holder.credential_id,
        factors=_factors(holder, signer),
        realm_version=holder.realm_version,
        access_version=holder.realm_access_version,
        platform=slug == realms.MAIN,
        by_consent=holder.kind == "hawk" and signing.is_by_consent(holder.data),
    )


async def _require_enough(tx: Tx, holder: Holder) -> None:
    """Nobody gets around their second factor by signing with the key of a password."""
    factor = credentials.SIGNED_PASSWORD if holder.kind == "password" else holder.kind
    if not holder.has_second_factor or holder.kind == "hawk":
        return
    if factor not in (await realms.current(tx)).settings.mfa_skipped_by:
        raise InvalidToken


def _of_device(signer: Signer, slug: str, origin: Origin) -> Actor:
    """A device by itself may do nothing but be there: people sign in on it, and what they change comes from it."""
    device = signer.device
    if device is None:
        raise InvalidToken
    return Actor(
        Kind.DEVICE,
        device.realm_id,
        slug,
        _from_device(origin, device.id),
        home_id=device.realm_id,
        name=device.name,
        factors=("device",),
        realm_version=device.realm_version,
        access_version=device.realm_access_version,
    )


def _factors(holder: Holder, signer: Signer) -> tuple[str, ...]:
    names = {"hawk": credentials.SIGNED, "password": credentials.SIGNED_PASSWORD}
    return (names.get(holder.kind, holder.kind), *(("device",) if signer.device else ()))


# in which realm, and in whose name


async def _in_realm(tx: Tx, actor: Actor, slug: str) -> Actor:
    if actor.realm_slug == slug:
        return actor
    realm = await realms.by_slug(tx, slug)
    if not actor.is_platform:
        raise RealmNotFound
    return realms.inside(actor, realm)


async def _possess(tx: Tx, actor: Actor, named: Named) -> Actor:
    """The signer with the other's rights: what is written in the trail has both, the signer as who acts."""
    if named.possessed is None or not await _may_possess(tx, actor) or named.possessed.realm != actor.realm_slug:
        raise Forbidden("You may not act in the name of this person.")
    person = await store.person(tx, named.possessed.name)
    if person is None:
        raise Forbidden("You may not act in the name of this person.")
    version = actor.access_version or 0
    grants = await access.grants_of(tx, person.id, (person.access_version, version))
    return msgspec.structs.replace(actor, acting_for=person.id, grants=grants, platform=False)


async def _may_possess(tx: Tx, actor: Actor) -> bool:
    if actor.user_id is None or not actor.may("*"):
        return False
    return actor.is_platform or (await realms.current(tx)).settings.possess


def _from_device(origin: Origin, device_id: DeviceId | None) -> Origin:
    return origin if device_id is None else msgspec.structs.replace(origin, device_id=device_id)
