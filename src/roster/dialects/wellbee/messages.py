"""Messages of the bus as requests, so that an operation does not know which way it was reached."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from roster.dialects.wellbee.subjects import REQUEST, path_of
from roster.web.request import DEFAULT_SITE, Request, Site

_HTTP: Final = "http"
_JSON: Final = (b"content-type", b"application/json")

Query = Mapping[str, str | Sequence[str]]


def request_of(
    subject: str,
    body: bytes,
    *,
    realm: str = "main",
    query: Query | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
    address: str = "",
    site: Site = DEFAULT_SITE,
) -> Request:
    """The request that a message is: `body` is the JSON of its data, `extra` what else its envelope says.

    `extra` may hold `reqId` and `transactionId`, which the answer repeats, and `userId`. `address` is the network
    address of whoever asks, where that is known.
    """
    method, path = _address(subject)
    kept = [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in _own(headers)
    ]
    scope = {
        "method": method,
        "headers": [_JSON, *kept],
        "query_string": urlencode(query or {}, doseq=True).encode(),
        "client": (address, 0) if address else None,
    }
    request = Request(
        scope, path=path, realm_slug=realm, dialect="wellbee", request_id=(extra or {}).get("reqId", ""), site=site
    )
    request.extra.update(extra or {})
    request.body = body
    return request


def _address(subject: str) -> tuple[str, str]:
    """Method and path: those of HTTP for `http.<method>.…`."""
    words = subject.split(".")
    if words[0] != _HTTP or len(words) < 3:
        return REQUEST, path_of(subject)
    return words[1].upper(), "/" + "/".join(quote(word.replace("{dot}", "."), safe="%") for word in words[2:])


def _own(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in (headers or {}).items() if name.lower() != "content-type"]
