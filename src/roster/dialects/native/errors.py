"""What goes wrong, as problem details (RFC 9457)."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from roster.kit import errors as kit
from roster.web import errors as web
from roster.web.reply import Headers, Reply
from roster.web.request import Request

PROBLEM_JSON: Final = "application/problem+json"

_STATUS: Final[Mapping[type[kit.RosterError], HTTPStatus]] = {
    kit.InvalidInput: HTTPStatus.BAD_REQUEST,
    web.UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    kit.NotFound: HTTPStatus.NOT_FOUND,
    web.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    kit.Conflict: HTTPStatus.CONFLICT,
    kit.StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    kit.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    kit.Forbidden: HTTPStatus.FORBIDDEN,
    kit.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    kit.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    kit.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    kit.Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Families of errors; a feature's own subclass is answered like the nearest family above it."""


class FieldProblem(msgspec.Struct, frozen=True):
    """One thing wrong with one input: the dotted path of the member, a stable code, a sentence."""

    field: str
    code: str
    text: str


class Problem(msgspec.Struct, frozen=True):
    """Problem details. `code` is stable and the last part of `type`; `problems` lists each invalid input."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    problems: list[FieldProblem] | UnsetType = UNSET
    details: dict[str, Any] | UnsetType = UNSET


def render(error: kit.RosterError, request: Request) -> Reply:
    """The answer to any error. Whatever is in the error was written to be shown."""
    status = status_of(type(error))
    body = Problem(
        type=f"urn:roster:error:{error.code}",
        title=type(error).text,
        status=status,
        detail=error.message,
        code=error.code,
        request_id=request.request_id,
        problems=_problems(error),
        details=dict(error.details) if error.details else UNSET,
    )
    return Reply(status, body, _headers(error), PROBLEM_JSON)


@cache
def status_of(kind: type[kit.RosterError]) -> int:
    """The status of the nearest family; a class outside all of them is a fault of ours."""
    return next((_STATUS[each].value for each in kind.__mro__ if each in _STATUS), 500)


def _problems(error: kit.RosterError) -> list[FieldProblem] | UnsetType:
    if not isinstance(error, kit.InvalidInput):
        return UNSET
    return [FieldProblem(each.field, each.code, each.text) for each in error.problems]


def _headers(error: kit.RosterError) -> Headers:
    """The challenge that a 401 owes (RFC 9110, section 11.6.1; RFC 6750, section 3)."""
    if isinstance(error, kit.InvalidToken):
        return (("WWW-Authenticate", 'Bearer realm="roster", error="invalid_token"'),)
    if isinstance(error, kit.Unauthenticated):
        return (("WWW-Authenticate", 'Bearer realm="roster"'),)
    return ()
