"""Requests to services of others, played here by a plain client of NATS."""

import asyncio
import base64
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from roster.bus.nats import NatsLink
from roster.dialects.wellbee.bus import client
from tests.buses import Peer
from tests.dialects.wellbee.bus.conftest import Toy, noise

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]] | dict[str, Any]]


async def serve(
    peer: Peer, subject: str, answer: Callable[[dict[str, Any]], object], *, raw: bool = False
) -> list[Any]:
    """Be a service; what it is asked."""
    asked: list[Any] = []

    async def take(message: Any) -> None:
        request = json.loads(message.data)
        asked.append((message.reply, request))
        made = answer(request)
        data = made if raw else json.dumps({**made, "reqId": request["reqId"]}).encode()  # type: ignore[dict-item]
        await peer.client.publish(message.reply, data)  # type: ignore[arg-type]

    await peer.client.subscribe(subject, cb=take)
    await peer.settled()
    return asked


async def test_a_request_has_the_form_of_the_library(peer: Peer, link: NatsLink, toy: Toy):
    subject = f"{toy.name}.theirs"
    asked = await serve(peer, subject, lambda _: {"status": 200, "data": {"a": 1}})
    answer = await client.ask(link, subject, {"data": {"to": "x"}, "reqId": "r-1"})
    assert (answer["status"], answer["data"], answer["reqId"]) == (200, {"a": 1}, "r-1")
    assert not client.refused(answer)
    reply, request = asked[0]
    assert reply == f"res.{request['transactionId']}.{subject}"
    assert (request["reqId"], request["data"]) == ("r-1", {"to": "x"})
    assert request["from"]["service"] == "roster"
    assert request["dataSubject"] == f"_data_.{reply}"


async def test_other_members_of_the_message_travel_along(peer: Peer, link: NatsLink, toy: Toy):
    subject = f"{toy.name}.theirs"
    await serve(peer, subject, lambda request: {**request, "interceptAction": "next", "own": {"x": 1}})
    answer = await client.ask(link, subject, {"data": 1, "query": {"a": "b"}, "user": {"id": "u"}})
    assert (answer["interceptAction"], answer["own"], answer["query"], answer["user"]) == (
        "next", {"x": 1}, {"a": "b"}, {"id": "u"},
    )  # fmt: skip


async def test_an_error_is_an_answer_that_says_so(peer: Peer, link: NatsLink, toy: Toy):
    subject = f"{toy.name}.theirs"
    await serve(peer, subject, lambda _: {"status": 404, "error": {"code": "X", "title": "T"}})
    answer = await client.ask(link, subject, {})
    assert client.refused(answer)
    assert answer["error"]["code"] == "X"
    assert not client.refused({"status": 200, "error": {}})
    assert client.refused({"error": {"code": "X"}})


async def test_nobody_is_a_timeout_in_the_words_of_the_library(link: NatsLink, toy: Toy):
    answer = await client.ask(link, f"{toy.name}.nobody", {"reqId": "r-1"}, within=0.05)
    assert (answer["status"], answer["error"]["code"], answer["reqId"]) == (408, "BUS_RESPONSE_TIMEOUT", "r-1")
    assert answer["error"]["detail"] == f"Expected response for {toy.name}.nobody within 50 ms"
    assert answer["thrower"] == "roster"


async def test_a_service_that_says_nothing_is_a_timeout_too(peer: Peer, link: NatsLink, toy: Toy):
    await peer.listen(f"{toy.name}.silent")
    answer = await client.ask(link, f"{toy.name}.silent", {}, within=0.05)
    assert (answer["status"], answer["error"]["code"]) == (408, "BUS_RESPONSE_TIMEOUT")


async def test_a_second_answer_is_not_listened_to(peer: Peer, link: NatsLink, toy: Toy):
    subject = f"{toy.name}.theirs"
    await serve(peer, subject, lambda _: {"status": 200, "data": 1})
    await serve(peer, subject, lambda _: {"status": 200, "data": 1})
    assert (await client.ask(link, subject, {}))["data"] == 1
    await link.flush()
    assert (await client.ask(link, subject, {}))["data"] == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'"x"', b"[" * 50_000])
async def test_an_answer_that_cannot_be_read_is_an_error(peer: Peer, link: NatsLink, toy: Toy, data: bytes):
    await serve(peer, f"{toy.name}.theirs", lambda _: data, raw=True)
    answer = await client.ask(link, f"{toy.name}.theirs", {})
    assert (answer["status"], answer["error"]["code"]) == (500, "BAD_RESPONSE")


async def test_compressed_answers_are_unpacked(peer: Peer, link: NatsLink, toy: Toy):
    packed = base64.b64encode(zlib.compress(b'{"a":[1]}')).decode()
    await serve(peer, f"{toy.name}.theirs", lambda _: {"status": 200, "dataEncoding": "gzip", "data": packed})
    assert (await client.ask(link, f"{toy.name}.theirs", {}))["data"] == {"a": [1]}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"dataEncoding": "br", "data": "x"}, "INVALID_DATA_ENCODING"),
        ({"dataEncoding": "gzip", "data": {}}, "BAD_RESPONSE"),
        ({"dataEncoding": "gzip", "data": "eJyr"}, "BAD_RESPONSE"),
    ],
)
async def test_what_is_not_what_it_says_is_an_error(
    peer: Peer, link: NatsLink, toy: Toy, said: dict[str, object], code: str
):
    await serve(peer, f"{toy.name}.theirs", lambda _: {"status": 200, **said})
    assert (await client.ask(link, f"{toy.name}.theirs", {}))["error"]["code"] == code


async def test_our_own_answers_in_parts_are_read_again(link: NatsLink, toy: Toy, peer: Peer):
    answer = await client.ask(link, f"{toy.name}.long", {"data": {"size": 4_000_000}})
    assert len(answer["data"]["text"]) == 4_000_000
    del peer


async def test_long_data_is_sent_compressed_and_in_parts(link: NatsLink, toy: Toy, peer: Peer):
    for text in ("x" * 2_000_000, noise(5_000_000)):
        answer = await client.ask(link, f"{toy.name}.echo", {"data": {"text": text}})
        assert answer["data"]["got"]["text"] == text
    del peer


async def test_parts_that_never_come_are_an_error(peer: Peer, link: NatsLink, toy: Toy):
    said = {"status": 200, "dataEncoding": "gzip", "data": {}, "chunks": 2}
    await serve(peer, f"{toy.name}.theirs", lambda _: said)
    assert (await client.ask(link, f"{toy.name}.theirs", {}))["error"]["code"] == "BAD_RESPONSE"


async def test_a_question_that_is_given_up_leaves_nothing_behind(link: NatsLink, toy: Toy):
    asking = asyncio.create_task(client.ask(link, f"{toy.name}.nobody", {}, within=None))
    while not link._subscriptions:
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert link._subscriptions == []
