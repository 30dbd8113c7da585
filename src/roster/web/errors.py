"""What goes wrong before an operation is reached. Each dialect gives these its own answers, like every other error."""

from collections.abc import Iterable

from roster.kit.errors import InvalidInput, NotFound, RosterError


class UnknownRoute(NotFound):
    """No operation has this path."""

    code = "unknown_route"
    text = "There is nothing at this address."


class MethodNotAllowed(RosterError):
    """The path exists, but not with this method; `allowed` lists those it has, for the header `Allow` (RFC 9110)."""

    code = "method_not_allowed"
    text = "This address does not take this method."

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(details={"allowed": self.allowed})


class UnsupportedMedia(InvalidInput):
    """The body is in a media type, charset or content coding that the operation does not take (RFC 9110, 15.5.16)."""

    code = "unsupported_media_type"
    text = "The body is not in a form that this operation takes."


class NotAcceptable(InvalidInput):
    """The answer is wanted in a form that is not offered (RFC 9110, 15.5.7)."""

    code = "not_acceptable"
    text = "The answer cannot be given in this form."


class Disconnected(Exception):
    """The client went away while its body was being read."""
