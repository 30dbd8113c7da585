"""Activating an account: its address is proved by a link in a mail (contract, tag auth; notes, section 5)."""

from typing import Final

from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.dialects.groupalarm import auth, mapping, pages, replies, wire
from roster.dialects.groupalarm.errors import TokenNotFound
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken, TooMany, Unauthenticated
from roster.storage.runtime import Runtime
from roster.web import plain_page
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="auth")

PATH: Final = "/auth/activation/{token}"


@ops.post("/auth/activation", id="ResendActivation", errors=(TooMany,), extra={**auth.PERSON, **auth.BEFORE_ACTIVATION})
async def resend(runtime: Runtime, request: Request, actor: Actor) -> wire.Success:
    """Send the activation mail again; to those whose account is active nothing is sent."""
    me = auth.me(actor)
    async with runtime.read(actor) as tx:
        user = await users.get(tx, me)
    if not mapping.is_active(user):
        await recovery.request_verification(runtime, actor, me, request.prefix + PATH)
    return replies.done(request, "MSG_ACTIVATION_SENT")


@ops.post(
    PATH,
    id="ConfirmActivation",
    public=True,
    errors=(InvalidInput, TokenNotFound),
    returns=wire.Success,
    also_produces=(plain_page.HTML,),
)
async def confirm(runtime: Runtime, request: Request, actor: Actor, token: str) -> Reply | wire.Success:
    """Activate an account with the mailed token; browsers are answered with a page."""
    return await pages.answered(request, "MSG_ACCOUNT_ACTIVATED", _confirm(runtime, actor, token))


@ops.get(PATH, id="ShowActivation", public=True, produces=plain_page.HTML, returns=None, extra=pages.FOR_PEOPLE)
async def show(request: Request, token: str) -> Reply:
    """The page that the link leads to: it asks for a press of a button, since scanners of mail follow links too."""
    del token
    return pages.ask(request, "activate")


async def _confirm(runtime: Runtime, actor: Actor, token: str) -> None:
    if not pages.is_token(token):
        raise InvalidInput.of("token", "malformed", "The token is malformed.")
    try:
        await recovery.verify_email(runtime, actor, token)
    except (InvalidToken, Unauthenticated):
        raise TokenNotFound from None
