"""Tokens of organisations: for programs that act for an organisation, and for no person."""

from typing import Final
from uuid import UUID

from roster.core.access.errors import Escalation
from roster.core.flows import organisations
from roster.core.orgs import tokens
from roster.core.orgs.errors import OrgNotFound, OrgTokenNotFound, TooManyOrgTokens
from roster.dialects.native.mapping import organisations as mapping
from roster.dialects.native.wire import organisations as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden, StepUpRequired
from roster.kit.ids import OrgId
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Tokens of organisations")
_NEEDS: Final = "orgs.administer in the organisation, as a person"


@ops.get(
    "/organisations/{org_id}/tokens",
    id="listOrganisationTokens",
    needs="orgs.administer in the organisation",
    errors=(OrgNotFound, Forbidden),
)
async def list_tokens(tx: Tx, org_id: OrgId) -> Listing[wire.OrgToken]:
    """The organisation's tokens, oldest first; never their texts."""
    return Listing(items=[mapping.token_out(each) for each in await tokens.list_of(tx, org_id)])


@ops.post(
    "/organisations/{org_id}/tokens",
    id="createOrganisationToken",
    status=201,
    needs=_NEEDS + ", and all else that its administrators may",
    errors=(OrgNotFound, Forbidden, StepUpRequired, Escalation, TooManyOrgTokens),
)
async def create_token(tx: Tx, org_id: OrgId, body: wire.OrgTokenCreate) -> wire.OrgTokenIssued:
    """Make a token, which goes into `Authorization: Bearer …`. The answer shows it this once.

    It may in the organisation what administrators may, but neither own it nor make tokens.
    """
    return mapping.issued_out(await organisations.make_token(tx, org_id, mapping.token_draft(body)))


@ops.delete(
    "/organisations/{org_id}/tokens/{token_id}",
    id="revokeOrganisationToken",
    status=204,
    needs=_NEEDS,
    errors=(OrgNotFound, Forbidden, OrgTokenNotFound),
)
async def revoke_token(tx: Tx, org_id: OrgId, token_id: UUID) -> None:
    """End a token at once."""
    await tokens.revoke(tx, org_id, token_id)
