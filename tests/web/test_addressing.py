"""What addresses and headers say besides which operation is meant."""

import pytest

from roster.web import addressing
from roster.web.errors import NotAcceptable
from roster.web.request import Request


def a_request(method: str = "POST", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"method": method, "headers": raw, "query_string": b"", "client": None}, path="/things")


@pytest.mark.parametrize("wanted", ["PATCH", "patch", " REPORT ", "DELETE"])
def test_a_post_may_mean_another_method(wanted: str):
    request = a_request(x_http_method_override=wanted)

    addressing.override_method(request)

    assert request.method == wanted.strip().upper()


@pytest.mark.parametrize(("method", "wanted"), [("GET", "DELETE"), ("PUT", "PATCH"), ("POST", "CONNECT"), ("POST", "")])
def test_no_other_method_is_overridden_and_none_by_nonsense(method: str, wanted: str):
    request = a_request(method, x_http_method_override=wanted)

    addressing.override_method(request)

    assert request.method == method


@pytest.mark.parametrize(
    ("path", "shorter"),
    [("/users/7.json", "/users/7"), ("/users/7", "/users/7"), ("/a.b/7", "/a.b/7"), ("/users/7.txt", "/users/7.txt")],
)
def test_the_ending_that_is_offered_is_taken_off(path: str, shorter: str):
    assert addressing.without_format(path, "json", frozenset({"csv"})) == shorter


def test_an_ending_that_is_known_and_not_offered_is_refused():
    with pytest.raises(NotAcceptable):
        addressing.without_format("/users/7.csv", "json", frozenset({"csv", "xml"}))


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/json, */*", "*/*", "text/csv;q=0.5, application/*;q=0.1", "", "TEXT/*,*/*"],
)
def test_json_is_given_to_those_who_take_it(accept: str):
    addressing.require_json_accepted(a_request(accept=accept))


@pytest.mark.parametrize("accept", ["text/csv", "text/*", "application/json;q=0", "application/json; q=0.00, text/xml"])
def test_json_is_not_forced_upon_those_who_do_not(accept: str):
    with pytest.raises(NotAcceptable):
        addressing.require_json_accepted(a_request(accept=accept))
