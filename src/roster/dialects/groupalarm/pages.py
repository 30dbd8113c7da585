"""The few pages that people see who follow a link in a message."""

from collections.abc import Awaitable, Mapping
from html import escape
from typing import Final

from roster.dialects.groupalarm import errors, replies, texts, wire
from roster.kit import secrets
from roster.kit.errors import RosterError
from roster.web import plain_page
from roster.web.reply import Reply
from roster.web.request import Request

_FIELDS: Final = ("name", "surname", "password")
FOR_PEOPLE: Final[Mapping[str, object]] = {"x-page": True}
"""Marks what is no operation of the contract but the page that a message leads to."""


def wanted(request: Request) -> bool:
    """Whether the caller asks for a page in so many words, as browsers do."""
    return "text/html" in (request.header("accept") or "")


async def answered(request: Request, key: str, work: Awaitable[object]) -> Reply | wire.Success:
    """What came of following a link, as a page for browsers and in the API's envelope for programs."""
    is_page = wanted(request)
    try:
        await work
    except RosterError as error:
        if not is_page:
            raise
        return refused(request, error, errors.status_of(type(error)))
    return done(request, key) if is_page else replies.done(request, key)


def is_token(text: str) -> bool:
    """Whether this could be the token of a link that proves an address: three parts in base64."""
    parts = text.split(".")
    return len(parts) == 3 and all(secrets.decode(part) for part in parts)


def ask(request: Request, title: str) -> Reply:
    """Asks for the press of a button, which posts to the same address."""
    language = texts.language(request)
    button = escape(texts.page(title, language))
    content = plain_page.line(texts.page("press", language)) + f'<form method="post"><button>{button}</button></form>'
    return plain_page.of(texts.page(title, language), content, language=language)


def done(request: Request, key: str) -> Reply:
    """It worked."""
    language = texts.language(request)
    return plain_page.of(texts.page("done", language), plain_page.line(texts.done(key, language)), language=language)


def refused(request: Request, error: RosterError, status: int) -> Reply:
    """It did not work."""
    language = texts.language(request)
    reason = plain_page.line(texts.refusal(type(error), language))
    return plain_page.of(texts.page("failed", language), reason, status, language=language)


def join(request: Request, organisation: str, *, needs_account: bool) -> Reply:
    """Asks to join an organisation, and for names and a password where they are needed."""
    language = texts.language(request)
    fields = "".join(_field(texts.page(f"join_{name}", language), name) for name in _FIELDS) if needs_account else ""
    button = escape(texts.page("join", language))
    content = f'{plain_page.line(organisation)}<form method="post">{fields}<button>{button}</button></form>'
    return plain_page.of(texts.page("join", language), content, language=language)


def _field(label: str, name: str) -> str:
    kind = ' type="password" autocomplete="new-password" required' if name == "password" else ""
    return f'<label for="{name}">{escape(label)}</label><input id="{name}" name="{name}"{kind}>'
