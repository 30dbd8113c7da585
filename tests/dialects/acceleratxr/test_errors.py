"""Every error of the core has an answer in this dialect."""

from typing import Any

import msgspec
import pytest

from roster.core.access.errors import LastAdministrator, RoleBuiltIn
from roster.core.credentials.errors import CredentialExists, WrongPassword
from roster.core.flows.errors import LinkRequired
from roster.core.mfa.errors import AlreadyActive, WrongCode
from roster.core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from roster.dialects.acceleratxr import errors
from roster.dialects.acceleratxr.errors import CodeNeeded, RangeArity, UidMismatch, WhoIsMe
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.kit import errors as kit
from roster.kit.filters import InvalidFilter, PrivateField
from roster.web.errors import MethodNotAllowed, UnknownRoute, UnsupportedMedia
from roster.web.openapi import example
from tests.dialects import refusals
from tests.dialects.acceleratxr import contract

TABLE = {
    ("api-002", 500): [kit.Internal],
    ("api-002", 503): [kit.Unavailable, ProviderSilent],
    ("api-003", 400): [kit.InvalidInput, InvalidFilter, UnsupportedMedia, WrongCode, kit.Conflict],
    ("api-003", 405): [MethodNotAllowed],
    ("api-003", 429): [kit.TooMany],
    ("api-004", 413): [kit.TooLarge],
    ("api-010", 404): [kit.NotFound, UserNotFound, UnknownRoute, UnknownProvider],
    ("api-011", 400): [UsernameTaken, EmailTaken, CredentialExists, AlreadyActive, LinkRequired],
    ("api-012", 409): [kit.StaleVersion],
    ("api-013", 400): [UidMismatch],
    ("api-014", 400): [RangeArity],
    ("api-015", 403): [WhoIsMe],
    ("api-100", 401): [kit.Unauthenticated],
    ("api-101", 401): [kit.InvalidToken, kit.BadCredentials, CodeNeeded],
    ("api-102", 403): [kit.Forbidden, kit.StepUpRequired, PrivateField, WrongPassword, LastAdministrator, RoleBuiltIn],
}


def rendered(error: kit.RosterError, path: str = "/users") -> Any:
    return errors.render(error, refusals.request(path))


@pytest.mark.parametrize("kind", refusals.every("acceleratxr"), ids=lambda kind: kind.__name__)
def test_every_error_has_an_answer_in_the_documented_form(kind: type[kit.RosterError]) -> None:
    meaning = errors.meaning_of(kind)

    assert meaning.code != "api-001", f"{kind.__name__} belongs to no family that this dialect knows"
    reply = rendered(example(kind))
    assert reply.status == meaning.status
    body = msgspec.to_builtins(reply.body)
    assert body.keys() == {"code", "status", "message"}
    contract.validate(body, contract.document()["components"]["schemas"]["Error"])


@pytest.mark.parametrize(("code", "status", "kind"), [(*key, kind) for key, kinds in TABLE.items() for kind in kinds])
def test_the_table_of_the_notes(code: str, status: int, kind: type[kit.RosterError]) -> None:
    assert errors.meaning_of(kind) == errors.Meaning(status, code)


def test_an_error_that_belongs_nowhere_is_an_unknown_one() -> None:
    assert errors.meaning_of(kit.RosterError) == errors.Meaning(500, "api-001")


def test_an_unauthorized_answer_challenges_in_the_form_of_its_operation() -> None:
    assert rendered(kit.BadCredentials(), "/auth/password").headers[0][1].startswith("Basic ")
    assert rendered(kit.InvalidToken(), "/users").headers[0][1].startswith("Bearer ")
    assert rendered(kit.Forbidden()).headers == ()
