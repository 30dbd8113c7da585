"""Inviting people to organisations, and answering (contract, tags user and invitation; notes, section 8)."""

from collections.abc import Mapping, Sequence
from typing import Final

from roster.core.access import org_roles
from roster.core.access.errors import Escalation
from roster.core.flows import answering
from roster.core.invitations import service as invitations
from roster.core.invitations.errors import InvitationNotFound, NotInvited
from roster.core.invitations.models import Invitee, Options, Outcome
from roster.core.labels import org_labels
from roster.core.memberships import labels as member_labels
from roster.core.memberships import service as memberships
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound, SecondFactorRequired
from roster.core.orgs.models import Org
from roster.core.users import numbers
from roster.core.users.models import UserChange
from roster.dialects.groupalarm import auth, errors, lookup, mapping, mapping_labels, pages, replies, wire
from roster.dialects.groupalarm.errors import SecondFactorFirst
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import LabelId, RoleId, UserId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import plain_page
from roster.web.operation import JSON, Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="user")

_PATH: Final = "/invite/{token}"
_FORM: Final = "application/x-www-form-urlencoded"
_INVITING: Final = (InvalidInput, OrgNotFound, Forbidden, Escalation)


@ops.post("/user/invite", id="InviteUser", errors=_INVITING, returns=list[wire.UserInviteResult])
async def invite(tx: Tx, request: Request, body: wire.UserInvite) -> list[wire.UserInviteResult] | Reply:
    """Invite people, known or not; everyone gets a mail.

    More people than the operator lets be invited at once are invited in the background; the caller is told by mail.
    """
    org = await lookup.org(tx, body.organization.id)
    lookup.need(tx, "user.create", org)
    invitees = await _invitees(tx, org, body)
    options = Options(
        update=body.update_existing_users,
        replace=body.remove_assigned_data,
        create_labels=body.map_labels_by_name and body.create_new_labels,
    )
    link = request.prefix + _PATH
    if len(invitees) > tx.runtime.settings.dialects.groupalarm.invited_at_once:
        await invitations.invite_later(tx, org.id, invitees, link=link, options=options)
        return Reply(202, replies.done(request, "MSG_INVITATIONS_ACCEPTED"))
    outcomes = await invitations.invite(tx, org.id, invitees, link=link, options=options)
    return await _results(tx, org, body.users, outcomes)


@ops.post("/user/invite/owner", id="InviteOwner", errors=_INVITING)
async def invite_owner(tx: Tx, request: Request, body: wire.OwnerInvite) -> wire.Success:
    """Invite an owner of the organisation as a member."""
    org = await lookup.org(tx, body.organization_id)
    lookup.need(tx, "user.create", org)
    owners = (await orgs.owners_of(tx, [org])).get(org.id, [])
    owner = next((each for each in owners if each.number == body.owner_id), None)
    if owner is None:
        raise InvalidInput.of("ownerID", "not_an_owner", "This is no owner of the organisation.")
    await invitations.invite(tx, org.id, [Invitee(user_id=owner.user_id)], link=request.prefix + _PATH)
    return replies.done(request, "MSG_INVITATIONS_SENT")


@ops.post("/user/resend", id="ResendInvitation", errors=_INVITING)
async def resend(tx: Tx, request: Request, body: wire.UserInvite) -> wire.Success:
    """Mail invitations again to those who have not answered."""
    org = await lookup.org(tx, body.organization.id)
    lookup.need(tx, "user.create", org)
    named = list((await _user_ids(tx, body.users)).values())
    addressed = await invitations.with_addresses(tx, org.id, [each.email for each in body.users if each.email])
    await invitations.resend(tx, org.id, [*named, *addressed], link=request.prefix + _PATH)
    return replies.done(request, "MSG_INVITATIONS_SENT")


@ops.get("/user/{userID}/invites", id="ListOrganizationInvitations", errors=(Forbidden,), extra=auth.PERSON)
async def list_own(tx: Tx, userID: int) -> list[wire.Invitation]:
    """List the caller's open invitations, each with the token that answers it."""
    me = auth.me(tx.actor)
    if (await numbers.of(tx, [me]))[me] != userID:
        raise Forbidden
    return [wire.Invitation(each.org_number, each.token) for each in await invitations.own(tx, me)]


@ops.post(
    _PATH,
    id="AcceptInvitation",
    tag="invitation",
    public=True,
    consumes=(JSON, _FORM),
    errors=(InvalidInput, InvitationNotFound, NotInvited, SecondFactorFirst),
    returns=wire.Success,
    also_produces=(plain_page.HTML,),
    extra=auth.OPTIONAL,
)
async def accept(
    runtime: Runtime, request: Request, actor: Actor, token: str, body: wire.InvitationAcceptance | None
) -> Reply | wire.Success:
    """Join; who has no account yet says names and a password. Browsers are answered with a page."""
    work = _accept(runtime, actor, token, body or wire.InvitationAcceptance())
    return await pages.answered(request, "MSG_INVITATION_ACCEPTED", work)


