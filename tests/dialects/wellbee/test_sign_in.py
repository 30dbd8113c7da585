"""Signing in by cookie and token, refreshing, signing out, and whose a token is."""

import asyncio
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.dialects.wellbee import jwt
from roster.kit import clock, secrets
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import Person
from tests.dialects.wellbee import signing
from tests.dialects.wellbee.conftest import Served, Wire
from tests.dialects.wellbee.signing import PASSWORD, Browser, by_cookie, by_token, configured, is_signed_in, tokens


@pytest.mark.parametrize("name", ["eva", "EVA", "eva@example.org", "Eva@Example.Org"])
async def test_a_name_or_an_address_and_the_password_give_a_cookie(wire: Wire, eva: User, name: str):
    browser = await by_cookie(wire, name)

    assert browser.set_cookie.startswith("jwt=eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.")
    assert ";path=/;" in browser.set_cookie
    assert browser.set_cookie.endswith(";HttpOnly;SameSite=Lax")
    until = parsedate_to_datetime(signing.expires(browser.set_cookie))
    assert timedelta(days=9, hours=23) < until - clock.now() < timedelta(days=10, seconds=2)
    assert (await browser.call("GET", "/auth/active-sessions")).data["totalCount"] == 1


async def test_a_cookie_is_for_https_alone_where_people_reach_the_server_so(
    runtime: Runtime, served: Served, eva: User
):
    server = msgspec.structs.replace(runtime.settings.server, public_url="https://people.example.org")
    own = configured(runtime, cookie_domain="example.org", cookie_http_only=False, cookie_name="sid")
    own.settings = msgspec.structs.replace(own.settings, server=server)
    browser = await by_cookie(await served(own, "https://people.example.org"))
    assert browser.set_cookie.startswith("sid=")
    assert browser.set_cookie.endswith(";domain=example.org;Secure;SameSite=Lax")


async def test_the_answer_tells_who_signed_in_and_nothing_private(wire: Wire, eva: User):
    found = await Browser(wire).call("POST", "/auth/cookie", {"username": "eva", "password": PASSWORD})
    assert found.data["id"] == str(eva.id)
    assert (found.data["firstName"], found.data["email"]) == ("Eva", "eva@example.org")
    assert found.data.keys() <= {"id", "firstName", "lastName", "email", "scopes", "roles", "profile"}


async def test_a_sign_in_by_token_gives_both_tokens_and_the_person(wire: Wire, eva: User):
    found = await by_token(wire)
    assert found.data.keys() == {"accessToken", "refreshToken", "profile"}
    assert found.data["profile"]["id"] == str(eva.id)
    assert "set-cookie" not in found.headers
    assert len(found.data["refreshToken"]) == 36
    assert await is_signed_in(wire, found.data["accessToken"])


async def test_a_token_says_what_those_of_the_platform_say(wire: Wire, eva: User):
    access, _ = await tokens(wire)
    claims = msgspec.json.decode(people.payload_of(access))
    assert claims.keys() == {"exp", "salt", "id"}
    assert len(claims["salt"]) == 50
    assert claims["salt"].isalnum()
    assert isinstance(claims["exp"], float)
    assert claims["id"] == str(eva.id)


@pytest.mark.parametrize("path", ["/auth/web", "/auth/app"])
async def test_the_old_addresses_work_too(wire: Wire, eva: User, path: str):
    wire.http.cookies.clear()
    found = await wire.call("POST", path, {"username": "eva", "password": PASSWORD})
    assert found.status == 200
    wire.http.cookies.clear()


@pytest.mark.parametrize("path", ["/auth/cookie", "/auth/token"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "eva"},
        {"password": "x"},
        {"username": 1, "password": "x"},
        {"username": "eva", "password": None},
    ],
)
async def test_a_sign_in_needs_a_name_and_a_password(wire: Wire, eva: User, path: str, body: object):
    found = await wire.call("POST", path, body)
    assert (found.status, found.code) == (400, "BAD_REQUEST")


async def test_all_who_may_not_sign_in_get_one_answer(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    gone = await factories.a_person(runtime, realm, "gone", email="gone@example.org")
    off = await factories.a_person(runtime, realm, "off", email="off@example.org")
    waiting = await factories.a_person(runtime, realm, "waiting", email="waiting@example.org", status="pending")
    for each in (gone, off, waiting):
        await signing.give_password(runtime, realm, each)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, gone.id)
        await users.change(tx, off.id, UserChange(status="disabled"))
    found = [
        await by_token(wire, "eva", "Wrong 4 sure"),
        await by_token(wire, "nobody"),
        await by_token(wire, "gone"),
        await by_token(wire, "off"),
        await by_token(wire, "waiting"),
        await by_token(wire, str(eva.id)),
    ]
    assert {(each.status, each.code, each.error["title"], each.error["detail"]) for each in found} == {
        (401, "user-service.401.3", "Invalid username or password", found[0].error["detail"])
    }


