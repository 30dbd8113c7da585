"""Every error of the core has an answer, as problem details (RFC 9457)."""

import importlib
import pkgutil
from collections.abc import Iterator

import httpx
import pytest

import roster
from roster.dialects.native import dialect, errors
from roster.kit.errors import Internal, InvalidInput, InvalidToken, RosterError, StaleVersion, TooMany, Unauthenticated
from roster.web import openapi
from roster.web.reply import Reply
from roster.web.request import Request


def _all(kind: type[RosterError] = RosterError) -> Iterator[type[RosterError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


def _import_everything() -> None:
    for module in pkgutil.walk_packages(roster.__path__, "roster."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)


_import_everything()
AT_START = ("roster.storage.", "roster.settings.", "roster.cli.")
"""Errors of these end a start; no request meets them."""
OWN = "roster.dialects.native."


def _is_met(module: str) -> bool:
    """Whether requests of this API meet errors of the module; those of other front doors stay behind these."""
    is_foreign = module.startswith("roster.dialects.") and not module.startswith(OWN)
    return module.startswith("roster.") and not module.startswith(AT_START) and not is_foreign


ERRORS = sorted({each for each in _all() if _is_met(each.__module__)}, key=lambda each: each.code)


def rendered(error: RosterError) -> Reply:
    scope = {"method": "GET", "headers": [], "query_string": b"", "client": None}
    return errors.render(error, Request(scope, path="/x", request_id="r-1"))


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
    answer = dialect.render(TooMany(7), Request({"method": "GET", "headers": []}, path="/x"))

    assert answer.status == 429
    assert isinstance(answer.body, errors.Problem)
    assert answer.body.details == {"retry_after": 7}
