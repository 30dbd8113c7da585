"""Tokens of organisations, for `roster key`."""

from datetime import datetime
from uuid import UUID

from roster.core.flows import organisations
from roster.core.orgs import service as orgs
from roster.core.orgs import tokens
from roster.core.orgs.errors import OrgTokenNotFound
from roster.core.orgs.models import OrgToken, OrgTokenDraft
from roster.kit import ids
from roster.storage.tx import Tx

KIND = "organisation"


async def create(tx: Tx, number: int, name: str, expires_at: datetime | None) -> dict[str, object]:
    """A new token of the organisation with this number, and its text. Raises OrgNotFound, InvalidInput."""
    org = await orgs.get_by_number(tx, number)
    made = await organisations.make_token(tx, org.id, OrgTokenDraft(name, expires_at))
    return {**_shown(made.token, number), "key": made.text}


async def list_of(tx: Tx, number: int) -> list[dict[str, object]]:
    """Its tokens, oldest first. Raises OrgNotFound."""
    org = await orgs.get_by_number(tx, number)
    return [_shown(each, number) for each in await tokens.list_of(tx, org.id)]


async def revoke(tx: Tx, number: int, token_id: str) -> dict[str, object]:
    """End a token at once; what it was. Raises OrgNotFound, OrgTokenNotFound."""
    org = await orgs.get_by_number(tx, number)
    wanted: UUID | None = ids.parse(token_id)
    found = next((each for each in await tokens.list_of(tx, org.id) if each.id == wanted), None)
    if found is None:
        raise OrgTokenNotFound
    await tokens.revoke(tx, org.id, found.id)
    return _shown(found, number)


def _shown(token: OrgToken, number: int) -> dict[str, object]:
    return {
        "id": str(token.id),
        "kind": KIND,
        "label": token.name,
        "organisation": number,
        "state": "active",
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "expires_at": token.expires_at,
    }
