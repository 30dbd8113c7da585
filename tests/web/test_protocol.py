"""Answers on the wire: in one piece when they are whole, piece by piece when they are not, and never two for one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from roster.web.protocol import Protocol, WebSocketProtocol

Ask = Callable[[bytes], Awaitable[bytes]]
JSON = (b"content-type", b"application/json")
QUIET = 0.01
BODIES = {"/whole": b"[1]", "/large": b"1" * 20_000_000}
"""The large one is more than the system takes for a client that does not read."""
BROKEN = {"/split": b'"1"\r\nset-cookie: a=b', "/control": b"\x01"}


in_one_step: list[bool] = []
"""Whether the answers that were asked for with `?step` could be given in one."""


async def _answer(send: Any, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    length = (b"content-length", b"%d" % len(body))
    named = [JSON, *headers] if status in (204, 304) else [JSON, *headers, length]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


async def _answer_whole(send: Any, body: bytes, query: bytes) -> None:
    if query == b"step":
        in_one_step.append(send.answer(200, [JSON, (b"content-length", b"%d" % len(body))], body))
    if query != b"step" or not in_one_step[-1]:
        await _answer(send, body)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Does what the path says."""
    match scope["path"]:
        case "/whole" | "/large" as path:
            await _answer_whole(send, BODIES[path], scope["query_string"])
        case "/nothing":
            await _answer(send, b"", status=204)
        case "/split" | "/control" as path:
            await _answer(send, b"[1]", (b"etag", BROKEN[path]))
        case "/late":
            loop = asyncio.get_running_loop()
            later = loop.create_future()  # timers end in order, so that of the connection has ended before
            loop.call_later(2 * QUIET, later.set_result, None)
            await later
            await _answer(send, b"[1]")
        case "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": [JSON]})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            await receive()  # the request
            await receive()  # until the client leaves
        case "/headers":
            while (await receive()).get("more_body"):
                pass
            await _answer(send, b" ".join(name for name, _ in scope["headers"]))
        case "/pieces":
            await send({"type": "http.response.start", "status": 200, "headers": [JSON]})
            await send({"type": "http.response.body", "body": b"[1", "more_body": True})
            await send({"type": "http.response.body", "body": b"]", "more_body": False})
        case "/unfinished":
            await send({"type": "http.response.start", "status": 200, "headers": [JSON]})
        case _:
            raise ZeroDivisionError


@asynccontextmanager
async def serving(
    keep_alive: float = 75, state: ServerState | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to it."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws=WebSocketProtocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive,  # type: ignore[arg-type]
    )
    config.load()
    known, loop = state or ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, known, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


def request(path: str, method: str = "GET", *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "host: x", *headers, "", ""]).encode()


async def asked(sent: bytes) -> bytes:
    """All that comes back before the server hangs up."""
    async with serving() as (reader, writer):
        writer.write(sent)
        return await reader.read()


CLOSE = "connection: close"


async def test_a_whole_answer_has_its_length_and_says_when_it_is_the_last():
    head, _, body = (await asked(request("/whole", "GET", CLOSE))).partition(b"\r\n\r\n")

    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"content-type: application/json",
        b"content-length: 3",
        b"connection: close",
    ]
    assert body == b"[1]"


async def test_requests_sent_at_once_are_answered_in_order():
    sent = request("/whole") + request("/nothing") + request("/pieces") + request("/whole", "GET", CLOSE)

    came = await asked(sent)

    assert [part[:3] for part in came.split(b"HTTP/1.1 ")[1:]] == [b"200", b"204", b"200", b"200"]
    assert came.count(b"connection: close") == 1


async def test_head_is_answered_without_the_body_but_with_its_length():
    came = await asked(request("/whole", "HEAD") + request("/whole", "GET", CLOSE))

    first, second = came.split(b"HTTP/1.1 ")[1:]
    assert first.endswith(b"content-length: 3\r\n\r\n")
    assert second.endswith(b"\r\n\r\n[1]")


async def test_an_answer_given_in_one_step_is_the_same():
    sent = [request("/whole"), request("/whole", "HEAD"), request("/whole", "GET", CLOSE)]

    assert await asked(b"".join(sent).replace(b"/whole", b"/whole?step")) == await asked(b"".join(sent))


