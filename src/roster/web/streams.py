"""Answers that are sent while they are made, and server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from roster.web.body import Message, Receive
from roster.web.reply import Stream

Send = Callable[[Message], Awaitable[None]]
HEARTBEAT = 15.0
"""Seconds of silence after which a comment keeps proxies from closing the connection."""


class Event(msgspec.Struct, frozen=True):
    """One server-sent event. `data` is sent as JSON unless it is text; `id` lets a client resume."""

    data: object
    name: str = ""
    id: str = ""


def encode(event: Event) -> bytes:
    """The event on the wire; line breaks in its text do not break out of it."""
    text = event.data if isinstance(event.data, str) else msgspec.json.encode(event.data).decode()
    lines = [f"event: {_one_line(event.name)}"] if event.name else []
    lines += [f"id: {_one_line(event.id)}"] if event.id else []
    lines += [f"data: {line}" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def server_sent(events: AsyncIterator[Event], *, heartbeat: float = HEARTBEAT) -> Stream:
    """Events as an answer; `events` is closed when the client goes away."""
    headers = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    return Stream(_beating(events, heartbeat), "text/event-stream", headers=headers)


async def pump(stream: Stream, receive: Receive, send: Send) -> None:
    """Send all chunks; stop making them as soon as the client is gone. Errors of the source are raised."""
    sending = asyncio.ensure_future(_send_all(stream.chunks, send))
    watching = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await sending
    finally:
        await _end(sending)
        await _end(watching)
        await close(stream.chunks)


async def close(chunks: AsyncIterator[Any]) -> None:
    """Close a source early, so that its `finally` blocks run now."""
    if isinstance(chunks, AsyncGenerator):
        await chunks.aclose()


async def _send_all(chunks: AsyncIterator[bytes], send: Send) -> None:
    async for chunk in chunks:
        if chunk:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(task: asyncio.Future[Any]) -> None:
    """Stop the task and wait until it has; what it raised was seen before, or nobody is left to see it."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()


async def _beating(events: AsyncIterator[Event], heartbeat: float) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    coming: asyncio.Future[Event] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait((coming,), timeout=heartbeat)
            if not done:
                yield b": still here\n\n"
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield encode(event)
    finally:
        if coming is not None:
            await _end(coming)
        await close(events)


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
