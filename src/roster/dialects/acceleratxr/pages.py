"""The few pages that people see who follow a link in a message. No script, nothing from elsewhere, nothing kept.

A link in a message is followed by scanners too, so following it changes nothing: the page asks for a press of a button.
"""

from html import escape
from string import Template
from typing import Final

from roster.kit.errors import RosterError
from roster.web.reply import Reply
from roster.web.request import Request

_HEADERS: Final = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
)
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
_CONFIRM: Final = '<p>Press the button to confirm.</p><form method="post"><button>Confirm my address</button></form>'
_FORM: Final = (
    '<form method="post"><label for="secret">New password</label>'
    '<input id="secret" name="secret" type="password" autocomplete="new-password" required autofocus>'
    "<button>Set the password</button></form>"
)


def wanted(request: Request) -> bool:
    """Whether a person with a browser asks: everybody else says that JSON is wanted."""
    accept = request.header("accept") or ""
    return "text/html" in accept or "application/json" not in accept


def preferred(request: Request) -> bool:
    """Whether the caller asks for a page in so many words."""
    return "text/html" in (request.header("accept") or "")


def confirm_address() -> Reply:
    """Asks for the press that verifies an address."""
    return _page(200, "Confirm your e-mail address", _CONFIRM)


def ask_password() -> Reply:
    """Asks for a new password."""
    return _page(200, "Choose a new password", _FORM)


def done(sentence: str) -> Reply:
    """It worked."""
    return _page(200, "Done", f"<p>{escape(sentence)}</p>")


def refused(error: RosterError, status: int, *, again: bool = False) -> Reply:
    """It did not work; with `again` the new password can be typed once more."""
    return _page(status, "That did not work", f"<p>{escape(error.message)}</p>" + (_FORM if again else ""))


def _page(status: int, title: str, content: str) -> Reply:
    text = _PAGE.substitute(title=title, content=content)
    return Reply(status, text.encode(), _HEADERS, "text/html; charset=utf-8")
