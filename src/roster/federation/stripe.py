"""Stripe's API (version 2020-08-27), as far as services ask for it, and the signatures of its webhooks.

Bodies are forms with members in brackets (`items[0][plan]`), ids say what they are by a prefix (`cus_…`).
"""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec

from roster.federation.client import body_of, tls
from roster.federation.errors import ProviderSilent
from roster.kit import secrets
from roster.kit.errors import InvalidInput, NotFound

_SECONDS: Final = 20.0
_LONGEST: Final = 4_194_304
_VERSION: Final = "2020-08-27"
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
_MOST_PAGES: Final = 20
_TOLERANCE: Final = 300
"""Seconds that the signature of a webhook may be old (Stripe's own default)."""
_DEEPEST: Final = 8

Params = Mapping[str, object]


class NoSuchThing(NotFound):
    """The provider knows nothing of this id."""

    code = "payment_not_found"
    text = "Resource was not found"


class Account(msgspec.Struct, frozen=True):
    """The account that is asked: its secret key, and where Stripe is."""

    key: str
    url: str

    def __repr__(self) -> str:
        return "<Account>"


async def ask(
    account: Account, method: str, path: str, params: Params | None = None, *, once: str | None = None
) -> dict[str, Any]:
    """The object that Stripe answers with. `once` makes a repetition of the same request harmless.

    Raises InvalidInput for what Stripe refuses, cards included, NoSuchThing, ProviderSilent.
    """
    import httpx

    headers = {"Authorization": f"Bearer {account.key}", "Stripe-Version": _VERSION}
    if once is not None:
        headers["Idempotency-Key"] = once
    pairs = list(_pairs(params or {}))
    sent: dict[str, Any] = {"params": pairs} if method == "GET" else {"data": dict(pairs)}
    try:
        async with (
            httpx.AsyncClient(timeout=_SECONDS, verify=tls(), trust_env=False, follow_redirects=False) as client,
            client.stream(method, f"{account.url}/v1/{path}", headers=headers, **sent) as answer,
        ):
            return _read(answer.status_code, await body_of(answer, _LONGEST))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderSilent from error


async def all_of(account: Account, path: str, params: Params) -> list[dict[str, Any]]:
    """All objects of a list, page by page, at most two thousand. Raises as `ask` does."""
    found: list[dict[str, Any]] = []
    for _ in range(_MOST_PAGES):
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = await ask(account, "GET", path, {**params, "limit": 100, **after})
        found += page.get("data", [])
        if not page.get("has_more"):
            break
    return found


def id_of(text: str) -> str:
    """An id that may stand in a path. Raises NoSuchThing for what cannot be one."""
    if not _ID.fullmatch(text):
        raise NoSuchThing
    return text


def is_signed(secret: str, header: str, body: bytes, now: float) -> bool:
    """Whether a webhook comes from Stripe: `t=<seconds>,v1=<HMAC-SHA256 of "t.body">`, v1 maybe more than once."""
    parts = [part.partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name.strip() == "t"]
    if len(moments) != 1 or not re.fullmatch(r"\d{1,12}", moments[0]) or abs(now - int(moments[0])) > _TOLERANCE:
        return False
    expected = hmac.new(secret.encode(), moments[0].encode() + b"." + body, "sha256").hexdigest()
    return any(secrets.same(value.encode(), expected.encode()) for name, _, value in parts if name.strip() == "v1")


def _pairs(params: Params, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        raise InvalidInput.of("data", "too_deep", "is nested too deep")
    for name, value in params.items():
        yield from _pair(f"{prefix}[{name}]" if prefix else name, value, depth)


def _pair(name: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        yield from _pairs(cast("Params", value), name, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        numbered = {str(index): each for index, each in enumerate(cast("Sequence[object]", value))}
        yield from _pairs(numbered, name, depth + 1)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)


def _read(status: int, body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProviderSilent from error
    if status == HTTPStatus.OK:
        return found
    if status == HTTPStatus.NOT_FOUND:
        raise NoSuchThing
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.PAYMENT_REQUIRED):
        said = found.get("error")
        text = cast("dict[str, Any]", said).get("message") if isinstance(said, dict) else None
        raise InvalidInput.of("data", "refused", str(text or "was refused")[:500])
    raise ProviderSilent
