"""Every error of the core has an answer in this dialect, in three languages."""

import msgspec
import pytest

from roster.core.access.errors import Escalation, LastAdministrator, RoleBuiltIn, RoleNotFound
from roster.core.mfa.errors import AlreadyActive, NotActive, NothingPrepared, WrongCode
from roster.core.sessions.errors import SessionNotFound
from roster.core.users.errors import EmailTaken, OwnAccount, UserNotFound
from roster.dialects.groupalarm import errors, texts
from roster.kit import errors as kit
from roster.web import errors as web
from roster.web.openapi import example
from tests.dialects import refusals
from tests.dialects.groupalarm import contract

TABLE = {
    400: [kit.InvalidInput, kit.Conflict, EmailTaken, WrongCode, AlreadyActive, NotActive, NothingPrepared],
    401: [kit.Unauthenticated, kit.InvalidToken, kit.BadCredentials, kit.StepUpRequired, RoleBuiltIn],
    403: [kit.Forbidden, Escalation, LastAdministrator, OwnAccount, errors.UserOnly, errors.NotActivated],
    404: [kit.NotFound, UserNotFound, RoleNotFound, SessionNotFound, web.UnknownRoute, errors.TokenNotFound],
    405: [web.MethodNotAllowed],
    413: [kit.TooLarge],
    422: [errors.UnreadableClaims],
    429: [kit.TooMany],
    500: [kit.Internal],
    503: [kit.Unavailable],
}


ASKED = refusals.request("/user")


@pytest.mark.parametrize("kind", refusals.every("groupalarm"), ids=lambda kind: kind.__name__)
def test_every_error_has_an_answer_in_the_documented_form(kind: type[kit.RosterError]):
    status = errors.status_of(kind)

    assert kind is kit.Internal or status != 500, f"{kind.__name__} belongs to no family that is known here"
    spoken: set[str] = set()
    for language in texts.LANGUAGES:
        reply = errors.render(example(kind), refusals.request("/user", accept_language=language))
        assert reply.status == status
        body = msgspec.to_builtins(reply.body)
        contract.validate(body, contract.schema("Error"))
        assert body["error"]
        spoken.add(body["message"])
    assert len(spoken) == (1 if kind is errors.MfaRequired else 3)


@pytest.mark.parametrize(("status", "kind"), [(key, kind) for key, kinds in TABLE.items() for kind in kinds])
def test_the_table_of_statuses(status: int, kind: type[kit.RosterError]):
    assert errors.status_of(kind) == status


def test_every_text_is_there_in_every_language():
    for text in texts.errors().values():
        assert text.keys() == set(texts.LANGUAGES)


def test_every_text_belongs_to_an_error_that_there_is():
    known = {kind.code for kind in refusals.every("groupalarm")} | {kit.RosterError.code}

    assert texts.errors().keys() <= known


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("fr, sv;q=0.4, de;q=0.8", "de"),
        ("sv_SE", "sv"),
        ("fr", "en"),
        ("", "en"),
        (";;q=x,,", "en"),
        ("de;q=x, sv;q=0.1", "sv"),
    ],
)
def test_the_language_is_what_the_client_asks_for(header: str, language: str):
    assert texts.language(refusals.request("/user", accept_language=header)) == language


def test_the_reason_is_technical_and_english():
    several = kit.InvalidInput([kit.Problem("limit", "out_of_range", "Too large."), kit.Problem("a", "b", "No.")])

    assert errors.reason(SessionNotFound()) == "session not found"
    assert errors.reason(several) == "limit: too large; a: no"
    assert errors.reason(errors.NoUser()) == "missing user id in auth token"


def test_who_is_not_known_is_challenged():
    assert errors.render(kit.Unauthenticated(), ASKED).headers == (("WWW-Authenticate", "Bearer"),)
    again = errors.render(kit.StepUpRequired(), ASKED).headers
    assert again == (("WWW-Authenticate", 'Bearer error="insufficient_user_authentication"'),)
    assert errors.render(kit.Forbidden(), ASKED).headers == ()
