"""A page for people who follow a link: HTML that works without script, with nothing from elsewhere and nothing kept.

Links in messages are followed by scanners too, so following one changes nothing: a page asks for the press of a button.
"""

from html import escape
from string import Template
from typing import Final

from roster.web.reply import Reply

HTML: Final = "text/html; charset=utf-8"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action "
_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="$language">
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


def of(title: str, content: str, status: int = 200, *, language: str = "en", leads_to: str = "") -> Reply:
    """A page; `content` is HTML. Its forms are sent here, from where they may lead to the origin `leads_to`."""
    headers = (("Content-Security-Policy", f"{_POLICY}'self' {leads_to}".rstrip()), ("Referrer-Policy", "no-referrer"))
    text = _PAGE.substitute(language=language, title=escape(title), content=content)
    return Reply(status, text.encode(), headers, HTML)


def line(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"
