"""Realms: finding the one acted in, and administering all of them from the main realm."""

from typing import Final

import msgspec
import phonenumbers

from roster.core.audit import service as audit
from roster.core.realms import recent, remembered, store
from roster.core.realms.errors import RealmNotFound
from roster.core.realms.models import Realm, RealmChange, RealmSettings, Slug
from roster.kit.actor import Actor
from roster.kit.errors import Conflict, Forbidden, InvalidInput, require_version
from roster.kit.ids import RealmId, uuid7
from roster.kit.patch import is_set
from roster.storage.tx import Tx

MAIN = "main"
"""Slug of the realm whose administrators run the platform."""

_HARMLESS: Final = frozenset({"email_required", "default_locale", "default_region", "retention_days"})
"""Settings that whoever finds a session left open may change; every other one decides who gets in, or what is known."""


async def by_slug(tx: Tx, slug: str) -> Realm:
    """The realm a front door serves. Raises RealmNotFound, also for one that is switched off."""
    realm = await remembered.by_slug(tx, slug)
    if realm.status != "active":
        raise RealmNotFound
    return realm


async def by_id(tx: Tx, realm_id: RealmId) -> Realm:
    """The realm that a key or a refresh token names. Raises RealmNotFound, also for one that is switched off."""
    realm = await remembered.by_id(tx, realm_id)
    if realm.status != "active":
        raise RealmNotFound
    return realm


current = remembered.current


def require_platform(tx: Tx) -> None:
    """Only administrators of the main realm, and the command line, run realms."""
    if not tx.actor.is_platform:
        raise Forbidden


async def page(tx: Tx, after: str, limit: int) -> list[Realm]:
    """Realms in order of their slug, from the one behind `after`."""
    require_platform(tx)
    return await store.page(tx, after, limit)


async def get(tx: Tx, slug: str) -> Realm:
    """A realm by slug: any one for the platform's administrators, their own for those who may read its settings."""
    if not tx.actor.is_platform and not (tx.actor.realm_slug == slug and tx.actor.may("realm.read")):
        raise RealmNotFound
    return await store.by_slug(tx, slug)


async def create(tx: Tx, slug: str, display_name: str = "", settings: dict[str, object] | None = None) -> Realm:
    """A new, empty realm. Raises SlugTaken. Its first role is made by the `provision` flow."""
    require_platform(tx)
    slug = _checked_slug(slug)
    given = settings or {}
    _checked_settings(given)
    realm = await store.insert(tx, RealmId(uuid7()), slug, display_name or slug, given)
    with tx.acting(inside(tx.actor, realm)):
        await audit.record(tx, "realm.created", "realm", realm.id, {"slug": [None, slug]})
    return realm


def inside(actor: Actor, realm: Realm) -> Actor:
    """The same principal acting in another realm, as only the platform's administrators may."""
    return msgspec.structs.replace(
        actor,
        realm_id=realm.id,
        realm_slug=realm.slug,
        home_id=actor.home_id or actor.realm_id,
        realm_version=realm.version,
        access_version=realm.access_version,
    )


async def change(tx: Tx, slug: str, change: RealmChange, version: int | None = None) -> Realm:
    """Change a realm's name, status or single settings. The main realm cannot be switched off.

    What keeps a realm safe is changed after a recent sign-in only. Raises RealmNotFound, StaleVersion, InvalidInput,
    Conflict, StepUpRequired.
    """
    if not tx.actor.is_platform and not (tx.actor.realm_slug == slug and tx.actor.may("realm.write")):
        raise RealmNotFound
    before = await store.lock(tx, (await store.by_slug(tx, slug)).id)
    require_version(before.version, version)
    settings = _merged(before.settings, change.settings) if is_set(change.settings) else _stored(before.settings)
    if _guarded(settings) != _guarded(_stored(before.settings)):
        await recent.require_recent_sign_in(tx)
    after = await store.update(
        tx,
        before.id,
        display_name=change.display_name if is_set(change.display_name) else before.display_name,
        status=_checked_status(tx, before, change.status) if is_set(change.status) else before.status,
        settings=settings,
    )
    await audit.record(tx, "realm.changed", "realm", after.id, _differences(before, after))
    tx.memo.pop("realm", None)
    return after


def _checked_slug(slug: str) -> str:
    try:
        return msgspec.convert(slug, Slug)
    except msgspec.ValidationError:
        text = "A slug has 1 to 63 lower-case letters, digits and hyphens, and neither begins nor ends with a hyphen."
        raise InvalidInput.of("slug", "invalid_slug", text) from None


def _checked_settings(values: dict[str, object]) -> RealmSettings:
    try:
        settings = msgspec.convert(values, RealmSettings)
    except msgspec.ValidationError as error:
        raise InvalidInput.of("settings", "invalid_settings", str(error)) from None
    if settings.default_region not in phonenumbers.SUPPORTED_REGIONS:  # numbers without a prefix would mean nothing
        text = "Use the two capitals of a country (ISO 3166-1), such as SE."
        raise InvalidInput.of("settings.default_region", "unknown_region", text)
    return settings


def _merged(before: RealmSettings, values: dict[str, object]) -> dict[str, object]:
    return _stored(_checked_settings({**_stored(before), **values}))


def _guarded(stored: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in stored.items() if name not in _HARMLESS}


def _stored(settings: RealmSettings) -> dict[str, object]:
    """Only what differs from the defaults is stored, so that a better default reaches existing realms."""
    default = RealmSettings()
    return {
        name: value
        for name, value in msgspec.to_builtins(settings).items()
        if msgspec.to_builtins(getattr(default, name)) != value
    }


def _checked_status(tx: Tx, realm: Realm, status: str) -> str:
    if status not in ("active", "disabled"):
        raise InvalidInput.of("status", "invalid_status", "The status is active or disabled.")
    if status == "disabled" and (realm.slug == MAIN or not tx.actor.is_platform):
        raise Conflict("This realm cannot be switched off.")
    return status


def _differences(before: Realm, after: Realm) -> dict[str, list[object]]:
    old, new = msgspec.to_builtins(before.settings), msgspec.to_builtins(after.settings)
    found: dict[str, list[object]] = {
        f"settings.{name}": [old[name], new[name]] for name in new if old[name] != new[name]
    }
    for name in ("display_name", "status"):
        if getattr(before, name) != getattr(after, name):
            found[name] = [getattr(before, name), getattr(after, name)]
    return found
