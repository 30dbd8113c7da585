"""What an address says besides which operation is meant (notes, section 2): `/users/7@2026-01-02T03:04:05.000Z`."""

import re
from datetime import datetime
from typing import Final, cast

from roster.kit import clock, values
from roster.kit.values import Kind, WrongValue
from roster.web import addressing
from roster.web.errors import UnknownRoute
from roster.web.request import Request

AT: Final = "at"
"""Under which the moment stands in `request.extra`."""
EXPOSED: Final = ("ETag", "X-Total-Count", "Location", "WWW-Authenticate", "Server-Authorization")
"""What scripts of other sites may read of an answer."""
_OTHER_FORMATS: Final = frozenset({"csv", "xml"})
_MOMENT: Final = re.compile(r"@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)\Z", re.ASCII)


def moment(request: Request) -> datetime | None:
    """The time that the address asks about; None for now. Raises UnknownRoute for one that no calendar holds.

    It is the end of the millisecond, so that the time that stands in an entity leads to this entity.
    """
    text = request.extra.get(AT)
    if text is None:
        return None
    try:
        at = cast("datetime", values.parse(Kind.INSTANT, text))
    except WrongValue:
        raise UnknownRoute from None
    return clock.alike(at)[1]


def resolve(request: Request) -> str:
    """The path of the operation. Raises NotAcceptable."""
    addressing.override_method(request)
    addressing.require_json_accepted(request)
    path = addressing.without_format(request.path, "json", _OTHER_FORMATS)
    moment = _MOMENT.search(path)
    if moment is None:
        return path
    request.extra[AT] = moment[1]
    return addressing.without_format(path[: moment.start()], "json", _OTHER_FORMATS)
