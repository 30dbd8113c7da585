"""The few pages that people see who follow a link in a message."""

from typing import Final

from roster.kit.errors import RosterError
from roster.web import plain_page
from roster.web.reply import Reply
from roster.web.request import Request

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
    return plain_page.of("Confirm your e-mail address", _CONFIRM)


def ask_password() -> Reply:
    """Asks for a new password."""
    return plain_page.of("Choose a new password", _FORM)


def done(text: str) -> Reply:
    """It worked."""
    return plain_page.of("Done", plain_page.line(text))


def refused(error: RosterError, status: int, *, again: bool = False) -> Reply:
    """It did not work; with `again` the new password can be typed once more."""
    return plain_page.of("That did not work", plain_page.line(error.message) + (_FORM if again else ""), status)
