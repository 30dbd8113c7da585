"""Inviting people to organisations, and answering invitations."""

from html import escape
from typing import Final
from uuid import UUID

from roster.core.access.errors import Escalation, RoleNotFound
from roster.core.flows import answering
from roster.core.invitations import service
from roster.core.invitations.errors import BatchNotFound, InvitationExpired, InvitationNotFound, NotInvited
from roster.core.invitations.models import Options
from roster.core.orgs.errors import OrgNotFound, OwnersOnly, SecondFactorRequired
from roster.core.users.errors import UserNotFound
from roster.dialects.native import auth
from roster.dialects.native.caller import own_id
from roster.dialects.native.mapping import invitations as mapping
from roster.dialects.native.mapping import organisations
from roster.dialects.native.wire import invitations as wire
from roster.dialects.native.wire.base import Input, Listing, Token
from roster.dialects.native.wire.organisations import Membership
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, RosterError
from roster.kit.ids import OrgId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import plain_page
from roster.web.bind import FORM
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Invitations")
_TITLE: Final = "Invitation"
_NEEDS: Final = (
    "members.write in the organisation; for roles roles.assign there and all that they give; for labels labels.write"
)
_NAMES: Final = """<label for="given_name">First name</label><input id="given_name" name="given_name">
<label for="family_name">Family name</label><input id="family_name" name="family_name">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="8">"""
_FORMS: Final = """<form method="post"><input type="hidden" name="token" value="{token}">{fields}
<button>Join</button></form>
<form method="post"><input type="hidden" name="token" value="{token}"><input type="hidden" name="answer" value="no">
<button>Decline</button></form>"""


class LinkQuery(Input, frozen=True, kw_only=True):
    """What the link says."""

    token: Token


class AnswerForm(Input, frozen=True, kw_only=True):
    """The forms of the page; `answer` is `no` in the one for declining."""

    token: Token
    answer: str = "yes"
    given_name: str = ""
    family_name: str = ""
    password: str = ""


@ops.post(
    "/organisations/{org_id}/invitations",
    id="invitePeople",
    needs=_NEEDS,
    errors=(OrgNotFound, Forbidden, RoleNotFound, Escalation, OwnersOnly),
)
async def invite(tx: Tx, org_id: OrgId, request: Request, body: wire.Invite) -> wire.Outcomes:
    """Invite people, with or without an account, by mail. Each has an outcome of their own."""
    options = Options(update=body.update, replace=body.replace, create_labels=body.create_labels)
    people = mapping.invitees_in(body.people)
    found = await service.invite(tx, org_id, people, link=_link(request), options=options)
    return wire.Outcomes(items=[mapping.outcome_out(each) for each in found])


@ops.post(
    "/organisations/{org_id}/invitation-batches",
    id="inviteMany",
    status=202,
    needs=_NEEDS,
    errors=(OrgNotFound, Forbidden, RoleNotFound, Escalation, OwnersOnly),
)
async def invite_many(tx: Tx, org_id: OrgId, request: Request, body: wire.InviteMany) -> wire.Batch:
    """Invite many people in the background; a mail says when it is done."""
    options = Options(update=body.update, replace=body.replace, create_labels=body.create_labels)
    people = mapping.invitees_in(body.people)
    return mapping.batch_out(await service.invite_later(tx, org_id, people, link=_link(request), options=options))


@ops.get(
    "/organisations/{org_id}/invitation-batches/{batch_id}",
    id="getInvitationBatch",
    needs="members.write in the organisation",
    errors=(OrgNotFound, Forbidden, BatchNotFound),
)
async def get_batch(tx: Tx, org_id: OrgId, batch_id: UUID) -> wire.Batch:
    """How far it is."""
    return mapping.batch_out(await service.batch(tx, org_id, batch_id))


