"""The directory's words and the wire's, both ways. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.access.models import Role, RoleChange, RoleDraft
from roster.core.availability.models import Absence, Counts, Planned, Status, TreeCounts, Weekly, WeeklyDraft
from roster.core.credentials.models import Credential
from roster.core.invitations.models import Invitee
from roster.core.memberships.models import Member, Person
from roster.core.orgs.models import Facets, Org, OrgChange, OrgDraft
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Session
from roster.core.users.models import User, UserChange
from roster.dialects.groupalarm import wire, wire_availability, wire_organizations, wire_rbac
from roster.kit.errors import InvalidInput
from roster.kit.ids import LabelId, OrgId, RoleId, UserId
from roster.kit.patch import present

NAME: Final = "groupalarm"
"""Of the dialect; what it keeps of people stands under it."""
_EDITABLE: Final = "editable"
_SETTINGS: Final = "settings"
_DEPLOYMENT: Final = "deployment"
_ASSIGN: Final = "assign"


def user_out(user: User, *, available: bool, token: str = "") -> wire.User:
    """A user, with what they have said for all organisations, and with the JWT of the session where there is one."""
    kept = user.facets.get(NAME, {})
    return wire.User(
        active=is_active(user),
        available_preference=available,
        avatar_url=user.picture or "",
        chat_token="",
        editable=kept.get(_EDITABLE) is not False,
        email=user.email or "",
        id=user.number,
        name=user.given_name or "",
        pending=user.status == "pending",
        registration_date=user.created_at,
        surname=user.family_name or "",
        token=token,
    )


def is_active(user: User) -> bool:
    """Address verified and account usable (notes, section 5); who has no address has none to verify."""
    return user.status == "active" and (user.email is None or user.email_verified_at is not None)


def user_change(body: wire.UserWrite) -> UserChange:
    """What is changed of the person; an empty name is none."""
    return UserChange(given_name=_text(body.name), family_name=_text(body.surname))


def kept_of(body: wire.UserWrite) -> wire.Kept:
    """What is changed of that which the dialect keeps."""
    return {} if isinstance(body.editable, UnsetType) else {_EDITABLE: body.editable}


def session_out(session: Session, user_number: int, now: datetime) -> wire.Session:
    """A session; of one that has ended no number is good any more (notes, section 4)."""
    is_over = session.ended_at is not None or session.expires_at <= now
    least = session.generation + 1 if is_over else sessions.least(session.generation)
    return wire.Session(
        creation_time=session.created_at,
        id=session.number,
        ip_address=session.address,
        is_expired=is_over,
        sequence=session.generation,
        sequence_minimum=least,
        usage_time=session.last_used_at,
        user_agent=session.user_agent,
        user_id=user_number,
    )


def personal_token_out(found: Credential, user_number: int, secret: str = "") -> wire.PersonalAccessToken:
    """A personal access token, with its secret where it was just made."""
    return wire.PersonalAccessToken(id=found.number, name=found.label, token=secret, user_id=user_number)


def settings_out(user: User) -> dict[str, Any]:
    """Stored settings over the defaults; the language is the one in which everything is said to the person."""
    defaults = msgspec.to_builtins(wire.UserSettings())
    stored = cast("dict[str, Any]", user.facets.get(NAME, {}).get(_SETTINGS, {}))
    found = {name: value for name, value in stored.items() if value is not None}
    return {**defaults, **found, "language": user.locale or ""}


def settings_kept(sent: dict[str, Any]) -> wire.Kept:
    """Settings as they are kept, which replace those before."""
    return {_SETTINGS: {name: value for name, value in sent.items() if name != "language"}}


def deployment_out(user: User) -> wire.UserDeploymentNotificationConfiguration:
    """The settings of deployment notifications."""
    stored = user.facets.get(NAME, {}).get(_DEPLOYMENT, {})
    known = msgspec.convert(stored, wire.UserDeploymentNotificationConfiguration)
    return msgspec.structs.replace(known, emails=known.emails or [], user_id=user.number)


def deployment_kept(body: wire.UserDeploymentNotificationConfiguration) -> wire.Kept:
    """The same as they are kept."""
    emails = [each for each in body.emails or [] if each]
    return {_DEPLOYMENT: {"emails": emails, "enabled": body.enabled, "notificationText": body.notification_text}}


def _text(value: str | UnsetType) -> str | UnsetType | None:
    return value if isinstance(value, UnsetType) else value.strip() or None


def member_out(found: Member, *, available: bool) -> wire.User:
    """A member as administrators of the organisation read them: nothing of their sessions, nothing of the account.

    `available` is what they have said for all organisations; it is not told of who has not joined yet.
    """
    person = found.person
    return wire.User(
        active=person.status == "active",
        available_preference=available and found.membership.state == "active",
        avatar_url=person.picture or "",
        chat_token="",
        editable=is_editable(person),
        email=person.email or "",
        id=person.number,
        name=person.given_name or "",
        pending=person.status == "pending",
        registration_date=person.created_at,
        surname=person.family_name or "",
        token="",
    )


def public_user_out(found: Member, status: Status | None) -> wire.PublicUser:
    """A member as others see them; who has not joined yet has no status, and is not available."""
    person = found.person
    return wire.PublicUser(
        available_preference=status is not None and status.preferred,
        available_status=1 if status is not None and status.available else 0,
        avatar_url=person.picture or "",
        editable=is_editable(person),
        email=person.email or "",
        external_id=found.membership.external_id or "",
        id=person.number,
        name=person.given_name or "",
        pending=found.membership.state != "active",
        surname=person.family_name or "",
    )


def is_editable(person: Person) -> bool:
    """Whether administrators of organisations may change the profile; the person decides (notes, section 10)."""
    return person.facets.get(NAME, {}).get(_EDITABLE) is not False


def organization_out(
    org: Org, *, owners: list[int], parent: int, has_children: bool, counts: TreeCounts | None
) -> wire_organizations.Organization:
    """An organisation; with `counts`, its members who can be called on and who cannot."""
    kept = org.facets.get(NAME, {})
    return wire_organizations.Organization(
        avatar_url=cast("str", kept.get("avatar", "")),
        creation_date=org.created_at,
        data_retention_period=cast("int", kept.get("retention", 0)),
        description=org.description,
        enforces_two_factor_auth=org.enforces_mfa,
        has_children=has_children,
        id=org.number,
        language=org.language or "",
        location=msgspec.convert(kept.get("location", {}), wire_organizations.OrganizationLocation),
        name=org.name,
        owner_ids=owners,
        parent_id=parent,
        state="active",
        tags=cast("list[str]", kept.get("tags", [])),
        timezone=org.timezone or "",
        trial_end_date=None,
        available_users=UNSET if counts is None else counts_out(counts.alone),
        available_users_total=UNSET if counts is None else counts_out(counts.whole),
    )


def organization_draft(body: wire_organizations.OrganizationWrite, parent_id: OrgId | None) -> OrgDraft:
    """A new organisation. Raises InvalidInput when it has no name."""
    if isinstance(body.name, UnsetType):
        raise InvalidInput.of("name", "required", "An organisation has a name.")
    named: dict[str, Any] = {**present(organization_change(body, {})), "parent_id": parent_id}
    return OrgDraft(**named)


def organization_change(body: wire_organizations.OrganizationWrite, facets: Facets) -> OrgChange:
    """A change of one, of which dialects know this much so far; what is left out stays."""
    sent: dict[str, object] = {
        "avatar": body.avatar_url,
        "retention": body.data_retention_period,
        "location": UNSET if body.location is UNSET else msgspec.to_builtins(body.location or {}),
        "tags": UNSET if body.tags is UNSET else body.tags or [],
    }
    named = {name: value for name, value in sent.items() if value is not UNSET}
    return OrgChange(
        name=body.name,
        description=body.description,
        language=_text(body.language),
        timezone=_text(body.timezone),
        enforces_mfa=body.enforces_two_factor_auth,
        facets={NAME: {**facets.get(NAME, {}), **named}} if named else UNSET,
    )


def role_out(role: Role, organization: int) -> wire_rbac.Role:
    """A role, and the number of its organisation."""
    kept = cast("dict[str, object]", role.facets.get(NAME, {}))
    return wire_rbac.Role(
        assign_users_in_child_organizations=kept.get(_ASSIGN) is True,
        description=role.description,
        id=role.number,
        inheritable=role.is_inheritable,
        name=role.name,
        organization_id=organization,
        type=role.name if role.built_in else "",
    )


def role_with_access(role: wire_rbac.Role, access: list[wire_rbac.RoleAccess]) -> wire_rbac.RoleWithAccess:
    """The same with its access entries."""
    return wire_rbac.RoleWithAccess(**msgspec.structs.asdict(role), role_access=access)


def role_draft(body: wire_rbac.RoleWrite) -> RoleDraft:
    """A new role. Raises InvalidInput when it has no name."""
    if isinstance(body.name, UnsetType):
        raise InvalidInput.of("name", "required", "A role has a name.")
    description = "" if isinstance(body.description, UnsetType) else body.description
    assign = body.assign_users_in_child_organizations is True
    return RoleDraft(body.name, description, facets={NAME: {_ASSIGN: True}} if assign else {})


def role_change(body: wire_rbac.RoleWrite, role: Role) -> RoleChange:
    """A change of one; what is left out stays."""
    assign = body.assign_users_in_child_organizations
    kept = cast("dict[str, object]", role.facets.get(NAME, {}))
    facets: dict[str, object] = {} if isinstance(assign, UnsetType) else {NAME: {**kept, _ASSIGN: assign}}
    return RoleChange(name=body.name, description=body.description, facets=facets)


def is_wide(body: wire_rbac.RoleWrite) -> bool | None:
    """Whether the role shall hold in sub-organisations too: each of the two flags says so; None leaves it as it is."""
    flags = [each for each in (body.inheritable, body.assign_users_in_child_organizations) if each is not UNSET]
    return any(flags) if flags else None


def invitee(
    person: wire.BulkUser, user_id: UserId | None, roles: list[RoleId], labels: list[LabelId], names: list[str]
) -> Invitee:
    """Somebody to invite; the rank is kept with the membership. `names` are those of further labels."""
    rank = wire.Rank(value=person.rank) if isinstance(person.rank, str) else person.rank
    return Invitee(
        email=person.email.strip() or None if user_id is None else None,
        user_id=user_id,
        given_name=person.name.strip() or None,
        family_name=person.surname.strip() or None,
        locale=person.language or None,
        external_id=person.external_id or None,
        facets={NAME: {"rank": msgspec.to_builtins(rank)}} if rank is not None else {},
        roles=roles,
        labels=labels,
        label_names=names,
    )


def invite_result(
    person: wire.BulkUser, number: int, result: str, labels: list[wire.CarriedLabel]
) -> wire.UserInviteResult:
    """What became of one of them."""
    invited = wire.InvitedUser(
        email=person.email,
        external_id=person.external_id,
        id=number,
        labels=labels,
        name=person.name,
        surname=person.surname,
    )
    return wire.UserInviteResult(result, invited)


def availabilities_out(
    user: int, said: Sequence[tuple[int, bool]]
) -> list[wire_availability.UserOrganizationAvailability]:
    """What a person has said: numbers of organisations, 0 for all, and whether they can be called on."""
    return [wire_availability.UserOrganizationAvailability(number, available, user) for number, available in said]


def is_available(status: wire_availability.ChangeStatus) -> bool:
    """What a change means."""
    return status == "available"


def weekly_draft(body: wire_availability.RecurringUserAvailabilityChangeWrite, org_id: OrgId | None) -> WeeklyDraft:
    """A weekly change as it is to be."""
    hours, minutes, seconds = (int(part) for part in body.change_time.split(":"))
    return WeeklyDraft(
        body.change_day,
        (hours * 60 + minutes) * 60 + seconds,
        is_available(body.change_status),
        org_id,
        body.active,
    )


def weekly_out(found: Weekly, user: int, organization: int) -> wire_availability.RecurringUserAvailabilityChange:
    """A weekly change, and the numbers of the person and of the organisation, 0 for all."""
    minutes, second = divmod(found.second, 60)
    hour, minute = divmod(minutes, 60)
    return wire_availability.RecurringUserAvailabilityChange(
        active=found.active,
        change_day=found.day,
        change_status=_change_status(found.available),
        change_time=f"{hour:02}:{minute:02}:{second:02}",
        id=found.number,
        organization_id=organization,
        user_id=user,
    )


def planned_out(found: Planned, user: int) -> wire_availability.ScheduledUserAvailabilityChange:
    """A change that comes once."""
    return wire_availability.ScheduledUserAvailabilityChange(
        _change_status(found.available), found.at, found.number, user
    )


def absence_out(found: Absence, user: int) -> wire_availability.UserAvailabilityChange:
    """An absence."""
    seconds = (found.ends_at - found.starts_at) // timedelta(seconds=1)
    return wire_availability.UserAvailabilityChange(seconds, found.starts_at, user)


def counts_out(found: Counts) -> wire_availability.AvailableUsersCount:
    """How many can be called on and how many cannot."""
    return wire_availability.AvailableUsersCount(found.available, 0, found.not_available)


def _change_status(available: bool) -> wire_availability.ChangeStatus:
    return "available" if available else "unavailable"
