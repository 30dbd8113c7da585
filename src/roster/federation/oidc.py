"""Any OpenID provider: an ID token, checked with the keys of the issuer that the operator named.

OpenID Connect Core, section 3.1.3.7, and Discovery 1.0, section 4. Nothing in the token says where keys come from or
which algorithm is good.
"""

from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from roster.core.credentials.models import Identity
from roster.federation import client
from roster.federation.errors import ProviderSilent
from roster.kit import clock
from roster.kit.errors import InvalidToken
from roster.settings import Provider

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_ALGORITHMS: Final = [f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)]
"""Signatures only: with a shared secret everybody who may check a token could make one."""
_LONGEST: Final = 16_384
_CLOCKS_DIFFER: Final = 60
"""Seconds."""


class _Metadata(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nbf: int | float = 0
    azp: str | None = None
    email: str | None = None
    email_verified: bool | str = False
    preferred_username: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


def is_usable(provider: Provider) -> bool:
    """Client id and issuer."""
    return bool(provider.client_id and provider.issuer)


async def identify(name: str, provider: Provider, token: str, _secret: str | None) -> Identity:
    """Whose token it is. One for another application proves nothing here: that application may be anybody's."""
    if len(token) > _LONGEST or not token.isascii():
        raise InvalidToken
    claims = _verified(token, await _keys(provider))
    if not _is_for(provider, claims) or not _is_current(claims) or not 1 <= len(claims.sub) <= 255:
        raise InvalidToken
    return Identity(
        name,
        claims.sub,
        email=claims.email or None,
        email_verified=bool(claims.email) and claims.email_verified in (True, "true"),
        username=claims.preferred_username,
        display_name=claims.name,
        given_name=claims.given_name,
        family_name=claims.family_name,
    )


async def _keys(provider: Provider) -> KeySet:
    url = provider.keys_url or await _keys_url(provider.issuer or "")
    found = client.decode(await _fetch(url), _KeySet)
    try:
        return KeySet.import_key_set({"keys": [each for each in found.keys if _is_for_signing(each)]})  # type: ignore[typeddict-item]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderSilent from error


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


def _is_for_signing(key: dict[str, Any]) -> bool:
    """Keys of kinds that we do not check with are passed over."""
    return key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig"


async def _keys_url(issuer: str) -> str:
    metadata = client.decode(await _fetch(issuer.rstrip("/") + _WELL_KNOWN), _Metadata)
    if metadata.issuer != issuer or not metadata.jwks_uri.startswith(("https://", "http://")):
        raise ProviderSilent
    return metadata.jwks_uri


async def _fetch(url: str) -> bytes:
    try:
        return await client.fetch(url)
    except InvalidToken:  # nothing of the caller's was asked about
        raise ProviderSilent from None


def _verified(token: str, keys: KeySet) -> _Claims:
    try:
        found = jws.deserialize_compact(token, keys, algorithms=_ALGORITHMS)
        return msgspec.json.decode(found.payload, type=_Claims)
    except (JoseError, msgspec.DecodeError, ValueError, TypeError, KeyError):
        raise InvalidToken from None


def _is_for(provider: Provider, claims: _Claims) -> bool:
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if claims.iss != provider.issuer or provider.client_id not in audience:
        return False
    return claims.azp == provider.client_id if claims.azp is not None or len(audience) > 1 else True


def _is_current(claims: _Claims) -> bool:
    now = clock.now().timestamp()
    return max(claims.nbf, claims.iat) - _CLOCKS_DIFFER <= now < claims.exp
