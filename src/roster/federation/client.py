"""One request to a provider: bounded in time and size, no redirects, no proxies of the environment."""

import ssl
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from roster.federation.errors import ProviderSilent
from roster.kit.errors import InvalidToken

if TYPE_CHECKING:
    import httpx

M = TypeVar("M", bound=msgspec.Struct)

_SECONDS: Final = 10.0
_LONGEST: Final = 65_536
_REFUSED: Final = range(400, 500)


async def fetch(
    url: str,
    *,
    method: str = "GET",
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The body of a successful answer. Raises InvalidToken when the provider refuses, ProviderSilent otherwise."""
    import httpx  # a tenth of the time that a server takes to start, for what most never need

    try:
        async with (
            httpx.AsyncClient(timeout=_SECONDS, verify=tls(), trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, params=params, data=form, headers=headers) as answer,
        ):
            body = await body_of(answer, _LONGEST)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderSilent from error
    if answer.status_code in _REFUSED and answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        raise InvalidToken
    if answer.status_code != HTTPStatus.OK:
        raise ProviderSilent
    return body


def decode(body: bytes, kind: type[M]) -> M:
    """What the provider says. Raises ProviderSilent for anything but the documented form."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderSilent from error


async def body_of(answer: "httpx.Response", longest: int) -> bytes:
    """What is answered. Raises ProviderSilent when it is longer than so many bytes."""
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > longest:
            raise ProviderSilent
    return bytes(body)


@cache
def tls() -> ssl.SSLContext:
    """Reading the certificates of all authorities takes a while; once is enough."""
    return ssl.create_default_context()
