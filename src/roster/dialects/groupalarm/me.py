"""The caller's own account: profile, what the web client remembers, deployment notification (contract, tag user)."""

from typing import Any, Final

from msgspec import UnsetType

from roster.core.access.errors import LastAdministrator
from roster.core.availability import service as availability
from roster.core.flows import organisations
from roster.core.memberships import profiles
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember, StillMember
from roster.core.orgs.errors import OrgNotFound
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.dialects.groupalarm import auth, lookup, mapping, replies, wire
from roster.dialects.groupalarm.errors import MemberStill, NotEditable, UnreadableClaims, UnreadableToken
from roster.kit.errors import Forbidden, InvalidInput, StepUpRequired
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web import body as bodies
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="user")

_DEPLOYMENT: Final = "/user/{userID}/deployment-notification"


@ops.get(
    "/user/",
    id="GetUser",
    errors=(UnreadableToken, UnreadableClaims),
    extra={**auth.PERSON_ONLY, **auth.BEFORE_ACTIVATION, **auth.READS_CLAIMS},
)
async def get_user(tx: Tx, request: Request) -> wire.User:
    """Read the own account; `token` is the JWT of the request, if that is how the caller is known."""
    user = await users.get(tx, auth.me(tx.actor))
    available = await availability.preferred(tx, user.id)
    return mapping.user_out(user, available=available, token=auth.bearer(request) or "")


@ops.put(
    "/user/",
    id="UpdateUser",
    errors=(InvalidInput, NotEditable, NotAMember, OrgNotFound),
    extra={**auth.PERSON, **auth.BEFORE_ACTIVATION},
)
async def update_user(tx: Tx, request: Request, body: wire.UserUpdate) -> wire.Success:
    """Change the own profile, or with `organizationId` the names of a member of that organisation."""
    me = await users.get(tx, auth.me(tx.actor))
    if body.user.id not in (0, me.number):
        await _update_member(tx, body)
        return replies.done(request)
    await users.keep(tx, mapping.NAME, mapping.kept_of(body.user), mapping.user_change(body.user))
    await _say(tx, me.id, body.user.available_preference)
    return replies.done(request)


async def _say(tx: Tx, me: UserId, available: bool | UnsetType) -> None:
    """Clients send the whole user back: what is as it was is not said anew, which would outdo a planned change."""
    if not isinstance(available, UnsetType) and available != await availability.preferred(tx, me):
        await availability.say(tx, available)


async def _update_member(tx: Tx, body: wire.UserUpdate) -> None:
    """Only names of members who let administrators edit them; what people decide themselves is ignored."""
    if not body.organization_id:
        raise Forbidden
    org = await lookup.org(tx, body.organization_id)
    lookup.need(tx, "user.edit", org)
    member = await lookup.member(tx, org.id, body.user.id)
    if not mapping.is_editable(member.person):
        raise NotEditable
    await profiles.change(tx, org.id, member.person.id, mapping.user_change(body.user))


@ops.delete(
    "/user",
    id="DeleteUser",
    errors=(MemberStill, LastAdministrator, StepUpRequired),
    extra={**auth.PERSON, **auth.BEFORE_ACTIVATION},
)
async def delete_user(tx: Tx, request: Request) -> wire.Success:
    """Delete the own account, after leaving all organisations."""
    await auth.require_login(tx)
    me = auth.me(tx.actor)
    try:
        await organisations.delete_account(tx, me)
    except StillMember:
        count = sum(each.state == "active" for each in await memberships.of_user(tx, me))
        raise MemberStill(f"user is member of {count} organization{'' if count == 1 else 's'}") from None
    return replies.done(request, "MSG_USER_DELETED")


@ops.get("/user-settings", id="GetSettings", tag="settings", returns=wire.UserSettings, extra=auth.PERSON)
async def get_settings(tx: Tx) -> dict[str, Any]:
    """Read what the web client remembers, or the defaults."""
    return mapping.settings_out(await users.get(tx, auth.me(tx.actor)))


@ops.put("/user-settings", id="StoreSettings", tag="settings", errors=(InvalidInput,), extra=auth.PERSON)
async def store_settings(tx: Tx, request: Request, body: wire.UserSettings) -> wire.Success:
    """Replace what the web client remembers; its language becomes the person's own."""
    kept = mapping.settings_kept(bodies.decode(request.body))
    change = UserChange(locale=body.language) if body.language else UserChange()
    await users.keep(tx, mapping.NAME, kept, change)
    return replies.done(request)


@ops.get(_DEPLOYMENT, id="GetDeploymentNotification", errors=(Forbidden,), extra=auth.PERSON)
async def get_deployment_notification(tx: Tx, userID: int) -> wire.UserDeploymentNotificationConfiguration:
    """Read whom to tell that the caller is on duty."""
    me = await users.get(tx, auth.me(tx.actor))
    if me.number != userID:
        raise Forbidden
    return mapping.deployment_out(me)


@ops.post(_DEPLOYMENT, id="UpsertDeploymentNotification", errors=(Forbidden, InvalidInput), extra=auth.PERSON)
async def store_deployment_notification(
    tx: Tx, request: Request, userID: int, body: wire.UserDeploymentNotificationConfiguration
) -> wire.Success:
    """Store whom to tell that the caller is on duty."""
    me = await users.get(tx, auth.me(tx.actor))
    if me.number != userID:
        raise Forbidden
    await users.keep(tx, mapping.NAME, mapping.deployment_kept(body))
    return replies.done(request)
