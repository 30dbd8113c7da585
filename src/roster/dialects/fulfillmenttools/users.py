"""Users (contract, /api/users): finding, making, changing and deleting them, and what roles they have."""

from typing import Final

from msgspec import UNSET

from roster.core.access import service as access
from roster.core.access import vocabulary
from roster.core.access.errors import AssignmentExists, Escalation, LastAdministrator
from roster.core.flows import accounts, signup
from roster.core.users import search, service
from roster.core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from roster.dialects.fulfillmenttools import pages, people, query
from roster.dialects.fulfillmenttools.errors import FIRST_VERSION
from roster.dialects.fulfillmenttools.mapping import people as mapping
from roster.dialects.fulfillmenttools.mapping.access import KINDS
from roster.dialects.fulfillmenttools.wire import users as wire
from roster.dialects.fulfillmenttools.wire.base import Nothing, PageInfo
from roster.dialects.fulfillmenttools.wire.search import SearchPayload
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.filters import EVERYTHING, AnyOf, Compare, Filter, InvalidFilter, Not, Op, Some, Sort
from roster.kit.pages import InvalidCursor, Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="User Management (Core)")

_HAS_IDENTITY: Final = Compare("is_external", Op.EQ, value=True)
_PROVIDERS: Final[dict[str, Filter]] = {
    "EMAIL_PASSWORD": Not(_HAS_IDENTITY),
    "OIDC": _HAS_IDENTITY,
    "SUPPORT_ACCESS": AnyOf(()),
}
_KINDS: Final[dict[str, Filter]] = {name: Compare("kind", Op.EQ, kind) for name, kind in KINDS.items()}
_BUILT_IN: Final[dict[str, Filter]] = {
    name: Compare("role", Op.EQ, name) for name in ("FULFILLER", "SUPERVISOR", "ADMINISTRATOR")
}
_CONTEXT: Final = query.some("contexts", {"type": query.choice(_KINDS), "values": query.texts("values")})
_ATTACHED: Final = Some("assignments", Some("facilities", EVERYTHING))
MEMBERS: Final[query.Members] = {
    "username": query.text("username", pattern=True),
    "firstname": query.text("given_name", pattern=True, empty=True),
    "lastname": query.text("family_name", pattern=True, empty=True),
    "lastModified": query.instant("updated_at"),
    "auth": query.nested({"type": query.choice(_PROVIDERS)}),
    "assignedRoles": query.some(
        "assignments", {"ref": query.text("role"), "context": _CONTEXT, "contextLimitations": _CONTEXT}
    ),
    "assignedFacilities": query.within(
        "assignments", query.some("facilities", {"facilityRef": query.text("value")}), exists=_ATTACHED
    ),
    "facilityLimitations": query.texts("facilities", exists=Compare("is_limited", Op.EQ, value=True)),
    "customClaims": query.nested(
        {"roles": query.some("assignments", {"name": query.choice(_BUILT_IN), "facilities": query.texts("facilities")})}
    ),
    "customAttributes": query.custom("attributes"),
}
"""What users can be searched by (contract, UserSearchQuery)."""
SORTS: Final[query.Directions] = {
    "username": "username",
    "firstname": "given_name",
    "lastname": "family_name",
    "lastLogin": "activity",
    "assignedRoles": {"ref": "first_role"},
    "authenticationProvider": {"type": "is_external"},
    "customAttributes": {"*": "attributes.*"},
}
"""What they can be sorted by (contract, UserSort)."""
_SEEN: Final = (UserNotFound, Forbidden)
_ROLES: Final = (Escalation, LastAdministrator, AssignmentExists)


@ops.get("/api/users", id="getAllUsers", needs="USERS_READ", errors=(InvalidInput, InvalidCursor, *_SEEN))
async def get_all_users(tx: Tx, query: wire.UserListQuery) -> wire.UserList:
    """List users whom the caller may see, in the order in which they were made unless told otherwise."""
    where = None if query.facility_id is None else _reaching(query.facility_id, everywhere=query.include_admin_users)
    sorts = () if query.order_by is None else (Sort("family_name"),)
    page = Page(query.size, total=True, behind=people.row(query.start_after_id))
    found = await search.search(tx, where, sorts, page)
    shown = await people.shown(tx, found.items)
    return wire.UserList(
        users=shown,
        total=found.total or 0,
        page_info=PageInfo(
            has_next_page=found.next is not None,
            has_previous_page=found.previous is not None,
            start_cursor=shown[0].id if shown else "",
            end_cursor=shown[-1].id if found.next is not None else "",
        ),
    )


