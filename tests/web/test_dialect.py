"""One request: who is let in, when a transaction runs, what an error becomes."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from roster.web.mounts import Mount
from tests.web import toy


async def test_a_read_runs_without_a_transaction():
    desk = toy.Desk()

    async with toy.client(toy.mounted(desk)) as client:
        answer = await client.get(f"/toy/v1/toys/{toy.BEAR}")

    assert answer.json() == {"id": str(toy.BEAR), "name": "bear", "price": 0}
    assert desk.happened == ["get"]
    assert desk.out == 0


async def test_a_write_is_committed_before_it_is_answered():
    desk = toy.Desk()

    async with toy.client(toy.mounted(desk)) as client:
        answer = await client.post("/toy/v1/toys", json={"name": "bear", "price": 1})

    assert answer.status_code == 201
    assert desk.happened == ["begin", "create", "commit"]


async def test_a_write_that_fails_is_rolled_back():
    desk = toy.Desk()

    async with toy.client(toy.mounted(desk)) as client:
        answer = await client.post("/toy/v1/toys", json={"name": "taken", "price": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert desk.happened == ["begin", "create", "rollback"]
    assert desk.out == 0


async def test_input_is_checked_before_a_transaction_begins_and_after_the_credential():
    desk = toy.Desk()

    async with toy.client(toy.mounted(desk)) as client:
        invalid = await client.post("/toy/v1/toys", json={})
        stranger = await client.post("/toy/v1/toys", json={}, headers={"Authorization": "Bearer bad"})

    assert (invalid.status_code, stranger.status_code) == (400, 401)
    assert desk.happened == []


async def test_a_handler_that_takes_the_runtime_holds_no_connection():
    desk = toy.Desk()
    held: list[int] = []
    ops = toy.Operations()

    @ops.post("/slow", id="Slow")
    async def slow(runtime: Any, actor: Any) -> str:
        held.append(runtime.out)
        return str(actor.name)

    dialect = msgspec.structs.replace(toy.dialect, operations=ops)
    async with toy.client(toy.mounted(desk, mounts=[Mount(dialect=dialect)])) as client:
        answer = await client.post("/slow")

    assert (answer.json(), held) == ("ann", [0])


async def test_a_body_is_read_before_a_connection_is_taken():
    desk = toy.Desk()
    seen: list[int] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/toy/v1/toys",
        "raw_path": b"/toy/v1/toys",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer good"), (b"content-type", b"application/json")],
    }
    chunks = iter([b'{"name":', b'"bear",', b'"price":1}'])

    async def receive() -> dict[str, Any]:
        seen.append(desk.out)
        chunk = next(chunks)
        return {"type": "http.request", "body": chunk, "more_body": not chunk.endswith(b"}")}

    async def send(message: Any) -> None:
        seen.append(desk.out)

    await toy.mounted(desk)(scope, receive, send)

    assert seen == [0, 0, 0, 0, 0]
    assert desk.happened == ["begin", "create", "commit"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/toy/v1/nothing", 404, "unknown_route"),
        ("GET", "/toy/v1", 404, "unknown_route"),
        ("GET", "/toy/v1/toys/", 404, "unknown_route"),
        ("GET", "/toy/v1//toys", 404, "unknown_route"),
        ("GET", "/toy/v1/toys/../toys", 404, "unknown_route"),
        ("PUT", "/toy/v1/toys", 405, "method_not_allowed"),
        ("get", "/toy/v1/toys", 405, "method_not_allowed"),
        ("GET", "/toy/v1/broken", 500, "internal"),
        ("GET", "/toy/v1/busy", 429, "too_many_requests"),
    ],
)
async def test_errors_are_the_dialects_own(method: str, path: str, status: int, code: str):
    wire = await toy.Wire(toy.mounted()).send(method, path.encode())

    assert (wire.status, wire.json()["code"]) == (status, code)
    assert "secret detail" not in wire.body.decode()


async def test_a_wrong_method_is_told_the_right_ones():
    wire = await toy.Wire(toy.mounted()).send("PUT", b"/toy/v1/toys")

    assert wire.header("allow") == ["GET, HEAD, OPTIONS, POST"]


async def test_waiting_is_told_in_the_header_too():
    wire = await toy.Wire(toy.mounted()).send("GET", b"/toy/v1/busy")

    assert wire.header("retry-after") == ["7"]


async def test_options_lists_methods_without_a_credential():
    async with toy.client(toy.mounted(), token="") as client:
        answer = await client.options(f"/toy/v1/toys/{toy.BEAR}")

    assert (answer.status_code, answer.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")


async def test_head_is_get_without_the_body():
    async with toy.client(toy.mounted()) as client:
        whole = await client.get(f"/toy/v1/toys/{toy.BEAR}")
        head = await client.head(f"/toy/v1/toys/{toy.BEAR}")
        missing = await client.head("/toy/v1/toys/7")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert (missing.status_code, missing.content) == (404, b"")


async def test_public_operations_know_strangers_and_friends():
    async with toy.client(toy.mounted(), token="") as client:
        stranger = await client.get("/toy/v1/whoami")
        friend = await client.get("/toy/v1/whoami", headers={"Authorization": "Bearer good"})

    assert stranger.json()["kind"] == "anonymous"
    assert friend.json()["name"] == "ann"


async def test_a_reply_brings_headers_of_its_own_that_cannot_be_split():
    async with toy.client(toy.mounted()) as client:
        answer = await client.post("/toy/v1/cookie", headers={"Cookie": 'b=0; a="1"; a=2'})

    assert answer.status_code == 201
    assert answer.json() == {"seen": "1"}
    assert answer.headers.get_list("set-cookie") == ["x=1", "y=2Evil: 1"]
    assert "evil" not in answer.headers


async def test_text_is_json_only_where_the_type_is():
    async with toy.client(toy.mounted()) as client:
        answer = await client.get("/toy/v1/motto")

    assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=utf-8", "för alla")


async def test_an_upload_is_streamed_within_its_limit():
    async def pieces(count: int):
        for _ in range(count):
            yield b"x" * 100

    async with toy.client(toy.mounted()) as client:
        small = await client.post("/toy/v1/upload", content=pieces(9), headers={"Content-Type": "text/csv"})
        large = await client.post("/toy/v1/upload", content=pieces(11), headers={"Content-Type": "text/csv"})
        wrong = await client.post("/toy/v1/upload", content=pieces(1), headers={"Content-Type": "text/html"})

    assert (small.json(), large.status_code, wrong.status_code) == (900, 413, 415)


async def test_rows_are_streamed_one_to_a_line():
    async with toy.client(toy.mounted()) as client:
        answer = await client.get("/toy/v1/rows")

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == '{"number":0}\n{"number":1}\n{"number":2}\n'


async def test_a_source_of_events_is_closed_when_the_client_goes_away():
    desk = toy.Desk()
    got = asyncio.Event()
    received: list[bytes] = []

    async def receive() -> dict[str, Any]:
        await got.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        received.append(message.get("body", b""))
        if b"toy.made" in received[-1]:
            got.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/toy/v1/events",
        "raw_path": b"/toy/v1/events",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer good")],
    }
    await toy.mounted(desk)(scope, receive, send)

    assert desk.events_closed.is_set()
    assert received[-1] == b'event: toy.made\nid: 1\ndata: {"n":1}\n\n'


async def test_the_same_operation_is_served_with_either_slash_where_the_dialect_says_so():
    dialect = msgspec.structs.replace(toy.dialect, slashes="both")

    async with toy.client(toy.mounted(mounts=[Mount(dialect=dialect)])) as client:
        answers = [await client.get(path) for path in ("/toys", "/toys/", f"/toys/{toy.BEAR}/")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_a_broken_renderer_still_gets_an_answer():
    def fails(error: object, request: object) -> Any:
        raise RuntimeError

    dialect = msgspec.structs.replace(toy.dialect, render=fails)
    async with toy.client(toy.mounted(mounts=[Mount(dialect=dialect)])) as client:
        answer = await client.get("/nothing")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert isinstance(answer, httpx.Response)
