"""Organisations: trees of them, and their owners (contract, tag organization; notes, section 12)."""

from typing import Final

from roster.core.access.errors import LastOrgAdministrator
from roster.core.flows import organisations
from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import LastOwner, OrgNotFound, OrgTooDeep, OwnersOnly
from roster.core.orgs.models import Org, OrgDraft
from roster.core.users import numbers
from roster.core.users.errors import UserNotFound
from roster.dialects.groupalarm import auth, lookup, mapping, replies, wire, wire_organizations
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId, UserId
from roster.kit.pages import Page
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.request import Request

ops: Final = Operations(tag="organization")

_OWNER: Final = "/organization/{organizationID}/owner/{userID}"
_ALL: Final = Parameter(name="all", description="Taken and ignored: the list has no pages.", schema={"type": "boolean"})


@ops.get("/organizations/", id="ListOrganizationsSlash", parameters=(_ALL,))
async def list_organizations(tx: Tx) -> list[wire_organizations.Organization]:
    """List every organisation that the caller belongs to or owns."""
    return await lookup.shown(tx, await _own(tx))


@ops.get("/organizations/owner", id="GetOwnedOrganizations", extra=auth.PERSON_ONLY)
async def list_owned(tx: Tx) -> list[wire_organizations.Organization]:
    """List the organisations that the caller owns."""
    return await lookup.shown(tx, await orgs.owned_by(tx, auth.me(tx.actor)))


@ops.get("/organizations/paginated", id="GetPaginatedOrganizations", errors=(InvalidInput,), extra=auth.PERSON)
async def list_page(tx: Tx, query: replies.Page) -> wire_organizations.OrganizationList:
    """List the same in pages."""
    found = await _own(tx)
    page = found[query.offset : query.offset + query.limit]
    return wire_organizations.OrganizationList(await lookup.shown(tx, page), len(found))


@ops.post(
    "/organization",
    id="CreateOrganization",
    status=201,
    errors=(InvalidInput, Forbidden, OrgTooDeep),
    extra=auth.PERSON,
)
async def create(tx: Tx, body: wire_organizations.OrganizationWrite) -> wire_organizations.Organization:
    """Found an organisation, whose owner the caller becomes; with `parentID` below another one."""
    parent = await lookup.org(tx, body.parent_id) if body.parent_id else None
    if parent is not None:
        lookup.need(tx, "organization.create", parent)
    draft: OrgDraft = mapping.organization_draft(body, parent.id if parent else None)
    return await lookup.one(tx, await organisations.found(tx, draft))


@ops.put("/organization", id="UpdateOrganization", errors=(InvalidInput, Forbidden, OrgNotFound))
async def update(tx: Tx, body: wire_organizations.OrganizationWrite) -> wire_organizations.Organization:
    """Change an organisation; members that are left out stay. Where it stands in its tree is not changed here."""
    if not body.id:
        raise InvalidInput.of("id", "required", "Which organisation is meant is said by its id.")
    found = await lookup.org(tx, body.id)
    lookup.need(tx, "organization.edit", found)
    if body.parent_id not in (None, 0, (await lookup.parent_numbers(tx, [found])).get(found.id, 0)):
        raise InvalidInput.of("parentID", "not_changeable", "An organisation stays where it is.")
    found = await orgs.lock(tx, found.id)
    return await lookup.one(tx, await orgs.change(tx, found.id, mapping.organization_change(body, found.facets)))


@ops.get("/organization/{organizationID}", id="GetOrganization", errors=(OrgNotFound,))
async def get(tx: Tx, organizationID: int) -> wire_organizations.Organization:
    """Read an organisation."""
    return await lookup.one(tx, await lookup.org(tx, organizationID))


@ops.get("/organization/{organizationID}/children", id="GetChildren", errors=(OrgNotFound, InvalidInput))
async def children(tx: Tx, query: replies.Page, organizationID: int) -> wire_organizations.OrganizationChilds:
    """List what is directly below an organisation, and the organisations above it from the root on."""
    found = await lookup.org(tx, organizationID)
    page = Page(limit=query.limit, offset=query.offset, total=True)
    below = await orgs.search(tx, None, (), page, below=found.id)
    path = [each for each in await orgs.way_to(tx, found) if each.id != found.id]
    return wire_organizations.OrganizationChilds(
        await lookup.shown(tx, below.items), await lookup.shown(tx, path), below.total or 0
    )


@ops.get(_OWNER, id="GetOwnerInParentOrganization", errors=(OrgNotFound, UserNotFound))
async def owner_above(tx: Tx, organizationID: int, userID: int) -> wire_organizations.Organization:
    """Find the nearest organisation, from this one up, that the user owns."""
    way = await orgs.way_to(tx, await lookup.org(tx, organizationID))
    owners = await orgs.owners_of(tx, way)
    for each in reversed(way):
        if userID in [owner.number for owner in owners.get(each.id, [])]:
            return await lookup.one(tx, each)
    raise UserNotFound


@ops.put(_OWNER, id="AddOwner", errors=(OrgNotFound, OwnersOnly, InvalidInput), extra=auth.PERSON)
async def add_owner(tx: Tx, request: Request, organizationID: int, userID: int) -> wire.Success:
    """Make a user an owner."""
    found = await lookup.org(tx, organizationID)
    await organisations.add_owner(tx, found.id, await _named(tx, userID))
    return replies.done(request)


@ops.delete(
    _OWNER,
    id="RemoveOwner",
    errors=(OrgNotFound, OwnersOnly, InvalidInput, LastOwner, LastOrgAdministrator),
    extra=auth.PERSON,
)
async def remove_owner(tx: Tx, request: Request, organizationID: int, userID: int) -> wire.Success:
    """Take ownership away; the last owner stays."""
    found = await lookup.org(tx, organizationID)
    await organisations.remove_owner(tx, found.id, await _named(tx, userID))
    return replies.done(request, replies.DELETED)


async def _own(tx: Tx) -> list[Org]:
    """Organisations of the caller by number: those they have joined or own, or the one that they are."""
    if tx.actor.user_id is None:
        return [await orgs.get(tx, OrgId(tx.actor.org_id))] if tx.actor.org_id is not None else []
    me = tx.actor.user_id
    joined = [each.org_id for each in await memberships.of_user(tx, me) if each.state == "active"]
    found = {**await orgs.with_ids(tx, joined), **{each.id: each for each in await orgs.owned_by(tx, me)}}
    return sorted(found.values(), key=lambda org: org.number)


async def _named(tx: Tx, number: int) -> UserId:
    """Strangers look like those whom nobody is."""
    try:
        return await numbers.id_of(tx, number)
    except UserNotFound:
        raise InvalidInput.of("owner", "unknown_user", "There is no such user.") from None
