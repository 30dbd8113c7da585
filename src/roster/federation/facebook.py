"""Facebook: an access token, sent with a proof that binds it to this application."""

import hashlib
import hmac
from typing import Final

import msgspec

from roster.core.credentials.models import Identity
from roster.federation import client
from roster.settings import Provider

_ME: Final = "https://graph.facebook.com/me"
_FIELDS: Final = "id,name,email,first_name,last_name"


class _Person(msgspec.Struct, frozen=True):
    id: str
    name: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


def is_usable(provider: Provider) -> bool:
    """Without the application's secret, tokens of other applications could not be told apart."""
    return bool(provider.client_id and provider.client_secret)


async def identify(name: str, provider: Provider, token: str, _secret: str | None) -> Identity:
    """Whose token it is. `appsecret_proof` makes Facebook refuse tokens that another application got.

    Facebook does not say whether an address is verified, so it counts as not verified.
    """
    proof = hmac.digest((provider.client_secret or "").encode(), token.encode(), hashlib.sha256).hex()
    params = {"fields": _FIELDS, "appsecret_proof": proof}
    headers = {"Authorization": f"Bearer {token}"}
    body = await client.fetch(provider.userinfo_url or _ME, params=params, headers=headers)
    person = client.decode(body, _Person)
    return Identity(
        name,
        person.id,
        email=person.email,
        display_name=person.name,
        given_name=person.first_name,
        family_name=person.last_name,
    )
