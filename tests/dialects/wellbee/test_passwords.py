"""Passwords: one's own, lost ones, and those that services set or check."""

import asyncio

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.core.tokens import proofs
from roster.core.tokens.models import Purpose
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import PREFIX, Reset, Wire
from tests.dialects.wellbee.signing import NEW_PASSWORD, PASSWORD, by_cookie, by_token, is_signed_in, tokens

WEAK = ["short1A", "alllowercase 1", "ALL UPPERCASE 1", "No digits at all", "A1" * 60, ""]


# one's own


async def test_whoever_knows_the_old_password_sets_a_new_one(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    other_access, other_refresh = await tokens(wire)
    browser = await by_cookie(wire)

    found = await browser.call("PUT", "/user/update-password", {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD})

    assert (found.status, found.data) == (202, None)
    assert (await browser.call("GET", "/auth/active-sessions")).data["totalCount"] == 1
    assert not await is_signed_in(wire, other_access)
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": other_refresh})).code == "auth-service.420.1"
    assert (await by_token(wire, password=PASSWORD)).status == 401
    assert (await by_token(wire, password=NEW_PASSWORD)).status == 200
    assert [to for to, _ in await people.links(runtime, realm, "password_changed")] == ["eva@example.org"]


async def test_a_wrong_old_password_is_a_guess(runtime: Runtime, wire: Wire, eva: User):
    access, _ = await tokens(wire)
    sent = {"oldPassword": "Wrong 4 sure", "newPassword": NEW_PASSWORD}
    for _ in range(runtime.settings.limits.identity_guesses):
        found = await wire.by(access).call("PUT", "/user/update-password", sent)
        assert (found.status, found.code) == (401, "user-service.401.3")
    assert (await wire.by(access).call("PUT", "/user/update-password", sent)).code == "TOO_MANY_REQUESTS"


@pytest.mark.parametrize("new", WEAK)
async def test_a_new_password_follows_the_rule(wire: Wire, eva: User, new: str):
    access, _ = await tokens(wire)
    sent = {"oldPassword": PASSWORD, "newPassword": new}
    found = await wire.by(access).call("PUT", "/user/update-password", sent)
    assert (found.status, found.code, found.error["title"]) == (400, "user-service.400.3", "Invalid password")


async def test_the_rules_of_the_realm_hold_besides(wire: Wire, eva: User, configured: Reset):
    configured(password_pattern=".")
    access, _ = await tokens(wire)
    for new in ("aB3", "password"):
        sent = {"oldPassword": PASSWORD, "newPassword": new}
        assert (await wire.by(access).call("PUT", "/user/update-password", sent)).code == "user-service.400.3"


@pytest.mark.parametrize(
    "body", [{}, {"oldPassword": "x"}, {"newPassword": "x"}, {"oldPassword": 1, "newPassword": "x"}]
)
async def test_both_passwords_are_needed(wire: Wire, eva: User, body: object):
    access, _ = await tokens(wire)
    assert (await wire.by(access).call("PUT", "/user/update-password", body)).code == "BAD_REQUEST"


async def test_one_must_be_logged_in(wire: Wire, eva: User):
    wire.http.cookies.clear()
    sent = {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert (await wire.call("PUT", "/user/update-password", sent)).code == "MUST_BE_LOGGED_IN"


# by services


async def test_services_change_a_password_with_the_old_one(wire: Wire, eva: User):
    access, _ = await tokens(wire)
    sent = {"id": str(eva.id), "oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert (await wire.ask("user-service.update-password", sent)).status == 202
    assert not await is_signed_in(wire, access)
    assert (await wire.ask("user-service.update-password", sent)).code == "user-service.401.3"
    sent["newPassword"] = "x"
    assert (await wire.ask("user-service.update-password", sent)).code == "user-service.400.3"


@pytest.mark.parametrize("name", ["nobody", "00000000-0000-4000-8000-000000000000"])
async def test_nobodys_password_is_changed(wire: Wire, name: str):
    sent = {"id": name, "oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    found = await wire.ask("user-service.update-password", sent)
    assert (found.status, found.code) == (403, "user-service.403.1")


async def test_services_set_a_password_by_id(wire: Wire, eva: User):
    access, refresh = await tokens(wire)
    sent = {"id": str(eva.id), "newPassword": NEW_PASSWORD}
    assert (await wire.ask("user-service.set-password", sent)).status == 202
    assert not await is_signed_in(wire, access)
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})).code == "auth-service.420.1"
    assert (await by_token(wire, password=NEW_PASSWORD)).status == 200


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"newPassword": NEW_PASSWORD}, "BAD_REQUEST"),
        ({"newPassword": NEW_PASSWORD, "id": "x", "token": "y"}, "BAD_REQUEST"),
        ({"id": "x"}, "BAD_REQUEST"),
        ({"id": "00000000-0000-4000-8000-000000000000", "newPassword": "x"}, "user-service.400.3"),
        ({"id": "00000000-0000-4000-8000-000000000000", "newPassword": NEW_PASSWORD}, "NOT_FOUND"),
        ({"id": "nobody", "newPassword": NEW_PASSWORD}, "NOT_FOUND"),
        ({"token": "a" * 64, "newPassword": NEW_PASSWORD}, "NOT_FOUND"),
        ({"token": "", "newPassword": NEW_PASSWORD}, "NOT_FOUND"),
    ],
)
async def test_services_are_told_why_no_password_was_set(wire: Wire, data: object, code: str):
    assert (await wire.ask("user-service.set-password", data)).code == code


