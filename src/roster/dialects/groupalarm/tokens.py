"""API tokens of organisations (contract, tag rbac): credentials without a person."""

from typing import Final

from roster.core.access.errors import Escalation
from roster.core.flows import organisations
from roster.core.orgs import tokens as org_tokens
from roster.core.orgs.errors import OrgNotFound, OrgTokenNotFound, TooManyOrgTokens
from roster.core.orgs.models import OrgTokenDraft
from roster.dialects.groupalarm import auth, lookup, replies, wire, wire_rbac
from roster.kit.errors import Forbidden, InvalidInput, StepUpRequired
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="rbac")


@ops.get("/rbac/token", id="OrganizationTokenList", errors=(InvalidInput, OrgNotFound, Forbidden), extra=auth.PERSON)
async def list_tokens(tx: Tx, query: lookup.OfOrganization) -> list[wire_rbac.OrganizationToken]:
    """List an organisation's tokens, without their secrets."""
    org = await lookup.org(tx, query.organization_id)
    lookup.need(tx, "token.read", org)
    return [
        wire_rbac.OrganizationToken(each.number, each.name, org.number, "")
        for each in await org_tokens.list_of(tx, org.id)
    ]


@ops.post(
    "/rbac/token",
    id="OrganizationTokenCreate",
    status=201,
    errors=(InvalidInput, OrgNotFound, Forbidden, StepUpRequired, Escalation, TooManyOrgTokens),
    extra=auth.PERSON,
)
async def create(tx: Tx, body: wire_rbac.OrganizationTokenRequest) -> wire_rbac.OrganizationToken:
    """Make a token; its secret is shown this once."""
    org = await lookup.org(tx, body.organization_id)
    lookup.need(tx, "token.create", org)
    made = await organisations.make_token(tx, org.id, OrgTokenDraft(body.name))
    return wire_rbac.OrganizationToken(made.token.number, made.token.name, org.number, made.text)


@ops.delete("/rbac/token/{id}", id="OrganizationTokenDelete", errors=(OrgTokenNotFound, Forbidden), extra=auth.PERSON)
async def delete(tx: Tx, request: Request, id: int) -> wire.Success:
    """End a token."""
    org, token = await org_tokens.find_numbered(tx, id)
    lookup.need(tx, "token.delete", org)
    await org_tokens.revoke(tx, org.id, token.id)
    return replies.done(request, replies.DELETED)