@ops.get(_PATH, id="ShowInvitation", public=True, produces=plain_page.HTML, returns=None, extra=pages.FOR_PEOPLE)
async def show(tx: Tx, request: Request, token: str) -> Reply:
    """The page that the link leads to."""
    try:
        found = await invitations.show(tx, token)
    except InvitationNotFound as error:
        return pages.refused(request, error, errors.status_of(type(error)))
    return pages.join(request, found.org_name, needs_account=found.needs_account)


@ops.delete(
    _PATH,
    id="DeclineInvitation",
    tag="invitation",
    public=True,
    errors=(InvitationNotFound, NotInvited),
    extra=auth.OPTIONAL,
)
async def decline(tx: Tx, request: Request, token: str) -> wire.Success:
    """Do not join."""
    await answering.decline(tx, token)
    return replies.done(request, replies.DELETED)


async def _accept(runtime: Runtime, actor: Actor, token: str, body: wire.InvitationAcceptance) -> None:
    names = UserChange(given_name=body.name.strip() or None, family_name=body.surname.strip() or None)
    try:
        await answering.accept(runtime, actor, token, names=names, password=body.password or None)
    except SecondFactorRequired:
        raise SecondFactorFirst from None


async def _invitees(tx: Tx, org: Org, body: wire.UserInvite) -> list[Invitee]:
    """Raises InvalidInput for roles that the organisation has not.

    A number that nobody has, or no label, becomes an id of nothing: what comes of it is said with the other outcomes.
    """
    roles = await _roles(tx, org, body.users)
    labels = await _labels(tx, org, body.users)
    users = await _user_ids(tx, body.users)
    found: list[Invitee] = []
    for each in body.users:
        user_id = users.get(each.id) or UserId(uuid7()) if each.id else None
        named = [label.name.strip() for label in each.labels or [] if not label.id] if body.map_labels_by_name else []
        numbered = [label.id for label in each.labels or [] if label.id or not body.map_labels_by_name]
        wanted = [labels.get(number) or LabelId(uuid7()) for number in numbered]
        found.append(mapping.invitee(each, user_id, [roles[role.id] for role in each.roles or []], wanted, named))
    return found


async def _roles(tx: Tx, org: Org, people: Sequence[wire.BulkUser]) -> Mapping[int, RoleId]:
    named = {role.id for each in people for role in each.roles or []}
    known = {role.number: role.id for role in await org_roles.roles_of(tx, org.id)} if named else {}
    unknown = sorted(named - known.keys())
    if unknown:
        raise InvalidInput.of("users.roles", "unknown_role", f"There is no role {unknown[0]}.")
    return known


async def _labels(tx: Tx, org: Org, people: Sequence[wire.BulkUser]) -> Mapping[int, LabelId]:
    """Labels that can be given, by number; nobody is given computed ones."""
    named = {label.id for each in people for label in each.labels or [] if label.id}
    found = await org_labels.numbered(tx, [org.id], named)
    return {number: each.id for number, each in found.items() if not mapping_labels.is_smart(each)}


async def _user_ids(tx: Tx, people: Sequence[wire.BulkUser]) -> Mapping[int, UserId]:
    return await numbers.ids_of(tx, {each.id for each in people if each.id})


async def _results(
    tx: Tx, org: Org, people: Sequence[wire.BulkUser], outcomes: Sequence[Outcome]
) -> list[wire.UserInviteResult]:
    known = await numbers.of(tx, [each.user_id for each in outcomes])
    labels = await _carried(tx, org, [each.user_id for each in outcomes if each.user_id])
    return [
        mapping.invite_result(
            person,
            known.get(each.user_id, 0) if each.user_id else 0,
            each.result.value,
            labels.get(each.user_id, []) if each.user_id else [],
        )
        for person, each in zip(people, outcomes, strict=True)
    ]


async def _carried(tx: Tx, org: Org, user_ids: Sequence[UserId]) -> Mapping[UserId, list[wire.CarriedLabel]]:
    """The labels that members, pending ones too, carry, for those who may see labels."""
    members = await memberships.among(tx, org, user_ids)
    held = await member_labels.of_members(tx, list(members.values()))
    if not held or not rights.holds(tx, "labels.read", org):
        return {}
    shown = {
        each.id: wire.CarriedLabel(each.number, each.name, org.number) for each in await org_labels.of_orgs(tx, [org])
    }
    return {
        user_id: [shown[label] for label in held.get(each.id, []) if label in shown]
        for user_id, each in members.items()
    }