async def test_an_installation_may_take_addresses_only(runtime: Runtime, served: Served, eva: User):
    wire = await served(configured(runtime, username_fields=("email",)))
    assert (await by_token(wire, "eva@example.org")).status == 200
    assert (await by_token(wire, "eva")).code == "user-service.401.3"


@pytest.mark.parametrize("further", [{"team": "blue"}, {"firstName": "Eva", "team": "blue"}])
async def test_further_members_are_conditions_that_must_be_so(wire: Wire, eva: User, further: dict[str, Any]):
    assert (await by_token(wire, **further)).status == 200


@pytest.mark.parametrize("further", [{"team": "red"}, {"team": 1}, {"password2": "x"}, {"salt": ""}, {"id": "x"}])
async def test_a_condition_that_is_not_so_is_like_a_wrong_password(wire: Wire, eva: User, further: dict[str, Any]):
    assert (await by_token(wire, **further)).code == "user-service.401.3"


@pytest.mark.parametrize("further", [{"team": {"$ne": "x"}}, {"team": ["blue"]}, {"$where": "1"}, {"team": None}])
async def test_conditions_are_values_never_queries(wire: Wire, eva: User, further: dict[str, Any]):
    assert (await by_token(wire, **further)).code == "BAD_REQUEST"


async def test_guesses_are_counted_over_both_ways(runtime: Runtime, wire: Wire, eva: User):
    for _ in range(runtime.settings.limits.identity_guesses // 2):
        assert (await by_token(wire, password="Wrong 4 sure")).status == 401
        found = await Browser(wire).call("POST", "/auth/cookie", {"username": "eva@example.org", "password": "x"})
        assert found.status == 401
    assert (await by_token(wire)).code == "TOO_MANY_REQUESTS"


# refreshing


async def test_a_refresh_token_gives_access_tokens_again_and_again(wire: Wire, eva: User):
    _, refresh = await tokens(wire)
    first = await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})
    second = await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})
    assert first.data.keys() == {"accessToken"}
    assert first.data["accessToken"] != second.data["accessToken"]
    assert await is_signed_in(wire, first.data["accessToken"])
    assert await is_signed_in(wire, second.data["accessToken"])


async def test_an_expired_access_token_in_the_header_does_not_keep_from_refreshing(wire: Wire, eva: User):
    _, refresh = await tokens(wire)
    found = await wire.by("eyJ.old.token").call("POST", "/auth/refresh", {"refreshToken": refresh})
    assert found.status == 200


@pytest.mark.parametrize("body", [{}, {"refreshToken": "00000000-0000-4000-8000-000000000000"}, {"refreshToken": ""}])
async def test_an_unknown_refresh_token_is_not_found(wire: Wire, body: object):
    found = await wire.call("POST", "/auth/refresh", body)
    assert (found.status, found.code) == (404, "auth-service.404.1")


async def test_a_refresh_token_of_another_realm_is_not_found(runtime: Runtime, wire: Wire, eva: User, stranger: Person):
    _, refresh = await tokens(wire)
    other = Wire(wire.http, runtime, stranger.realm.slug)
    assert (await other.call("POST", "/auth/refresh", {"refreshToken": refresh})).code == "auth-service.404.1"


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/logout?logoutAll=true"])
async def test_signing_out_ends_the_refresh_token(wire: Wire, eva: User, path: str):
    access, refresh = await tokens(wire)
    assert (await wire.by(access).call("POST", path)).status == 200
    found = await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})
    assert (found.status, found.code) == (420, "auth-service.420.1")
    assert not await is_signed_in(wire, access)


async def test_a_refresh_token_that_is_too_old_has_expired(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    _, refresh = await tokens(wire)
    await people.execute(runtime, "UPDATE session_texts SET expires_at = now() WHERE realm_id = $1", realm.id)
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})).code == "auth-service.420.1"


async def test_a_disabled_person_gets_no_more_tokens(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, refresh = await tokens(wire)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(status="disabled"))
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})).code == "auth-service.420.1"
    assert not await is_signed_in(wire, access)


async def test_a_deleted_person_is_not_found(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, refresh = await tokens(wire)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, eva.id)
    found = await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})
    assert (found.status, found.code) == (404, "auth-service.404.2")
    assert not await is_signed_in(wire, access)


