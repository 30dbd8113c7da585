"""Integrations, and the authorization code flow with PKCE (notes, section 9)."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from roster import app
from roster.core.flows import passwords
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.calling import client_of
from tests.dialects.conftest import Person, SignIn
from tests.dialects.onslip360.conftest import Hawk, Wire, refusal

BACK = "https://shop.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
APP: dict[str, Any] = {
    "alias": "acme-sync",
    "name": "Acme Sync",
    "type": "oauth",
    "description": "Keeps things alike",
    "author": "Acme",
    "email": "dev@acme.example",
    "web-address": "https://acme.example",
    "permissions": ["show-roles", "show-users"],
    "features": [],
    "confinements": ["user"],
    "oauth-redirect-uris": [BACK, "http://localhost:7000/cb"],
}
CONSENT = {"oauth-redirect-uri": BACK, "oauth-code-challenge": CHALLENGE}
PASSWORD = "correct horse battery"


async def an_app(wire: Wire, **changed: Any) -> dict[str, Any]:
    made = await wire.post("integrations/", {**APP, **changed})
    assert made.status_code == 201, made.text
    return made.json()


async def a_code(wire: Wire, **changed: Any) -> str:
    integration = (await wire.get("integrations/")).json()
    found = integration[0] if integration else await an_app(wire)
    answer = await wire.post(f"integrations/{found['id']}", {**CONSENT, **changed})
    assert answer.status_code == 200, answer.text
    return answer.json()["code"]


def exchange(code: str, **changed: Any) -> dict[str, Any]:
    body = {"grant_type": "authorization_code", "client_id": "acme-sync", "redirect_uri": BACK}
    return {**body, "code": code, "code_verifier": VERIFIER, **changed}


@pytest.fixture
def nobody(wire: Wire) -> Wire:
    return wire.by_someone(None)


async def test_an_integration_is_kept_as_it_was_sent(wire: Wire, boss: Person):
    stored = await an_app(wire)

    assert {name: stored[name] for name in APP} == APP
    assert stored["updated-by"] == boss.user.number
    found = await wire.get(f"integrations/{stored['id']}")
    assert found.json() == stored
    assert (await wire.get("integrations/?q=alias=acme-sync")).json() == [stored]
    same = await wire.get(f"integrations/{stored['id']}", headers={"If-None-Match": found.headers["etag"]})
    assert same.status_code == 304


@pytest.mark.parametrize(
    "member",
    [
        {"alias": "a+b"},
        {"alias": ""},
        {"type": "other"},
        {"oauth-redirect-uris": []},
        {"oauth-redirect-uris": ["http://shop.example/back"]},
        {"oauth-redirect-uris": ["https://shop.example/back#part"]},
        {"oauth-redirect-uris": ["https://user@shop.example/"]},
        {"oauth-redirect-uris": ["javascript:alert(1)"]},
        {"oauth-redirect-uris": ["https://[shop.example/"]},
        {"oauth-redirect-uris": ["https://shop.example/b\u00e5t"]},
        {"permissions": ["Show"]},
    ],
)
async def test_what_is_no_integration_is_refused(wire: Wire, member: dict[str, Any]):
    assert refusal(await wire.post("integrations/", {**APP, **member})) == (400, "bad-request")


async def test_aliases_are_unique(wire: Wire):
    await an_app(wire)

    assert refusal(await wire.post("integrations/", APP)) == (409, "conflict")


async def test_a_code_gives_a_key_that_does_what_was_allowed(wire: Wire, nobody: Wire, realm: Realm):
    code = await a_code(wire, permissions=["show-users"], name="My sync", **{"return-scope": True})

    answer = await nobody.post("/oauth-token", exchange(code))

    given = answer.json()
    assert given == {
        "token_type": "hawk",
        "access_token": f"key:boss+acme-sync@{realm.slug}",
        "secret": given["secret"],
        "algorithm": "sha256",
        "realm": realm.slug,
        "scope": "show-users",
    }
    assert len(given["secret"]) >= 43
    assert given["secret"].isascii()
    auth = Hawk(given["access_token"], given["secret"].encode())
    info = (await nobody.get("", auth=auth)).json()
    assert info["permissions"] == ["show-users"]
    assert info["access-token"]["name"] == "My sync"
    assert (await nobody.get("users/", auth=auth)).status_code == 200
    assert refusal(await nobody.get("roles/", auth=auth)) == (403, "forbidden")


async def test_a_code_is_good_once_and_with_its_verifier_only(wire: Wire, nobody: Wire):
    code = await a_code(wire)

    for wrong in (
        exchange(code, code_verifier="w" * 43),
        exchange(code, code_verifier="short"),
        exchange(code, client_id="other"),
        exchange(code, redirect_uri="http://localhost:7000/cb"),
        exchange(code + "x"),
        exchange("nonsense"),
        exchange("nowhere.x.y"),
    ):
        refused = await nobody.post("/oauth-token", wrong)
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_grant"
        assert refused.json()["code"] == "bad-request"
    assert (await nobody.post("/oauth-token", exchange(code))).status_code == 200
    again = await nobody.post("/oauth-token", exchange(code))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_no_application_sets_the_keys_or_the_address_of_whoever_lets_it(wire: Wire, nobody: Wire, boss: Person):
    allowed = ["edit-personal-info", "edit-users", "edit-access-tokens", "use-access-tokens", "use-pin-reset"]
    await an_app(wire, permissions=allowed)
    given = (await nobody.post("/oauth-token", exchange(await a_code(wire)))).json()
    auth = Hawk(given["access_token"], given["secret"].encode())
    key, own = base64.b64encode(b"another key").decode(), f"users/{boss.user.number}"

    for member in ({"password": key}, {"pin": key}, {"email": "mine@example.org"}):
        assert refusal(await nobody.patch(own, member, auth=auth)) == (403, "forbidden")
    assert refusal(await nobody.post("pin-reset", {"pin": key}, auth=auth)) == (403, "forbidden")
    token = {"type": "hawk-key", "name": "Mine", "alias": "mine"}
    assert refusal(await nobody.post(f"{own}/access-tokens/", token, auth=auth)) == (403, "forbidden")
    changed = await nobody.patch(own, {"name": "The Boss", "alias": "chief"}, auth=auth)
    assert (changed.json()["name"], changed.json()["alias"]) == ("The Boss", "chief")


@pytest.mark.parametrize("path", ["/oauth-token", "/oauth-token.json", "/oauth-token/"])
async def test_the_token_endpoint_takes_forms_and_passes_credentials_over(wire: Wire, nobody: Wire, path: str):
    code = await a_code(wire)

    answer = await nobody.call(
        "POST", path, data=exchange(code), headers={"Authorization": 'Hawk id="", ts="1", nonce="x", mac=""'}
    )

    assert answer.status_code == 200
    assert "scope" not in answer.json()


async def test_other_grants_are_not_given(nobody: Wire):
    refused = await nobody.post("/oauth-token", exchange("x", grant_type="password"))

    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
    missing = await nobody.post("/oauth-token", {"grant_type": "authorization_code"})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


async def test_a_second_consent_gives_a_second_key(wire: Wire, nobody: Wire):
    first = (await nobody.post("/oauth-token", exchange(await a_code(wire)))).json()
    second = (await nobody.post("/oauth-token", exchange(await a_code(wire)))).json()

    assert first["access_token"] != second["access_token"]
    for given in (first, second):
        auth = Hawk(given["access_token"], given["secret"].encode())
        assert (await nobody.get("", auth=auth)).status_code == 200


@pytest.mark.parametrize(
    "member",
    [
        {"oauth-redirect-uri": "https://evil.example/"},
        {"oauth-redirect-uri": BACK + "/more"},
        {"oauth-code-challenge": "short"},
        {"permissions": ["show-users", "edit-users"]},
        {"nonsense": 1},
    ],
)
async def test_nobody_consents_to_more_than_was_registered(wire: Wire, member: dict[str, Any]):
    found = await an_app(wire)

    assert refusal(await wire.post(f"integrations/{found['id']}", {**CONSENT, **member})) == (400, "bad-request")


async def test_integrations_take_permissions(wire: Wire, cashier: Person, sign_in: SignIn):
    found = await an_app(wire)
    await wire.post("roles/", {"name": "user", "permissions": ["use-integrations"]})
    one, till = wire.by_someone(await sign_in(roles=("user",))), wire.by_someone(cashier)

    assert (await one.post(f"integrations/{found['id']}", CONSENT)).status_code == 200
    assert refusal(await one.get(f"integrations/{found['id']}")) == (403, "forbidden")
    for path in ("integrations/", f"integrations/{found['id']}", f"integrations/{10**12}"):
        assert refusal(await till.get(path)) == (403, "forbidden")
    assert refusal(await till.post("integrations/", APP)) == (403, "forbidden")
    assert refusal(await till.post(f"integrations/{found['id']}", CONSENT)) == (403, "forbidden")
    assert refusal(await wire.post(f"integrations/{10**12}", CONSENT)) == (404, "not-found")


# the page


@pytest.fixture
async def browser(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app.application(runtime)) as found:
        yield found


def asked(**changed: str) -> dict[str, str]:
    known = {"client_id": "acme-sync", "response_type": "code", "redirect_uri": BACK, "state": "s&t"}
    return {**known, "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "show-users", **changed}


@pytest.fixture
async def form(runtime: Runtime, realm: Realm, boss: Person) -> dict[str, str]:
    """What the boss types in."""
    hashed = await passwords.prepare(runtime, factories.roster_in(realm), PASSWORD)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await passwords.store(tx, boss.user.id, hashed)
    return {"company": realm.slug, "user": "boss", "password": PASSWORD}


PAGE = "/onslip360/oauth-authorization"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_somebody_allows_an_application_in_a_browser(
    wire: Wire, nobody: Wire, browser: httpx.AsyncClient, form: dict[str, str], slash: str
):
    await an_app(wire)

    shown = await browser.get(PAGE + slash, params=asked(), headers={"Accept": "text/html"})
    back = await browser.post(PAGE + slash, params=asked(), data=form)

    assert shown.status_code == 200
    assert "acme-sync" in shown.text
    assert "show-users" in shown.text
    assert "form-action 'self' https://shop.example" in shown.headers["content-security-policy"]
    assert back.status_code == 303
    location = urlsplit(back.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == BACK
    parameters = parse_qs(location.query)
    assert parameters["state"] == ["s&t"]
    given = (await nobody.post("/oauth-token", exchange(parameters["code"][0]))).json()
    auth = Hawk(given["access_token"], given["secret"].encode())
    assert (await nobody.get("", auth=auth)).json()["permissions"] == ["show-users"]


async def test_whoever_does_not_allow_it_leads_back_without_a_code(
    wire: Wire, browser: httpx.AsyncClient, form: dict[str, str]
):
    await an_app(wire)

    denied = await browser.post(PAGE, params=asked(), data={**form, "deny": "1"})
    too_much = await browser.post(PAGE, params=asked(scope="edit-users"), data=form)

    assert parse_qs(urlsplit(denied.headers["location"]).query)["error"] == ["access_denied"]
    assert parse_qs(urlsplit(too_much.headers["location"]).query)["error"] == ["invalid_scope"]


async def test_nobody_is_led_where_the_application_has_not_said(
    wire: Wire, browser: httpx.AsyncClient, form: dict[str, str]
):
    await an_app(wire)

    for changed in (
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "nothing"},
        {"code_challenge_method": "plain"},
    ):
        answer = await browser.post(PAGE, params=asked(**changed), data=form)
        assert answer.status_code in (400, 404)
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    "address", ["https://[evil.example/", "https://\u2100.example/", "javascript:alert(1)", "back"]
)
async def test_what_is_no_address_is_answered_as_such(browser: httpx.AsyncClient, form: dict[str, str], address: str):
    for answer in (
        await browser.get(PAGE, params=asked(redirect_uri=address)),
        await browser.post(PAGE, params=asked(redirect_uri=address), data=form),
    ):
        assert answer.status_code == 400
        assert "no address to lead back to" in answer.text


async def test_a_wrong_password_is_asked_for_again(
    wire: Wire, browser: httpx.AsyncClient, form: dict[str, str], runtime: Runtime, realm: Realm
):
    await an_app(wire)

    answers = [
        await browser.post(PAGE, params=asked(), data={**form, **wrong})
        for wrong in ({"password": "wrong"}, {"user": "nobody"}, {"company": "nowhere"})
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert "<form" in answers[0].text


async def test_what_the_application_sends_is_shown_as_text(browser: httpx.AsyncClient):
    shown = await browser.get(
        PAGE, params=asked(client_id="<script>", scope="<b>", redirect_uri="https://a'b.example/;x")
    )

    assert "<script>" not in shown.text
    assert "<b>" not in shown.text
    assert "a'b" not in shown.headers["content-security-policy"]


async def test_nobody_stays_signed_in(
    wire: Wire, browser: httpx.AsyncClient, form: dict[str, str], runtime: Runtime, realm: Realm, boss: Person
):
    await an_app(wire)
    async with runtime.read(factories.roster_in(realm)) as tx:
        before = len(await sessions.list_of(tx, boss.user.id))
        await browser.post(PAGE, params=asked(), data=form)
        assert len(await sessions.list_of(tx, boss.user.id)) == before
