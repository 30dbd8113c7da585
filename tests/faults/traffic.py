"""People who are created, read and changed through a balancer; every single request has to be answered."""

import asyncio
import itertools
from collections import Counter
from typing import Any, Self

import httpx

from tests.processes import PATIENCE

_CLIENTS = 6


class Traffic:
    """Clients that go on until the block ends, each finishing what it has begun. Nothing is asked twice."""

    def __init__(self, url: str, bearer: dict[str, str], beginning: str) -> None:
        self.names: list[str] = []
        """Everybody who was asked for; each of them is changed once."""
        self.ids: set[str] = set()
        self.answers: Counter[tuple[str, int]] = Counter()
        self.failures: list[str] = []
        self._url = url
        self._bearer = bearer
        self._names = (f"{beginning}{number}" for number in itertools.count())
        self._changed = asyncio.Condition()
        self._done = 0
        self._goes_on = True
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._go()) for _ in range(_CLIENTS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._goes_on = False
        await asyncio.gather(*self._tasks)

    async def until_done(self, more: int) -> None:
        """Until so many more people are made, read and changed than there are now."""
        wanted = self._done + more
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self._done >= wanted)

    def expect_all(self) -> None:
        """Every request was answered, and as it should be."""
        assert self.failures == []
        count = len(self.names)
        assert self.answers == {("POST", 201): count, ("GET", 200): count, ("PATCH", 200): count}

    async def _go(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, headers=self._bearer, timeout=PATIENCE) as client:
            while self._goes_on:
                await self._one(client, next(self._names))

    async def _one(self, client: httpx.AsyncClient, name: str) -> None:
        self.names.append(name)
        made = await self._ask(client, "POST", "/api/v1/users", json={"username": name})
        if made is not None and made.status_code == 201:
            self.ids.add(made.json()["id"])
            path = f"/api/v1/users/{made.json()['id']}"
            await self._ask(client, "GET", path)
            await self._ask(client, "PATCH", path, json={"display_name": name.upper()})
        self._done += 1
        async with self._changed:
            self._changed.notify_all()

    async def _ask(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response | None:
        try:
            answer = await client.request(method, path, **more)
        except httpx.TransportError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        self.answers[method, answer.status_code] += 1
        if answer.status_code >= 300:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer
