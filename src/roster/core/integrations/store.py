"""SQL of applications."""

from roster.core.integrations.errors import IntegrationAliasTaken, IntegrationNotFound
from roster.core.integrations.models import Integration, IntegrationDraft
from roster.kit.ids import IntegrationId
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, alias, name, description, permissions, redirect_uris, facets, version,"
    " created_at, created_by, updated_at, updated_by"
)
ALL = Listing(columns=_COLUMNS, tables="integrations", condition="realm_id = $1")


async def find_numbered(tx: Tx, number: int) -> Integration:
    return await tx.one(
        Integration,
        "SELECT " + _COLUMNS + " FROM integrations WHERE realm_id = $1 AND number = $2",
        tx.realm_id,
        number,
        missing=IntegrationNotFound,
    )


async def look_up(tx: Tx, alias: str) -> Integration | None:
    return await tx.maybe(
        Integration,
        "SELECT " + _COLUMNS + " FROM integrations WHERE realm_id = $1 AND alias = $2",
        tx.realm_id,
        alias,
    )


async def insert(tx: Tx, integration_id: IntegrationId, draft: IntegrationDraft) -> Integration:
    return await tx.one(
        Integration,
        "INSERT INTO integrations (realm_id, id, alias, name, description, permissions, redirect_uris, facets,"
        " created_at, created_by, updated_at, updated_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $10) RETURNING " + _COLUMNS,
        tx.realm_id,
        integration_id,
        draft.alias,
        draft.name,
        draft.description,
        draft.permissions,
        draft.redirect_uris,
        draft.facets,
        tx.now,
        tx.actor.user_id,
        missing=IntegrationNotFound,
        conflicts={"integrations_alias_key": IntegrationAliasTaken},
    )
