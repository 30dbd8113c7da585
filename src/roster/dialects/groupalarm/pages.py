"""The few pages that people see who follow a link in a message. No script, nothing from elsewhere, nothing kept."""

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Final

from roster.dialects.groupalarm import texts
from roster.kit.errors import RosterError
from roster.web.reply import Reply
from roster.web.request import Request

HTML: Final = "text/html; charset=utf-8"
FOR_PEOPLE: Final[Mapping[str, object]] = {"x-page": True}
"""Marks what is no operation of the contract but the page that a message leads to."""
_HEADERS: Final = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
)
_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
main { max-width: 28rem; margin: 4rem auto; padding: 0 1rem; }
button { display: block; width: 100%; font: inherit; margin: .5rem 0 1rem; padding: .6rem; }
</style>
</head>
<body><main><h1>$title</h1>$content</main></body>
</html>
""")


def wanted(request: Request) -> bool:
    """Whether the caller asks for a page in so many words, as browsers do."""
    return "text/html" in (request.header("accept") or "")


def ask(request: Request, title: str) -> Reply:
    """Asks for the press of a button, which posts to the same address."""
    language = texts.language(request)
    press, button = escape(texts.page("press", language)), escape(texts.page(title, language))
    content = f'<p>{press}</p><form method="post"><button>{button}</button></form>'
    return _page(200, language, texts.page(title, language), content)


def done(request: Request, key: str) -> Reply:
    """It worked."""
    language = texts.language(request)
    return _page(200, language, texts.page("done", language), f"<p>{escape(texts.done(key, language))}</p>")


def refused(request: Request, error: RosterError, status: int) -> Reply:
    """It did not work."""
    language = texts.language(request)
    reason = escape(texts.refusal(type(error), language))
    return _page(status, language, texts.page("failed", language), f"<p>{reason}</p>")


def _page(status: int, language: str, title: str, content: str) -> Reply:
    text = _PAGE.substitute(language=language, title=escape(title), content=content)
    return Reply(status, text.encode(), _HEADERS, HTML)
