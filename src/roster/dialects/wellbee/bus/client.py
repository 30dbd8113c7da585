"""Requests to services on the bus, as their own library makes them (notes, section 3)."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from roster.bus.link import Arrival, Link, NotConnected
from roster.dialects.wellbee import frame
from roster.dialects.wellbee.bus import chunks, coding
from roster.dialects.wellbee.bus.chunks import Collecting, Incomplete
from roster.dialects.wellbee.bus.coding import Corrupt
from roster.kit import ids

WITHIN: Final = 10.0
"""Seconds that an answer may take unless something else is said."""
Envelope = dict[str, Any]
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Envelope).decode


async def ask(link: Link, subject: str, envelope: Mapping[str, object], *, within: float | None = WITHIN) -> Envelope:
    """The answer to a message, with its data unpacked, whatever it says; see `refused`.

    The message is sent with a `transactionId` of its own, with `from`, and with a `reqId` unless it has one. Nobody's
    answer, and one that cannot be read, are an error as the library makes it: BUS_RESPONSE_TIMEOUT, BAD_RESPONSE.
    Without `within` it waits for ever. Raises NotConnected, TooLong.
    """
    message: Envelope = {"reqId": str(ids.uuid4()), **envelope, "transactionId": str(ids.uuid4())}
    message["from"] = msgspec.to_builtins(frame.sender())
    conversation = _Conversation(link, subject, message)
    try:
        async with asyncio.timeout(within):
            return await conversation.hold()
    except TimeoutError:
        patience = "" if within is None else f" within {round(within * 1000)} ms"
        detail = f"Expected response for {subject}{patience}"
        return _error(message, 408, "BUS_RESPONSE_TIMEOUT", "Bus response timed out", detail)
    except (Corrupt, Incomplete, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        title = "Response has missing or invalid fields"
        return _error(message, 500, "BAD_RESPONSE", title, str(error))


async def tell(link: Link, subject: str, data: object, *, req_id: str = "") -> None:
    """Publish without waiting for anybody. Raises NotConnected, TooLong."""
    await link.publish(subject, told(data, req_id))


def told(data: object, req_id: str = "") -> bytes:
    """The envelope of what is published."""
    sender = msgspec.to_builtins(frame.sender())
    return _encode({"reqId": req_id or str(ids.uuid4()), "data": data, "from": sender})


def refused(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is an error (notes, section 2): by its status, or by an error that says something."""
    status = answer.get("status")
    return (isinstance(status, int) and status >= 400) or bool(answer.get("error"))


class _Conversation:
    """One request, with the parts it may be cut into, and its answer, with the same."""

    def __init__(self, link: Link, subject: str, message: Envelope) -> None:
        self._link = link
        self._subject = subject
        self._message = message
        self._reply = f"res.{message['transactionId']}.{subject}"
        self._place = f"_data_.{self._reply}"
        self._parts: list[str] = []
        self._coming = Collecting()
        self._answer: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()

    async def hold(self) -> Envelope:
        """Ask, and wait for the answer."""
        await self._link.connected()
        answers = await self._link.subscribe(self._reply, self._take)
        data = await self._link.subscribe(self._place, self._coming.take)
        try:
            await self._link.publish(self._subject, await self._written(), reply=self._reply)
            return await self._read(await self._answer)
        finally:
            await answers.end()
            await data.end()

    async def _written(self) -> bytes:
        most = min(coding.THRESHOLD, self._link.max_payload * 9 // 10)
        message = {**self._message, "dataSubject": self._place}
        data = _encode(message.get("data"))
        if len(data) > most:
            text = await coding.pack(data)
            message |= {"data": text, "dataEncoding": coding.GZIP}
            if len(text) > most:
                self._parts = coding.parts(text, most)
                message |= {"data": {}, "chunks": len(self._parts)}
        return _encode(message)

    async def _take(self, arrival: Arrival) -> None:
        if self._answer.done():
            return
        if arrival.nobody:
            self._answer.set_exception(TimeoutError())  # the library would find out later
            return
        try:
            found = _decode(arrival.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._answer.set_exception(error)
            return
        place = found.get("dataSubject")
        if place and found.get("chunks"):
            if isinstance(place, str) and chunks.is_place_for_data(place):
                await self._send_parts(place)
            return
        self._answer.set_result(found)

    async def _send_parts(self, place: str) -> None:
        try:
            await chunks.send(self._link, place, self._parts, {"reqId": self._message["reqId"]})
        except NotConnected as error:
            if not self._answer.done():
                self._answer.set_exception(error)

    async def _read(self, answer: Envelope) -> Envelope:
        encoding = answer.pop("dataEncoding", None)
        parts = answer.pop("chunks", None)
        if encoding is None:
            return {**answer, "reqId": self._message["reqId"]}
        if encoding != coding.GZIP:
            detail = f"Cannot decompress data, unrecognized data encoding: {encoding}"
            title = "Invalid data encoding in response/request"
            return _error(self._message, 400, "INVALID_DATA_ENCODING", title, detail)
        text = await self._coming.whole() if parts else answer.get("data")
        if not isinstance(text, str):
            raise Corrupt("data should be a text, as its dataEncoding says")
        data = msgspec.json.decode(await coding.unpack(text))
        return {**answer, "data": data, "reqId": self._message["reqId"]}


def _error(message: Envelope, status: int, code: str, title: str, detail: str) -> Envelope:
    error = {"code": code, "title": title, "detail": detail, "id": str(ids.uuid4())}
    names = {"reqId": message["reqId"], "transactionId": message["transactionId"]}
    return {"status": status, "error": error, **names, "thrower": frame.SERVICE}
