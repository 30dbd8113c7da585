"""The pages that links in messages lead to: plain HTML that works without script.

A page only shows a form; nothing happens before somebody sends it, so programs that look at links in mail do no harm.
"""

import html
from typing import Final

from roster.core.flows import addresses, passwords
from roster.core.recovery import service as recovery
from roster.dialects.native import auth
from roster.dialects.native.wire.base import Input, Secret, Token
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, RosterError
from roster.storage.runtime import Runtime
from roster.web.bind import FORM
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Pages")

HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem;color:#18181b}}
label,input,button{{display:block;width:100%;box-sizing:border-box;font:inherit}}
input{{padding:.5rem;margin:.25rem 0 1rem;border:1px solid #71717a;border-radius:6px}}
button{{padding:.6rem;border:0;border-radius:6px;background:#1d4ed8;color:#fff}}</style></head>
<body><main><h1>{title}</h1>{body}</main></body></html>
"""
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


@ops.get("/pages/verify", id="getVerifyPage", public=True, produces=HTML, returns=bytes)
async def verify_page(query: LinkQuery) -> Reply:
    """The page behind the link for verifying an e-mail address."""
    return _form("Verify your e-mail address", query.token, "", "Verify")


@ops.post("/pages/verify", id="sendVerifyPage", public=True, produces=HTML, returns=bytes, consumes=(FORM,))
async def verify(runtime: Runtime, actor: Actor, request: Request, body: VerifyForm) -> Reply:
    """The form of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        await recovery.verify_email(runtime, actor, body.token)
    except RosterError as error:
        return _failed("Verify your e-mail address", error)
    return _page("Verify your e-mail address", "<p>Thank you. The address is verified.</p>")


@ops.get("/pages/change-email", id="getChangeEmailPage", public=True, produces=HTML, returns=bytes)
async def change_email_page(query: LinkQuery) -> Reply:
    """The page behind the link for a new e-mail address."""
    return _form("Use this e-mail address", query.token, "", "Use this address")


@ops.post("/pages/change-email", id="sendChangeEmailPage", public=True, produces=HTML, returns=bytes, consumes=(FORM,))
async def change_email(runtime: Runtime, actor: Actor, request: Request, body: VerifyForm) -> Reply:
    """The form of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        await addresses.confirm(runtime, actor, body.token)
    except RosterError as error:
        return _failed("Use this e-mail address", error)
    return _page("Use this e-mail address", "<p>Thank you. This is your e-mail address from now on.</p>")


@ops.get("/pages/recover", id="getRecoverPage", public=True, produces=HTML, returns=bytes)
async def recover_page(query: LinkQuery) -> Reply:
    """The page behind the link for a new password."""
    return _form("Set a new password", query.token, _FIELDS, "Set password")


@ops.post("/pages/recover", id="sendRecoverPage", public=True, produces=HTML, returns=bytes, consumes=(FORM,))
async def recover(runtime: Runtime, actor: Actor, request: Request, body: RecoverForm) -> Reply:
    """The form of that page."""
    try:
        actor = await auth.nobody_with(runtime, request, actor, body.token)
        await passwords.recover(runtime, actor, body.token, body.password)
    except InvalidInput as error:
        return _form("Set a new password", body.token, f"<p>{html.escape(error.message)}</p>{_FIELDS}", "Set password")
    except RosterError as error:
        return _failed("Set a new password", error)
    return _page("Set a new password", "<p>The new password is set. You can sign in with it now.</p>")


def _form(title: str, token: str, fields: str, button: str) -> Reply:
    return _page(title, _FORM.format(token=html.escape(token), fields=fields, button=button))


def _failed(title: str, error: RosterError) -> Reply:
    text = (
        "This link is not valid any more. Please ask for a new one." if error.code == "invalid_token" else error.message
    )
    return _page(title, f"<p>{html.escape(text)}</p>")


def _page(title: str, body: str) -> Reply:
    return Reply(200, _PAGE.format(title=title, body=body).encode(), _HEADERS, HTML)
