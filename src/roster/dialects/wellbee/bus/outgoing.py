"""Messages for websockets: `ws.out.…`, which every process hears and gives to its own sockets (notes, section 10)."""

from typing import Final

import msgspec
import structlog

from roster.bus.link import Arrival, Link, NotConnected
from roster.dialects.wellbee import audience
from roster.dialects.wellbee.bus import answers, chunks, coding, envelopes
from roster.dialects.wellbee.bus.chunks import Incomplete
from roster.dialects.wellbee.bus.coding import Corrupt
from roster.dialects.wellbee.bus.envelopes import Malformed, Message
from roster.storage.runtime import Runtime

SUBJECT: Final = "ws.out.>"

_log = structlog.get_logger("roster.wellbee")
_PACKING: Final = ("dataEncoding", "chunks", "dataSubject")


class Outgoing:
    """Hands messages on to the sockets of this process, in the realm that the bus serves."""

    def __init__(self, runtime: Runtime, link: Link) -> None:
        self._audience = audience.of(runtime)
        self._realm = runtime.settings.dialects.wellbee.realm
        self._link = link

    async def take(self, arrival: Arrival) -> None:
        """One message; whoever waits for an answer hears 200 whether or not anybody listens."""
        try:
            message = envelopes.read(arrival.data)
            await self._audience.send(self._realm, arrival.subject, await self._unpacked(arrival, message))
            answer = answers.found(envelopes.bare(message.extra), None)
        except Malformed as malformed:
            answer = envelopes.bad_request(malformed.request, malformed.detail)
        except (Corrupt, Incomplete, ValueError) as problem:
            answer = envelopes.bad_request(envelopes.bare({}), str(problem))
        except NotConnected:
            return
        except Exception:  # noqa: BLE001 (the edge: the next message is handed on all the same)
            _log.exception("message.failed", subject=arrival.subject)
            answer = answers.failed(envelopes.bare({}))
        if arrival.reply:
            await self._reply(arrival.reply, answer)

    async def _unpacked(self, arrival: Arrival, message: Message) -> bytes:
        """The message with its data as it is, and every other member untouched. Raises Corrupt, Incomplete."""
        if message.data_encoding is None:
            return arrival.data
        if message.data_encoding != coding.GZIP:
            raise Corrupt(f"unknown encoding: {message.data_encoding}")
        if message.chunks:
            text = await chunks.fetch(self._link, arrival, message.chunks, message.extra)
        else:
            text = msgspec.json.decode(message.data, type=str)
        members = msgspec.json.decode(arrival.data, type=dict[str, msgspec.Raw])
        kept = {name: value for name, value in members.items() if name not in _PACKING}
        return msgspec.json.encode({**kept, "data": msgspec.Raw(await coding.unpack(text))})

    async def _reply(self, reply: str, answer: bytes) -> None:
        try:
            await self._link.publish(reply, answer)
        except NotConnected:
            _log.warning("message.unanswered", subject=reply)