@pytest.mark.parametrize("moved", ["- interval '1 minute'", "+ interval '1 hour'"])
async def test_exchanged_refresh_tokens_that_come_again_end_the_session(
    runtime: Runtime, realm: Realm, served: Served, eva: User, moved: str
):
    """Also when they were exchanged while a clock was ahead."""
    wire = await served(configured(runtime, rotate_refresh_tokens=True))
    _, first = await tokens(wire)
    second = await wire.call("POST", "/auth/refresh", {"refreshToken": first})
    assert second.data["refreshToken"] != first
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": first})).status == 200
    await people.execute(
        runtime,
        f"UPDATE session_texts SET spent_at = spent_at {moved} WHERE realm_id = $1",
        realm.id,
    )
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": first})).code == "auth-service.420.1"
    assert not await is_signed_in(wire, second.data["accessToken"])
    again = await wire.call("POST", "/auth/refresh", {"refreshToken": second.data["refreshToken"]})
    assert again.code == "auth-service.420.1"


async def test_of_two_who_exchange_one_token_at_once_only_one_goes_on(
    runtime: Runtime, realm: Realm, eva: User, served: Served
):
    """Both get the same successor, as two tabs do; who uses it second, or comes with the first again, was a thief."""
    wire = await served(configured(runtime, rotate_refresh_tokens=True))
    _, first = await tokens(wire)
    answers = await asyncio.gather(
        *(wire.call("POST", "/auth/refresh", {"refreshToken": first}) for _ in range(5)),
    )
    (second,) = {each.data["refreshToken"] for each in answers}
    assert await people.value(runtime, "SELECT count(*) FROM session_texts WHERE realm_id = $1", realm.id) == 2

    third = await wire.call("POST", "/auth/refresh", {"refreshToken": second})
    assert third.status == 200
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": first})).code == "auth-service.420.1"
    assert not await is_signed_in(wire, third.data["accessToken"])


async def test_refresh_tokens_are_stored_nowhere(runtime: Runtime, wire: Wire, eva: User):
    _, refresh = await tokens(wire)
    found = await people.value(runtime, "SELECT count(*) FROM session_texts WHERE digest = $1", secrets.digest(refresh))
    assert found == 1
    dump = await people.value(runtime, "SELECT string_agg(t::text, ' ') FROM session_texts t")
    assert refresh not in str(dump)
    assert refresh.replace("-", "") not in str(dump)


# signing out and the list of sessions


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_any_method_signs_out_and_takes_the_cookie_away(wire: Wire, eva: User, method: str):
    browser = await by_cookie(wire)
    token = browser.token
    assert (await browser.call(method, "/auth/logout")).status == 200
    assert browser.set_cookie.startswith("jwt=deleted;path=/;expires=Thu, 01 Jan 1970 00:00:00 GMT")
    assert not await is_signed_in(wire, token)


@pytest.mark.parametrize("spelling", ["logoutId", "logOutId"])
async def test_one_session_of_the_list_can_be_ended(wire: Wire, eva: User, spelling: str):
    first = await by_cookie(wire)
    access, _ = await tokens(wire)
    listed = (await first.call("GET", "/auth/active-sessions?sort=created&sortOrder=1")).data["sessions"]
    assert [len(each["id"]) for each in listed] == [128, 128]

    await first.call("POST", f"/auth/logout?{spelling}={listed[1]['id']}")

    assert first.set_cookie == ""
    assert (await first.call("GET", "/auth/active-sessions")).data["totalCount"] == 1
    assert not await is_signed_in(wire, access)


