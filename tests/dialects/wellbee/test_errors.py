"""Every error of the core has an answer in this dialect, by a code that the contract or the frame has."""

import re
from http import HTTPStatus

import msgspec
import pytest

from roster.core.access.errors import Escalation, LastAdministrator, RoleBuiltIn, RoleNotFound
from roster.core.users.errors import EmailTaken, OwnAccount, UsernameTaken, UserNotFound
from roster.dialects.wellbee import errors, refusals, signing_in
from roster.kit import errors as kit
from roster.web import errors as web
from roster.web.openapi import example
from tests.dialects import refusals as every_refusal
from tests.dialects.wellbee import contract

TABLE: dict[tuple[int, str], list[type[kit.RosterError]]] = {
    (400, "BAD_REQUEST"): [kit.InvalidInput, kit.Conflict, LastAdministrator, OwnAccount, RoleBuiltIn],
    (400, "user-service.400.10"): [EmailTaken],
    (400, "fruster-user-service.USERNAME_NOT_UNIQUE"): [UsernameTaken],
    (401, "user-service.401.3"): [kit.BadCredentials],
    (403, "MUST_BE_LOGGED_IN"): [kit.Unauthenticated],
    (403, "auth-service.403.1"): [kit.InvalidToken],
    (403, "PERMISSION_DENIED"): [kit.Forbidden, Escalation],
    (404, "NOT_FOUND"): [kit.NotFound, RoleNotFound],
    (404, "fruster-user-service.NOT_FOUND"): [UserNotFound],
    (404, "BUS_RESPONSE_TIMEOUT"): [web.UnknownRoute, web.MethodNotAllowed],
    (429, "TOO_MANY_REQUESTS"): [kit.TooMany],
    (500, "INTERNAL_SERVER_ERROR"): [kit.Internal, refusals.ProviderUnreachable],
    (503, "UNAVAILABLE"): [kit.Unavailable],
}
FAULTS = {kit.Internal, refusals.ProviderUnreachable, signing_in.SeveralFound}
"""What the contract itself answers with 500."""
ASKED = every_refusal.request("/me")


def documented() -> set[tuple[int, str]]:
    """Every status and code that the contract names anywhere."""
    named = {each for operation in contract.operations().values() for each in operation.errors}
    return named | contract.ANYWHERE


@pytest.mark.parametrize("kind", every_refusal.every("wellbee"), ids=lambda kind: kind.__name__)
def test_every_error_has_an_answer_in_the_documented_form(kind: type[kit.RosterError]):
    error = example(kind)
    meaning = errors.of(error)
    assert kind in FAULTS or meaning.status != HTTPStatus.INTERNAL_SERVER_ERROR, f"{kind.__name__} has no family here"

    reply = errors.render(error, ASKED)

    assert reply.status == meaning.status
    if kind is signing_in.TwoTokens:
        assert reply.body is None
        return
    body = msgspec.to_builtins(reply.body)
    if issubclass(kind, (kit.TooLarge, refusals.NoJson)):
        assert body.keys() == {"message"}
        return
    failure = body["error"]
    assert (body["status"], failure["code"]) == (meaning.status, meaning.code)
    assert failure.keys() == {"code", "title", "detail", "id", "thrower"}
    assert failure["title"] == meaning.title
    general = re.sub(r"[A-Z]+(?=_NOT_UNIQUE$)", "<FIELD>", meaning.code)
    assert {(meaning.status, meaning.code), (meaning.status, general)} & documented()


@pytest.mark.parametrize(("known", "kind"), [(known, kind) for known, kinds in TABLE.items() for kind in kinds])
def test_the_table_of_codes(known: tuple[int, str], kind: type[kit.RosterError]):
    meaning = errors.meaning_of(kind)

    assert (meaning.status, meaning.code) == known