async def test_services_check_names_and_passwords(wire: Wire, eva: User):
    sent = {"username": "EVA@example.org", "password": PASSWORD, "additionalQuery": {"team": "blue"}}
    found = await wire.ask("user-service.validate-password", sent)
    assert (found.status, found.data["id"]) == (200, str(eva.id))
    for wrong in ({"password": "Wrong 4 sure"}, {"username": "nobody"}, {"additionalQuery": {"team": "red"}}):
        found = await wire.ask("user-service.validate-password", {**sent, **wrong})
        assert (found.status, found.code) == (401, "user-service.401.3")
    found = await wire.ask("user-service.validate-password", {**sent, "additionalQuery": {"team": {"$ne": 1}}})
    assert found.code == "BAD_REQUEST"
    assert (await wire.ask("user-service.validate-password", {"username": "eva"})).code == "BAD_REQUEST"


async def test_checks_of_services_are_counted_as_guesses(runtime: Runtime, wire: Wire, eva: User):
    for _ in range(runtime.settings.limits.identity_guesses):
        await wire.ask("user-service.validate-password", {"username": "eva", "password": "Wrong 4 sure"})
    assert (await wire.ask("user-service.validate-password", {"username": "eva", "password": PASSWORD})).status == 429
    assert (await by_token(wire)).status == 429


async def test_a_check_opens_no_session(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await wire.ask("user-service.validate-password", {"username": "eva", "password": PASSWORD})
    assert await people.value(runtime, "SELECT count(*) FROM sessions WHERE realm_id = $1", realm.id) == 0


async def test_a_check_says_who_has_to_verify_their_address(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, configured: Reset
):
    configured(require_email_verification=True)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(facets={"wellbee": {"verifying": True}}))
    found = await wire.ask("user-service.validate-password", {"username": "eva", "password": PASSWORD})
    assert (found.status, found.code) == (400, "fruster-user-service.EMAIL_NOT_VERIFIED")


# lost ones


async def reset_token(runtime: Runtime, realm: Realm, wire: Wire, name: str = "eva") -> str:
    """What is in the newest message, after somebody asked for it."""
    wire.http.cookies.clear()
    assert (await wire.call("POST", "/reset-password", {"username": name})).status == 200
    return await people.mailed_token(runtime, realm, "recover_password")


