"""Subjects of the bus, and the table of operations that exist there only (notes, section 6).

An HTTP operation is `http.<method>.<segments>` on the bus. What only services ask for has a subject of its own, such as
`user-service.get-user`; it stands in a table of operations like the others, with the method `REQUEST` and the subject
as a path, so that one router finds both.
"""

from collections.abc import Callable
from typing import Final, Unpack

from roster.web.operation import Details, H, Operation, Operations

REQUEST: Final = "REQUEST"
"""The method of operations without HTTP. Requests over HTTP never reach them: they are in no table that it reads."""


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


def _word(part: str) -> str:
    return f":{part[1:-1]}" if part.startswith("{") else part.replace(".", "{dot}").lower()