async def test_an_answer_cannot_be_given_in_one_step_before_the_one_before_has_been_taken():
    in_one_step.clear()

    came = await asked(request("/large?step") + request("/whole?step") + request("/whole?step", "GET", CLOSE))

    assert in_one_step == [True, False, True]
    assert [part[:3] for part in came.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 3
    assert came.count(b"1" * 1000) == 20_000
    assert came.endswith(b"[1]")


async def test_a_client_of_the_first_version_is_hung_up_on():
    assert b"connection: close" in await asked(request("/whole", version="1.0"))


@pytest.mark.parametrize("path", ["/split", "/control", "/unfinished", "/broken"])
async def test_an_answer_that_cannot_have_been_meant_is_none(path: str):
    came = await asked(request(path, "GET", CLOSE))

    assert came.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in came
    assert came.count(b"HTTP/1.1") == 1


async def test_pieces_are_framed():
    head, _, body = (await asked(request("/pieces", "GET", CLOSE))).partition(b"\r\n\r\n")

    assert b"transfer-encoding: chunked" in head
    assert body == b"2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"


async def test_the_head_of_a_stream_does_not_wait_for_what_comes():
    async with serving() as (reader, writer):
        writer.write(request("/stream"))

        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")


async def test_a_connection_that_stays_quiet_is_closed():
    async with serving(keep_alive=QUIET) as (reader, writer):
        writer.write(request("/whole") + request("/whole"))

        assert (await reader.read()).count(b"HTTP/1.1 200 OK") == 2
        assert reader.at_eof()


async def test_whoever_waits_for_an_answer_is_not_quiet():
    async with serving(keep_alive=QUIET) as (reader, writer):
        writer.write(request("/whole"))
        await reader.readuntil(b"[1]")
        writer.write(request("/late", "GET", CLOSE))

        assert (await reader.read()).endswith(b"[1]")


async def test_whoever_never_asks_is_not_waited_for():
    async with serving(keep_alive=QUIET) as (reader, _):
        assert await reader.read() == b""


@pytest.mark.parametrize("begun", [b"G", b"GET /whole HTTP/1.1\r\nhost: x\r\na: "])
async def test_whoever_never_ends_a_head_is_not_waited_for(begun: bytes):
    async with serving(keep_alive=QUIET) as (reader, writer):
        writer.write(request("/whole"))
        await reader.readuntil(b"[1]")
        writer.write(begun)

        assert await reader.read() == b""


async def test_whoever_never_sends_the_rest_of_a_body_that_nobody_wants_is_not_waited_for():
    async with serving(keep_alive=QUIET) as (reader, writer):
        writer.write(request("/whole", "POST", "content-length: 100") + b"x")
        await reader.readuntil(b"[1]")
        writer.write(b"x")

        assert await reader.read() == b""


@pytest.mark.parametrize("line", [b"b", b"b: c\r\n"])
async def test_a_head_without_end_is_refused(line: bytes):
    async with serving() as (reader, writer):
        writer.write((b"GET /whole HTTP/1.1\r\nhost: x\r\na: b" + line * 65_536)[:65_537])

        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")


async def test_a_large_head_is_read_whole():
    assert (await asked(request("/whole", "GET", f"a: {'b' * 60_000}", CLOSE))).endswith(b"[1]")


async def test_what_comes_behind_a_body_in_pieces_is_no_header():
    sent = request("/headers", "POST", "transfer-encoding: chunked", CLOSE)

    came = await asked(sent + b"1\r\nx\r\n0\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")

    assert came.endswith(b"\r\n\r\nhost transfer-encoding connection")


async def test_what_comes_behind_a_body_in_pieces_has_an_end():
    async with serving() as (reader, writer):
        writer.write(request("/headers", "POST", "transfer-encoding: chunked") + b"1\r\nx\r\n0\r\na: ")
        with suppress(ConnectionError):  # whoever is hung up on while sending may hear of it so
            for _ in range(1000):
                writer.write(b"b" * 1000)
                await writer.drain()
            assert await reader.read() == b""


async def test_a_stream_ends_for_a_client_who_has_left_also_when_a_later_request_waits():
    state = ServerState()
    async with serving(state=state) as (reader, writer):
        writer.write(request("/stream") + request("/whole"))
        await reader.readuntil(b"\r\n\r\n")
        (stream,) = state.tasks
    await stream


@pytest.mark.parametrize("more", ["connection: keep-alive", CLOSE])
async def test_whoever_takes_none_of_an_answer_is_not_waited_for(more: str):
    state = ServerState()
    async with serving(keep_alive=QUIET, state=state) as (reader, writer):
        writer.write(request("/large", "GET", more))
        await reader.readuntil(b"\r\n\r\n")  # and no more, so that soon nothing more is sent
        while state.connections:
            await asyncio.sleep(0)


@pytest.mark.parametrize("host", [b"\xaa", b"x" * 300], ids=["no name", "too long"])
async def test_a_websocket_of_a_host_that_cannot_be_is_refused_and_forgotten(host: bytes):
    """Long names would take the one who reads them seconds."""
    state = ServerState()
    upgrade = ("upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13", "sec-websocket-key: aaaa")
    sent = request("/whole", "GET", *upgrade).replace(b"host: x", b"host: " + host)
    async with serving(state=state) as (reader, writer):
        writer.write(sent)

        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        while state.connections:
            await asyncio.sleep(0)


async def test_whoever_waits_for_a_word_before_the_body_gets_it():
    async with serving() as (reader, writer):
        writer.write(request("/headers", "POST", "content-length: 2", "expect: 100-continue", CLOSE))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"x")
        await writer.drain()
        writer.write(b"y")

        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


async def test_what_is_being_answered_can_be_broken_off_and_the_connection_ends():
    state = ServerState()
    async with serving(state=state) as (reader, writer):
        writer.write(request("/stream") + request("/whole"))
        await reader.readuntil(b"\r\n\r\n")
        (answering,) = state.tasks
        answering.cancel()

        assert await reader.read() == b""


async def test_between_two_requests_nothing_counts_as_being_answered():
    state = ServerState()
    async with serving(state=state) as (reader, writer):
        for _ in range(2):
            writer.write(request("/whole"))
            await reader.readuntil(b"[1]")
            while state.tasks:
                await asyncio.sleep(0)
