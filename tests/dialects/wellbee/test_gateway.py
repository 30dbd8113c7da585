"""What the gateway does before and around every operation."""

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.dialects.wellbee import gateway, words
from roster.kit.errors import Problem
from roster.web.request import Request
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import PREFIX, Wire


def asked(content_type: str, body: bytes) -> bytes:
    """The data that such a body is."""
    scope = {"method": "POST", "headers": [(b"content-type", content_type.encode())], "query_string": b""}
    request = Request(scope, path="/x")
    request.body = body
    return gateway.as_json(request)


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/json", b'{"a": 1}', b'{"a": 1}'),
        ("application/vnd.api+json; charset=utf-8", b"[1]", b"[1]"),
        ("application/x-www-form-urlencoded", b"a=1&b=c+d", b'{"a":"1","b":"c d"}'),
        ("text/plain", "på".encode(), '"på"'.encode()),
        ("image/png", b"\x89PNG", b"{}"),
        ("", b"a", b"{}"),
        ("application/json", b"", b"{}"),
    ],
)
def test_a_body_is_data_whatever_form_it_comes_in(content_type: str, body: bytes, data: bytes):
    assert asked(content_type, body) == data


async def test_paths_are_compared_in_lower_case_and_without_empty_segments(wire: Wire, admin: Person):
    found = await wire.by(admin.access_token).call("GET", f"//Admin/USER//{str(admin.user.id).upper()}/")
    assert (found.status, found.data["id"]) == (200, str(admin.user.id))


@pytest.mark.parametrize("path", ["/", "/health", ""])
async def test_the_gateway_says_since_when_it_is_alive(client: httpx.AsyncClient, realm: Realm, path: str):
    found = await client.get(f"/realms/{realm.slug}{PREFIX}{path}")
    assert found.status_code == 200
    assert found.json()["status"].startswith("Alive since ")


async def test_crawlers_are_told_to_go(client: httpx.AsyncClient, realm: Realm):
    found = await client.get(f"/realms/{realm.slug}{PREFIX}/robots.txt")
    assert found.headers["content-type"] == "text/plain"
    assert found.text == "User-agent: *\nDisallow: /"


@pytest.mark.parametrize("path", ["/admin/user", "/of/another/service"])
async def test_browsers_may_ask_first_at_every_path(client: httpx.AsyncClient, realm: Realm, path: str):
    found = await client.options(f"/realms/{realm.slug}{PREFIX}{path}")
    assert (found.status_code, found.content) == (204, b"")


async def test_a_method_that_nobody_serves_is_as_unknown_as_a_path(wire: Wire, admin: Person):
    found = await wire.by(admin.access_token).call("PATCH", f"/admin/user/{admin.user.id}", {"firstName": "x"})
    assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("email", "required", ""), "data should have required property 'email'"),
        (Problem("a.b", "required", ""), "data.a should have required property 'b'"),
        (Problem("email", "wrong_type", "Expected str, got int."), "data.email should be string"),
        (Problem("a[0]", "wrong_type", "Expected str, got int."), "data.a[0] should be string"),
        (Problem("n", "out_of_range", "Expected int >= 1."), "data.n should be >= 1"),
        (Problem("e", "not_allowed", "Invalid enum value x."), "data.e should be equal to one of the allowed values"),
        (Problem("foo", "unknown_field", ""), "should NOT have additional properties: foo"),
        (Problem("body", "wrong_type", "Expected object, got str."), "data should be object"),
    ],
)
def test_input_is_refused_in_the_words_of_the_validator(problem: Problem, text: str):
    assert words.of(problem) == text
