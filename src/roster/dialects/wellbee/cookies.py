"""The cookie that carries a token, and what keeps other sites from using it (notes, sections 12 and 24)."""

from datetime import datetime
from email.utils import format_datetime
from typing import Final

from roster.kit.errors import Forbidden
from roster.settings import Settings
from roster.web.request import Request

HEADER: Final = "setCookie"
"""Under which a request remembers the header that its answer is to have."""
NONE: Final = "deleted"
"""Stands in the cookie of whoever was signed out."""
_LONG_AGO: Final = "Thu, 01 Jan 1970 00:00:00 GMT"
_OWN_SITE: Final = ("same-origin", "none")


class ForeignOrigin(Forbidden):
    """A page of another site makes the browser send the cookie along."""

    code = "foreign_origin"
    text = "Requests with a cookie are taken from this site's own pages only."


def set_token(request: Request, settings: Settings, text: str, until: datetime) -> None:
    """Have the answer set the cookie."""
    own = settings.dialects.wellbee
    request.extra[HEADER] = f"{own.cookie_name}={text};path=/;expires={format_datetime(until, usegmt=True)}" + _ending(
        settings
    )


def clear(request: Request, settings: Settings) -> None:
    """Have the answer take the cookie away."""
    own = settings.dialects.wellbee
    request.extra[HEADER] = f"{own.cookie_name}={NONE};path=/;expires={_LONG_AGO}" + _ending(settings)


def token(request: Request, settings: Settings) -> str | None:
    """The token in the cookie; None without one."""
    found = request.cookie(settings.dialects.wellbee.cookie_name)
    return None if found in (None, "", "delete", NONE) else found


def refuse_other_sites(request: Request) -> None:
    """Raise ForeignOrigin when a browser says that a page of another site asks.

    Programs say nothing of the kind. Pages of the sites that the installation lets call it may ask, and links on pages
    of neighbours be followed.
    """
    origin = request.header("origin") or _referring(request)
    if origin is not None:
        own = (request.public_url, f"{request.scheme}://{request.host}")
        if origin not in (*own, *request.site.cors_origins):
            raise ForeignOrigin
        return
    neighbours = ("same-site",) if request.method == "GET" else ()
    if request.header("sec-fetch-site") not in (None, *_OWN_SITE, *neighbours):
        raise ForeignOrigin


def _referring(request: Request) -> str | None:
    """Where the page stands that a link was followed on, for browsers that say nothing better."""
    address = request.header("referer")
    if address is None or request.header("sec-fetch-site") is not None:
        return None
    return "/".join(address.split("/")[:3])


def _ending(settings: Settings) -> str:
    own = settings.dialects.wellbee
    parts = [
        ";HttpOnly" if own.cookie_http_only else "",
        f";domain={own.cookie_domain}" if own.cookie_domain else "",
        ";Secure" if settings.server.public_url.startswith("https://") else "",
        ";SameSite=Lax",
    ]
    return "".join(parts)
