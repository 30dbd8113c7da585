"""Asking providers whose token it is: what is asked, what is believed, and what is not."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from roster.core.credentials.models import Identity
from roster.core.realms.models import Realm
from roster.federation import oauth1, service
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.federation.oauth1 import Keys
from roster.kit import clock
from roster.kit.actor import Origin, anonymous
from roster.kit.errors import InvalidToken, TooMany
from roster.settings import Provider
from roster.storage.runtime import Runtime
from tests import certificates
from tests.federation import provider as providers
from tests.federation.provider import Answer, Asked, StandIn


@pytest.fixture
def there() -> Iterator[StandIn]:
    """A provider on this machine."""
    with providers.running() as stand_in:
        yield stand_in


@contextmanager
def configured(runtime: Runtime, **known: Provider) -> Iterator[None]:
    """The installation with these providers."""
    before = runtime.settings
    runtime.settings = msgspec.structs.replace(before, providers=known)
    try:
        yield
    finally:
        runtime.settings = before


async def identify(runtime: Runtime, realm: Realm, name: str, token: str = "token-1", **more: str) -> Identity:
    actor = anonymous(realm.id, realm.slug, Origin(address=more.pop("address", "")))
    return await service.identify(runtime, actor, name, token, **more)


GOOGLE = {
    "sub": "117",
    "email": "jane.doe@example.org",
    "email_verified": True,
    "name": "Jane Doe",
    "given_name": "Jane",
    "family_name": "Doe",
}


async def test_google_tells_who_it_is_after_the_token_has_been_found_to_be_ours(
    runtime: Runtime, realm: Realm, there: StandIn
) -> None:
    there.says("/tokeninfo", {"aud": "our-app", "sub": "117"})
    there.says("/userinfo", GOOGLE)

    with configured(runtime, google=there.provider("google")):
        found = await identify(runtime, realm, "Google")

    assert found == Identity(
        "google",
        "117",
        email="jane.doe@example.org",
        email_verified=True,
        display_name="Jane Doe",
        given_name="Jane",
        family_name="Doe",
    )
    assert [each.path for each in there.asked] == ["/tokeninfo", "/userinfo"]
    assert there.asked[0].query == {"access_token": "token-1"}
    assert there.asked[1].headers["Authorization"] == "Bearer token-1"


async def test_a_google_token_of_another_application_is_refused(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    there.says("/tokeninfo", {"aud": "their-app"})
    there.says("/userinfo", GOOGLE)

    with configured(runtime, google=there.provider("google")), pytest.raises(InvalidToken):
        await identify(runtime, realm, "google")

    assert [each.path for each in there.asked] == ["/tokeninfo"]


async def test_facebook_is_asked_with_a_proof_and_its_addresses_count_as_unverified(
    runtime: Runtime, realm: Realm, there: StandIn
) -> None:
    there.says("/userinfo", {"id": "42", "name": "Jane Doe", "email": "j@example.org", "first_name": "Jane"})

    with configured(runtime, facebook=there.provider("facebook")):
        found = await identify(runtime, realm, "facebook")

    assert (found.provider, found.subject, found.email, found.email_verified) == (
        "facebook",
        "42",
        "j@example.org",
        False,
    )
    proof = hmac.digest(b"our secret", b"token-1", "sha256").hex()
    asked = there.asked[0]
    assert asked.query["fields"] == "id,name,email,first_name,last_name"
    assert asked.query["appsecret_proof"] == proof
    assert asked.headers["Authorization"] == "Bearer token-1"
    assert "token-1" not in asked.query.values()


async def test_twitter_is_asked_with_a_signature_that_it_can_check(
    runtime: Runtime, realm: Realm, there: StandIn
) -> None:
    keys = Keys("our-app", "our secret", "token-1", "secret-1")

    def credentials(asked: Asked) -> Answer:
        assert signed(asked, f"{there.address}/userinfo", keys)
        return Answer({"id_str": "7", "screen_name": "jdoe", "name": "Jane", "email": "j@example.org"})

    there.answers["/userinfo"] = credentials
    with configured(runtime, twitter=there.provider("twitter")):
        found = await identify(runtime, realm, "twitter", secret="secret-1")

    assert (found.subject, found.username, found.email_verified) == ("7", "jdoe", True)
    assert there.asked[0].query["include_email"] == "true"


async def test_a_twitter_token_without_its_secret_is_refused(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    with configured(runtime, twitter=there.provider("twitter")), pytest.raises(InvalidToken):
        await identify(runtime, realm, "twitter")

    assert there.asked == []


async def test_the_reverse_token_of_twitter_is_handed_on(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    reverse = 'OAuth oauth_nonce="xq2maKtilFhVTC1MSxVC4cQIJLd53O6w97YmrdOGSk8", oauth_version="1.0"'

    def request_token(asked: Asked) -> Answer:
        assert asked.form == {"x_auth_mode": "reverse_auth"}
        assert signed(asked, f"{there.address}/request_token", Keys("our-app", "our secret"))
        return Answer(reverse)

    there.answers["/request_token"] = request_token
    nobody = anonymous(realm.id, realm.slug, Origin())
    with configured(runtime, twitter=there.provider("twitter"), google=there.provider("google")):
        assert await service.reverse_token(runtime, nobody) == reverse
        with pytest.raises(UnknownProvider):
            await service.reverse_token(runtime, nobody, "google")
        there.says("/request_token", "Failed to validate oauth signature", status=401)
        with pytest.raises(ProviderSilent):
            await service.reverse_token(runtime, nobody)
        there.says("/request_token", "<html>")
        with pytest.raises(ProviderSilent):
            await service.reverse_token(runtime, nobody)


async def test_a_provider_without_what_it_needs_is_none(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    lacking = {
        "facebook": there.provider("facebook", client_secret=None),
        "twitter": there.provider("twitter", client_secret=None),
        "other": there.provider("oidc"),
    }
    with configured(runtime, **lacking):
        for name in (*lacking, "google", ""):
            with pytest.raises(UnknownProvider):
                await identify(runtime, realm, name)
    assert there.asked == []


@pytest.mark.parametrize(
    ("body", "status", "headers", "expected"),
    [
        ({"error": "invalid_token"}, 400, {}, InvalidToken),
        ({"error": "invalid_token"}, 401, {}, InvalidToken),
        ({}, 429, {}, ProviderSilent),
        ({}, 500, {}, ProviderSilent),
        ({}, 302, {"Location": "/userinfo"}, ProviderSilent),
        ("<html>", 200, {}, ProviderSilent),
        ({"aud": 1}, 200, {}, ProviderSilent),
        ({"aud": "x" * 70_000}, 200, {}, ProviderSilent),
        ('{"aud": "', 200, {}, ProviderSilent),
    ],
)
async def test_refusals_and_nonsense_are_told_apart(
    runtime: Runtime,
    realm: Realm,
    there: StandIn,
    body: object,
    status: int,
    headers: dict[str, str],
    expected: type[Exception],
) -> None:
    there.says("/tokeninfo", body, status=status, **headers)

    with configured(runtime, google=there.provider("google")), pytest.raises(expected):
        await identify(runtime, realm, "google")

    assert [each.path for each in there.asked] == ["/tokeninfo"]


async def test_a_provider_that_is_not_there_is_silent(runtime: Runtime, realm: Realm) -> None:
    with providers.running() as gone:
        known = gone.provider("google")

    with configured(runtime, google=known), pytest.raises(ProviderSilent):
        await identify(runtime, realm, "google")


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    runtime: Runtime, realm: Realm, tmp_path: Path
) -> None:
    with providers.running(certificates.self_signed(tmp_path)[0]) as there:
        there.says("/tokeninfo", {"aud": "our-app"})
        there.says("/userinfo", GOOGLE)

        with configured(runtime, google=there.provider("google")), pytest.raises(ProviderSilent):
            await identify(runtime, realm, "google")

    assert there.asked == []


async def test_one_address_cannot_make_us_ask_without_end(runtime: Runtime, realm: Realm, there: StandIn) -> None:
    there.says("/tokeninfo", {}, status=400)

    with configured(runtime, google=there.provider("google")):
        for _ in range(service.PER_ADDRESS.count):
            with pytest.raises(InvalidToken):
                await identify(runtime, realm, "google", address="192.0.2.77")
        with pytest.raises(TooMany):
            await identify(runtime, realm, "google", address="192.0.2.77")

    assert len(there.asked) == service.PER_ADDRESS.count


def test_the_signature_of_the_rfcs_example() -> None:
    """RFC 5849, section 1.2: the request for the photograph."""
    parameters = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131202",
        "oauth_nonce": "chapoH",
        "file": "vacation.jpg",
        "size": "original",
    }
    keys = Keys("dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")

    made = oauth1.signature("GET", "http://photos.example.net/photos", parameters, keys)

    assert made == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def signed(asked: Asked, url: str, keys: Keys) -> bool:
    """What a provider does: make the signature again from what came in."""
    scheme, _, text = asked.headers["Authorization"].partition(" ")
    own = {name: unquote(value.strip('"')) for name, value in (each.split("=", 1) for each in text.split(", "))}
    sent = own.pop("oauth_signature")
    assert scheme == "OAuth"
    assert own["oauth_consumer_key"] == keys.consumer
    assert abs(int(own["oauth_timestamp"]) - clock.now().timestamp()) < 60
    return sent == oauth1.signature(asked.method, url, {**asked.query, **asked.form, **own}, keys)