async def test_nobody_ends_the_session_of_somebody_else(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    other = await factories.a_person(runtime, realm, "other")
    await signing.give_password(runtime, realm, other)
    mine, theirs = await by_cookie(wire), await by_cookie(wire, "other")
    name = (await theirs.call("GET", "/auth/active-sessions")).data["sessions"][0]["id"]
    assert (await mine.call("POST", f"/auth/logout?logoutId={name}")).status == 200
    assert (await theirs.call("GET", "/auth/active-sessions")).status == 200


async def test_whoever_has_no_token_cannot_sign_out(wire: Wire):
    wire.http.cookies.clear()
    found = await wire.call("POST", "/auth/logout")
    assert (found.status, found.code) == (403, "MUST_BE_LOGGED_IN")
    assert (await wire.call("GET", "/auth/active-sessions")).code == "MUST_BE_LOGGED_IN"


async def test_the_list_says_when_and_with_what_people_signed_in(wire: Wire, eva: User):
    for version in ("1.2", "1.10"):
        wire.http.cookies.clear()
        headers = {"version": version, "user-agent": f"app/{version}"}
        await wire.call("POST", "/auth/token", {"username": "eva", "password": PASSWORD}, headers=headers)
    access, _ = await tokens(wire)
    found = (await wire.by(access).call("GET", "/auth/active-sessions?sort=version&limit=1&start=1")).data
    assert found["totalCount"] == 3
    (only,) = found["sessions"]
    assert (only["version"], only["userAgent"]) == ("1.10", "app/1.10")
    assert datetime.fromisoformat(only["created"]) <= clock.now()


# the cookie and other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Referer": "https://evil.example/page"},
    ],
)
async def test_pages_of_other_sites_do_nothing_with_the_cookie(wire: Wire, eva: User, headers: dict[str, str]):
    browser = await by_cookie(wire)
    found = await browser.call("POST", "/auth/logout", **headers)
    assert (found.status, found.code) == (403, "PERMISSION_DENIED")
    assert (await browser.call("GET", "/auth/active-sessions")).status == 200
    other = await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": "+46701234567"}, **headers)
    assert other.code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Referer": "https://evil.example/page"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Referer": "http://127.0.0.1:8080/page", "Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
async def test_a_link_signs_out_only_from_pages_of_the_same_site(
    wire: Wire, eva: User, headers: dict[str, str], status: int
):
    browser = await by_cookie(wire)
    assert (await browser.call("GET", "/auth/logout", **headers)).status == status


async def test_nobody_is_signed_in_by_a_page_of_another_site(wire: Wire, eva: User):
    body = {"username": "eva", "password": PASSWORD}
    found = await Browser(wire).call("POST", "/auth/cookie", body, Origin="https://evil.example")
    assert (found.code, found.headers.get("set-cookie")) == ("PERMISSION_DENIED", None)
    access, _ = await tokens(wire)
    found = await Browser(wire).call("GET", f"/auth/token-to-cookie?token={access}", Sec_Fetch_Site="cross-site")
    assert found.code == "PERMISSION_DENIED"


async def test_a_bearer_token_is_good_from_anywhere(wire: Wire, eva: User):
    access, _ = await tokens(wire)
    found = await wire.by(access).call("POST", "/auth/logout", headers={"Origin": "https://evil.example"})
    assert found.status == 200


# tokens


async def test_two_tokens_in_one_request_are_refused_without_a_word(wire: Wire, eva: User):
    access, _ = await tokens(wire)
    for path, body in ((f"/auth/active-sessions?access_token={access}", None), ("/auth/logout", {"access_token": "x"})):
        method = "GET" if body is None else "POST"
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
        found = await wire.http.request(method, f"/realms/{wire.slug}/wellbee{path}", headers=headers, content=content)
        assert (found.status_code, found.content) == (400, b"")


async def test_a_token_may_stand_in_query_or_body(wire: Wire, eva: User):
    access, _ = await tokens(wire)
    wire.http.cookies.clear()
    assert (await wire.call("GET", f"/auth/active-sessions?access_token={access}")).status == 200
    assert (await wire.call("POST", "/auth/logout", {"access_token": access})).status == 200
    assert not await is_signed_in(wire, access)


async def test_access_tokens_of_the_realm_are_good_here_too(wire: Wire, person: Person):
    assert await is_signed_in(wire, person.access_token)


async def test_a_token_of_another_realm_is_no_good_and_its_cookie_ends(
    runtime: Runtime, wire: Wire, eva: User, stranger: Person
):
    browser = await by_cookie(wire)
    elsewhere = Browser(Wire(wire.http, runtime, stranger.realm.slug))
    elsewhere.cookie = browser.cookie
    found = await elsewhere.call("GET", "/auth/active-sessions")
    assert (found.status, found.code) == (403, "auth-service.403.1")
    assert elsewhere.set_cookie.startswith("jwt=deleted;")


def _changed(token: str, **claims: object) -> str:
    head, payload, mac = token.split(".")
    known = msgspec.json.decode(secrets.decode(payload) or b"", type=dict[str, object])
    return f"{head}.{secrets.encode(msgspec.json.encode({**known, **claims}))}.{mac}"


