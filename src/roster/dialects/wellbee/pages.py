"""The pages that people see who follow a link in a message: without script, and changing nothing before a press."""

from html import escape
from typing import Final

import msgspec

from roster.kit.errors import RosterError
from roster.web import plain_page
from roster.web.reply import Reply

FOR_EMAIL: Final = (
    '<label for="email">E-mail address</label>'
    '<input id="email" name="email" type="email" autocomplete="email" required autofocus>'
)
CHOICE: Final = (
    '<label for="password">New password</label>'
    '<input id="password" name="password" type="password" autocomplete="new-password" required autofocus>'
)


class Link(msgspec.Struct, frozen=True):
    """What a link says."""

    token: str = ""


class Secret(Link, frozen=True):
    """What a form for a new password says."""

    password: str = ""


class Address(Link, frozen=True):
    """What a form for an address says."""

    email: str = ""


def form(title: str, token: str, fields: str, button: str, *, wrong: str = "", leads_to: str = "") -> Reply:
    """A page with a form that is sent where the page is; it may lead to the site of an address."""
    said = plain_page.line(wrong) if wrong else ""
    hidden = f'<input type="hidden" name="token" value="{escape(token)}">'
    content = f'{said}<form method="post">{hidden}{fields}<button>{escape(button)}</button></form>'
    return plain_page.of(title, content, 400 if wrong else 200, leads_to="/".join(leads_to.split("/")[:3]))


def done(title: str, text: str) -> Reply:
    """It worked."""
    return plain_page.of(title, plain_page.line(text))


def failed(title: str, error: RosterError) -> Reply:
    """It did not."""
    return plain_page.of(title, plain_page.line(error.message), 400)


def leading(address: str) -> Reply:
    """On to the application."""
    return Reply(303, b"", (("Location", address), ("Referrer-Policy", "no-referrer")), plain_page.HTML)
