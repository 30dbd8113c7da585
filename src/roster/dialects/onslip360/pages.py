"""What people see in a browser. These pages stand beside the API, not below its `/v1`."""

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
from roster.web import plain_page
from roster.web.bind import FORM
from roster.web.dialect import Dialect
from roster.web.operation import Operation, Operations
from roster.web.reply import Reply
from roster.web.request import Request

RESET: Final = "/password-reset"
_NO_REALM: Final = RealmId(UUID(int=0))
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


async def nobody(_tx: Tx, request: Request, _operation: Operation) -> Actor:
    """Pages know nobody before somebody has filled in a form."""
    return actors.anonymous(_NO_REALM, "", request.origin)


def render(error: RosterError, _request: Request) -> Reply:
    """Any error, as a page."""
    return plain_page.of("That did not work", plain_page.line(error.message), errors.meaning_of(type(error)).status)


reset: Final = Operations(tag="Pages")


@reset.get("/", id="passwordResetPage", public=True, produces=plain_page.HTML, returns=bytes)
async def reset_page(query: ResetQuery) -> Reply:
    """The page behind the link of a reset mail."""
    return (
        plain_page.of(_TITLE, _FORM)
        if query.token
        else plain_page.of(_TITLE, plain_page.line("This link is not complete."), 400)
    )


@reset.post("/", id="passwordResetForm", public=True, produces=plain_page.HTML, returns=bytes, consumes=(FORM,))
async def reset_form(runtime: Runtime, actor: Actor, query: ResetQuery, body: NewPassword) -> Reply:
    """The form of that page."""
    async with runtime.lease() as tx:
        realm = await realms.by_slug(tx, query.realm)
    inside = msgspec.structs.replace(actor, realm_id=realm.id, realm_slug=realm.slug, realm_version=realm.version)
    try:
        await passwords.recover(runtime, inside, query.token, body.password)
    except InvalidInput as error:
        return plain_page.of(_TITLE, plain_page.line(error.message) + _FORM, 400)
    return plain_page.of("Done", plain_page.line("Your password has been set. You can sign in with it now."))


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
