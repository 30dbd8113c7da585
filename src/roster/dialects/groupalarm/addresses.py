"""Another login address, which is in force once the new one has confirmed it (contract, tag email-change)."""

from typing import Final

import msgspec

from roster.core.flows import addresses
from roster.core.flows.errors import CodeRequired, NoEmailChange
from roster.core.flows.models import EmailChange
from roster.core.mfa.errors import WrongCode
from roster.core.users import numbers
from roster.core.users.errors import EmailTaken, UserNotFound
from roster.dialects.groupalarm import auth, pages, replies, wire
from roster.dialects.groupalarm.errors import TokenNotFound
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken, StepUpRequired, TooMany
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import plain_page
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="email-change")

_PATH: Final = "/auth/change-email/{token}"
_EXTRA: Final = {**auth.PERSON, **auth.BEFORE_ACTIVATION}
_OF: Final = (UserNotFound, Forbidden, NoEmailChange)


class Whose(msgspec.Struct, frozen=True):
    """Whose address: the caller's own, or that of somebody without any whom an organisation looks after."""

    userID: wire.Id = 0  # noqa: N815


@ops.post(
    "/auth/change-email",
    id="EmailChangeCreate",
    errors=(*_OF, InvalidInput, CodeRequired, WrongCode, StepUpRequired, TooMany),
    extra=_EXTRA,
)
async def request_change(
    runtime: Runtime, request: Request, actor: Actor, body: wire.ChangeEmailRequest
) -> wire.Success:
    """Ask for a new login address; the link to confirm it goes there. An earlier wish is replaced."""
    async with runtime.read(actor) as tx:
        user_id = await _whose(tx, body.user_id)
    link = request.prefix + _PATH
    await addresses.request(runtime, actor, user_id, body.new_email, link, code=body.mfa_code.strip() or None)
    return replies.done(request, "MSG_EMAIL_CHANGE_REQUESTED")


@ops.get("/auth/change-email", id="EmailChangeFetch", errors=_OF, extra=_EXTRA)
async def get_change(tx: Tx, query: Whose) -> wire.EmailChange:
    """Read the wish that waits for its confirmation."""
    found: EmailChange = await addresses.state(tx, await _whose(tx, query.userID))
    number = (await numbers.of(tx, [found.user_id]))[found.user_id]
    return wire.EmailChange(
        new_email=found.email, user_id=number, creation_time=found.created_at, expiration_time=found.expires_at
    )


@ops.delete("/auth/change-email", id="EmailChangeAbort", errors=_OF, extra=_EXTRA)
async def abort_change(tx: Tx, request: Request, query: Whose) -> wire.Success:
    """Drop the wish; its link stops working."""
    await addresses.abort(tx, await _whose(tx, query.userID))
    return replies.done(request, replies.DELETED)


@ops.post(
    _PATH,
    id="EmailChangeConfirm",
    public=True,
    errors=(InvalidInput, EmailTaken, TokenNotFound),
    returns=wire.Success,
    also_produces=(plain_page.HTML,),
)
async def confirm(runtime: Runtime, request: Request, actor: Actor, token: str) -> Reply | wire.Success:
    """Put the new address in force with the mailed token; browsers are answered with a page."""
    return await pages.answered(request, "MSG_EMAIL_CHANGED", _confirm(runtime, actor, token))


@ops.get(_PATH, id="ShowEmailChange", public=True, produces=plain_page.HTML, returns=None, extra=pages.FOR_PEOPLE)
async def show(request: Request, token: str) -> Reply:
    """The page that the link leads to: it asks for a press of a button."""
    del token
    return pages.ask(request, "change_email")


async def _confirm(runtime: Runtime, actor: Actor, token: str) -> None:
    if not pages.is_token(token):
        raise TokenNotFound
    try:
        await addresses.confirm(runtime, actor, token)
    except InvalidToken:
        raise TokenNotFound from None


async def _whose(tx: Tx, number: int) -> UserId:
    return await numbers.id_of(tx, number) if number else auth.me(tx.actor)
