"""Answers messages of the bus with the operations that HTTP has too (notes, sections 4 and 7).

Whatever arrives, the subscription lives on, and whoever waits for an answer gets one.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec
import structlog

from roster.bus.link import Arrival, Link, NotConnected, Subscription, TooLong
from roster.dialects.wellbee import frame, messages
from roster.dialects.wellbee.bus import answers, chunks, coding, envelopes, table
from roster.dialects.wellbee.bus.chunks import Incomplete
from roster.dialects.wellbee.bus.coding import Corrupt
from roster.dialects.wellbee.bus.envelopes import Message
from roster.dialects.wellbee.bus.table import Route
from roster.dialects.wellbee.subjects import WHOLE
from roster.storage.runtime import Runtime
from roster.web.dialect import Dialect, Front
from roster.web.operation import Operation, Operations
from roster.web.request import Request, Site

_log = structlog.get_logger("roster.bus")

_AT_ONCE: Final = 64
"""Messages that one process works on; others wait at the subscription."""
_LARGE_AT_ONCE: Final = 4
"""Of these, those whose data comes packed or in parts, which take memory."""
_OPTIONS: Final = "options."


class Serving:
    """The operations of a dialect on a link, in one realm."""

    def __init__(self, runtime: Runtime, link: Link, dialect: Dialect, site: Site) -> None:
        settings = runtime.settings.dialects.wellbee
        operations = [_roomy(each) for each in dialect.operations]
        self._front = Front(msgspec.structs.replace(dialect, operations=_table(operations)), runtime)
        self.table = table.Table(operations)
        self._link = link
        self._realm = settings.realm
        self._prefix = next((each.rstrip("/") for each in settings.prefixes), "")
        self._site = site
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._room_for_large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self._subscriptions: list[Subscription] = []

    async def start(self) -> None:
        """Take messages from now on."""
        for interest in self.table.interests():
            for pattern, take in ((interest.pattern, self.take), (_OPTIONS + interest.pattern, self.take_options)):
                self._subscriptions.append(await self._link.subscribe(pattern, take, queue=interest.queue))

    async def stop(self, within: float) -> None:
        """Take no more but what is on its way here, and finish it, or break it off after so many seconds.

        The bus gives to others of the queue what comes later.
        """
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*(each.drain() for each in self._subscriptions))
                while self._running:
                    await asyncio.wait(self._running)
        except TimeoutError:
            _log.warning("messages.unfinished", count=len(self._running))
        self._subscriptions.clear()
        for task in list(self._running):
            task.cancel()

    async def take(self, arrival: Arrival) -> None:
        """Begin to work on a message; waits while there is no room."""
        await self._room.acquire()
        task = asyncio.create_task(self._work(arrival))
        self._running.add(task)
        task.add_done_callback(self._done)

    async def take_options(self, arrival: Arrival) -> None:
        """Say which way an operation is reached, as older peers ask before each request."""
        if not arrival.reply:
            return
        try:
            request = envelopes.bare(envelopes.read(arrival.data).extra)
        except envelopes.Malformed as malformed:
            await self._send(arrival.reply, envelopes.bad_request(malformed.request, malformed.detail))
            return
        route = self.table.find(arrival.subject.removeprefix(_OPTIONS))
        if route is not None:
            await self._send(arrival.reply, self._way(request, arrival.subject, route))

    def _way(self, request: Request, subject: str, route: Route) -> bytes:
        if not route.operation.streams_body:
            return answers.found(request, {"protocol": "NATS"})
        path = messages.request_of(subject.removeprefix(_OPTIONS), b"").path
        url = self._site.public_url + self._prefix + path
        return answers.found(request, {"protocol": "HTTP", "http": {"url": url, "method": route.operation.method}})

    # -- one message ---------------------------------------------------------------------------------------------------

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.release()

    async def _work(self, arrival: Arrival) -> None:
        try:
            message = envelopes.read(arrival.data)
        except envelopes.Malformed as malformed:
            await self._send(arrival.reply, envelopes.bad_request(malformed.request, malformed.detail))
            return
        try:
            await self._answer(arrival, message)
        except NotConnected:
            _log.warning("message.unanswered", subject=arrival.subject)
        except Exception:  # noqa: BLE001 (the edge: whoever waits is told)
            _log.exception("message.failed", subject=arrival.subject)
            await self._send(arrival.reply, answers.failed(envelopes.bare(message.extra)))

    async def _answer(self, arrival: Arrival, message: Message) -> None:
        named = envelopes.bare(message.extra)
        if message.data_encoding not in (None, coding.GZIP):
            await self._send(arrival.reply, answers.unknown_encoding(named, message.data_encoding))
            return
        try:
            data = await self._data(arrival, message)
        except (Corrupt, Incomplete) as problem:
            await self._send(arrival.reply, envelopes.bad_request(named, str(problem)))
            return
        request = self._request(arrival, message, data)
        try:
            body = await answers.body(request, await self._front.answer(request))
        except TooLong:
            body = answers.too_large(named)
        if arrival.reply:
            await self.reply(arrival.reply, body, message, request)

    async def _data(self, arrival: Arrival, message: Message) -> bytes:
        """The JSON of the data. Raises Corrupt, Incomplete."""
        if message.chunks is None and message.data_encoding is None:
            return bytes(message.data)
        async with self._room_for_large:
            if message.chunks:
                text = await chunks.fetch(self._link, arrival, message.chunks, message.extra)
            else:
                text = coding.text(message.data)
            return await coding.unpack(text)

    def _request(self, arrival: Arrival, message: Message, data: bytes) -> Request:
        subject = arrival.subject
        route = self.table.find(subject)
        if route is not None and WHOLE in route.operation.extra:
            data = envelopes.whole(arrival.data, data)
        if message.params and route is not None:
            subject = table.with_params(route, subject, message.params)
        return messages.request_of(
            subject,
            b"{}" if data in (b"", b"null") else data,
            realm=self._realm,
            query=envelopes.flat(message.query or {}),
            headers=envelopes.headers(message.headers or {}),
            extra=message.extra,
            site=self._site,
        )

    # -- answers -------------------------------------------------------------------------------------------------------

    async def reply(self, reply: str, body: bytes, message: Message, request: Request) -> None:
        """Packed and in parts if it is long; when even that does not help, an answer that says so."""
        most = min(coding.THRESHOLD, self._link.max_payload * 9 // 10)
        if len(body) > most:
            place = message.data_subject if chunks.is_place_for_data(message.data_subject) else None
            found = await answers.packed(body, most, in_parts=place is not None)
            if found is None:
                body = answers.too_large(request)
            else:
                body, parts = found
                names = {"reqId": frame.request_id(request), "transactionId": frame.transaction_id(request)}
                await chunks.send(self._link, place or "", parts, names)
        try:
            await self._link.publish(reply, body)
        except TooLong:
            await self._send(reply, answers.too_large(request))

    async def _send(self, reply: str, body: bytes) -> None:
        """A short answer, if anybody waits for one and the bus is there."""
        if not reply:
            return
        try:
            await self._link.publish(reply, body)
        except NotConnected:
            _log.warning("message.unanswered", subject=reply)


def _roomy(operation: Operation) -> Operation:
    """A message is as long as the bus lets it be, and longer when it is packed."""
    return msgspec.structs.replace(operation, body_limit=max(operation.body_limit, coding.LONGEST))


def _table(operations: Iterable[Operation]) -> Operations:
    """What messages reach: not what is uploaded piece by piece, which `options` sends to HTTP."""
    made = Operations()
    made.include(each for each in operations if not each.streams_body)
    return made