async def test_a_lost_password_is_set_with_the_token_of_a_message(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    access, refresh = await tokens(wire)
    token = await reset_token(runtime, realm, wire)
    assert len(token) == 64
    assert (await wire.call("GET", f"/reset-password/{token.upper()}")).data == {"valid": True}

    found = await wire.call("PUT", "/reset-password", {"token": token, "newPassword": NEW_PASSWORD})

    assert (found.status, found.data) == (202, None)
    assert (await wire.call("GET", f"/reset-password/{token}")).data == {"valid": False}
    assert not await is_signed_in(wire, access)
    assert (await wire.call("POST", "/auth/refresh", {"refreshToken": refresh})).code == "auth-service.420.1"
    assert (await by_token(wire, password=NEW_PASSWORD)).status == 200
    assert len(await people.links(runtime, realm, "password_changed")) == 1


async def test_a_token_may_stand_in_the_path(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    token = await reset_token(runtime, realm, wire, "eva@example.org")
    assert (await wire.call("POST", f"/reset-password/{token}", {"newPassword": NEW_PASSWORD})).status == 202


async def test_a_token_works_once_and_the_newest_only(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    first = await reset_token(runtime, realm, wire)
    second = await reset_token(runtime, realm, wire)
    sent = {"token": first, "newPassword": NEW_PASSWORD}
    found = await wire.call("PUT", "/reset-password", sent)
    assert (found.status, found.code) == (400, "fruster-user-service.INVALID_TOKEN")
    sent["token"] = second
    answers = await asyncio.gather(*(wire.call("PUT", "/reset-password", sent) for _ in range(3)))
    assert sorted(each.status for each in answers) == [202, 400, 400]


async def test_a_token_lasts_an_hour(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    token = await reset_token(runtime, realm, wire)
    await people.execute(
        runtime, "UPDATE proofs SET expires_at = expires_at - interval '3601 seconds' WHERE realm_id = $1", realm.id
    )
    assert (await wire.call("GET", f"/reset-password/{token}")).data == {"valid": False}
    sent = {"token": token, "newPassword": NEW_PASSWORD}
    assert (await wire.call("PUT", "/reset-password", sent)).code == "fruster-user-service.INVALID_TOKEN"


async def test_asking_tells_nobody_who_there_is(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    off = await factories.a_person(runtime, realm, "off", email="off@example.org")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, off.id, UserChange(status="disabled"))
    await factories.a_person(runtime, realm, "unreachable")
    answers = [
        await wire.call("POST", "/reset-password", {"username": each})
        for each in ("eva", "nobody", "off", "unreachable", str(eva.id))
    ]
    assert {(each.status, each.data, each.code) for each in answers} == {(200, None, "")}
    mailed = [to for to, _ in await people.links(runtime, realm, "recover_password")]
    assert mailed.count("eva@example.org") == 1
    assert "off@example.org" not in mailed


async def test_nobody_is_flooded_with_messages(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    for _ in range(8):
        assert (await wire.call("POST", "/reset-password", {"username": "eva"})).status == 200
    mailed = [to for to, _ in await people.links(runtime, realm, "recover_password") if to == "eva@example.org"]
    assert len(mailed) == 5


@pytest.mark.parametrize("token", ["x", "a" * 64, "A" * 63 + "g", "a" * 65, "..."])
async def test_what_is_no_token_is_not_valid(wire: Wire, token: str):
    assert (await wire.call("GET", f"/reset-password/{token}")).data == {"valid": False}
    found = await wire.call("PUT", "/reset-password", {"token": token, "newPassword": NEW_PASSWORD})
    assert (found.status, found.code) == (400, "fruster-user-service.INVALID_TOKEN")


@pytest.mark.parametrize("new", WEAK)
async def test_a_reset_follows_the_rule_and_keeps_the_token(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, new: str
):
    token = await reset_token(runtime, realm, wire)
    found = await wire.call("PUT", "/reset-password", {"token": token, "newPassword": new})
    assert found.code == "user-service.400.3"
    assert (await wire.call("GET", f"/reset-password/{token}")).data == {"valid": True}


async def test_a_token_of_another_realm_or_purpose_does_not_work(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, stranger: Person
):
    token = await reset_token(runtime, realm, wire)
    other = Wire(wire.http, runtime, stranger.realm.slug)
    assert (await other.call("GET", f"/reset-password/{token}")).data == {"valid": False}
    async with runtime.write(factories.roster_in(realm)) as tx:
        verifying = await proofs.issue(tx, Purpose.VERIFY_EMAIL, eva.id, {"email": "eva@example.org"}, 60, short=True)
    assert (await wire.call("GET", f"/reset-password/{verifying}")).data == {"valid": False}
    assert (await wire.call("POST", f"/user/verify/{token}")).code == "fruster-user-service.INVALID_TOKEN"


async def test_services_reset_passwords_too(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    issued = await wire.ask("password-reset-service.generate-token", {"username": "EVA"})
    token = issued.data["token"]
    assert (await wire.ask("password-reset-service.is-token-valid", {"token": token})).data == {"valid": True}
    assert await people.links(runtime, realm, "recover_password") == []
    assert (await wire.ask("password-reset-service.request-password-reset", {"username": "eva"})).status == 200
    assert (await wire.ask("password-reset-service.is-token-valid", {"token": token})).data == {"valid": False}
    mailed = await people.mailed_token(runtime, realm, "recover_password")
    sent = {"token": mailed, "newPassword": NEW_PASSWORD}
    assert (
        await wire.ask("password-reset-service.reset-password", {**sent, "newPassword": "x"})
    ).code == "user-service.400.3"
    assert (await wire.ask("password-reset-service.reset-password", sent)).status == 202
    assert (await wire.ask("password-reset-service.reset-password", sent)).code == "fruster-user-service.INVALID_TOKEN"
    assert (await by_token(wire, password=NEW_PASSWORD)).status == 200


async def test_services_are_told_that_there_is_nobody_to_reset(wire: Wire):
    found = await wire.ask("password-reset-service.generate-token", {"username": "nobody"})
    assert (found.status, found.code) == (404, "user-service.404.1")


@pytest.mark.parametrize("subject", ["generate-token", "is-token-valid", "request-password-reset", "reset-password"])
async def test_services_say_what_they_must(wire: Wire, subject: str):
    assert (await wire.ask(f"password-reset-service.{subject}", {})).code == "BAD_REQUEST"


async def test_the_token_of_a_message_sets_a_first_password(
    runtime: Runtime, realm: Realm, wire: Wire, configured: Reset
):
    configured(send_set_password_email=True, require_names=False)
    made = await wire.ask("user-service.create-user", {"email": "new@example.org", "roles": ["user"]})
    assert made.status == 201
    token = await people.mailed_token(runtime, realm, "recover_password")
    sent = {"token": token, "newPassword": NEW_PASSWORD}
    assert (await wire.ask("user-service.set-password", sent)).status == 202
    assert (await by_token(wire, "new@example.org", NEW_PASSWORD)).status == 200
    assert (await wire.ask("user-service.set-password", sent)).code == "NOT_FOUND"


async def test_the_operators_words_are_sent(runtime: Runtime, realm: Realm, wire: Wire, eva: User, configured: Reset):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(given_name="<b>Eva</b>"))
    configured(
        password_reset_subject="For :user-firstName:",
        password_reset_message='<p>:user-firstName: :user-password::user-team: <a href="https://x.example/:token:">x</a></p>',
        password_reset_from="Us <us@example.org>",
    )
    await wire.call("POST", "/reset-password", {"username": "eva"})
    recipient, values = (await people.links(runtime, realm, "letter"))[-1]
    html = str(values["html"])
    assert (recipient, values["subject"], values["sender"]) == (
        "eva@example.org",
        "For <b>Eva</b>",
        "Us <us@example.org>",
    )
    assert html.startswith('<p>&lt;b&gt;Eva&lt;/b&gt; blue <a href="https://x.example/')
    token = html.partition("x.example/")[2][:64]
    assert (await wire.call("GET", f"/reset-password/{token}")).data == {"valid": True}


async def test_the_page_sets_a_password(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    token = await reset_token(runtime, realm, wire)
    _, values = (await people.links(runtime, realm, "recover_password"))[-1]
    address = str(values["link"])
    assert address == f"http://127.0.0.1:8080/realms/{realm.slug}{PREFIX}/set-password?token={token}"
    shown = await wire.http.get(address)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script" not in shown.text
    again = await wire.http.post(address, data={"token": token, "password": "weak"})
    assert again.status_code == 400
    done = await wire.http.post(address, data={"token": token, "password": NEW_PASSWORD})
    assert done.status_code == 200
    assert (await by_token(wire, password=NEW_PASSWORD)).status == 200
    assert (await wire.http.post(address, data={"token": token, "password": NEW_PASSWORD})).status_code == 400


async def test_a_page_shows_nothing_of_what_it_is_given(client: httpx.AsyncClient, realm: Realm):
    evil = '"><script>alert(1)</script>'
    for page in ("set-password", "verify-email"):
        shown = await client.get(f"/realms/{realm.slug}{PREFIX}/{page}", params={"token": evil})
        assert "<script>" not in shown.text
