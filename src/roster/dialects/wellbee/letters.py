"""Messages with one-time links as this API's operator wants them, and the addresses that the links lead to."""

import re
from functools import partial
from html import escape
from typing import Final

from roster.core.recovery.models import Style, Words
from roster.core.users.models import User
from roster.dialects.wellbee import conditions, documents, people, shapes
from roster.dialects.wellbee.documents import Held
from roster.storage.runtime import Runtime

_FIELD: Final = re.compile(r":user-([A-Za-z0-9_.]{1,100}):")


def verification(runtime: Runtime) -> Style:
    """The message that asks to verify an address."""
    own = runtime.settings.dialects.wellbee
    wording = (own.email_verification_subject, own.email_verification_message, own.email_verification_from)
    return _style(runtime, wording, None)


def set_password(runtime: Runtime) -> Style:
    """The message to somebody who was made without a password."""
    own = runtime.settings.dialects.wellbee
    wording = (own.set_password_email_subject, own.set_password_email_message, own.set_password_email_from)
    return _style(runtime, wording, own.set_password_seconds)


def reset(runtime: Runtime) -> Style:
    """The message to somebody who has asked for a new password."""
    own = runtime.settings.dialects.wellbee
    wording = (own.password_reset_subject, own.password_reset_message, own.password_reset_from)
    return _style(runtime, wording, own.password_reset_seconds)


def verify_link(runtime: Runtime, realm_slug: str) -> str:
    """Where an address is verified."""
    return _link(runtime, realm_slug, runtime.settings.dialects.wellbee.verify_email_url, "verify-email")


def password_link(runtime: Runtime, realm_slug: str) -> str:
    """Where a password is set."""
    return _link(runtime, realm_slug, runtime.settings.dialects.wellbee.set_password_url, "set-password")


def _link(runtime: Runtime, realm_slug: str, configured: str, page: str) -> str:
    if configured:
        return configured.replace(":token:", "{token}")
    own = runtime.settings.dialects.wellbee
    prefix = own.prefixes[0].rstrip("/") if own.prefixes else ""
    realm = "" if realm_slug == own.realm else f"/realms/{realm_slug}"
    return f"{realm}{prefix}/{page}?token={{token}}"


def _style(runtime: Runtime, wording: tuple[str, str, str], seconds: int | None) -> Style:
    subject, html, sender = wording
    words = partial(_words, runtime, subject, html, sender) if html else None
    return Style(short=True, seconds=seconds, find=conditions.finder(runtime), words=words)


def _words(runtime: Runtime, subject: str, html: str, sender: str, user: User) -> Words:
    shown = documents.whole(user, Held(), shapes.of(runtime))

    def field(found: re.Match[str]) -> str:
        value = people.at(shown, found[1].removeprefix("profile."))
        return str(value) if isinstance(value, (str, int, float)) else ""

    return Words(_FIELD.sub(field, subject), _FIELD.sub(lambda found: escape(field(found)), html), sender or None)
