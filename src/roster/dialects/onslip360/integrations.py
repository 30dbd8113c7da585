"""Integrations, and the keys that they get for acting in somebody's name (contract, tag OAuth)."""

from typing import Final

from msgspec import UNSET, UnsetType

from roster.core.access import vocabulary
from roster.core.flows import consenting
from roster.core.integrations import service as integrations
from roster.core.integrations.errors import IntegrationAliasTaken, IntegrationNotFound, InvalidGrant
from roster.core.integrations.models import Integration
from roster.core.users import numbers as people
from roster.dialects.onslip360 import auth, query, replies
from roster.dialects.onslip360 import wire_oauth as wire
from roster.dialects.onslip360.errors import BadQuery, UnsupportedGrant
from roster.dialects.onslip360.mapping import integrations as mapping
from roster.dialects.onslip360.mapping.base import Numbers
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StepUpRequired
from roster.kit.filters import InvalidFilter
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.bind import FORM
from roster.web.operation import JSON, Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="OAuth")

_LIST: Final = "/~{realm}/integrations/"
_ONE: Final = "/~{realm}/integrations/{id}"


@ops.get(
    _LIST,
    id="listIntegrations",
    needs="show-integrations",
    errors=(BadQuery, InvalidFilter, Forbidden),
    parameters=query.PARAMETERS,
    returns=list[wire.Integration],
)
async def list_integrations(tx: Tx, request: Request, query: Query) -> Reply:
    """List integrations."""
    auth.require(tx, "show-integrations")
    asked = _listing(query)
    found = await integrations.search(tx, asked.where, asked.sorts, asked.page)
    return replies.listed(request, await _shown(tx, [] if asked.only_count else found.items), found.total or 0)


@ops.post(
    _LIST,
    id="addIntegration",
    status=201,
    needs="edit-integrations",
    errors=(InvalidInput, Forbidden, IntegrationAliasTaken),
    returns=wire.Integration,
)
async def add_integration(tx: Tx, request: Request, body: wire.Integration) -> Reply:
    """Register an integration."""
    auth.require(tx, "edit-integrations")
    made = await integrations.create(tx, mapping.integration_draft(body))
    return replies.made(request, (await _shown(tx, [made]))[0], _tag(made), made.number)


@ops.get(
    _ONE,
    id="getIntegration",
    needs="show-integrations",
    errors=(IntegrationNotFound, Forbidden),
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.Integration,
)
async def get_integration(tx: Tx, request: Request, id: int) -> Reply:
    """Fetch an integration."""
    auth.require(tx, "show-integrations")
    found = await integrations.find_numbered(tx, id)
    return replies.shown(request, (await _shown(tx, [found]))[0], _tag(found))


@ops.post(
    _ONE,
    id="authorizeIntegration",
    needs="use-integrations",
    errors=(IntegrationNotFound, InvalidInput, Forbidden, StepUpRequired),
)
async def authorize(tx: Tx, id: int, body: wire.AuthorizeRequest) -> wire.AuthorizeResponse:
    """Give consent.

    What comes of the code is a key of the calling user, limited to the permissions named.
    """
    auth.require(tx, "use-integrations")
    found = await integrations.meant(tx, number=id)
    grant = mapping.grant(
        found,
        vocabulary.of(tx.runtime).expand,
        redirect_uri=body.oauth_redirect_uri,
        challenge=body.oauth_code_challenge,
        names=None if isinstance(body.permissions, UnsetType) else body.permissions,
        label="" if isinstance(body.name, UnsetType) else body.name,
        says_scope=body.return_scope,
    )
    return wire.AuthorizeResponse(await consenting.authorize(tx, found, grant))


@ops.post(
    "/oauth-token",
    id="requestOAuthAccessToken",
    public=True,
    consumes=(JSON, FORM),
    errors=(InvalidInput, InvalidGrant, UnsupportedGrant),
)
async def token(runtime: Runtime, actor: Actor, body: wire.TokenRequest) -> wire.TokenResponse:
    """Exchange a code for a key, once."""
    if body.grant_type != "authorization_code":
        raise UnsupportedGrant
    made, grant = await consenting.exchange(
        runtime,
        actor,
        body.code,
        alias=body.client_id,
        redirect_uri=body.redirect_uri,
        verifier=body.code_verifier,
    )
    return wire.TokenResponse(
        token_type="hawk",  # noqa: S106
        access_token=made.identifier,
        secret=made.key.decode(),
        algorithm="sha256",
        realm=made.identifier.rpartition("@")[2],
        scope=UNSET if (scope := mapping.scope(grant)) is None else scope,
    )


async def _shown(tx: Tx, found: list[Integration]) -> list[wire.Integration]:
    numbers = Numbers(people=await people.of(tx, (each.updated_by for each in found)))
    return [mapping.integration_out(each, numbers) for each in found]


def _tag(found: Integration) -> str:
    return replies.tag("i", found.number, found.version)


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.INTEGRATION)
