"""Subjects of the bus, and the table of operations that exist there only (notes, section 6).

An HTTP operation is `http.<method>.<segments>` on the bus. What only services ask for has a subject of its own, such as
`user-service.get-user`; it stands in a table of operations like the others, with the method `REQUEST` and the subject
as a path, so that one router finds both.
"""

import re
from collections.abc import Callable
from typing import Final, Unpack

from roster.web.operation import Details, H, Operation, Operations
from roster.web.request import Request

_WILD: Final = re.compile(r"[*>\s]")
_NEEDLESS: Final = re.compile(r"%(?:2[de]|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])")
"""Percent-encoded letters, digits and the like, which mean the same bare (RFC 3986, 6.2.2.2)."""
REQUEST: Final = "REQUEST"
"""The method of operations without HTTP. Requests over HTTP never reach them: they are in no table that it reads."""
EVERY_INSTANCE: Final = "x-every-instance"
"""In an operation's `extra`: each process takes the message and answers, none is one for all."""
LISTENS: Final = "x-listens"
"""In an operation's `extra`: other services listen too, so its queue group is named for this one."""
WHOLE: Final = "x-whole-message"
"""In an operation's `extra`: its body is the message itself, not the message's data."""


class Services(Operations):
    """Operations of the bus alone: `services = Services(tag="user-service")`, then `@services.serve(subject, id=…)`."""

    def serve(self, subject: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Register the handler under a subject, whose words do not hold slashes."""
        return self.route(REQUEST, path_of(subject), **details)


def path_of(subject: str) -> str:
    """A subject without method as the path that the router finds it by."""
    return "/" + subject.replace(".", "/")


def subject_of(operation: Operation) -> str:
    """The subject of an operation, with its parameters as `:name`."""
    words = [_word(part) for part in operation.path.strip("/").split("/") if part]
    if operation.method != REQUEST:
        words = ["http", operation.method.lower(), *words]
    return ".".join(words)


def is_for_sockets(operation: Operation) -> bool:
    """Whether it is one of `ws.…`, which people ask for over websockets."""
    return operation.path.startswith("/ws/")


def of_request(request: Request) -> str:
    """The subject of a request over HTTP: in lower case, percent-encoded where it must be, and never a wildcard."""
    words = [_NEEDLESS.sub(_bare, part.lower()).replace(".", "{dot}") for part in request.path.split("/") if part]
    return ".".join(["http", request.method.lower(), *(_WILD.sub(_encoded, word) for word in words)])


def _bare(found: re.Match[str]) -> str:
    return chr(int(found[0][1:], 16))


def _encoded(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02x}"


def _word(part: str) -> str:
    return f":{part[1:-1]}" if part.startswith("{") else part.replace(".", "{dot}").lower()
