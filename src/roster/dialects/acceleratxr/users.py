"""Users: finding, registering, changing, deleting, recovering and verifying (contract, tag Users)."""

from typing import Final

import msgspec
from msgspec import UnsetType

from roster.core.flows import passwords, profiles, signup
from roster.core.recovery import service as recovery
from roster.core.users import removal
from roster.core.users import search as people
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from roster.dialects.acceleratxr import auth, errors, lookup, mapping, pages, query, wire
from roster.dialects.acceleratxr.errors import RangeArity, UidMismatch, WhoIsMe
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken, StaleVersion, TooMany
from roster.kit.filters import InvalidFilter, PrivateField
from roster.kit.ids import UserId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Users")

_NUMBER: Final = {"type": "integer", "minimum": 0}
CRITERIA: Final = (
    Parameter(
        name="criteria",
        description="Every other parameter: MEMBER=VALUE or MEMBER=OP(VALUE); repeating a member means or.",
        schema={"type": "object", "additionalProperties": {"type": "string"}},
    ),
)
LISTING: Final = (
    Parameter(name="limit", description="At most 1000; larger is cut.", schema={"type": "integer", "minimum": 1}),
    Parameter(name="skip", description="Results to leave out at the start.", schema=_NUMBER),
    Parameter(name="page", description="The same in pages of `limit`.", schema=_NUMBER),
    Parameter(name="sort", description='A member, or an object such as {"name":"ASC"}.'),
    *CRITERIA,
)
SEARCH_ERRORS: Final = (InvalidFilter, RangeArity, PrivateField, Forbidden)
_ADDRESSED: Final = (UserNotFound, Forbidden, WhoIsMe)
_FORM: Final = "application/x-www-form-urlencoded"


@ops.get("/users", id="User.findAll", errors=SEARCH_ERRORS, parameters=LISTING)
async def find_all(tx: Tx, query: Query) -> list[wire.User]:
    """Find users.

    Those the caller may read that match the criteria; hidden members are left out.
    """
    asked = _listing(query)
    found = await people.search(tx, asked.where, asked.sorts, asked.page)
    return await lookup.shown(tx, found.items)


@ops.post(
    "/users",
    id="User.create",
    status=201,
    public=True,
    errors=(InvalidInput, UsernameTaken, EmailTaken, Forbidden, TooMany),
)
async def create(runtime: Runtime, request: Request, actor: Actor, body: wire.UserWrite) -> wire.NewUser:
    """Register a user.

    Open to anonymous callers when self-registration is on; a verification mail goes out. Callers who are signed in
    need the right to create users, and get no token.
    """
    if not actor.may("users.create"):
        raise Forbidden
    trusted = auth.is_trusted(actor)
    draft, link = mapping.user_draft(body, trusted=trusted), _link(request, "verify")
    if actor.user_id is None:
        granted = await signup.register(runtime, actor, draft, link=link, claims=lookup.claims)
        return wire.NewUser(granted.access_token, mapping.user_out(granted.user))
    if not actor.may("users.write"):
        await signup.spend(runtime, actor)
    async with runtime.write(actor) as tx:
        roles, identities = _trusted_only(body, trusted=trusted)
        user = await profiles.create(tx, draft, roles=roles or (), identities=identities or (), link=link)
        return wire.NewUser("", (await lookup.shown(tx, [user]))[0])


@ops.delete("/users", id="User.truncate", errors=SEARCH_ERRORS, parameters=CRITERIA)
async def truncate(tx: Tx, query: Query) -> None:
    """Delete all users that match.

    For trusted callers, and only where the installation allows it; the caller and the last administrator stay.
    """
    if not tx.runtime.settings.dialects.acceleratxr.truncate_allowed:
        raise Forbidden("This installation does not allow deleting many users at once.")
    await removal.delete_many(tx, _criteria(query, deleting=True))


@ops.get("/users/count", id="User.count", public=True, errors=SEARCH_ERRORS, parameters=CRITERIA)
async def count(tx: Tx, query: Query) -> wire.Count:
    """Count users."""
    return wire.Count(await people.count(tx, _criteria(query)))


@ops.get("/users/{id}", id="User.findById", errors=_ADDRESSED)
async def find_by_id(tx: Tx, id: str) -> wire.User:
    """Fetch a user.

    By uid, name, e-mail address or phone number; `me` is the caller.
    """
    return (await lookup.shown(tx, [await lookup.person(tx, id)]))[0]


@ops.put(
    "/users/{id}",
    id="User.update",
    errors=(*_ADDRESSED, InvalidInput, UidMismatch, StaleVersion, UsernameTaken, EmailTaken),
)
async def update(tx: Tx, request: Request, id: str, body: wire.UserWrite) -> wire.User:
    """Change a user.

    The whole user is sent: optional members that are left out get their default, but roles, externalIds and verified
    stay. A changed e-mail address must be verified again.
    """
    found = await lookup.person(tx, id)
    lookup.require_uid(body.uid, found.id)
    trusted = auth.is_trusted(tx.actor)
    roles, identities = _trusted_only(body, trusted=trusted)
    changed = await profiles.change(
        tx,
        found.id,
        mapping.user_change(body, trusted=trusted),
        version=None if isinstance(body.version, UnsetType) else body.version,
        roles=roles,
        identities=identities,
        link=_link(request, "verify"),
    )
    return (await lookup.shown(tx, [await users.seen(tx, changed)]))[0]