async def test_a_token_that_somebody_changed_is_no_good(wire: Wire, eva: User, person: Person):
    access, _ = await tokens(wire)
    none = secrets.encode(b'{"typ":"JWT","alg":"none"}')
    for forged in (
        _changed(access, exp=4e9),
        _changed(access, id=str(person.user.id)),
        access[:-2],
        access + ".x",
        f"{none}.{access.split('.')[1]}.",
        access.replace("eyJ", "eyK"),
        "x" * 9000,
    ):
        found = await wire.by(forged).call("GET", "/auth/active-sessions")
        assert (found.status, found.code) == (403, "auth-service.403.1"), forged
        assert found.headers["set-cookie"].startswith("jwt=deleted;")


async def test_what_a_token_names_must_be_as_it_says(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, person: Person
):
    key = runtime.keyring.mac("wellbee-token", realm.slug.encode())
    live = person.access_token
    session_id = msgspec.json.decode(people.payload_of(live))["sid"]
    async with runtime.read(factories.roster_in(realm)) as tx:
        until = tx.now.timestamp() + 60

    good = jwt.write(key, UUID(session_id), person.user.id, until, {})  # type: ignore[arg-type]
    assert await is_signed_in(wire, good)
    for wrong in (
        jwt.write(key, UUID(session_id), eva.id, until, {}),  # type: ignore[arg-type]
        jwt.write(key, UUID(session_id), person.user.id, until - 120, {}),  # type: ignore[arg-type]
        jwt.write(key, eva.id, eva.id, until, {}),  # type: ignore[arg-type]
    ):
        assert not await is_signed_in(wire, wrong)


async def test_use_lets_a_cookie_last_longer_where_that_is_wanted(
    runtime: Runtime, realm: Realm, served: Served, eva: User
):
    wire = await served(configured(runtime, prolong_cookies=True))
    browser = await by_cookie(wire)
    await browser.call("GET", "/auth/active-sessions")
    assert browser.set_cookie == ""
    key = runtime.keyring.mac("wellbee-token", realm.slug.encode())
    claims = jwt.claims_of(browser.token)
    assert claims is not None
    assert claims.session_id is not None
    older = jwt.write(key, claims.session_id, eva.id, claims.exp - 86_400, {"team": "x"})
    browser.cookie = f"jwt={older}"
    assert (await browser.call("GET", "/auth/active-sessions")).status == 200
    renewed = jwt.claims_of(browser.token)
    assert renewed is not None
    assert renewed.exp >= claims.exp
    assert renewed.session_id == claims.session_id
    assert renewed.extra == {"team": "x"}


# a token as a cookie


async def test_a_token_becomes_the_cookie_of_its_session(wire: Wire, eva: User):
    access, _ = await tokens(wire)
    browser = Browser(wire)
    assert (await browser.call("GET", "/auth/token-to-cookie", Authorization=f"Bearer {access}")).status == 200
    assert (await browser.call("GET", "/auth/active-sessions")).data["totalCount"] == 1
    await browser.call("POST", "/auth/logout")
    assert not await is_signed_in(wire, access)


@pytest.mark.parametrize(("query", "code"), [("", "BAD_REQUEST"), ("?token=x.y.z", "auth-service.403.1")])
async def test_only_a_good_token_becomes_a_cookie(wire: Wire, query: str, code: str):
    found = await Browser(wire).call("GET", f"/auth/token-to-cookie{query}")
    assert found.code == code


async def test_the_page_leads_to_our_own_sites_only(runtime: Runtime, served: Served, eva: User):
    wire = await served(configured(runtime, redirect_origins=("https://app.example.org",)))
    access, _ = await tokens(wire)
    address = f"/realms/{wire.slug}/wellbee/auth/token-to-cookie"
    for good in ("/start?a=1&b=2", "https://app.example.org/start", "http://127.0.0.1:8080/x"):
        found = await wire.http.get(address, params={"token": access, "redirect": good})
        assert found.status_code == 200
        assert "text/html" in found.headers["content-type"]
        assert found.headers["set-cookie"].startswith("jwt=")
        assert good.replace("&", "&amp;") in found.text
        wire.http.cookies.clear()
    for bad in (
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "////evil.example/x",
        "/\\evil.example",
        "javascript:alert(1)",
        "https://app.example.org.evil.example/",
        "https://app.example.org@evil.example/",
        '/"><script>alert(1)</script>\n',
    ):
        found = await wire.http.get(address, params={"token": access, "redirect": bad})
        assert found.status_code == 400, bad
        assert "set-cookie" not in found.headers


async def test_many_sign_ins_at_once_have_sessions_of_their_own(wire: Wire, eva: User):
    found = await asyncio.gather(*(by_token(wire) for _ in range(4)))
    assert len({each.data["accessToken"] for each in found}) == 4
