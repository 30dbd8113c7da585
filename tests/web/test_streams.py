"""Answers made while they are sent: framed so that data cannot break out, closed whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.web import streams
from roster.web.reply import Stream
from roster.web.streams import Event


@given(st.text(), st.text(max_size=5), st.text(max_size=5))
def test_no_text_breaks_out_of_its_event(data: str, name: str, id: str):
    wire = streams.encode(Event(data, name.encode(errors="ignore").decode(), id.encode(errors="ignore").decode()))
    block, end, rest = wire.decode().rpartition("\n\n")

    assert (end, rest) == ("\n\n", "")
    assert "\n\n" not in block
    assert "\r" not in block
    texts = [line.removeprefix("data: ") for line in block.split("\n") if line.startswith("data: ")]
    assert "\n".join(texts) == data.replace("\r\n", "\n").replace("\r", "\n")


async def test_silence_is_filled_until_something_happens():
    something = asyncio.Event()

    async def quiet() -> AsyncIterator[Event]:
        await something.wait()
        yield Event("now")

    chunks: list[bytes] = []
    async for chunk in streams.server_sent(quiet(), heartbeat=0.001).chunks:
        chunks.append(chunk)
        if chunk == b": still here\n\n":
            something.set()

    assert chunks[0] == b": connected\n\n"
    assert b": still here\n\n" in chunks
    assert chunks[-1] == b"data: now\n\n"


async def test_a_source_that_fails_leaves_the_answer_unfinished_and_is_closed():
    closed: list[bool] = []
    sent: list[Any] = []

    async def failing() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            raise ZeroDivisionError
        finally:
            closed.append(True)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(ZeroDivisionError):
        await streams.pump(Stream(failing()), receive, send)

    assert [message["more_body"] for message in sent] == [True]
    assert closed == [True]
