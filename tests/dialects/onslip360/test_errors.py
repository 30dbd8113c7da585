"""Every error of the core has an answer in this dialect."""

from typing import Any

import msgspec
import pytest

from roster.core.access.errors import Escalation, LastAdministrator, RoleBuiltIn, RoleNotFound
from roster.core.users.errors import EmailTaken, OwnAccount, UsernameTaken, UserNotFound
from roster.dialects.onslip360 import errors
from roster.kit import errors as kit
from roster.kit.filters import InvalidFilter, PrivateField
from roster.web import errors as web
from roster.web.openapi import example
from tests.dialects import refusals
from tests.dialects.conftest import Person
from tests.dialects.onslip360 import contract
from tests.dialects.onslip360.conftest import Wire, refusal

TABLE = {
    ("bad-request", 400): [kit.InvalidInput],
    ("bad-query", 400): [errors.BadQuery, InvalidFilter],
    ("unauthorized", 401): [kit.Unauthenticated, kit.InvalidToken, kit.BadCredentials],
    ("forbidden", 403): [kit.Forbidden, Escalation, PrivateField, LastAdministrator, OwnAccount, RoleBuiltIn],
    ("not-found", 404): [kit.NotFound, UserNotFound, RoleNotFound, web.UnknownRoute],
    ("method-not-allowed", 405): [web.MethodNotAllowed],
    ("not-acceptable", 406): [web.NotAcceptable],
    ("conflict", 409): [kit.Conflict, kit.Taken, UsernameTaken, EmailTaken],
    ("precondition-failed", 412): [kit.StaleVersion, errors.Changed],
    ("too-large", 413): [kit.TooLarge],
    ("unsupported-media-type", 415): [web.UnsupportedMedia],
    ("too-many-requests", 429): [kit.TooMany],
    ("server-error", 500): [kit.Internal],
    ("unavailable", 503): [kit.Unavailable],
}


def rendered(error: kit.RosterError, path: str = "/~acme/users") -> Any:
    return errors.render(error, refusals.request(path))


@pytest.mark.parametrize("kind", refusals.every("onslip360"), ids=lambda kind: kind.__name__)
def test_every_error_has_an_answer_in_the_documented_form(kind: type[kit.RosterError]):
    meaning = errors.meaning_of(kind)

    assert kind is kit.Internal or meaning.status != 500, f"{kind.__name__} belongs to no family that is known here"
    reply = rendered(example(kind))
    assert reply.status == meaning.status
    body = msgspec.to_builtins(reply.body)
    assert body.keys() == {"message", "code"}
    contract.validate(body, contract.document()["components"]["schemas"]["ServerError"])


@pytest.mark.parametrize(("code", "status", "kind"), [(*key, kind) for key, kinds in TABLE.items() for kind in kinds])
def test_the_table_of_the_notes(code: str, status: int, kind: type[kit.RosterError]):
    assert errors.meaning_of(kind) == errors.Meaning(status, code)


def test_an_error_that_belongs_nowhere_is_a_fault():
    assert errors.meaning_of(kit.RosterError) == errors.Meaning(500, "server-error")


def test_who_is_not_known_is_challenged():
    assert rendered(kit.InvalidToken()).headers == (("WWW-Authenticate", "Hawk"),)
    assert rendered(kit.Forbidden()).headers == ()


@pytest.mark.parametrize("path", ["/oauth-token", "/oauth-token/", "/oauth-token.json"])
def test_clients_that_know_oauth_are_told_in_its_words_too(path: str):
    body = msgspec.to_builtins(rendered(kit.InvalidInput(text="No."), path).body)

    assert body == {"message": "No.", "code": "bad-request", "error": "invalid_request", "error_description": "No."}


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"email": None}, "email"),
        ({"identity-number": 5}, "identity-number"),
        ({"system-roles": ["boss"]}, "system-roles[0]"),
        ({"nick-name": "x"}, "nick-name"),
        ({"alias": "a b"}, "alias"),
    ],
)
async def test_a_message_says_which_member_is_wrong(wire: Wire, boss: Person, body: dict[str, Any], member: str):
    answer = await wire.patch(f"users/{boss.user.number}", body)

    assert refusal(answer) == (400, "bad-request")
    assert answer.json()["message"].startswith(f"{member}: ")
