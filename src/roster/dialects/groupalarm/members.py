"""Members of organisations (contract, tags users and user)."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta

from roster.core.access.errors import LastOrgAdministrator
from roster.core.availability import service as availability
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.memberships.models import Member
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import Org
from roster.dialects.groupalarm import lookup, mapping, replies, wire
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import AnyOf, Compare, Filter, Op, Sort
from roster.kit.ids import OrgId
from roster.kit.pages import Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="users")

_BATCH: Final = 1000
_ORDERS: Final = {"sur_name": ("family_name", "given_name"), "name": ("given_name", "family_name")}


class Listing(replies.Page, frozen=True, kw_only=True):
    """Which members of which organisation, in which order."""

    organization: lookup.Number
    search: Annotated[str, Meta(max_length=200)] = ""
    orderby: Literal["sur_name", "name"] = "sur_name"
    orderdir: Literal["asc", "desc"] = "asc"


@ops.get("/users", id="GetUsersInOrganization", errors=(OrgNotFound, Forbidden, InvalidInput))
async def list_members(tx: Tx, query: lookup.InOrganization) -> list[wire.PublicUser]:
    """List every member of an organisation, invited ones included."""
    org = await lookup.org(tx, query.organization)
    return [each async for page in _pages(tx, org.id) for each in await _shown(tx, org, page)]


@ops.get("/users/pagination", id="GetUsersInOrganizationPagination", errors=(OrgNotFound, Forbidden, InvalidInput))
async def list_page(tx: Tx, query: Listing) -> wire.PublicUserList:
    """List members in pages, perhaps those only with a text in their names or address."""
    org = await lookup.org(tx, query.organization)
    sorts = [Sort(field, descending=query.orderdir == "desc") for field in _ORDERS[query.orderby]]
    page = Page(limit=query.limit, offset=query.offset, total=True)
    found = await memberships.search(tx, org.id, _containing(query.search.strip()), sorts, page)
    return wire.PublicUserList(await _shown(tx, org, found.items), found.total or 0)


@ops.get("/user/{userID}", id="GetSpecificUser", tag="user", errors=(NotAMember, OrgNotFound, Forbidden, InvalidInput))
async def get(tx: Tx, query: lookup.InOrganization, userID: int) -> wire.User:
    """Read a member of an organisation."""
    org = await lookup.org(tx, query.organization)
    found = await lookup.member(tx, org.id, userID)
    return mapping.member_out(found, available=await availability.preferred(tx, found.person.id))


@ops.delete(
    "/user/{userID}/{organizationID}",
    id="DeleteUserFromOrganization",
    tag="user",
    errors=(NotAMember, OrgNotFound, Forbidden, LastOrgAdministrator),
)
async def remove(tx: Tx, request: Request, userID: int, organizationID: int) -> wire.Success:
    """Leave an organisation, or remove a member; the last administrator stays."""
    user_id = await lookup.member_id(tx, userID)
    org = await lookup.org_of(tx, organizationID, user_id)
    if not tx.actor.is_user(user_id):
        lookup.need(tx, "user.delete", org)
    await memberships.remove(tx, org.id, user_id)
    return replies.done(request, replies.DELETED)


async def _shown(tx: Tx, org: Org, found: Sequence[Member]) -> list[wire.PublicUser]:
    statuses = await availability.of_members(tx, org, [each.person.id for each in found])
    return [mapping.public_user_out(each, statuses.get(each.person.id)) for each in found]


async def _pages(tx: Tx, org_id: OrgId) -> AsyncIterator[Sequence[Member]]:
    cursor: str | None = None
    while True:
        found = await memberships.search(tx, org_id, None, (), Page(limit=_BATCH, cursor=cursor))
        yield found.items
        cursor = found.next
        if cursor is None:
            return


def _containing(text: str) -> Filter | None:
    if not text:
        return None
    return AnyOf(tuple(Compare(field, Op.CONTAINS, text) for field in ("given_name", "family_name", "email")))
