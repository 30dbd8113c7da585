"""Signing in with an ID token of an OpenID provider."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest

from roster.core.realms import client_keys
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.fulfillmenttools.conftest import Wire, word
from tests.federation.provider import StandIn
from tests.federation.test_federation import configured
from tests.federation.test_oidc import STRANGER, there, token

__all__ = ["there"]


@pytest.fixture
def corp(runtime: Runtime, there: StandIn) -> Iterator[StandIn]:
    """The issuer, known to the installation as `corp`."""
    with configured(runtime, corp=there.provider("oidc", issuer=there.address), google=there.provider("google")):
        yield there


async def sign_in(wire: Wire, provider: str = "oidc.external.corp", **sent: str) -> httpx.Response:
    body = urlencode({"providerId": provider, **sent})
    request = {"postBody": body, "requestUri": "http://localhost", "returnSecureToken": True}
    return await wire.toolkit("/v1/accounts:signInWithIdp", request)


async def test_somebody_new_gets_an_account_and_the_same_one_again(wire: Wire, corp: StandIn) -> None:
    claims = {"email": "jo@example.org", "name": "Jo Lind"}

    first = (await sign_in(wire, id_token=token(corp, **claims))).json()
    second = (await sign_in(wire, provider="oidc.corp", id_token=token(corp, **claims))).json()

    assert first["localId"] == second["localId"]
    assert (first["email"], first["displayName"]) == ("jo@example.org", "Jo Lind")
    assert (await wire.renew(second["refreshToken"])).status_code == 200


async def test_a_token_that_is_not_good_is_refused(wire: Wire, corp: StandIn) -> None:
    for text in (token(corp, STRANGER), token(corp, aud="another-app"), token(corp, exp=1), "x.y.z"):
        assert word(await sign_in(wire, id_token=text)) == (400, "INVALID_IDP_RESPONSE")


@pytest.mark.parametrize(
    ("provider", "sent", "expected"),
    [
        ("oidc.external.corp", {}, "INVALID_IDP_RESPONSE"),
        ("oidc.external.nobody", {"id_token": "x.y.z"}, "OPERATION_NOT_ALLOWED"),
        ("oidc.google", {"id_token": "x.y.z"}, "OPERATION_NOT_ALLOWED"),
        ("google.com", {"id_token": "x.y.z"}, "INVALID_PROVIDER_ID"),
        ("", {"id_token": "x.y.z"}, "INVALID_PROVIDER_ID"),
    ],
)
async def test_what_cannot_be_meant_has_its_word(
    wire: Wire, corp: StandIn, provider: str, sent: dict[str, str], expected: str
) -> None:
    assert word(await sign_in(wire, provider, **sent)) == (400, expected)


async def test_an_address_that_somebody_has_is_not_taken_over(
    wire: Wire, runtime: Runtime, realm: Realm, corp: StandIn
) -> None:
    await factories.a_person(runtime, realm, "jo", email="jo@example.org")

    answer = await sign_in(wire, id_token=token(corp, email="jo@example.org", email_verified=True))

    assert word(answer) == (400, "EMAIL_EXISTS")


async def test_whoever_is_disabled_is_told(wire: Wire, runtime: Runtime, realm: Realm, corp: StandIn) -> None:
    known = (await sign_in(wire, id_token=token(corp))).json()["localId"]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, UserId(UUID(known)), UserChange(status="disabled"))

    assert word(await sign_in(wire, id_token=token(corp))) == (400, "USER_DISABLED")


async def test_a_tenant_without_registration_takes_nobody_new(runtime: Runtime, client: Any, corp: StandIn) -> None:

    realm = await factories.a_realm(runtime, self_registration=False)
    wire = Wire(client, realm.slug, client_keys.write(runtime.keyring, realm.id))

    assert word(await sign_in(wire, id_token=token(corp))) == (400, "ADMIN_ONLY_OPERATION")


async def test_an_issuer_that_does_not_answer_is_a_matter_of_waiting(wire: Wire, corp: StandIn) -> None:
    corp.says("/keys", "nothing", status=500)

    answer = await sign_in(wire, id_token=token(corp))

    assert word(answer)[0] == 503
    assert answer.headers["retry-after"]
