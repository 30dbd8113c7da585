"""Reading an answer while it is being made, which httpx's ASGI transport cannot."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from roster.web.mounts import Mounts


class Streaming:
    """An answer that has begun: its status and headers, and its pieces as they come."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._begun = asyncio.Event()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._text = ""

    async def send(self, message: Mapping[str, Any]) -> None:
        """ASGI's other end."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._begun.set()
            return
        self._pieces.put_nowait(message.get("body", b""))
        if not message.get("more_body", False):
            self._pieces.put_nowait(None)

    async def begun(self) -> None:
        """Wait for the head."""
        await self._begun.wait()

    async def block(self) -> str | None:
        """The next text up to an empty line, as in server-sent events; None at the end."""
        while "\n\n" not in self._text:
            piece = await self._pieces.get()
            if piece is None:
                return None
            self._text += piece.decode()
        block, _, self._text = self._text.partition("\n\n")
        return block

    async def whole(self) -> bytes:
        """All that is left."""
        text = self._text.encode()
        while (piece := await self._pieces.get()) is not None:
            text += piece
        return text

    async def event(self) -> dict[str, str] | None:
        """The next server-sent event, comments left out; None at the end."""
        while (block := await self.block()) is not None:
            if not block.startswith(":"):
                return dict(line.split(": ", 1) for line in block.split("\n"))
        return None


@asynccontextmanager
async def streaming(
    app: Mounts, path: str, headers: Mapping[str, str], query: str = "", method: str = "GET"
) -> AsyncIterator[Streaming]:
    """A request whose client leaves at the end of the block."""
    gone = asyncio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 50000),
        "scheme": "http",
    }
    answer = Streaming()
    task = asyncio.ensure_future(app(scope, receive, answer.send))
    await answer.begun()
    try:
        yield answer
    finally:
        gone.set()
        await task
