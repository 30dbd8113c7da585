"""Data that comes and goes in several messages, as newer peers do with what is too long even compressed."""

import asyncio
import re
from typing import Any, Final

import msgspec

from roster.bus.link import Arrival, Link
from roster.dialects.wellbee.bus.coding import LONGEST
from roster.kit import ids

WITHIN: Final = 5.0
"""Seconds in which all parts must have come."""
MOST: Final = 64
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DATA: Final = "_data_."
_encode: Final = msgspec.json.Encoder().encode


class Incomplete(Exception):
    """Parts are missing, or are none; the text says what."""


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """One message of several."""

    data: str
    chunk: int
    chunks: int | None = None


_decode: Final = msgspec.json.Decoder(Part).decode


class Collecting:
    """Takes parts until all are there."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count
        self._parts: dict[int, str] = {}
        self._size = 0
        self._done = asyncio.Event()
        self._problem = ""

    async def take(self, arrival: Arrival) -> None:
        """One part, in any order; what was there already is kept."""
        try:
            part = _decode(arrival.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._give_up("a part is malformed")
            return
        count = self._count = self._count or part.chunks
        if count is None or not 1 <= count <= MOST or not 0 <= part.chunk < count:
            self._give_up("a part has an impossible number")
            return
        if part.chunk not in self._parts:
            self._parts[part.chunk] = part.data
            self._size += len(part.data)
        if self._size > LONGEST * 2:
            self._give_up("the parts are too large")
        elif len(self._parts) == count:
            self._done.set()

    async def whole(self, within: float | None = WITHIN) -> str:
        """All parts joined. Raises Incomplete when they do not come in time."""
        try:
            async with asyncio.timeout(within):
                await self._done.wait()
        except TimeoutError:
            raise Incomplete("not all parts have arrived in time") from None
        if self._problem:
            raise Incomplete(self._problem)
        return "".join(self._parts[number] for number in sorted(self._parts))

    def _give_up(self, problem: str) -> None:
        self._problem = self._problem or problem
        self._parts.clear()
        self._done.set()


async def fetch(link: Link, arrival: Arrival, count: int, names: dict[str, str]) -> str:
    """The parts of a request whose first message has come: ask for them where its answer is waited for.

    Raises Incomplete.
    """
    if not arrival.reply or not 1 <= count <= MOST:
        raise Incomplete("the number of parts is impossible")
    collecting = Collecting(count)
    subject = f"{_DATA}{_token(names.get('transactionId', ''))}.{_plain(arrival.subject)}"
    subscription = await link.subscribe(subject, collecting.take)
    try:
        asked: dict[str, Any] = {"dataSubject": subject, "chunks": count}
        await link.publish(arrival.reply, _encode({"reqId": names.get("reqId"), **asked}))
        return await collecting.whole()
    finally:
        await subscription.end()


async def send(link: Link, subject: str, parts: list[str], names: dict[str, str]) -> None:
    """Publish the parts of an answer, or of a request, in order."""
    for number, part in enumerate(parts):
        await link.publish(subject, _encode({**names, "data": part, "chunk": number, "chunks": len(parts)}))


def is_place_for_data(subject: str | None) -> bool:
    """Whether parts may be sent there: only what the protocol makes, or anybody could let us write anywhere."""
    if subject is None or not subject.startswith(_DATA) or len(subject) > 1000:
        return False
    return all(word and word.isprintable() and not set(word) & set("*> ") for word in subject.split("."))


def _token(name: str) -> str:
    return name if _TOKEN.fullmatch(name) else str(ids.uuid4())


def _plain(subject: str) -> str:
    """Wildcards are text in a subject that was published, and would not be in one that is subscribed."""
    return subject.replace("*", "_").replace(">", "_")
