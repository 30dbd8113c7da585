"""Twitter: OAuth 1.0a, where a token comes with a secret and the application signs every request."""

from collections.abc import Mapping
from typing import Final

import msgspec

from roster.core.credentials.models import Identity
from roster.federation import client, oauth1
from roster.federation.errors import ProviderSilent
from roster.federation.oauth1 import Keys
from roster.kit import clock, secrets
from roster.kit.errors import InvalidToken
from roster.settings import Provider

_CREDENTIALS: Final = "https://api.twitter.com/1.1/account/verify_credentials.json"
_REQUEST_TOKEN: Final = "https://api.twitter.com/oauth/request_token"  # noqa: S105


class _Person(msgspec.Struct, frozen=True):
    id_str: str
    screen_name: str | None = None
    name: str | None = None
    email: str | None = None


def is_usable(provider: Provider) -> bool:
    """Consumer key and secret."""
    return bool(provider.client_id and provider.client_secret)


async def identify(name: str, provider: Provider, token: str, secret: str | None) -> Identity:
    """Whose token it is. Twitter gives out verified addresses only."""
    if not secret:
        raise InvalidToken("Twitter's token comes with a secret; both are needed.")
    keys = Keys(provider.client_id, provider.client_secret or "", token, secret)
    url, params = provider.userinfo_url or _CREDENTIALS, {"include_email": "true", "skip_status": "true"}
    body = await client.fetch(url, params=params, headers=_signed("GET", url, params, keys))
    person = client.decode(body, _Person)
    return Identity(
        name,
        person.id_str,
        email=person.email or None,
        email_verified=bool(person.email),
        username=person.screen_name,
        display_name=person.name,
    )


async def reverse_token(provider: Provider) -> str:
    """The signed parameters with which a phone asks Twitter for its user's token ("reverse auth")."""
    keys = Keys(provider.client_id, provider.client_secret or "")
    url, form = provider.request_token_url or _REQUEST_TOKEN, {"x_auth_mode": "reverse_auth"}
    try:
        body = await client.fetch(url, method="POST", form=form, headers=_signed("POST", url, form, keys))
    except InvalidToken:
        raise ProviderSilent from None
    text = body.decode("utf-8", "replace")
    if not text.startswith("OAuth "):
        raise ProviderSilent
    return text


def _signed(method: str, url: str, parameters: Mapping[str, str], keys: Keys) -> dict[str, str]:
    now = int(clock.now().timestamp())
    nonce = secrets.token(16).replace("-", "").replace("_", "")
    return {"Authorization": oauth1.authorization(method, url, parameters, keys, nonce=nonce, timestamp=now)}
