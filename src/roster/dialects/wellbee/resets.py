"""Setting a lost password anew (contract, groups reset-password and password-reset-service)."""

from typing import Final

import msgspec

from roster.core.flows import passwords
from roster.core.recovery import service as recovery
from roster.dialects.wellbee import conditions, letters, pages, password_rule, refusals
from roster.dialects.wellbee.refusals import InvalidPassword, NoSuchUser
from roster.dialects.wellbee.signing_in import WrongToken
from roster.dialects.wellbee.subjects import Services
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken, RosterError, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import plain_page
from roster.web.operation import Operations
from roster.web.reply import Reply

ops: Final = Operations(tag="reset-password")
services: Final = Services(tag="password-reset-service")

_ERRORS: Final = (InvalidInput, InvalidPassword, WrongToken)


class ForWhom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user name or an address."""

    username: str


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token."""

    token: str


class Chosen(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new password."""

    new_password: str


class Setting(Chosen, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A new password and the token of a message."""

    token: str


class Validity(msgspec.Struct, frozen=True):
    """Whether a token works."""

    valid: bool


class Issued(msgspec.Struct, frozen=True):
    """A token."""

    token: str


@ops.post("/reset-password", id="reset-password-request", public=True, errors=(InvalidInput, TooMany))
async def request(runtime: Runtime, actor: Actor, body: ForWhom) -> None:
    """Mail a token for a new password. The answer is the same for every name."""
    await _request(runtime, actor, body.username)


@services.serve("password-reset-service.request-password-reset", id="svc-reset-request", errors=(InvalidInput,))
async def request_for(runtime: Runtime, actor: Actor, body: ForWhom) -> None:
    """The same for a service."""
    await _request(runtime, actor, body.username)


@ops.get("/reset-password/{token}", id="reset-password-check", public=True)
async def check(tx: Tx, token: str) -> Validity:
    """Whether a token still works; looking does not use it up."""
    return Validity(await recovery.is_open(tx, token))


@services.serve("password-reset-service.is-token-valid", id="svc-reset-is-valid", writes=False, errors=(InvalidInput,))
async def check_for(tx: Tx, body: Asked) -> Validity:
    """The same for a service."""
    return Validity(await recovery.is_open(tx, body.token))


@ops.put("/reset-password", id="reset-password-perform", public=True, status=202, errors=_ERRORS)
async def perform(runtime: Runtime, actor: Actor, body: Setting) -> None:
    """Set a new password with the token of a message. Everywhere the person is signed out."""
    await _perform(runtime, actor, body.token, body.new_password)


@ops.post("/reset-password/{token}", id="reset-password-perform-post", public=True, status=202, errors=_ERRORS)
async def perform_there(runtime: Runtime, actor: Actor, token: str, body: Chosen) -> None:
    """The same with the token in the path."""
    await _perform(runtime, actor, token, body.new_password)


@services.serve("password-reset-service.reset-password", id="svc-reset-perform", status=202, errors=_ERRORS)
async def perform_for(runtime: Runtime, actor: Actor, body: Setting) -> None:
    """The same for a service."""
    await _perform(runtime, actor, body.token, body.new_password)


@services.serve(
    "password-reset-service.generate-token", id="svc-reset-generate-token", errors=(InvalidInput, NoSuchUser)
)
async def generate(tx: Tx, body: ForWhom) -> Issued:
    """A token that the service hands on by itself."""
    user = await conditions.finder(tx.runtime)(tx, body.username)
    if user is None or user.status != "active":
        raise refusals.no_such_user(body.username)
    return Issued(await recovery.issue(tx, user, tx.runtime.settings.dialects.wellbee.password_reset_seconds))


@ops.get("/set-password", id="page-set-password", public=True, produces=plain_page.HTML, returns=bytes)
async def page(query: pages.Link) -> Reply:
    """The page that the link in the message leads to."""
    return pages.form("Set a new password", query.token, pages.CHOICE, "Set password")


@ops.post("/set-password", id="page-set-password-sent", public=True, produces=plain_page.HTML, returns=bytes)
async def perform_on_page(runtime: Runtime, actor: Actor, body: pages.Secret) -> Reply:
    """The form of that page."""
    try:
        await _perform(runtime, actor, body.token, body.password)
    except InvalidInput as error:
        return pages.form("Set a new password", body.token, pages.CHOICE, "Set password", wrong=error.message)
    except RosterError as error:
        return pages.failed("Set a new password", error)
    return pages.done("Set a new password", "Thank you. The password is set; please sign in with it.")


async def _request(runtime: Runtime, actor: Actor, name: str) -> None:
    link = letters.password_link(runtime, actor.realm_slug)
    await recovery.request(runtime, actor, name, link, style=letters.reset(runtime))


async def _perform(runtime: Runtime, actor: Actor, token: str, new: str) -> None:
    password_rule.check(runtime, new)
    with password_rule.said():
        try:
            await passwords.recover(runtime, actor, token, new, telling=True)
        except InvalidToken:
            raise WrongToken.of(token) from None
