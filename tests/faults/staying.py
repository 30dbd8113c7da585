"""Clients that stay connected through a balancer, and come again when a server lets them go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from tests import websockets
from tests.balancing import Balancer
from tests.processes import PATIENCE

_EVENTS = "/api/v1/events?types=user.created"
_QUESTION = {"subject": "ws.get.organisation.my", "message": {"transactionId": "t"}}


class Staying:
    """One follower of events, and one websocket that asks something each time it is opened."""

    def __init__(self, balancer: Balancer, bearer: dict[str, str]) -> None:
        self.heard: set[str] = set()
        """Who was created, by id."""
        self.ends: list[tuple[int, str]] = []
        """Why the websocket was closed, each time."""
        self.answers: list[int] = []
        self._balancer = balancer
        self._bearer = bearer
        self._last = ""
        self._follows = asyncio.Event()
        self._changed = asyncio.Condition()

    async def until_heard(self, everybody: set[str]) -> None:
        """Until it was told of all of them."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: everybody <= self.heard)

    async def until_follows(self) -> None:
        """Until nothing more is missed."""
        await self._follows.wait()

    async def follow(self) -> None:
        """As browsers do (WHATWG HTML, section 9.2): again and again, from behind the last event."""
        client = httpx.AsyncClient(base_url=self._balancer.url, headers=self._bearer, timeout=PATIENCE)
        async with client:
            while True:
                headers = {"Last-Event-ID": self._last} if self._last else {}
                async with client.stream("GET", _EVENTS, headers=headers) as events:
                    assert events.status_code == 200
                    async for line in events.aiter_lines():
                        self._follows.set()
                        await self._take(line)

    async def talk(self) -> None:
        """Open a websocket, ask, wait for its end, and again."""
        token = self._bearer["Authorization"].partition(" ")[2]
        while True:
            socket, status = await websockets.connect(self._balancer.port, f"/wellbee/any?token={token}")
            try:
                assert status == 101
                await socket.say(_QUESTION)
                self.answers.append((await socket.hear())["status"])
                self.ends.append(await _end(socket))
            finally:
                await socket.close()

    async def _take(self, line: str) -> None:
        if line.startswith("id: "):
            self._last = line[4:]
        elif line.startswith("data: "):
            self.heard.add(msgspec.json.decode(line[6:])["subject_id"])
            async with self._changed:
                self._changed.notify_all()


async def _end(socket: websockets.WebSocket) -> Any:
    while True:
        try:
            return await socket.hear()
        except TimeoutError:
            continue


@asynccontextmanager
async def staying(balancer: Balancer, bearer: dict[str, str]) -> AsyncIterator[Staying]:
    """Both of them, as long as the block lasts; what goes wrong with them is raised."""
    made = Staying(balancer, bearer)
    tasks = [asyncio.create_task(made.follow()), asyncio.create_task(made.talk())]
    try:
        await made.until_follows()
        yield made
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each for each in ended if not isinstance(each, asyncio.CancelledError)] == []
