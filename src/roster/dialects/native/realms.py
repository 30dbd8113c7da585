"""Realms, run by the administrators of the main one."""

from typing import Final

from roster.core.flows import provision
from roster.core.realms import service
from roster.core.realms.errors import RealmNotFound, SlugTaken
from roster.dialects.native import etags
from roster.dialects.native.mapping import platform
from roster.dialects.native.wire import platform as wire
from roster.dialects.native.wire.base import Listing, PageQuery
from roster.kit.errors import Conflict, Forbidden, StaleVersion, StepUpRequired
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Realms")


@ops.get("/realms", id="listRealms", needs="administrator of the main realm", errors=(Forbidden,))
async def list_realms(tx: Tx, query: PageQuery) -> Listing[wire.Realm]:
    """All realms, in order of their slugs; the cursor is the last slug seen."""
    found = await service.page(tx, query.cursor or "", query.limit)
    items = [platform.realm_out(each, tx.runtime.keyring) for each in found]
    return Listing(items=items, next_cursor=items[-1].slug if len(items) == query.limit else None)


@ops.post(
    "/realms",
    id="createRealm",
    status=201,
    needs="administrator of the main realm",
    errors=(Forbidden, SlugTaken),
    returns=wire.Realm,
)
async def create_realm(tx: Tx, request: Request, body: wire.RealmCreate) -> Reply:
    """Make a realm with its built-in role `admin`. Act in it with the header `Roster-Realm`."""
    realm = await provision.create_realm(tx, body.slug, body.display_name, body.settings)
    return etags.with_tag(
        platform.realm_out(realm, tx.runtime.keyring), realm.version, 201, f"{request.prefix}/realms/{realm.slug}"
    )


@ops.get(
    "/realms/{slug}",
    id="getRealm",
    needs="realm.read for one's own, administrator of the main realm for all",
    errors=(RealmNotFound,),
    returns=wire.Realm,
)
async def get_realm(tx: Tx, slug: str) -> Reply:
    """A realm and its settings."""
    realm = await service.get(tx, slug)
    return etags.with_tag(platform.realm_out(realm, tx.runtime.keyring), realm.version)


@ops.patch(
    "/realms/{slug}",
    id="patchRealm",
    needs="realm.write for one's own, administrator of the main realm for all",
    errors=(RealmNotFound, StaleVersion, Conflict, Forbidden, StepUpRequired),
    returns=wire.Realm,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_realm(tx: Tx, slug: str, request: Request, body: wire.RealmPatch) -> Reply:
    """Change a realm's name, status or single settings. A disabled realm refuses every sign-in and every token.

    Settings that decide who gets in take a recent sign-in; `email_required`, `default_locale`, `default_region` and
    `retention_days` do not.
    """
    realm = await service.change(tx, slug, platform.realm_change(body), etags.version_of(request))
    return etags.with_tag(platform.realm_out(realm, tx.runtime.keyring), realm.version)
