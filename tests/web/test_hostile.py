"""Requests no well-behaved client sends: always a clear answer, never a fault, nothing stored."""

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web import toy

JSON = {"Content-Type": "application/json"}


@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "REPORT", "", "\r\nX"]),
    st.binary(max_size=40),
    st.binary(max_size=40),
    st.binary(max_size=60),
)
@settings(max_examples=300)
async def test_any_bytes_in_path_query_and_body_get_an_answer_below_500(
    method: str, path: bytes, query: bytes, body: bytes
):
    for prefix in (b"/toy/v1/toys/", b"/toy/v1/toys", b"/toy/v1/names/", b"/realms/", b"/"):
        wire = await toy.Wire(toy.mounted()).send(method, prefix + path, query=query, headers=JSON, chunks=[body])
        assert 200 <= wire.status < 500


async def test_a_declared_length_over_the_limit_is_refused_unread():
    wire = toy.Wire(toy.mounted())

    await wire.send("PATCH", b"/toy/v1/optional", headers={**JSON, "Content-Length": "101"}, chunks=[])

    assert wire.status == 413


@pytest.mark.parametrize(
    ("declared", "status"), [("9" * 400, 413), ("-1", 400), ("1,2", 400), ("ten", 400), ("²", 400)]
)
async def test_a_length_that_is_none_is_refused(declared: Any, status: int):
    wire = await toy.Wire(toy.mounted()).send(
        "PATCH", b"/toy/v1/optional", headers={**JSON, "Content-Length": declared}, chunks=[b"{}"]
    )

    assert wire.status == status


@pytest.mark.parametrize("declared", [{}, {"Content-Length": "2"}])
async def test_a_body_larger_than_the_limit_is_refused_whatever_was_declared(declared: Any):
    desk = toy.Desk()

    wire = await toy.Wire(toy.mounted(desk)).send(
        "PATCH", b"/toy/v1/optional", headers={**JSON, **declared}, chunks=[b'{"name":"', b"x" * 60, b"x" * 60]
    )

    assert wire.status == 413
    assert desk.happened == []


async def test_a_client_that_leaves_in_the_middle_of_its_body_changes_nothing():
    desk = toy.Desk()

    wire = await toy.Wire(toy.mounted(desk)).send(
        "POST", b"/toy/v1/toys", headers=JSON, chunks=[b'{"name":"bear","price":1}'], gone=True
    )

    assert (wire.status, desk.happened, desk.out) == (0, [], 0)


async def test_an_encoded_slash_stays_inside_its_segment():
    wire = await toy.Wire(toy.mounted()).send("GET", b"/toy/v1/names/a%2Fb%20c%c3%a9")

    assert wire.json() == {"name": "a/b cé", "path": "/names/a%2Fb%20c%c3%a9", "realm": "main", "prefix": "/toy/v1"}


@pytest.mark.parametrize("segment", [b"%", b"%2", b"%gg", b"%00", b"%ff", b"%c3%28", b"\xff", b"\x00"])
async def test_a_path_that_cannot_be_decoded_leads_nowhere(segment: bytes):
    wire = await toy.Wire(toy.mounted()).send("GET", b"/toy/v1/names/" + segment)

    assert (wire.status, wire.json()["code"]) == (404, "unknown_route")


async def test_a_very_long_path_and_many_headers_are_just_unknown():
    headers = {f"x-{first}{second}": "v" * 50 for first in string.ascii_lowercase for second in string.ascii_lowercase}

    wire = await toy.Wire(toy.mounted()).send("GET", b"/toy/v1" + b"/a" * 20_000, headers=headers)

    assert wire.status == 404