@ops.post(
    "/api/users",
    id="createUser",
    status=201,
    needs="USER_READ and USER_WRITE",
    errors=(InvalidInput, UsernameTaken, EmailTaken, *_SEEN, *_ROLES),
)
async def create_user(runtime: Runtime, actor: Actor, body: wire.UserForCreation) -> wire.User:
    """Create a user with a password and with at least one role.

    Callers who are limited to facilities create users for these; a role without facilities is given for theirs.
    """
    draft, roles = mapping.draft(body), mapping.wanted(body)
    user = await signup.create(runtime, actor, draft, password=body.password, roles=roles)
    async with runtime.read(actor) as tx:
        return await people.one(tx, user)


@ops.post(
    "/api/users/search",
    id="searchUser",
    needs="USERS_READ",
    writes=False,
    errors=(InvalidInput, InvalidFilter, InvalidCursor, Forbidden),
)
async def search_user(tx: Tx, body: SearchPayload) -> wire.UserPaginatedResult:
    """Search users whom the caller may see."""
    found = await search.search(
        tx,
        query.query(body.query, MEMBERS, tx.now),
        query.sorts(body.sort, SORTS),
        pages.page(body, people.row(body.start_after_id)),
        limits=query.LIMITS,
    )
    total = UNSET if found.total is None else found.total
    return wire.UserPaginatedResult(users=await people.shown(tx, found.items), page_info=pages.info(found), total=total)


@ops.get("/api/users/{userId}", id="getUser", needs="USER_READ", errors=_SEEN)
async def get_user(tx: Tx, userId: str) -> wire.User:
    """Read a user."""
    return await people.one(tx, await people.named(tx, userId))


@ops.patch(
    "/api/users/{userId}",
    id="changeUser",
    needs="USER_MODIFY",
    errors=(InvalidInput, UsernameTaken, EmailTaken, StaleVersion, *_SEEN, *_ROLES),
)
async def change_user(runtime: Runtime, actor: Actor, userId: str, body: wire.UserPatchActions) -> wire.User:
    """Change a user whose version the caller has seen. All actions count or none."""
    async with runtime.read(actor) as tx:
        user = await people.named(tx, userId)
        patch = mapping.patch(user, body.actions, await people.unseen_attributes(tx))
    changed = await accounts.change(
        runtime,
        actor,
        user.id,
        patch.change,
        version=body.version - FIRST_VERSION,
        password=patch.password,
        wanted=patch.wanted,
        facilities=patch.facilities,
        spoken=frozenset(KINDS.values()),
    )
    async with runtime.read(actor) as tx:
        return await people.one(tx, changed)


@ops.delete("/api/users/{userId}", id="deleteUser", needs="USER_READ and USER_WRITE", errors=(*_SEEN, *_ROLES))
async def delete_user(tx: Tx, userId: str) -> None:
    """Delete a user, perhaps oneself. All tokens of the user are useless from now on."""
    user = await people.named(tx, userId)
    await service.delete(tx, user.id)


@ops.post(
    "/api/users/{userId}/assignedFacilities",
    id="assignFacility",
    needs="USER_READ and USER_WRITE",
    errors=(InvalidInput, *_SEEN, *_ROLES),
)
async def assign_facility(tx: Tx, userId: str, body: wire.AssignedFacilityForCreation) -> Nothing:
    """Attach a facility to a user: to every role that is limited to facilities. Doing it again changes nothing."""
    user = await people.named(tx, userId)
    await accounts.attach(tx, user.id, body.facility_ref)
    return Nothing()


@ops.get("/api/users/{userId}/permissions", id="getUserRoles", needs="USER_READ", errors=_SEEN)
async def get_user_roles(tx: Tx, userId: str) -> list[wire.RoleOfUser]:
    """Read the roles of a user, with what they permit."""
    user = await people.named(tx, userId)
    return mapping.roles_out(await access.effective(tx, user.id), vocabulary.of(tx.runtime))


def _reaching(facility: str, *, everywhere: bool) -> Filter:
    """Users who reach a facility by name; with `everywhere` those who reach all of them too."""
    found = Some("facilities", Compare("value", Op.EQ, facility))
    return AnyOf((found, Compare("is_limited", Op.EQ, value=False))) if everywhere else found
