"""How tests call a dialect within their own process."""

from typing import Any

import httpx

from roster.web.mounts import Mounts

ADDRESS = "http://127.0.0.1:8080"
"""What the test settings call public."""


def client_of(app: Mounts, address: str = "192.0.2.1", *, base_url: str = ADDRESS) -> httpx.AsyncClient:
    """Somebody on a connection of their own, from this address."""
    transport = httpx.ASGITransport(app=app, client=(address, 50000))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=base_url)


class Verbs:
    """A method for each of HTTP's, over the `call` of a dialect's own."""

    async def call(self, method: str, path: str, *, json: object = None, **more: Any) -> httpx.Response:
        """One request."""
        raise NotImplementedError

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, json: object = None, **more: Any) -> httpx.Response:
        return await self.call("POST", path, json=json, **more)

    async def put(self, path: str, json: object = None, **more: Any) -> httpx.Response:
        return await self.call("PUT", path, json=json, **more)

    async def patch(self, path: str, json: object = None, **more: Any) -> httpx.Response:
        return await self.call("PATCH", path, json=json, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("DELETE", path, **more)
