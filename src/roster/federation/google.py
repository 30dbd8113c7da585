"""Google: an OAuth 2.0 access token, checked to be one that this application got, then asked for its person."""

from typing import Final

import msgspec

from roster.core.credentials.models import Identity
from roster.federation import client
from roster.kit.errors import InvalidToken
from roster.settings import Provider

_TOKEN_INFO: Final = "https://oauth2.googleapis.com/tokeninfo"  # noqa: S105
_USER_INFO: Final = "https://openidconnect.googleapis.com/v1/userinfo"


class _Token(msgspec.Struct, frozen=True):
    aud: str


class _Person(msgspec.Struct, frozen=True):
    sub: str
    email: str | None = None
    email_verified: bool | str = False
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


def is_usable(provider: Provider) -> bool:
    """The client id is all it takes."""
    return bool(provider.client_id)


async def identify(name: str, provider: Provider, token: str, _secret: str | None) -> Identity:
    """Whose token it is. One that another application got proves nothing here: that application may be anybody's."""
    checked = await client.fetch(provider.tokeninfo_url or _TOKEN_INFO, params={"access_token": token})
    if client.decode(checked, _Token).aud != provider.client_id:
        raise InvalidToken
    headers = {"Authorization": f"Bearer {token}"}
    person = client.decode(await client.fetch(provider.userinfo_url or _USER_INFO, headers=headers), _Person)
    return Identity(
        name,
        person.sub,
        email=person.email,
        email_verified=person.email_verified in (True, "true"),
        display_name=person.name,
        given_name=person.given_name,
        family_name=person.family_name,
    )
