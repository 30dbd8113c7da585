"""Verifying addresses, and what depends on it (notes, section 16)."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from roster.core.recovery import service as recovery
from roster.core.users import normal
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.dialects.wellbee import documents, letters, pages, roles
from roster.dialects.wellbee.catalogue import NAME
from roster.dialects.wellbee.signing_in import WrongToken
from roster.dialects.wellbee.subjects import Services
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken, RosterError, TooMany
from roster.settings import WellbeeDialect
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import plain_page
from roster.web.operation import Operations
from roster.web.reply import Reply

ops: Final = Operations(tag="user")
services: Final = Services(tag="user-service")


class Verified(msgspec.Struct, frozen=True, rename="camel"):
    """The address."""

    verified_email: str


class Token(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The token of a message."""

    token_id: str = ""


class ToWhom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address to be verified."""

    email: str


@ops.post("/user/resend-verification/{email}", id="user-resend-verification", public=True, errors=(TooMany,))
async def resend(runtime: Runtime, actor: Actor, email: str) -> None:
    """Mail the token for an address again. The answer is the same for every address."""
    await _resend(runtime, actor, email)


@services.serve("user-service.resend-verification", id="svc-user-resend-verification", errors=(InvalidInput,))
async def resend_for(runtime: Runtime, actor: Actor, body: ToWhom) -> None:
    """The same for a service."""
    await _resend(runtime, actor, body.email)


@ops.post("/user/verify/{tokenId}", id="user-verify-email", public=True, errors=(WrongToken,))
async def verify(runtime: Runtime, actor: Actor, tokenId: str) -> Verified:
    """Mark the address as verified to which the token was mailed."""
    return await _verify(runtime, actor, tokenId)


@services.serve("user-service.verify-email", id="svc-user-verify-email", errors=(InvalidInput, WrongToken))
async def verify_for(runtime: Runtime, actor: Actor, body: Token) -> Verified:
    """The same for a service."""
    return await _verify(runtime, actor, body.token_id)


@ops.get("/verify-email", id="page-verify-email", public=True, produces=plain_page.HTML, returns=bytes)
async def verify_page(runtime: Runtime, query: pages.Link) -> Reply:
    """The page that the link in the message leads to."""
    leads_to = runtime.settings.dialects.wellbee.email_verification_redirect_url or ""
    return pages.form("Verify your e-mail address", query.token, "", "Verify", leads_to=leads_to)


@ops.post("/verify-email", id="page-verify-email-sent", public=True, produces=plain_page.HTML, returns=bytes)
async def verify_on_page(runtime: Runtime, actor: Actor, body: pages.Link) -> Reply:
    """The form of that page; it may lead to the application."""
    leads_to = runtime.settings.dialects.wellbee.email_verification_redirect_url
    try:
        found = await _verify(runtime, actor, body.token)
    except RosterError as error:
        if leads_to is not None:
            return pages.leading(f"{leads_to}?error={_CODE}")
        return pages.failed("Verify your e-mail address", error)
    if leads_to is not None:
        return pages.leading(f"{leads_to}?verified={quote(found.verified_email, safe='')}")
    return pages.done("Verify your e-mail address", "Thank you. The address is verified.")


@ops.get("/resend-verification", id="page-resend-verification", public=True, produces=plain_page.HTML, returns=bytes)
async def resend_page() -> Reply:
    """A page where people ask for the message again."""
    return pages.form("Verify your e-mail address", "", pages.FOR_EMAIL, "Send the message again")


@ops.post(
    "/resend-verification", id="page-resend-verification-sent", public=True, produces=plain_page.HTML, returns=bytes
)
async def resend_on_page(runtime: Runtime, actor: Actor, body: pages.Address) -> Reply:
    """The form of that page."""
    try:
        await _resend(runtime, actor, body.email)
    except RosterError as error:
        return pages.failed("Verify your e-mail address", error)
    return pages.done("Verify your e-mail address", "If this address waits to be verified, a message is on its way.")


def is_due(settings: WellbeeDialect, names: Sequence[str]) -> bool:
    """Whether new people with these roles are asked to verify their address."""
    if not settings.require_email_verification and not settings.optional_email_verification:
        return False
    about = settings.email_verification_for_roles
    return "*" in about or not set(about).isdisjoint(names)


async def ask(tx: Tx, user: User) -> None:
    """Mail somebody the token that verifies their address; part of making people and of changing addresses."""
    link = letters.verify_link(tx.runtime, tx.actor.realm_slug)
    await recovery.send_verification(tx, user, link, style=letters.verification(tx.runtime))


async def after_change(tx: Tx, before: User, after: User) -> User:
    """Ask for a new address to be verified, where addresses are."""
    if after.email is None or after.email_verified_at is not None or normal.is_same_mailbox(after.email, before.email):
        return after
    held = (await roles.held(tx, [after])).get(after.id, documents.Held())
    if not is_due(tx.runtime.settings.dialects.wellbee, held.roles):
        return after
    kept = {NAME: {**documents.remembered(after), documents.VERIFYING: True}}
    asked = await users.change(tx, after.id, UserChange(facets=kept))
    await ask(tx, asked)
    return asked


async def ask_for_password(tx: Tx, user: User) -> None:
    """Mail somebody the token for setting their first password."""
    link = letters.password_link(tx.runtime, tx.actor.realm_slug)
    await recovery.invite(tx, user, link, style=letters.set_password(tx.runtime))


_CODE: Final = "fruster-user-service.INVALID_TOKEN"


async def _resend(runtime: Runtime, actor: Actor, email: str) -> None:
    link = letters.verify_link(runtime, actor.realm_slug)
    await recovery.request_again(runtime, actor, email, link, style=letters.verification(runtime))


async def _verify(runtime: Runtime, actor: Actor, token: str) -> Verified:
    try:
        user = await recovery.verify_email(runtime, actor, token)
    except InvalidToken:
        raise WrongToken.of(token) from None
    return Verified(documents.shown_email(user) or "")
