"""Signing in, up and out; recovering and verifying."""

import re
from typing import Any

import httpx
import pytest
from pyotp.totp import TOTP

from roster.core.credentials import service as credentials
from roster.core.mfa import service as mfa
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.storage.runtime import Runtime
from roster.web.mounts import Mounts
from tests import factories
from tests.dialects.calling import ADDRESS
from tests.dialects.conftest import Person, signed_in
from tests.dialects.native.cases import NEW_PASSWORD, PASSWORD, password_hash


@pytest.fixture
async def eva(runtime: Runtime, realm: Realm) -> User:
    """Somebody with a password and an address."""
    user = await factories.a_person(runtime, realm, "eva", email="eva@example.com")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await credentials.replace_password(tx, user.id, password_hash())
    return user


async def signing_in(client: httpx.AsyncClient, realm: Realm, **values: Any) -> httpx.Response:
    body = {"username": "eva", "password": PASSWORD, "realm": realm.slug, **values}
    return await client.post("/sign-in", json=body)


def bearer(response: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


async def last_message(client: httpx.AsyncClient, admin: Person) -> dict[str, Any]:
    listed = (await client.get("/messages", headers=admin.bearer)).json()["items"]
    return (await client.get(f"/messages/{listed[0]['id']}", headers=admin.bearer)).json()


def link_in(message: dict[str, Any]) -> str:
    return re.findall(r"http\S+", message["text"])[0]


@pytest.mark.parametrize("name", ["eva", "EVA", "eva@example.com"])
async def test_a_name_or_an_address_and_the_password_give_tokens(
    client: httpx.AsyncClient, realm: Realm, eva: User, name: str
):
    response = await signing_in(client, realm, username=name)

    assert response.status_code == 200
    body = response.json()
    assert (body["mfa_required"], body["token_type"], body["expires_in"]) == (False, "Bearer", 3600)
    me = await client.get("/me", headers=bearer(response))
    assert (me.json()["user"]["id"], me.json()["realm"]) == (str(eva.id), realm.slug)


async def test_the_answer_is_the_same_for_wrong_passwords_and_unknown_people(
    client: httpx.AsyncClient, realm: Realm, eva: User
):
    wrong = await signing_in(client, realm, password="something else")
    unknown = await signing_in(client, realm, username="nobody")

    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


@pytest.mark.parametrize("status", ["pending", "disabled"])
async def test_only_active_people_sign_in(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, eva: User, status: str
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(status=status))  # type: ignore[arg-type]

    response = await signing_in(client, realm)

    assert (response.status_code, response.json()["code"]) == (401, "bad_credentials")


async def test_guessing_ends_in_a_wait_for_everybody_with_that_name(client: httpx.AsyncClient, realm: Realm, eva: User):
    for _ in range(10):
        assert (await signing_in(client, realm, password="wrong")).status_code == 401

    response = await signing_in(client, realm)

    assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
    assert int(response.headers["retry-after"]) > 0


async def test_an_unknown_realm_is_not_found(client: httpx.AsyncClient, realm: Realm):
    response = await client.post("/sign-in", json={"username": "eva", "password": PASSWORD, "realm": "no-such"})

    assert (response.status_code, response.json()["code"]) == (404, "realm_not_found")


async def test_without_a_realm_it_is_the_one_of_the_mount(client: httpx.AsyncClient, eva: User, realm: Realm):
    response = await client.post("/sign-in", json={"username": "eva", "password": PASSWORD})

    assert response.status_code == 401


async def test_under_the_path_of_a_realm_only_that_realm_is_meant(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, eva: User
):
    other = await factories.a_realm(runtime)
    place = f"{ADDRESS}/realms/{realm.slug}/api/v1"

    own = await client.post(f"{place}/sign-in", json={"username": "eva", "password": PASSWORD})
    elsewhere = await client.post(
        f"{place}/sign-in", json={"username": "eva", "password": PASSWORD, "realm": other.slug}
    )

    assert own.status_code == 200
    assert elsewhere.status_code == 404
    assert (await client.get(f"{place}/me", headers=bearer(own))).status_code == 200
    foreign = await client.get(f"{ADDRESS}/realms/{other.slug}/api/v1/me", headers=bearer(own))
    assert (foreign.status_code, foreign.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer a.b.c", "Basic ZXZhOng=", "Bearer rk_x", "Bearer é"])
async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, header: str):
    response = await client.get("/me", headers=[(b"authorization", header.encode("latin-1"))])  # type: ignore[list-item]

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


# second factor


async def second_factor_of(runtime: Runtime, realm: Realm, user: User) -> list[str]:
    async with runtime.write(factories.roster_in(realm)) as tx:
        enrolment = await mfa.enrol(tx, user.id)
        code = TOTP(enrolment.secret).at(tx.now)
        return (await mfa.activate(tx, user.id, enrolment.credential.id, code)).codes


async def test_a_second_factor_is_asked_for_and_then_gives_tokens(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, eva: User
):
    codes = await second_factor_of(runtime, realm, eva)

    step = await signing_in(client, realm)
    assert step.status_code == 200
    assert step.json()["mfa_required"] is True
    assert step.json()["factors"] == ["totp", "backup"]
    assert "access_token" not in step.json()
    wrong = await client.post("/sign-in/mfa", json={"mfa_token": step.json()["mfa_token"], "code": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")
    done = await client.post("/sign-in/mfa", json={"mfa_token": step.json()["mfa_token"], "code": codes[0]})

    assert done.status_code == 200
    assert (await client.get("/me", headers=bearer(done))).json()["factors"] == ["password", "backup"]


async def test_the_token_of_the_first_step_opens_nothing_else(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, eva: User
):
    await second_factor_of(runtime, realm, eva)
    token = (await signing_in(client, realm)).json()["mfa_token"]

    for path, body in (
        ("/recover/confirm", {"token": token, "password": NEW_PASSWORD}),
        ("/verify", {"token": token}),
        ("/refresh", {"refresh_token": token}),
    ):
        assert (await client.post(path, json=body)).status_code == 401
    assert (await client.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_code_may_come_with_the_password(client: httpx.AsyncClient, runtime: Runtime, realm: Realm, eva: User):
    codes = await second_factor_of(runtime, realm, eva)

    response = await signing_in(client, realm, code=codes[0])

    assert response.json()["mfa_required"] is False


# refresh, sign-out


async def test_a_refresh_token_gives_new_tokens(client: httpx.AsyncClient, person: Person):
    response = await client.post("/refresh", json={"refresh_token": person.refresh_token})

    assert response.status_code == 200
    assert response.json()["refresh_token"] != person.refresh_token
    assert (await client.get("/me", headers=bearer(response))).status_code == 200


async def test_a_refresh_token_used_again_much_later_ends_the_session(
    client: httpx.AsyncClient, runtime: Runtime, person: Person
):
    first = await client.post("/refresh", json={"refresh_token": person.refresh_token})
    await client.post("/refresh", json={"refresh_token": first.json()["refresh_token"]})

    copied = await client.post("/refresh", json={"refresh_token": person.refresh_token})

    assert (copied.status_code, copied.json()["code"]) == (401, "invalid_token")
    assert (await client.get("/me", headers=bearer(first))).status_code == 401


async def test_a_refresh_without_any_token_is_refused(client: httpx.AsyncClient):
    response = await client.post("/refresh", headers={"Origin": ADDRESS})

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


async def test_signing_out_ends_both_tokens_at_once(client: httpx.AsyncClient, person: Person):
    response = await client.post("/sign-out", headers=person.bearer)

    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get("/me", headers=person.bearer)).status_code == 401
    assert (await client.post("/refresh", json={"refresh_token": person.refresh_token})).status_code == 401


async def test_there_is_no_session_behind_an_api_key(client: httpx.AsyncClient, admin: Person):
    key = (await client.post("/api-keys", headers=admin.bearer, json={})).json()["key"]

    response = await client.post("/sign-out", headers={"Authorization": f"Bearer {key}"})

    assert (response.status_code, response.json()["code"]) == (404, "session_not_found")


# cookies


async def test_a_browser_gets_cookies_that_scripts_cannot_read_and_no_tokens(
    client: httpx.AsyncClient, realm: Realm, eva: User
):
    response = await client.post(
        "/sign-in",
        json={"username": "eva", "password": PASSWORD, "realm": realm.slug, "cookie": True},
        headers={"Origin": ADDRESS},
    )

    assert response.json()["token_type"] == "Cookie"
    assert "access_token" not in response.json()
    assert "refresh_token" not in response.json()
    session, refresh = response.headers.get_list("set-cookie")
    assert session.startswith("roster_session=")
    assert "; Path=/; Max-Age=3600; SameSite=Lax; HttpOnly" in session
    assert refresh.startswith("roster_refresh=")
    assert "; Path=/api/v1/refresh;" in refresh
    assert "SameSite=Strict; HttpOnly" in refresh
    assert (await client.get("/me")).status_code == 200


async def test_changes_by_cookie_come_from_our_own_pages_only(client: httpx.AsyncClient, person: Person):
    client.cookies.set("roster_session", person.access_token)

    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}, {"Sec-Fetch-Site": "cross-site"}):
        refused = await client.patch("/me", json={"display_name": "Mallory"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    own = await client.patch("/me", json={"display_name": "Eva"}, headers={"Origin": ADDRESS})
    browser = await client.patch("/me", json={"display_name": "Eva"}, headers={"Sec-Fetch-Site": "same-origin"})

    assert (own.status_code, browser.status_code) == (200, 200)


async def test_signing_in_for_a_cookie_comes_from_our_own_pages_only(
    client: httpx.AsyncClient, realm: Realm, eva: User
):
    response = await client.post(
        "/sign-in",
        json={"username": "eva", "password": PASSWORD, "realm": realm.slug, "cookie": True},
        headers={"Origin": "https://evil.example"},
    )

    assert response.status_code == 403


async def test_a_browser_refreshes_and_signs_out_by_cookie(client: httpx.AsyncClient, person: Person):
    cookie = {"Cookie": f"roster_refresh={person.refresh_token}"}

    foreign = await client.post("/refresh", headers={**cookie, "Origin": "https://evil.example"})
    refreshed = await client.post("/refresh", headers={**cookie, "Origin": ADDRESS})
    out = await client.post("/sign-out", headers={"Origin": ADDRESS})

    assert foreign.status_code == 403
    assert refreshed.json()["token_type"] == "Cookie"
    assert out.status_code == 204
    assert all("Max-Age=0" in cookie for cookie in out.headers.get_list("set-cookie"))
    assert not client.cookies


# signing up, verifying, recovering


async def test_whoever_signs_up_is_signed_in_and_verifies_by_the_link_of_the_message(
    client: httpx.AsyncClient, realm: Realm, admin: Person
):
    response = await client.post(
        "/sign-up",
        json={"username": "eva", "password": PASSWORD, "realm": realm.slug, "email": "eva@example.com", "locale": "sv"},
    )
    assert response.status_code == 201
    message = await last_message(client, admin)
    assert (message["recipient"], message["subject"]) == (
        "eva@example.com",
        "Bekräfta din e-postadress för " + realm.slug,
    )

    page = await client.get(link_in(message))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (await client.get("/me", headers=bearer(response))).json()["user"]["email_verified_at"] is None
    token = re.findall(r'name="token" value="([^"]+)"', page.text)[0]
    done = await client.post("/verify", json={"token": token})
    again = await client.post("/verify", json={"token": token})

    assert (done.status_code, again.status_code) == (204, 401)
    assert (await client.get("/me", headers=bearer(response))).json()["user"]["email_verified_at"] is not None


async def test_a_realm_may_forbid_signing_up(client: httpx.AsyncClient, runtime: Runtime):
    closed = await factories.a_realm(runtime, self_registration=False)

    response = await client.post("/sign-up", json={"username": "eva", "password": PASSWORD, "realm": closed.slug})

    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_a_weak_password_is_refused_with_its_reason(client: httpx.AsyncClient, realm: Realm):
    response = await client.post("/sign-up", json={"username": "eva", "password": "short", "realm": realm.slug})

    assert response.status_code == 400
    assert response.json()["problems"] == [
        {"field": "password", "code": "too_short", "text": "Use at least 8 characters."}
    ]


async def test_a_lost_password_is_replaced_by_the_link_of_the_message_and_all_sessions_end(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, eva: User, admin: Person
):
    old = await signed_in(runtime, realm, eva)
    asked = await client.post("/recover", json={"identifier": "eva@example.com", "realm": realm.slug})
    assert (asked.status_code, asked.content) == (202, b"")
    page = await client.get(link_in(await last_message(client, admin)))
    token = re.findall(r'name="token" value="([^"]+)"', page.text)[0]

    weak = await client.post("/recover/confirm", json={"token": token, "password": "short"})
    done = await client.post("/recover/confirm", json={"token": token, "password": NEW_PASSWORD})
    again = await client.post("/recover/confirm", json={"token": token, "password": "a third password"})

    assert (weak.status_code, done.status_code, again.status_code) == (400, 204, 401)
    assert (await client.get("/me", headers=old.bearer)).status_code == 401
    assert (await signing_in(client, realm)).status_code == 401
    assert (await signing_in(client, realm, password=NEW_PASSWORD)).status_code == 200


async def test_recovery_answers_the_same_for_nobody(client: httpx.AsyncClient, realm: Realm, admin: Person):
    response = await client.post("/recover", json={"identifier": "nobody@example.com", "realm": realm.slug})

    assert (response.status_code, response.content) == (202, b"")
    assert (await client.get("/messages", headers=admin.bearer)).json()["items"] == []


async def test_the_page_for_a_new_password_works_without_script(
    client: httpx.AsyncClient, realm: Realm, eva: User, admin: Person
):
    await client.post("/recover", json={"identifier": "eva", "realm": realm.slug})
    link = link_in(await last_message(client, admin))
    token = link.partition("token=")[2]

    weak = await client.post("/pages/recover", data={"token": token, "password": "short"})
    done = await client.post("/pages/recover", data={"token": token, "password": NEW_PASSWORD})
    again = await client.post("/pages/recover", data={"token": token, "password": NEW_PASSWORD})

    assert "Use at least 8 characters." in weak.text
    assert "<form" in weak.text
    assert "The new password is set" in done.text
    assert "not valid any more" in again.text
    assert (await signing_in(client, realm, password=NEW_PASSWORD)).status_code == 200


async def test_pages_escape_what_the_link_says_and_forbid_scripts(client: httpx.AsyncClient):
    page = await client.get("/pages/verify", params={"token": '"><script>alert(1)</script>'})

    assert "<script>" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_public_keys_are_those_of_the_realm_of_the_path(app: Mounts, client: httpx.AsyncClient, realm: Realm):
    own = (await client.get(f"{ADDRESS}/realms/{realm.slug}/api/v1/jwks")).json()["keys"]
    main = (await client.get("/jwks")).json()["keys"]

    assert own[0]["kid"] != main[0]["kid"]
    assert all("d" not in key for key in own + main)


async def test_the_scheme_is_read_in_any_letter_case(client: httpx.AsyncClient, person: Person):
    response = await client.get("/me", headers={"Authorization": f"bEARER   {person.access_token}"})

    assert response.status_code == 200
