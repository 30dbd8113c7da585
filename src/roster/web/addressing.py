"""What addresses and headers of some APIs say besides which operation is meant; for a dialect's `resolve`."""

from typing import Final

from roster.web.errors import NotAcceptable
from roster.web.request import Request

_OVERRIDABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE", "REPORT"})


def override_method(request: Request, header: str = "x-http-method-override") -> None:
    """Take the method from a header, for clients that can send nothing but GET and POST. Counts with POST only."""
    if request.method == "POST" and (wanted := (request.header(header) or "").strip().upper()) in _OVERRIDABLE:
        request.method = wanted


def without_format(path: str, offered: str, others: frozenset[str]) -> str:
    """The path without a final `.json` or what else is `offered`. Raises NotAcceptable for one of the `others`."""
    start, _, ending = path.rpartition(".")
    if ending == offered:
        return start
    if ending in others:
        raise NotAcceptable(text=f"Only {offered} is offered.")
    return path


def require_json_accepted(request: Request) -> None:
    """Raise NotAcceptable when the header Accept names other types only (RFC 9110, 12.5.1)."""
    accepted = request.header("accept")
    if accepted and not any(_covers_json(each) for each in accepted.split(",")):
        raise NotAcceptable(text="Only application/json is offered.")


def _covers_json(media_range: str) -> bool:
    kind, _, parameters = media_range.partition(";")
    refused = any(each.strip().lower().rstrip("0") in ("q=", "q=.", "q=0.") for each in parameters.split(";"))
    return not refused and kind.strip().lower() in ("application/json", "application/*", "*/*", "")
