"""What people see in a browser: plain HTML without script. They stand beside the API, not below its `/v1`.

A link in a message is followed by scanners too, so following it changes nothing: the page asks for a press of a button.
"""

from html import escape
from string import Template
from typing import Final
from uuid import UUID

import msgspec

from roster.core.flows import passwords
from roster.core.realms import service as realms
from roster.dialects.onslip360 import errors
from roster.kit import actor as actors
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, RosterError
from roster.kit.ids import RealmId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.bind import FORM
from roster.web.dialect import Dialect
from roster.web.operation import Operation, Operations
from roster.web.reply import Reply
from roster.web.request import Request

HTML: Final = "text/html; charset=utf-8"
RESET: Final = "/password-reset"
_NO_REALM: Final = RealmId(UUID(int=0))
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action "
_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
main { max-width: 28rem; margin: 4rem auto; padding: 0 1rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { margin: .5rem 0 1rem; padding: .6rem; }
</style>
</head>
<body><main><h1>$title</h1>$content</main></body>
</html>
""")
_FORM: Final = (
    '<form method="post"><label for="password">New password</label>'
    '<input id="password" name="password" type="password" autocomplete="new-password" required autofocus>'
    "<button>Set the password</button></form>"
)
_TITLE: Final = "Choose a new password"


class ResetQuery(msgspec.Struct, frozen=True):
    """What the link of a reset mail says."""

    realm: str
    token: str


class NewPassword(msgspec.Struct, frozen=True):
    """The form of the page for a new password."""

    password: str


def beside(prefix: str) -> str:
    """Where the pages of an API that is served at this prefix stand: next to its last part."""
    return prefix.rpartition("/")[0]


def reset_link(request: Request, realm_slug: str) -> str:
    """Where a reset mail leads, below the public address."""
    return f"{beside(request.prefix)}{RESET}?realm={realm_slug}&token={{token}}"


def page(title: str, content: str, status: int = 200, *, leads_to: str = "") -> Reply:
    """A page; `content` is HTML. Its forms are sent here, from where they may lead to the origin `leads_to`."""
    headers = (("Content-Security-Policy", f"{_POLICY}'self' {leads_to}".rstrip()), ("Referrer-Policy", "no-referrer"))
    return Reply(status, _PAGE.substitute(title=escape(title), content=content).encode(), headers, HTML)


def sentence(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


async def nobody(_tx: Tx, request: Request, _operation: Operation) -> Actor:
    """Pages know nobody before somebody has filled in a form."""
    return actors.anonymous(_NO_REALM, "", request.origin)


def render(error: RosterError, _request: Request) -> Reply:
    """Any error, as a page."""
    return page("That did not work", sentence(error.message), errors.meaning_of(type(error)).status)


reset: Final = Operations(tag="Pages")


@reset.get("/", id="passwordResetPage", public=True, produces=HTML, returns=bytes)
async def reset_page(query: ResetQuery) -> Reply:
    """The page behind the link of a reset mail."""
    return page(_TITLE, _FORM) if query.token else page(_TITLE, sentence("This link is not complete."), 400)


@reset.post("/", id="passwordResetForm", public=True, produces=HTML, returns=bytes, consumes=(FORM,))
async def reset_form(runtime: Runtime, actor: Actor, query: ResetQuery, body: NewPassword) -> Reply:
    """The form of that page."""
    async with runtime.lease() as tx:
        realm = await realms.by_slug(tx, query.realm)
    inside = msgspec.structs.replace(actor, realm_id=realm.id, realm_slug=realm.slug, realm_version=realm.version)
    try:
        await passwords.recover(runtime, inside, query.token, body.password)
    except InvalidInput as error:
        return page(_TITLE, sentence(error.message) + _FORM, 400)
    return page("Done", sentence("Your password has been set. You can sign in with it now."))


def dialect_of(name: str, title: str, operations: Operations) -> Dialect:
    """One page as something that can be mounted at an address of its own."""
    return Dialect(
        name=f"onslip360-{name}",
        title=title,
        version="1",
        operations=operations,
        authenticate=nobody,
        render=render,
        slashes="both",
    )


PASSWORD_RESET: Final = dialect_of("password-reset", "Onslip 360: setting a lost password", reset)
