"""Every error of the core has an answer, in the form of the API and in that of its sign-in."""

from typing import Any

import msgspec
import pytest

from roster.core.access.errors import AssignmentExists, Escalation, LastAdministrator, RoleBuiltIn, RoleNameTaken
from roster.core.credentials.errors import WrongPassword
from roster.core.users.errors import OwnAccount, UsernameTaken, UserNotFound
from roster.dialects.fulfillmenttools import errors, identity_errors
from roster.dialects.fulfillmenttools.identity_errors import KeyMissing, KeyUnknown, Refused
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.kit import errors as kit
from roster.kit.filters import InvalidFilter, PrivateField
from roster.kit.pages import InvalidCursor
from roster.web.errors import MethodNotAllowed, UnknownRoute, UnsupportedMedia
from roster.web.openapi import example
from tests.dialects import refusals
from tests.dialects.fulfillmenttools import contract

STATUS = {
    400: [
        *(kit.InvalidInput, InvalidFilter, InvalidCursor, UnsupportedMedia),
        *(RoleNameTaken, UsernameTaken, AssignmentExists, WrongPassword),
    ],
    401: [kit.Unauthenticated, kit.InvalidToken],
    403: [kit.Forbidden, kit.StepUpRequired, PrivateField, Escalation, RoleBuiltIn, LastAdministrator, OwnAccount],
    404: [kit.NotFound, UserNotFound, UnknownRoute],
    405: [MethodNotAllowed],
    409: [kit.StaleVersion, kit.Conflict],
    413: [kit.TooLarge],
    429: [kit.TooMany],
    500: [kit.Internal],
    503: [kit.Unavailable, ProviderSilent],
}
WORDS = {
    (403, "PERMISSION_DENIED"): [KeyMissing],
    (400, "INVALID_ARGUMENT"): [KeyUnknown, kit.InvalidInput, UnsupportedMedia],
    (400, None): [Refused, kit.BadCredentials, kit.InvalidToken, UnknownProvider, UsernameTaken],
    (404, "NOT_FOUND"): [UnknownRoute],
    (429, "RESOURCE_EXHAUSTED"): [kit.TooMany],
    (503, "UNAVAILABLE"): [ProviderSilent],
    (500, "INTERNAL"): [kit.Internal, kit.RosterError],
}


REQUEST = refusals.request("/api/roles")


@pytest.mark.parametrize("kind", refusals.every("fulfillmenttools"), ids=lambda kind: kind.__name__)
def test_every_error_has_an_answer_in_both_documented_forms(kind: type[kit.RosterError]) -> None:
    for render, schema in ((errors.render, "ApiError"), (identity_errors.render, "IdentityError")):
        reply = render(example(kind), REQUEST)
        assert reply.status < 500 or kind in {kit.Internal, kit.Unavailable, ProviderSilent}
        contract.validate(msgspec.to_builtins(reply.body), contract.schema(schema))


@pytest.mark.parametrize(("status", "kind"), [(status, kind) for status, kinds in STATUS.items() for kind in kinds])
def test_the_statuses_of_the_notes(status: int, kind: type[kit.RosterError]) -> None:
    assert errors.status_of(kind) == status


@pytest.mark.parametrize(("answer", "kind"), [(answer, kind) for answer, kinds in WORDS.items() for kind in kinds])
def test_the_canonical_words_of_sign_in(answer: tuple[int, str | None], kind: type[kit.RosterError]) -> None:
    body: Any = msgspec.to_builtins(identity_errors.render(example(kind), REQUEST).body)

    assert (body["error"]["code"], body["error"].get("status")) == answer


def test_an_error_that_belongs_nowhere_is_a_fault_of_ours() -> None:
    assert errors.status_of(kit.RosterError) == 500


def test_a_stale_version_tells_both_as_the_wire_counts_them() -> None:
    body = msgspec.to_builtins(errors.render(kit.StaleVersion(stored=2, sent=0), REQUEST).body)

    assert body == [{"summary": "The version is not the stored one.", "requestVersion": 1, "version": 3}]


def test_each_problem_has_an_entry() -> None:
    problems = [kit.Problem("name", "length", "Too short."), kit.Problem("version", "required", "Missing.")]
    body: Any = msgspec.to_builtins(errors.render(kit.InvalidInput(problems), REQUEST).body)

    assert [each["description"] for each in body] == ["name: Too short.", "version: Missing."]


def test_an_unauthorized_answer_challenges() -> None:
    assert errors.render(kit.Unauthenticated(), REQUEST).headers == (("WWW-Authenticate", "Bearer"),)
    assert "invalid_token" in errors.render(kit.InvalidToken(), REQUEST).headers[0][1]
    assert errors.render(kit.Forbidden(), REQUEST).headers == ()


@pytest.mark.parametrize(
    ("field", "described"),
    [
        ("given_name", "firstname: No."),
        ("attributes.shift", "customAttributes.shift: No."),
        ("ceiling", "context: No."),
        ("assignedRoles[0].context", "assignedRoles[0].context: No."),
        ("", "No."),
    ],
)
def test_problems_are_told_in_the_words_of_the_dialect(field: str, described: str) -> None:
    error = kit.InvalidInput.of(field, "wrong", "No.")

    body: Any = msgspec.to_builtins(errors.render(error, REQUEST).body)

    assert body[0]["description"] == described
