"""ID tokens of OpenID providers: whose are believed, and which are not."""

import hmac
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, RSAKey

from roster.core.realms.models import Realm
from roster.federation import service
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.kit import clock, secrets
from roster.kit.actor import Origin, anonymous
from roster.kit.errors import InvalidToken
from roster.storage.runtime import Runtime
from tests.federation import provider as providers
from tests.federation.provider import StandIn
from tests.federation.test_federation import configured

RSA = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


@pytest.fixture
def there() -> Iterator[StandIn]:
    """An issuer on this machine, with two keys."""
    with providers.running() as stand_in:
        found = KeySet([RSA, EC]).as_dict(private=False)
        found["keys"].append({"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "three"})  # type: ignore[arg-type]
        stand_in.says("/keys", found)
        metadata = {"issuer": stand_in.address, "jwks_uri": f"{stand_in.address}/keys"}
        stand_in.says("/.well-known/openid-configuration", metadata)
        yield stand_in


def token(there: StandIn, key: Any = RSA, algorithm: str = "RS256", **claims: Any) -> str:
    """An ID token as the issuer makes them; a claim that is None is left out."""
    now = int(clock.now().timestamp())
    own = {"iss": there.address, "aud": "our-app", "sub": "117", "iat": now, "exp": now + 60}
    payload = {name: value for name, value in {**own, **claims}.items() if value is not None}
    header = {"alg": algorithm, "kid": key.kid}
    return jws.serialize_compact(header, msgspec.json.encode(payload), key, algorithms=[algorithm])


async def identify(runtime: Runtime, realm: Realm, there: StandIn, text: str, **known: Any) -> Any:
    actor = anonymous(realm.id, realm.slug, Origin())
    with configured(runtime, corp=there.provider("oidc", **{"issuer": there.address, **known})):
        return await service.identify(runtime, actor, "corp", text, kind="oidc")


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS512"), (EC, "ES256")])
async def test_a_token_of_the_issuer_says_who_somebody_is(
    runtime: Runtime, realm: Realm, there: StandIn, key: Any, algorithm: str
) -> None:
    claims = {"email": "jo@example.org", "email_verified": True, "preferred_username": "jo", "given_name": "Jo"}

    found = await identify(runtime, realm, there, token(there, key, algorithm, **claims))

    assert (found.provider, found.subject, found.email, found.email_verified) == ("corp", "117", "jo@example.org", True)
    assert (found.username, found.given_name) == ("jo", "Jo")


async def test_keys_come_from_where_the_operator_says(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    await identify(runtime, realm, there, token(there), keys_url=f"{there.address}/keys")

    assert [each.path for each in there.asked] == ["/keys"]


@pytest.mark.parametrize("verified", [None, False, "false", "yes"])
async def test_an_address_is_verified_only_when_the_issuer_says_so(
    runtime: Runtime, realm: Realm, there: StandIn, verified: Any
) -> None:
    found = await identify(runtime, realm, there, token(there, email="jo@example.org", email_verified=verified))

    assert not found.email_verified


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example.org"},
        {"aud": "another-app"},
        {"aud": ["another-app"]},
        {"aud": ["our-app", "another-app"]},
        {"aud": ["our-app", "another-app"], "azp": "another-app"},
        {"azp": "another-app"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": ""},
        {"sub": None},
        {"exp": None},
        {"sub": "x" * 256},
    ],
    ids=str,
)
async def test_a_token_for_somebody_else_or_another_time_is_refused(
    runtime: Runtime, realm: Realm, there: StandIn, claims: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        await identify(runtime, realm, there, token(there, **claims))


async def test_a_token_that_the_issuer_did_not_sign_is_refused(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    good = token(there)
    header, payload, signature = good.split(".")
    unsigned = secrets.encode(b'{"alg":"HS256","kid":"one"}') + "." + payload
    shared = hmac.digest(RSA.as_pem(private=False), unsigned.encode(), "sha256")
    bad = [
        token(there, STRANGER),
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}.",
        "eyJhbGciOiJub25lIn0." + payload + ".",
        f"{unsigned}.{secrets.encode(shared)}",
        token(there, RSAKey.import_key(RSA.as_dict(private=True), {"kid": "unknown"})),
        "x.y.z",
        "é.é.é",
        good + "A" * 20_000,
    ]
    for text in bad:
        with pytest.raises(InvalidToken):
            await identify(runtime, realm, there, text)


@pytest.mark.parametrize("answer", [{}, {"keys": 1}, "nonsense", {"keys": [{"kty": "RSA", "use": "sig"}]}])
async def test_an_issuer_without_keys_is_silent(runtime: Runtime, realm: Realm, there: StandIn, answer: Any) -> None:
    there.says("/keys", answer)

    with pytest.raises(ProviderSilent):
        await identify(runtime, realm, there, token(there))


async def test_metadata_of_another_issuer_is_not_believed(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    metadata = {"issuer": "https://elsewhere.example.org", "jwks_uri": f"{there.address}/keys"}
    there.says("/.well-known/openid-configuration", metadata)

    with pytest.raises(ProviderSilent):
        await identify(runtime, realm, there, token(there))


async def test_a_provider_of_another_kind_or_without_an_issuer_is_unknown(
    runtime: Runtime, realm: Realm, there: StandIn
) -> None:
    actor = anonymous(realm.id, realm.slug, Origin())
    for provider in (there.provider("google"), there.provider("oidc")):
        with configured(runtime, corp=provider), pytest.raises(UnknownProvider):
            await service.identify(runtime, actor, "corp", token(there), kind="oidc")
