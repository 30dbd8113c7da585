"""The pages that links in messages lead to."""

from html import escape
from typing import Final

from roster.core.flows import addresses, passwords
from roster.core.recovery import service as recovery
from roster.dialects.native import auth
from roster.dialects.native.wire.base import Input, Secret, Token
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, RosterError
from roster.storage.runtime import Runtime
from roster.web import plain_page
from roster.web.bind import FORM
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Pages")

_FORM: Final = """<form method="post"><input type="hidden" name="token" value="{token}">{fields}
<button>{button}</button></form>"""
_FIELDS: Final = """<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="8">"""


class LinkQuery(Input, frozen=True, kw_only=True):
    """What the link says."""

    token: Token


class VerifyForm(Input, frozen=True, kw_only=True):
    """The form of the page for verifying an address."""

    token: Token


class RecoverForm(Input, frozen=True, kw_only=True):
    """The form of the page for a new password."""

    token: Token
    password: Secret


def verify_link(request: Request) -> str:
    """The path of the page that verifies an address, as `core.recovery` wants it."""
    return f"{request.prefix}/pages/verify?token={{token}}"


def recover_link(request: Request) -> str:
    """The path of the page that takes a new password."""
    return f"{request.prefix}/pages/recover?token={{token}}"


def change_link(request: Request) -> str:
    """The path of the page that puts a new address in force."""
    return f"{request.prefix}/pages/change-email?token={{token}}"


@ops.get("/pages/verify", id="getVerifyPage", public=True, produces=plain_page.HTML, returns=bytes)
async def verify_page(query: LinkQuery) -> Reply:
    """The page behind the link for verifying an e-mail address."""
    return _form("Verify your e-mail address", query.token, "", "Verify")


@ops.post("/pages/verify", id="sendVerifyPage", public=True, produces=plain_page.HTML, returns=bytes, consumes=(FORM,))
async def verify(runtime: Runtime, actor: Actor, request: Request, body: VerifyForm) -> Reply:
    """The form of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        await recovery.verify_email(runtime, actor, body.token)
    except RosterError as error:
        return _failed("Verify your e-mail address", error)
    return plain_page.of("Verify your e-mail address", plain_page.line("Thank you. The address is verified."))


@ops.get("/pages/change-email", id="getChangeEmailPage", public=True, produces=plain_page.HTML, returns=bytes)
async def change_email_page(query: LinkQuery) -> Reply:
    """The page behind the link for a new e-mail address."""
    return _form("Use this e-mail address", query.token, "", "Use this address")


@ops.post(
    "/pages/change-email",
    id="sendChangeEmailPage",
    public=True,
    produces=plain_page.HTML,
    returns=bytes,
    consumes=(FORM,),
)
async def change_email(runtime: Runtime, actor: Actor, request: Request, body: VerifyForm) -> Reply:
    """The form of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        await addresses.confirm(runtime, actor, body.token)
    except RosterError as error:
        return _failed("Use this e-mail address", error)
    return plain_page.of(
        "Use this e-mail address", plain_page.line("Thank you. This is your e-mail address from now on.")
    )


@ops.get("/pages/recover", id="getRecoverPage", public=True, produces=plain_page.HTML, returns=bytes)
async def recover_page(query: LinkQuery) -> Reply:
    """The page behind the link for a new password."""
    return _form("Set a new password", query.token, _FIELDS, "Set password")


@ops.post(
    "/pages/recover", id="sendRecoverPage", public=True, produces=plain_page.HTML, returns=bytes, consumes=(FORM,)
)
async def recover(runtime: Runtime, actor: Actor, request: Request, body: RecoverForm) -> Reply:
    """The form of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        await passwords.recover(runtime, actor, body.token, body.password)
    except InvalidInput as error:
        return _form("Set a new password", body.token, plain_page.line(error.message) + _FIELDS, "Set password")
    except RosterError as error:
        return _failed("Set a new password", error)
    return plain_page.of("Set a new password", plain_page.line("The new password is set. You can sign in with it now."))


def _form(title: str, token: str, fields: str, button: str) -> Reply:
    return plain_page.of(title, _FORM.format(token=escape(token), fields=fields, button=button))


def _failed(title: str, error: RosterError) -> Reply:
    text = (
        "This link is not valid any more. Please ask for a new one." if error.code == "invalid_token" else error.message
    )
    return plain_page.of(title, plain_page.line(text))
