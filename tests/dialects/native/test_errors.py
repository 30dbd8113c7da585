"""Every error of the core has an answer, as problem details (RFC 9457)."""

import httpx
import pytest

from roster.dialects.native import dialect, errors
from roster.kit.errors import Internal, InvalidInput, InvalidToken, RosterError, StaleVersion, TooMany, Unauthenticated
from roster.web import openapi
from roster.web.reply import Reply
from tests.dialects import refusals

ERRORS = refusals.every("native")


def rendered(error: RosterError) -> Reply:
    return errors.render(error, refusals.request("/x"))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_its_family(kind: type[RosterError]):
    reply = rendered(openapi.example(kind))

    assert isinstance(reply.body, errors.Problem)
    assert 400 <= reply.status < 600
    assert (reply.status == 500) == (kind is Internal)
    assert reply.body.status == reply.status
    assert reply.body.type == f"urn:roster:error:{kind.code}"
    assert reply.body.title
    assert reply.body.request_id == "r-1"
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize("kind", [each for each in ERRORS if issubclass(each, InvalidInput)])
def test_invalid_input_lists_its_problems(kind: type[InvalidInput]):
    reply = rendered(kind.of("email", "malformed", "This is no address."))

    assert isinstance(reply.body, errors.Problem)
    assert reply.body.problems == [errors.FieldProblem("email", "malformed", "This is no address.")]


@pytest.mark.parametrize("kind", [each for each in ERRORS if issubclass(each, Unauthenticated)])
def test_a_401_names_the_scheme(kind: type[RosterError]):
    (challenge,) = [value for name, value in rendered(kind()).headers if name == "WWW-Authenticate"]

    assert challenge.startswith("Bearer ")
    assert ("invalid_token" in challenge) == issubclass(kind, InvalidToken)


def test_a_stale_version_is_a_failed_precondition_and_says_both_versions():
    reply = rendered(StaleVersion(stored=4, sent=3))

    assert reply.status == 412
    assert isinstance(reply.body, errors.Problem)
    assert reply.body.details == {"stored_version": 4, "sent_version": 3}


async def test_an_unknown_address_is_a_problem_too(client: httpx.AsyncClient):
    response = await client.get("/nothing/here")

    assert (response.status_code, response.json()["code"]) == (404, "unknown_route")
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_says_which_ones_are_right(client: httpx.AsyncClient):
    response = await client.put("/users")

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_waiting_is_asked_for_in_a_header():
    answer = dialect.render(TooMany(7), refusals.request("/x"))

    assert answer.status == 429
    assert isinstance(answer.body, errors.Problem)
    assert answer.body.details == {"retry_after": 7}