@ops.delete("/users/{id}", id="User.delete", errors=_ADDRESSED)
async def delete(tx: Tx, id: str) -> None:
    """Delete a user."""
    await users.delete(tx, (await lookup.person(tx, id)).id)


@ops.get(
    "/users/{id}/recover",
    id="User.recover",
    public=True,
    errors=(TooMany,),
    parameters=(auth.IN_QUERY,),
    returns=None,
)
async def recover(runtime: Runtime, request: Request, actor: Actor, id: str) -> Reply | None:
    """Send a recovery mail.

    Answers the same whether or not there is such a user. The link in the mail leads back here with a token; to a
    browser that comes with one, a page for setting the password is shown.
    """
    if pages.preferred(request) and auth.QUERY_TOKEN in request.query:
        return pages.ask_password()
    named = str(actor.user_id) if id.lower() == auth.ME and actor.user_id else mapping.identifier(id)
    await recovery.request(runtime, actor, named, _link(request, "recover"))
    return None


class NewPassword(msgspec.Struct, frozen=True):
    """The form of the page for setting a password."""

    secret: str


@ops.post(
    "/users/{id}/recover",
    id="User.recoverPost",
    consumes=(_FORM, "application/json"),
    produces="text/html",
    returns=bytes,
    errors=(InvalidInput, InvalidToken),
    parameters=(auth.IN_QUERY,),
    extra={auth.READS_ITSELF: True},
)
async def recover_with_form(runtime: Runtime, request: Request, actor: Actor, body: NewPassword) -> Reply:
    """Set a lost password with the page's form.

    Programs do the same with PUT /users/{userId}/secrets/password.
    """
    token = auth.own_token(request)
    try:
        await passwords.recover(runtime, actor, token, body.secret)
    except (InvalidInput, InvalidToken) as error:
        if not pages.preferred(request):
            raise
        return pages.refused(error, errors.meaning_of(type(error)).status, again=isinstance(error, InvalidInput))
    return pages.done("Your password has been set. You can sign in with it now.")


@ops.get(
    "/users/{id}/verify",
    id="User.verify",
    errors=(InvalidToken, UserNotFound),
    parameters=(auth.IN_QUERY,),
    returns=wire.User,
    extra={auth.READS_ITSELF: True},
)
async def verify(runtime: Runtime, request: Request, actor: Actor, id: str) -> Reply | wire.User:
    """Verify the e-mail address.

    Callers who ask for JSON verify at once; others see a page with a button, since scanners of mail follow links too.
    """
    if request.method == "HEAD" or pages.wanted(request):
        return pages.confirm_address()
    return await _verified(runtime, request, actor, id)


@ops.post(
    "/users/{id}/verify",
    id="User.verifyPost",
    errors=(InvalidToken, UserNotFound),
    parameters=(auth.IN_QUERY,),
    returns=wire.User,
    extra={auth.READS_ITSELF: True},
)
async def verify_post(runtime: Runtime, request: Request, actor: Actor, id: str) -> Reply | wire.User:
    """Verify the e-mail address."""
    if not pages.preferred(request):
        return await _verified(runtime, request, actor, id)
    try:
        await _verified(runtime, request, actor, id)
    except (InvalidToken, UserNotFound) as error:
        return pages.refused(error, errors.meaning_of(type(error)).status)
    return pages.done("Your e-mail address is confirmed.")


async def _verified(runtime: Runtime, request: Request, actor: Actor, id: str) -> wire.User:
    """A path that names somebody else looks the same as one that names nobody."""
    token = auth.own_token(request)
    async with runtime.read(actor) as tx:
        named = None if id.lower() == auth.ME else await lookup.named(tx, id)
    meant = named.id if named else None if id.lower() == auth.ME else UserId(uuid7())
    user = await recovery.verify_email(runtime, actor, token, of=meant)
    async with runtime.read(actor) as tx:
        return (await lookup.shown(tx, [user]))[0]


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.USER)


def _criteria(given: Query, *, deleting: bool = False) -> query.Filter | None:
    return query.only_criteria(given, query.USER) if deleting else query.criteria(given, query.USER)


def _trusted_only(body: wire.UserWrite, *, trusted: bool) -> tuple[list[str] | None, list[mapping.Identity] | None]:
    """Roles and external identities, which nobody decides about for themselves; None leaves them alone."""
    if not trusted:
        return None, None
    roles = None if isinstance(body.roles, UnsetType) else body.roles
    return roles, None if isinstance(body.external_ids, UnsetType) else mapping.identities(body.external_ids)


def _link(request: Request, operation: str) -> str:
    """Where a message leads, below the public address."""
    return f"{request.prefix}/users/{{user_id}}/{operation}?{auth.QUERY_TOKEN}={{token}}"
