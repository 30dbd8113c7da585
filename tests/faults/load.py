"""People who are created again and again while something goes wrong."""

import asyncio
import itertools
from collections import Counter
from typing import Any, Self

import httpx

from tests.servers import Server

_WRITERS = 6


class Load:
    """Writers that go on until they are told to stop; the server may come and go.

    An answer that did not come, or came broken, acknowledges nothing; any other than 201 and 503 is a fault.
    """

    def __init__(self, server: Server, bearer: dict[str, str], beginning: str) -> None:
        self.acknowledged: list[str] = []
        self.answers: Counter[int] = Counter()
        self.refusals: list[httpx.Response] = []
        self._server = server
        self._bearer = bearer
        self._names = (f"{beginning}{number}" for number in itertools.count())
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._write()) for _ in range(_WRITERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until_acknowledged(self, more: int) -> None:
        """Until so many more people are made than there are now."""
        wanted = len(self.acknowledged) + more
        await self._until(lambda: len(self.acknowledged) >= wanted)

    async def until_refused(self) -> httpx.Response:
        """The next answer that says 503."""
        known = len(self.refusals)
        await self._until(lambda: len(self.refusals) > known)
        return self.refusals[-1]

    async def _until(self, is_so: Any) -> None:
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(is_so)

    async def _write(self) -> None:
        client = httpx.AsyncClient(base_url=self._server.url, headers=self._bearer, timeout=60)
        async with client:
            while True:
                name = next(self._names)
                try:
                    answer = await client.post("/api/v1/users", json={"username": name})
                except httpx.TransportError:
                    await asyncio.sleep(0)
                    continue
                await self._note(name, answer)

    async def _note(self, name: str, answer: httpx.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code == 201:
            self.acknowledged.append(name)
        elif answer.status_code == 503:
            self.refusals.append(answer)
        async with self._changed:
            self._changed.notify_all()
