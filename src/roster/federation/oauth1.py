"""Signed requests of OAuth 1.0 (RFC 5849) with HMAC-SHA1, the one method that Twitter takes. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

_UNRESERVED: Final = "-._~"


class Keys(msgspec.Struct, frozen=True):
    """The application's keys, and those of the user on whose behalf it asks."""

    consumer: str
    consumer_secret: str
    token: str = ""
    token_secret: str = ""


def authorization(
    method: str, url: str, parameters: Mapping[str, str], keys: Keys, *, nonce: str, timestamp: int
) -> str:
    """The header `Authorization` for a request with these query and form parameters; the URL has no query."""
    own = {
        "oauth_consumer_key": keys.consumer,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(timestamp),
        **({"oauth_token": keys.token} if keys.token else {}),
        "oauth_version": "1.0",
    }
    signed = {**own, "oauth_signature": signature(method, url, {**parameters, **own}, keys)}
    return "OAuth " + ", ".join(f'{name}="{_encode(value)}"' for name, value in signed.items())


def signature(method: str, url: str, parameters: Mapping[str, str], keys: Keys) -> str:
    """RFC 5849, section 3.4.2; `parameters` are all but the signature itself."""
    pairs = sorted((_encode(name), _encode(value)) for name, value in parameters.items())
    text = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _encode(url), _encode(text)))
    key = f"{_encode(keys.consumer_secret)}&{_encode(keys.token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), hashlib.sha1)).decode()


def _encode(text: str) -> str:
    return quote(text, safe=_UNRESERVED)
