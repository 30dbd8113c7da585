"""On whose behalf a job runs, when it runs later and perhaps on another server."""

from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.access import within
from roster.core.realms import service as realms
from roster.core.users import service as users
from roster.kit import actor as actors
from roster.kit.actor import Actor, Kind, Origin
from roster.kit.errors import Forbidden
from roster.kit.ids import OrgId, RealmId, UserId
from roster.storage.runtime import Runtime

_GONE: Final = "Whoever has started this may not do so any more."


class Stored(msgspec.Struct, frozen=True):
    """What is kept of an actor: who it was, not what they might do."""

    kind: Kind
    realm_slug: str
    name: str
    home_id: UUID
    user_id: UUID | None
    origin: Origin
    org_id: UUID | None = None


def kept(actor: Actor) -> dict[str, object]:
    """The actor as it is stored."""
    home_id = actor.home_id or actor.realm_id
    stored = Stored(actor.kind, actor.realm_slug, actor.name, home_id, actor.user_id, actor.origin, actor.org_id)
    return msgspec.to_builtins(stored)


async def restored(runtime: Runtime, realm_id: RealmId, values: dict[str, object]) -> Actor:
    """The actor with the rights that they have now. Raises Forbidden when they are gone, RealmNotFound."""
    stored = msgspec.convert(values, Stored)
    roster = actors.system(realm_id, stored.realm_slug, stored.name or "system")
    if stored.kind is Kind.SYSTEM:
        return msgspec.structs.replace(roster, origin=stored.origin)
    if stored.kind is Kind.ORGANISATION and stored.org_id is not None:
        return await _organisation(runtime, msgspec.structs.replace(roster, origin=stored.origin), OrgId(stored.org_id))
    if stored.user_id is None:
        raise Forbidden(_GONE)
    user_id, home_id = UserId(stored.user_id), RealmId(stored.home_id)
    async with runtime.read(msgspec.structs.replace(roster, realm_id=home_id)) as tx:
        home = await realms.by_id(tx, home_id)
        user = await users.tx_maybe(tx, user_id)
        if user is None or user.status != "active":
            raise Forbidden(_GONE)
        grants = await access.permissions_of(tx, user_id)
    found = Actor(
        stored.kind,
        realm_id,
        stored.realm_slug,
        stored.origin,
        home_id=home_id,
        user_id=user_id,
        name=user.username,
        grants=grants,
        platform=home.slug == realms.MAIN,
    )
    if home_id != realm_id and not found.is_platform:
        raise Forbidden(_GONE)
    return found


async def _organisation(runtime: Runtime, roster: Actor, org_id: OrgId) -> Actor:
    """An organisation, which does what its administrators may within it; gone with it."""
    async with runtime.read(roster) as tx:
        grants = await within.grants_of(tx, org_id)
    return msgspec.structs.replace(roster, kind=Kind.ORGANISATION, name="", org_id=org_id, grants=grants)