@ops.post(
    "/organisations/{org_id}/invitations/resend",
    id="resendInvitations",
    needs="members.write in the organisation",
    errors=(OrgNotFound, Forbidden),
)
async def resend(tx: Tx, org_id: OrgId, request: Request, body: wire.Resend) -> wire.Resent:
    """Mail invitations again to those who have not answered, a few times an hour at most."""
    wanted = [UserId(each) for each in body.user_ids]
    return wire.Resent(user_ids=list(await service.resend(tx, org_id, wanted, link=_link(request))))


@ops.get("/me/invitations", id="listMyInvitations", errors=(UserNotFound, Forbidden))
async def list_own(tx: Tx) -> Listing[wire.OwnInvitation]:
    """One's invitations that wait for an answer."""
    return Listing(items=[mapping.own_out(each) for each in await service.own(tx, own_id(tx.actor))])


@ops.post(
    "/invitations/accept",
    id="acceptInvitation",
    public=True,
    errors=(InvalidToken, InvitationNotFound, InvitationExpired, NotInvited, SecondFactorRequired),
)
async def accept(runtime: Runtime, actor: Actor, request: Request, body: wire.Accept) -> Membership:
    """Join with the token of an invitation, signed in as the person invited or not at all.

    Whoever has no account in use chooses a password. Where a second factor is required and missing, the account is
    theirs all the same (403 `second_factor_required`): set one up, then accept again.
    """
    actor = await _caller(runtime, request, actor, body.token)
    names = mapping.names_in(body.given_name, body.family_name)
    return organisations.membership_out(
        await answering.accept(runtime, actor, body.token, names=names, password=body.password)
    )


@ops.post(
    "/invitations/decline",
    id="declineInvitation",
    public=True,
    status=204,
    errors=(InvalidToken, InvitationNotFound, InvitationExpired, NotInvited),
)
async def decline(runtime: Runtime, actor: Actor, request: Request, body: wire.Decline) -> None:
    """Do not join."""
    actor = await _caller(runtime, request, actor, body.token)
    async with runtime.write(actor) as tx:
        await answering.decline(tx, body.token)


@ops.get("/pages/invitation", id="getInvitationPage", public=True, produces=plain_page.HTML, returns=bytes)
async def page(runtime: Runtime, actor: Actor, request: Request, query: LinkQuery) -> Reply:
    """The page behind the link of an invitation."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, query.token)
        return await _asking(runtime, actor, query.token)
    except RosterError as error:
        return plain_page.of(_TITLE, plain_page.line(_said(error)))


@ops.post(
    "/pages/invitation",
    id="sendInvitationPage",
    public=True,
    produces=plain_page.HTML,
    returns=bytes,
    consumes=(FORM,),
)
async def answer(runtime: Runtime, actor: Actor, request: Request, body: AnswerForm) -> Reply:
    """The forms of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        if body.answer == "no":
            async with runtime.write(actor) as tx:
                await answering.decline(tx, body.token)
            return plain_page.of(_TITLE, plain_page.line("You have declined the invitation."))
        names = mapping.names_in(body.given_name, body.family_name)
        await answering.accept(runtime, actor, body.token, names=names, password=body.password or None)
    except RosterError as error:
        return plain_page.of(_TITLE, plain_page.line(_said(error)))
    return plain_page.of(_TITLE, plain_page.line("Thank you. You are a member now."))


async def _caller(runtime: Runtime, request: Request, actor: Actor, token: str) -> Actor:
    """Whoever sends a credential besides must be the person invited."""
    if request.header("authorization") is None:
        return await auth.nobody_with(runtime, request, actor, token)
    async with runtime.lease() as tx:
        return await auth.again(tx, request)


async def _asking(runtime: Runtime, actor: Actor, token: str) -> Reply:
    async with runtime.read(actor) as tx:
        shown = await service.show(tx, token)
    text = plain_page.line(f"{shown.org_name} would like you to become a member.")
    fields = _NAMES if shown.needs_account else ""
    return plain_page.of(_TITLE, text + _FORMS.format(token=escape(token), fields=fields))


def _said(error: RosterError) -> str:
    return InvitationNotFound.text if isinstance(error, InvalidToken) else error.message


def _link(request: Request) -> str:
    return f"{request.prefix}/pages/invitation?token={{token}}"
