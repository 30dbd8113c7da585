"""Organisations: trees of them, and whose they are."""

from typing import Final

from roster.core.access.errors import LastOrgAdministrator
from roster.core.flows import organisations
from roster.core.memberships import service as memberships
from roster.core.orgs import service
from roster.core.orgs.errors import (
    LastOwner,
    OrgHasParts,
    OrgInsideItself,
    OrgNotFound,
    OrgNumberTaken,
    OrgTooDeep,
    OwnersOnly,
    SecondFactorRequired,
)
from roster.core.orgs.models import Org
from roster.core.users.errors import UserNotFound
from roster.dialects.native import caller, etags
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base
from roster.dialects.native.mapping import organisations as mapping
from roster.dialects.native.wire import organisations as wire
from roster.dialects.native.wire.base import Listing, SearchQuery
from roster.kit.errors import Forbidden, StaleVersion, TooMany
from roster.kit.filters import InvalidFilter
from roster.kit.ids import OrgId, UserId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Organisations")
_OWNING: Final = "owning the organisation or one above it"


@ops.get(
    "/organisations",
    id="listOrganisations",
    needs="orgs.read for all; everybody sees those they belong to or own",
    errors=(InvalidFilter, InvalidCursor),
)
async def list_organisations(tx: Tx, query: SearchQuery) -> Listing[wire.Organisation]:
    """Organisations by number, unless sorted otherwise."""
    return await _found(tx, query, None)


@ops.post(
    "/organisations",
    id="createOrganisation",
    status=201,
    needs="orgs.create, unless the realm lets everybody found one; below another, orgs.write there",
    errors=(OrgNotFound, Forbidden, OrgTooDeep, OrgNumberTaken, SecondFactorRequired, TooMany),
    returns=wire.Organisation,
)
async def create_organisation(tx: Tx, request: Request, body: wire.OrganisationCreate) -> Reply:
    """Found an organisation. Whoever founds a root owns it, and is its first member and administrator."""
    owner = None if body.owner_id is None else UserId(body.owner_id)
    org = await organisations.found(tx, mapping.org_draft(body), owner=owner)
    return _answer(org, 201, f"{request.prefix}/organisations/{org.id}")


@ops.get(
    "/organisations/{org_id}",
    id="getOrganisation",
    needs="orgs.read, or belonging to it",
    errors=(OrgNotFound,),
    returns=wire.Organisation,
)
async def get_organisation(tx: Tx, org_id: OrgId) -> Reply:
    """One organisation."""
    return _answer(await service.get(tx, org_id))


@ops.patch(
    "/organisations/{org_id}",
    id="patchOrganisation",
    needs="orgs.write",
    errors=(OrgNotFound, Forbidden, StaleVersion),
    returns=wire.Organisation,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_organisation(tx: Tx, org_id: OrgId, request: Request, body: wire.OrganisationPatch) -> Reply:
    """Change an organisation."""
    version = etags.version_of(request)
    return _answer(await service.change(tx, org_id, mapping.org_change(body), version=version))


@ops.delete(
    "/organisations/{org_id}",
    id="deleteOrganisation",
    status=204,
    needs=_OWNING,
    errors=(OrgNotFound, OwnersOnly, OrgHasParts, StaleVersion),
    parameters=(etags.IF_MATCH,),
)
async def delete_organisation(tx: Tx, org_id: OrgId, request: Request) -> None:
    """Delete an organisation, with memberships, roles and tokens. People stay."""
    await service.delete(tx, org_id, version=etags.version_of(request))


@ops.get(
    "/organisations/{org_id}/children",
    id="listOrganisationParts",
    needs="orgs.read, or belonging to it",
    errors=(OrgNotFound, InvalidFilter, InvalidCursor),
)
async def list_parts(tx: Tx, org_id: OrgId, query: SearchQuery) -> Listing[wire.Organisation]:
    """The organisations directly below this one, as far as one may know of them."""
    await service.get(tx, org_id)
    return await _found(tx, query, org_id)


@ops.put(
    "/organisations/{org_id}/parent",
    id="moveOrganisation",
    needs=f"{_OWNING}, and orgs.write in the new parent",
    errors=(OrgNotFound, OwnersOnly, Forbidden, OrgInsideItself, OrgTooDeep, LastOwner, StaleVersion),
    returns=wire.Organisation,
    parameters=(etags.IF_MATCH,),
)
async def move_organisation(tx: Tx, org_id: OrgId, request: Request, body: wire.Parent) -> Reply:
    """Put an organisation, with all below it, under another one, or make it a root, which has owners of its own."""
    parent_id = None if body.parent_id is None else OrgId(body.parent_id)
    return _answer(await service.move(tx, org_id, parent_id, version=etags.version_of(request)))


@ops.get(
    "/organisations/{org_id}/owners",
    id="listOwners",
    needs="orgs.read, or belonging to it",
    errors=(OrgNotFound,),
)
async def list_owners(tx: Tx, org_id: OrgId) -> Listing[wire.Owner]:
    """Whose organisation this is, apart from those who own one above it."""
    org = await service.get(tx, org_id)
    return mapping.owners_out((await service.owners_of(tx, [org])).get(org_id, []))


@ops.put(
    "/organisations/{org_id}/owners/{user_id}",
    id="addOwner",
    status=204,
    needs=_OWNING,
    errors=(OrgNotFound, OwnersOnly),
)
async def add_owner(tx: Tx, org_id: OrgId, user_id: UserId) -> None:
    """Make somebody an owner, who need not be a member."""
    await organisations.add_owner(tx, org_id, user_id)


@ops.delete(
    "/organisations/{org_id}/owners/{user_id}",
    id="removeOwner",
    status=204,
    needs=_OWNING,
    errors=(OrgNotFound, OwnersOnly, LastOwner, LastOrgAdministrator),
)
async def remove_owner(tx: Tx, org_id: OrgId, user_id: UserId) -> None:
    """Make somebody an owner no more. A root always has one."""
    await organisations.remove_owner(tx, org_id, user_id)


@ops.get("/me/organisations", id="listMyOrganisations", errors=(UserNotFound,))
async def list_mine(tx: Tx) -> Listing[wire.Membership]:
    """One's memberships, pending ones too."""
    found = await memberships.of_user(tx, caller.own_id(tx.actor))
    return Listing(items=[mapping.membership_out(each) for each in found])


async def _found(tx: Tx, query: SearchQuery, below: OrgId | None) -> Listing[wire.Organisation]:
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where, sorts = queries.parse_filter(query.filter), queries.parse_sort(query.sort)
    return base.listing(await service.search(tx, where, sorts, page, below=below), mapping.org_out)


def _answer(org: Org, status: int = 200, location: str = "") -> Reply:
    return etags.with_tag(mapping.org_out(org), org.version, status, location)
