"""From requests to arguments: everything wrong is told at once, in the place it is wrong."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.kit.errors import InvalidInput
from roster.web import body as bodies
from roster.web.operation import Operations
from tests.web import toy

JSON = {"Content-Type": "application/json"}


async def refused(content: bytes | str, status: int = 400, headers: dict[str, str] = JSON) -> list[list[str]]:
    async with toy.client(toy.mounted()) as client:
        answer = await client.post("/toy/v1/toys", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    return sorted(answer.json()["problems"])


async def test_every_problem_of_a_body_is_listed():
    body = '{"name":"","price":"x","parts":[{"name":"ok"},{"name":7,"size":1},{}],"forAge":true,"colour":"red"}'

    assert await refused(body) == [
        ["colour", "unknown_field"],
        ["forAge", "wrong_type"],
        ["name", "length"],
        ["parts[1].name", "wrong_type"],
        ["parts[1].size", "unknown_field"],
        ["parts[2].name", "required"],
        ["price", "wrong_type"],
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("[]", ["body", "wrong_type"]),
        ("null", ["body", "wrong_type"]),
        ("{", ["body", "malformed"]),
        ('{"name":"a","price":1} x', ["body", "malformed"]),
        ("{'name':'a'}", ["body", "malformed"]),
        (b"\xff\xfe{\x00}\x00", ["body", "malformed"]),
        (b'{"name":"\xff","price":1}', ["body", "malformed"]),
        (b'{"name":"\xed\xa0\x80","price":1}', ["body", "malformed"]),
        (b"\xef\xbb\xbf{}", ["body", "malformed"]),
        ('{"name":"a","price":NaN}', ["body", "malformed"]),
        ('{"name":"a","price":1e999}', ["body", "malformed"]),
        ('{"name":"a","price":1.5}', ["price", "wrong_type"]),
        ('{"name":"a","price":true}', ["price", "wrong_type"]),
        ('{"name":"a","price":-1}', ["price", "out_of_range"]),
        ('{"name":"a","price":9223372036854775808}', ["price", "out_of_range"]),
        ('{"name":"a","price":' + "9" * 5000 + "}", ["body", "malformed"]),
        ('{"name":"a\\u0000b","price":1}', ["name", "character"]),
        ('{"name":"a","price":1,"notes":{"k":["\\u0000"]}}', ["notes.k[0]", "character"]),
        ('{"name":"a","price":1,"notes":{"\\u0000":1}}', ["notes", "character"]),
        ('{"name":"a","price":1,"notes":{"k":18446744073709551616}}', ["notes.k", "out_of_range"]),
        ('{"name":"\\ud800","price":1}', ["body", "malformed"]),
        ('{"name":"\\udc00 half a pair","price":1}', ["body", "malformed"]),
        ('{"name":"\\udbff\\u0041 other half missing","price":1}', ["body", "malformed"]),
        ("", ["body", "required"]),
    ],
)
async def test_what_cannot_be_stored_is_refused(body: bytes | str, problem: list[str]):
    assert await refused(body) == [problem]


async def test_a_whole_surrogate_pair_is_a_character():
    async with toy.client(toy.mounted()) as client:
        answer = await client.post("/toy/v1/toys", content=b'{"name":"\\ud83d\\ude00","price":1}', headers=JSON)

    assert (answer.status_code, answer.json()["name"]) == (201, "😀")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Type": "text/plain"}, "media_type"),
        ({"Content-Type": "application/json2"}, "media_type"),
        ({"Content-Type": ""}, "media_type"),
        ({}, "media_type"),
        ({"Content-Type": "application/json; charset=latin-1"}, "charset"),
        ({"Content-Type": 'application/json;x=y; CHARSET="utf-16"'}, "charset"),
        ({**JSON, "Content-Encoding": "gzip"}, "content_encoding"),
    ],
)
async def test_bodies_in_other_forms_are_refused(headers: dict[str, str], code: str):
    assert await refused('{"name":"a","price":1}', 415, headers) == [["body", code]]


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf8"']
)
async def test_json_is_taken_however_its_type_is_spelled(kind: str):
    async with toy.client(toy.mounted()) as client:
        answer = await client.post("/toy/v1/toys", content=b'{"name":"a","price":1}', headers={"Content-Type": kind})

    assert answer.status_code == 201


async def test_depth_is_limited_to_what_the_limit_says():
    def nested(depth: int) -> str:
        return '{"name":"a","price":1,"notes":{"k":' + "[" * (depth - 2) + "]" * (depth - 2) + "}}"

    assert await refused(nested(bodies.MAX_DEPTH + 1)) == [["body", "too_deep"]]
    assert await refused("[" * 400_000) == [["body", "too_deep"]]
    async with toy.client(toy.mounted()) as client:
        answer = await client.post("/toy/v1/toys", content=nested(bodies.MAX_DEPTH), headers=JSON)
    assert answer.status_code == 201


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('[]{}"\\é', max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3),
    max_leaves=60,
)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(each) for each in value), default=0)
    return 0


@given(JSON_VALUES, st.integers(0, 40))
def test_the_quick_look_at_depth_sees_what_a_walk_sees(value: object, more: int):
    for _ in range(more):
        value = [value, "]"]
    data = msgspec.json.encode(value)
    try:
        bodies.screen(data)
        shallow = True
    except InvalidInput as error:
        shallow = all(problem.code != "too_deep" for problem in error.problems)

    assert shallow == (_depth(value) <= bodies.MAX_DEPTH)


async def test_query_parameters_become_what_the_struct_says():
    async with toy.client(toy.mounted()) as client:
        answer = await client.get("/toy/v1/toys?limit=7&tag=a&tag=b&sold=true&above=1.5&jwt_token=x")

    assert answer.json()[0]["name"] == "bear 7 ['a', 'b'] True"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("limit=0", ["limit", "out_of_range"]),
        ("limit=x", ["limit", "wrong_type"]),
        ("limit=", ["limit", "wrong_type"]),
        ("limit=1&limit=2", ["limit", "repeated"]),
        ("limit=" + "9" * 40, ["limit", "out_of_range"]),
        ("above=nan", ["above", "out_of_range"]),
        ("above=inf", ["above", "out_of_range"]),
        ("colour=red", ["colour", "unknown_field"]),
        ("tag=%ff", ["tag", "malformed"]),
    ],
)
async def test_query_parameters_that_do_not_fit_are_refused(query: str, problem: list[str]):
    async with toy.client(toy.mounted()) as client:
        answer = await client.get("/toy/v1/toys?" + query)

    assert (answer.status_code, answer.json()["problems"]) == (400, [problem])


async def test_all_query_problems_come_at_once():
    async with toy.client(toy.mounted()) as client:
        answer = await client.get("/toy/v1/toys?limit=x&sold=perhaps&colour=red")

    assert sorted(answer.json()["problems"]) == [
        ["colour", "unknown_field"],
        ["limit", "wrong_type"],
        ["sold", "wrong_type"],
    ]


@pytest.mark.parametrize(
    "id", ["7", str(toy.BEAR).replace("-", ""), f"{{{toy.BEAR}}}", f"urn:uuid:{toy.BEAR}", "%00", "%ff", "%zz"]
)
async def test_an_identifier_that_cannot_exist_looks_like_one_that_does_not(id: str):
    wire = await toy.Wire(toy.mounted()).send("GET", f"/toy/v1/toys/{id}".encode())

    assert wire.status == 404


async def test_an_impossible_identifier_is_answered_with_the_operations_own_error():
    async with toy.client(toy.mounted()) as client:
        answer = await client.get("/toy/v1/toys/7")

    assert answer.json()["code"] == "toy_not_found"


@pytest.mark.parametrize(
    ("number", "status"),
    [("5", 200), ("-5", 200), ("9223372036854775808", 404), ("+5", 404), ("5_0", 404), ("%D9%A5", 404)],
)
async def test_numbers_in_paths_are_plain_and_fit_64_bits(number: str, status: int):
    async with toy.client(toy.mounted()) as client:
        answer = await client.request("REPORT", f"/toy/v1/~acme/toys/{number}.json")

    assert answer.status_code == status


async def test_forms_are_bound_like_queries():
    async with toy.client(toy.mounted()) as client:
        good = await client.post("/toy/v1/tickets", data={"name": "Åsa & co", "seats": "2"})
        bad = await client.post("/toy/v1/tickets", data={"name": "a", "seats": "two"})
        json = await client.post("/toy/v1/tickets", json={"name": "a", "seats": 2})

    assert good.json() == {"name": "Åsa & co", "seats": 2}
    assert bad.json()["problems"] == [["seats", "wrong_type"]]
    assert json.status_code == 415


async def test_an_optional_body_may_be_left_out():
    async with toy.client(toy.mounted()) as client:
        without = await client.patch("/toy/v1/optional")
        given_one = await client.patch("/toy/v1/optional", json={"name": "x", "seats": 1})

    assert (without.json(), given_one.json()) == ("none", "x")


async def test_a_body_nobody_expects_is_ignored():
    async with toy.client(toy.mounted()) as client:
        answer = await client.request("DELETE", f"/toy/v1/toys/{toy.BEAR}", content=b"{not json")

    assert (answer.status_code, answer.content) == (204, b"")


def test_a_handler_that_asks_for_what_nothing_provides_is_refused_at_start():
    ops = Operations()

    async def puzzled(tx: object, horse: str) -> None: ...

    async def greedy(tx: object, upload: object) -> None: ...

    with pytest.raises(TypeError, match="horse"):
        ops.get("/a", id="A")(puzzled)
    with pytest.raises(TypeError, match="streams"):
        ops.post("/a", id="A")(greedy)
