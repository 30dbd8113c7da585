"""Long data: compressed, in parts, too long, and what only claims to be one of these."""

import asyncio
import base64
import json
import zlib
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from roster.dialects.wellbee.bus import coding
from roster.dialects.wellbee.bus.coding import LONGEST, THRESHOLD, Corrupt
from tests import processes
from tests.buses import Peer
from tests.dialects.wellbee.bus.conftest import Toy, noise


def packed(data: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode()


def unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


class Newer:
    """A peer of the newer generation, which sends and takes parts."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.parts: dict[int, str] = {}
        self.asked: dict[str, Any] | None = None

    async def ask(self, subject: str, data: object, *, into: int = 1, skip: int = 0) -> Any:
        """The answer to data that is compressed and sent in so many parts, `skip` of them never."""
        tid = str(uuid4())
        place, reply = f"_data_.res.{tid}.{subject}", f"res.{tid}.{subject}"
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        text = packed(data)
        size = -(-len(text) // into)
        cut = [text[at : at + size] for at in range(0, len(text), size)]

        async def take(message: Any) -> None:
            found = json.loads(message.data)
            if found.get("dataSubject"):
                self.asked = found
                for number, part in list(enumerate(cut))[skip:][::-1]:
                    sent = json.dumps({"reqId": "r-1", "data": part, "chunk": number}).encode()
                    await self._peer.client.publish(found["dataSubject"], sent)
            elif not answered.done():
                answered.set_result(found)

        async def take_part(message: Any) -> None:
            found = json.loads(message.data)
            self.parts[found["chunk"]] = found["data"]

        await self._peer.client.subscribe(reply, cb=take)
        await self._peer.client.subscribe(place, cb=take_part)
        message = {"reqId": "r-1", "transactionId": tid, "dataSubject": place, "dataEncoding": "gzip"}
        message |= {"data": text} if into == 1 else {"data": {}, "chunks": len(cut)}
        await self._peer.client.publish(subject, json.dumps(message).encode(), reply)
        async with asyncio.timeout(processes.PATIENCE):
            return await answered


async def test_compressed_data_is_taken(peer: Peer, toy: Toy):
    data = {"text": "x" * 1_200_000}
    found = await peer.ask(f"{toy.name}.echo", {"dataEncoding": "gzip", "data": packed(data)})
    assert found["dataEncoding"] == "gzip"
    assert unpacked(found["data"])["got"] == data


async def test_short_data_may_be_compressed_too_and_is_answered_plainly(peer: Peer, toy: Toy):
    found = await peer.ask(f"{toy.name}.echo", {"dataEncoding": "gzip", "data": packed({"a": 1})})
    assert found["data"]["got"] == {"a": 1}
    assert "dataEncoding" not in found


async def test_an_answer_is_compressed_from_the_threshold_on(peer: Peer, toy: Toy):
    plain = await peer.ask(f"{toy.name}.long", {"data": {"size": THRESHOLD - 1000}})
    assert len(plain["data"]["text"]) == THRESHOLD - 1000
    long = await peer.ask(f"{toy.name}.long", {"reqId": "r-1", "data": {"size": THRESHOLD}})
    assert (long["dataEncoding"], long["reqId"], long["status"]) == ("gzip", "r-1", 200)
    assert len(unpacked(long["data"])["text"]) == THRESHOLD


async def test_an_answer_that_does_not_fit_is_refused_where_parts_are_not_taken(peer: Peer, toy: Toy):
    found = await peer.ask(f"{toy.name}.long", {"reqId": "r-1", "data": {"size": 2_000_000}})
    assert (found["status"], found["error"]["code"], found["reqId"]) == (500, "BAD_RESPONSE", "r-1")
    assert found["error"]["detail"] == "response too large"


async def test_an_answer_comes_in_parts_where_they_are_taken(peer: Peer, toy: Toy):
    newer = Newer(peer)
    found = await newer.ask(f"{toy.name}.long", {"size": 3_400_000})
    assert (found["status"], found["data"], found["dataEncoding"], found["reqId"]) == (200, {}, "gzip", "r-1")
    assert found["chunks"] == len(newer.parts) == 3
    assert all(len(part) <= THRESHOLD for part in newer.parts.values())
    assert len(unpacked("".join(newer.parts[number] for number in range(3)))["text"]) == 3_400_000


async def test_a_request_comes_in_parts_in_any_order(peer: Peer, toy: Toy):
    newer = Newer(peer)
    data = {"text": noise(300_000)}
    found = await newer.ask(f"{toy.name}.echo", data, into=3)
    assert found["data"]["got"] == data
    assert newer.asked is not None
    assert newer.asked.keys() == {"dataSubject", "reqId", "chunks"}
    assert newer.asked["dataSubject"].startswith("_data_.")
    assert newer.asked["dataSubject"].endswith(f".{toy.name}.echo")
    assert newer.asked["chunks"] == 3


async def test_parts_that_do_not_come_are_not_waited_for_for_ever(peer: Peer, toy: Toy):
    found = await Newer(peer).ask(f"{toy.name}.echo", {"text": noise(1000)}, into=3, skip=1)
    assert (found["status"], found["error"]["code"]) == (400, "BAD_REQUEST")
    assert found["error"]["detail"] == "not all parts have arrived in time"
    assert toy.calls == []


BAD_PARTS = {
    "no object": b"[]",
    "no JSON": b"{",
    "no number": b'{"data":"x"}',
    "a number beyond": b'{"data":"x","chunk":2}',
    "a number before": b'{"data":"x","chunk":-1}',
    "no text": b'{"data":{},"chunk":0}',
}


@pytest.mark.parametrize("name", BAD_PARTS)
async def test_malformed_parts_are_refused(peer: Peer, toy: Toy, name: str):
    reply = f"res.t.{toy.name}.echo"
    await peer.listen(reply)
    message = {"transactionId": "t-1", "chunks": 2, "dataEncoding": "gzip", "data": {}}
    await peer.client.publish(f"{toy.name}.echo", json.dumps(message).encode(), reply)
    asked = (await peer.until_heard(1))[0]
    await peer.client.publish(asked["dataSubject"], BAD_PARTS[name])
    found = (await peer.until_heard(2))[1]
    assert (found["status"], found["error"]["code"]) == (400, "BAD_REQUEST")
    assert toy.calls == []


async def test_parts_are_sent_to_places_for_parts_alone(peer: Peer, toy: Toy):
    await peer.listen(f"{toy.name}.elsewhere.>")
    places = (f"{toy.name}.elsewhere.x", "_data_.*", "_data_.>", "_data_. x", "_data_.", "_data_", 5, "x" * 5000)
    for place in places:
        message = {"data": {"size": 2_000_000}, "dataSubject": place}
        found = await peer.ask(f"{toy.name}.long", message)
        assert found["status"] in (400, 500), place
    assert peer.heard == []


@pytest.mark.parametrize("size", [LONGEST + 1, 200_000_000])
async def test_a_bomb_is_not_unpacked(peer: Peer, toy: Toy, size: int):
    data = base64.b64encode(zlib.compress(b'"' + b"x" * size + b'"', 9)).decode()
    assert len(data) < 1_000_000
    found = await peer.ask(f"{toy.name}.echo", {"dataEncoding": "gzip", "data": data})
    assert (found["status"], found["error"]["detail"]) == (400, "data is too large")


async def test_unpacking_undoes_packing():
    for data in (b"", b"x", b"x" * 1_000_000, msgspec.json.encode(noise(200_000))):
        assert await coding.unpack(await coding.pack(data)) == data


async def test_what_is_cut_off_is_no_data():
    text = await coding.pack(b"some data that is long enough")
    with pytest.raises(Corrupt, match="incomplete"):
        await coding.unpack(text[:16])
