"""People: finding, making, changing, deleting, restoring and erasing them."""

from typing import Final

from roster.core.access.errors import Escalation, LastAdministrator
from roster.core.attributes import service as attributes
from roster.core.flows import dossier, signup
from roster.core.recovery import service as recovery
from roster.core.users import search, service
from roster.core.users.errors import EmailTaken, NotDeleted, OwnAccount, UsernameTaken, UserNotFound
from roster.dialects.native import etags, pages
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base, people
from roster.dialects.native.wire import people as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, StaleVersion, StepUpRequired, TooMany
from roster.kit.filters import InvalidFilter, PrivateField
from roster.kit.ids import UserId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Users")

_EVERYWHERE: Final = ("username", "email", "display_name", "given_name", "family_name")
_BASIC: Final = ("username",)


@ops.get(
    "/users",
    id="listUsers",
    needs="users.read, or users.read_basic for the basic view",
    errors=(Forbidden, InvalidFilter, InvalidCursor, PrivateField),
)
async def list_users(tx: Tx, query: wire.UsersQuery) -> Listing[wire.User]:
    """Find people by any field, in any order, page by page.

    `filter` compares fields: `status eq "active" and (email ew "@example.com" or tags eq "vip")`; operators are `eq`
    `ne` `gt` `ge` `lt` `le` `co` `sw` `ew` `in ("a", "b")` and `pr` (has a value), joined by `and`, `or`, `not`.
    Custom fields are `attributes.<name>`. `sort` names fields, descending after a hyphen.
    """
    sees_all = tx.actor.grants.holds("users.read")
    words = queries.matching(query.q, _EVERYWHERE if sees_all else _BASIC)
    where = queries.both(queries.parse_filter(query.filter), words)
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    found = await search.search(tx, where, queries.parse_sort(query.sort), page, deleted=query.deleted or "exclude")
    unseen = await attributes.unseen(tx)
    return base.listing(found, lambda user: people.user_out(user, unseen))


@ops.post(
    "/users",
    id="createUser",
    status=201,
    needs="users.create; users.write for status, tags, facets and verified addresses; credentials.write for a password;"
    " roles.assign for roles",
    errors=(Forbidden, UsernameTaken, EmailTaken, Escalation),
    returns=wire.User,
)
async def create_user(runtime: Runtime, actor: Actor, request: Request, body: wire.UserCreate) -> Reply:
    """Make a person, perhaps with a first password and with roles."""
    user = await signup.create(runtime, actor, people.user_draft(body), password=body.password, roles=body.roles)
    async with runtime.read(actor) as tx:
        unseen = await attributes.unseen(tx)
    location = f"{request.prefix}/users/{user.id}"
    return etags.with_tag(people.user_out(user, unseen), user.version, 201, location)


@ops.get(
    "/users/{user_id}",
    id="getUser",
    needs="users.read, or users.read_basic for the basic view",
    errors=(UserNotFound,),
    returns=wire.User,
)
async def get_user(tx: Tx, user_id: UserId) -> Reply:
    """One person. Deleted people are found by the list only."""
    user = await service.get(tx, user_id)
    return etags.with_tag(people.user_out(user, await attributes.unseen(tx)), user.version)


@ops.patch(
    "/users/{user_id}",
    id="patchUser",
    needs="users.write, or being that person for what is one's own; credentials.write for another's e-mail address",
    errors=(
        UserNotFound,
        StaleVersion,
        UsernameTaken,
        EmailTaken,
        Forbidden,
        Escalation,
        LastAdministrator,
        OwnAccount,
        StepUpRequired,
    ),
    returns=wire.User,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_user(tx: Tx, user_id: UserId, request: Request, body: wire.UserPatch) -> Reply:
    """Change a person: what is absent stays, null clears (RFC 7396). Disabling ends all sessions."""
    version = etags.version_of(request)
    user = await service.change(tx, user_id, people.user_change(body), version=version)
    return etags.with_tag(people.user_out(user, await attributes.unseen(tx)), user.version)


@ops.delete(
    "/users/{user_id}",
    id="deleteUser",
    status=204,
    needs="users.delete, or being that person",
    errors=(UserNotFound, StaleVersion, Forbidden, Escalation, LastAdministrator),
    parameters=(etags.IF_MATCH,),
)
async def delete_user(tx: Tx, user_id: UserId, request: Request) -> None:
    """Delete a person so that it can be undone: the name is held, sessions end, roles and credentials wait."""
    await service.delete(tx, user_id, version=etags.version_of(request))


@ops.post(
    "/users/{user_id}/restore",
    id="restoreUser",
    needs="users.write",
    errors=(UserNotFound, NotDeleted, Escalation),
    returns=wire.User,
)
async def restore_user(tx: Tx, user_id: UserId) -> Reply:
    """Bring a deleted person back, with roles and credentials; they sign in anew."""
    user = await service.restore(tx, user_id)
    return etags.with_tag(people.user_out(user, await attributes.unseen(tx)), user.version)


@ops.post(
    "/users/{user_id}/erase",
    id="eraseUser",
    status=204,
    needs="users.erase",
    errors=(UserNotFound, OwnAccount, Escalation, LastAdministrator),
)
async def erase_user(tx: Tx, user_id: UserId) -> None:
    """Remove a person for ever, from the trail too. This cannot be undone."""
    await service.erase(tx, user_id)


@ops.get(
    "/users/{user_id}/export",
    id="exportUser",
    needs="users.erase, or being that person",
    errors=(UserNotFound, Escalation),
    returns=wire.Dossier,
)
async def export_user(tx: Tx, user_id: UserId) -> Reply:
    """Everything known about one person, as one document (GDPR, article 15); deleted people too. Never a secret."""
    found = await dossier.gather(tx, user_id)
    name = ("Content-Disposition", f'attachment; filename="user-{user_id}.json"')
    return Reply(body=people.dossier_out(found, tx.actor.session_id), headers=(name,))


@ops.post(
    "/users/{user_id}/verify-email",
    id="sendVerification",
    status=202,
    needs="users.write, or being that person",
    errors=(UserNotFound, Forbidden, TooMany),
)
async def send_verification(runtime: Runtime, actor: Actor, user_id: UserId, request: Request) -> None:
    """Send the message that asks a person to verify their e-mail address."""
    await recovery.request_verification(runtime, actor, user_id, pages.verify_link(request))
