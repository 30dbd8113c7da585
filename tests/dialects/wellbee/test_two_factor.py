"""Codes by text message: turning them on, signing in with them, and whoever guesses."""

import asyncio

import pytest

from roster.core.flows import login
from roster.core.flows.models import StepNeeded
from roster.core.mfa import service as mfa
from roster.core.mfa import sms
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import Answer, Wire
from tests.dialects.wellbee.signing import PASSWORD, Browser, by_cookie, by_token, is_signed_in, later, sms_code, tokens

NUMBER = "+46701234567"


async def enabled(runtime: Runtime, realm: Realm, wire: Wire) -> None:
    """Turn it on for whoever signs in as eva."""
    browser = await by_cookie(wire)
    assert (await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": NUMBER})).status == 200
    assert (await verify(browser, await sms_code(runtime, realm))).status == 200
    await later(runtime, realm, 31)


async def verify(browser: Browser, code: str) -> Answer:
    """The second step."""
    return await browser.call("POST", "/auth/verify-tfa", {"code": code})


async def begun(wire: Wire) -> Browser:
    """A browser after the first step."""
    browser = Browser(wire)
    found = await browser.call("POST", "/auth/cookie", {"username": "eva", "password": PASSWORD})
    assert found.data == {"twoFactorRequired": True, "methods": ["sms"]}
    return browser


def other(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_nothing_is_asked_for_before_the_number_is_confirmed(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    browser = await by_cookie(wire)
    await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": "+46 70-123 45 67"})
    (recipient, values) = (await people.links(runtime, realm, "sms_code"))[-1]
    assert (recipient, len(str(values["code"]))) == (NUMBER, 6)
    await by_cookie(wire)

    found = await verify(browser, str(values["code"]))

    assert (found.status, found.data["id"]) == (200, str(eva.id))
    await later(runtime, realm, 31)
    await begun(wire)


async def test_a_sign_in_by_cookie_is_finished_with_the_code(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    first = browser.token

    found = await verify(browser, await sms_code(runtime, realm))

    assert (found.status, found.data["id"]) == (200, str(eva.id))
    assert browser.token != first
    assert (await browser.call("GET", "/auth/active-sessions")).status == 200
    assert not await is_signed_in(wire, first)


async def test_a_sign_in_by_token_is_finished_with_the_code(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    step = (await by_token(wire)).data
    assert step.keys() == {"accessToken", "twoFactorRequired", "methods"}

    sent = {"code": await sms_code(runtime, realm)}
    found = await wire.by(step["accessToken"]).call("POST", "/auth/verify-tfa", sent)

    assert await is_signed_in(wire, found.data["accessToken"])
    assert len(found.data["refreshToken"]) == 36
    assert found.data["id"] == str(eva.id)


async def test_the_first_step_alone_reaches_nothing_but_the_second(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    await enabled(runtime, realm, wire)
    step = (await by_token(wire)).data["accessToken"]
    for method, path, body in (
        ("GET", "/auth/active-sessions", None),
        ("POST", "/auth/enable-tfa-sms", {"phoneNumber": NUMBER}),
        ("POST", "/auth/disable-tfa-sms", {}),
        ("GET", f"/auth/token-to-cookie?token={step}", None),
    ):
        sent = Wire(wire.http, runtime, wire.slug) if "token=" in path else wire.by(step)
        found = await sent.call(method, path, body)
        assert (found.status, found.code) == (403, "auth-service.403.1"), path
    assert (await wire.ask("auth-service.decode-token", step)).code == "auth-service.403.1"


async def test_a_sign_in_can_be_given_up(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    step = browser.cookie
    assert (await browser.call("POST", "/auth/logout")).status == 200
    assert browser.token == "deleted"
    browser.cookie = step
    assert (await verify(browser, await sms_code(runtime, realm))).code == "UNAUTHORIZED"


async def test_a_code_works_once(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    first, second = await begun(wire), await begun(wire)
    code = await sms_code(runtime, realm)
    assert (await verify(first, code)).status == 200
    found = await verify(second, code)
    assert (found.status, found.code) == (401, "UNAUTHORIZED")


async def test_of_two_who_show_a_code_at_once_one_gets_in(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    steps = [(await by_token(wire)).data["accessToken"] for _ in range(4)]
    code = await sms_code(runtime, realm)
    found = await asyncio.gather(*(wire.by(each).call("POST", "/auth/verify-tfa", {"code": code}) for each in steps))
    assert sorted(each.status for each in found) == [200, 401, 401, 401]


async def test_a_code_is_used_up_also_for_those_whose_time_is_a_moment_earlier(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    await enabled(runtime, realm, wire)
    await by_token(wire)
    code = await sms_code(runtime, realm)
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as early:
        assert early.now
        async with runtime.write(roster) as late:
            assert await sms.spend(late, eva.id, code)
        assert not await sms.spend(early, eva.id, code)


async def test_a_code_is_good_for_ten_minutes(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    await later(runtime, realm, sms.LASTING)
    assert (await verify(browser, await sms_code(runtime, realm))).code == "UNAUTHORIZED"


@pytest.mark.parametrize("is_used", [False, True])
async def test_a_code_that_was_sent_while_a_clock_was_ahead_gives_way_to_another(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, is_used: bool
):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    code = await sms_code(runtime, realm)
    if is_used:
        assert (await verify(browser, code)).status == 200
    await later(runtime, realm, -3600)
    async with runtime.write(factories.roster_in(realm)) as tx:
        assert not await sms.spend(tx, eva.id, code)
    browser = await begun(wire)
    assert (await verify(browser, await sms_code(runtime, realm))).status == 200


async def test_a_code_for_a_number_signs_nobody_in(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    assert (await verify(browser, await sms_code(runtime, realm))).status == 200
    await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": "+46701234568"})
    setting = await sms_code(runtime, realm)
    await later(runtime, realm, 31)
    step = await begun(wire)
    assert (await verify(step, setting)).code == "UNAUTHORIZED"


async def test_five_wrong_codes_end_a_code(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    code = await sms_code(runtime, realm)
    for _ in range(sms.GUESSES):
        found = await verify(browser, other(code))
        assert (found.status, found.code) == (401, "UNAUTHORIZED")
    assert (await verify(browser, code)).code == "UNAUTHORIZED"


async def test_guesses_at_once_are_no_more_than_one_after_another(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    await enabled(runtime, realm, wire)
    step = (await by_token(wire)).data["accessToken"]
    code = await sms_code(runtime, realm)
    sent = [other(code)] * 8
    found = await asyncio.gather(*(wire.by(step).call("POST", "/auth/verify-tfa", {"code": each}) for each in sent))
    assert {each.status for each in found} <= {401, 429}
    attempts = await people.value(
        runtime, "SELECT attempts FROM sms_codes WHERE realm_id = $1 AND purpose = 'sign_in'", realm.id
    )
    assert attempts == sms.GUESSES
    assert (await wire.by(step).call("POST", "/auth/verify-tfa", {"code": code})).status in (401, 429)


async def test_new_codes_do_not_bring_more_guesses_than_a_person_has(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    await enabled(runtime, realm, wire)
    found: list[str] = []
    for _ in range(5):
        first = await by_token(wire)
        found.append(first.code)
        await later(runtime, realm, 31)
        for _ in range(4):
            step = (first.data or {}).get("accessToken", "")
            answer = await wire.by(step).call("POST", "/auth/verify-tfa", {"code": "x"})
            found.append(answer.code)
    assert found.index("TOO_MANY_REQUESTS") <= runtime.settings.limits.identity_guesses


async def test_another_code_is_sent_after_half_a_minute(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    browser = await by_cookie(wire)
    await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": NUMBER})
    found = await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": NUMBER})
    assert (found.status, found.code) == (429, "TOO_MANY_REQUESTS")
    assert len(await people.links(runtime, realm, "sms_code")) == 1
    await later(runtime, realm, sms.PAUSE)
    assert (await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": NUMBER})).status == 200
    assert len(await people.links(runtime, realm, "sms_code")) == 2


async def test_signing_in_again_at_once_uses_the_code_that_was_sent(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    await enabled(runtime, realm, wire)
    await begun(wire)
    sent = await people.links(runtime, realm, "sms_code")
    browser = await begun(wire)
    assert await people.links(runtime, realm, "sms_code") == sent
    assert (await verify(browser, str(sent[-1][1]["code"]))).status == 200


async def test_nobody_gets_more_than_so_many_messages_an_hour(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    for _ in range(sms.PER_PERSON.count + 2):
        await begun(wire)
        await later(runtime, realm, 31)
        await people.execute(runtime, "DELETE FROM counters WHERE realm_id = $1 AND bucket LIKE 'sign-in:%'", realm.id)
    assert len(await people.links(runtime, realm, "sms_code")) == sms.PER_PERSON.count


async def test_the_last_code_stays_good_when_no_other_is_sent(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    """Whoever knows the password could otherwise void code after code that its owner waits for."""
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    await people.execute(
        runtime, "UPDATE counters SET spent = 10 WHERE realm_id = $1 AND bucket LIKE 'sms-codes:%'", realm.id
    )
    await later(runtime, realm, 31)
    await begun(wire)

    assert len(await people.links(runtime, realm, "sms_code")) == 2
    assert (await verify(browser, await sms_code(runtime, realm))).status == 200


@pytest.mark.parametrize("number", ["", "0701234567", "x", 1, None, "+4670123456789012345"])
async def test_codes_go_to_international_numbers(wire: Wire, eva: User, number: object):
    browser = await by_cookie(wire)
    for body in ({"phoneNumber": number}, {}, {"phoneNumber": NUMBER, "x": 1}):
        found = await browser.call("POST", "/auth/enable-tfa-sms", body)
        assert (found.status, found.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("path", ["/auth/enable-tfa-sms", "/auth/disable-tfa-sms"])
async def test_whoever_is_not_signed_in_changes_nothing(wire: Wire, path: str):
    wire.http.cookies.clear()
    assert (await wire.call("POST", path, {"phoneNumber": NUMBER})).code == "MUST_BE_LOGGED_IN"


async def test_a_code_without_a_sign_in_is_worth_nothing(wire: Wire, eva: User):
    assert (await verify(Browser(wire), "123456")).code == "UNAUTHORIZED"
    assert (await verify(await by_cookie(wire), "123456")).code == "UNAUTHORIZED"


async def test_wrong_codes_for_a_number_are_counted_too(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    browser = await by_cookie(wire)
    await browser.call("POST", "/auth/enable-tfa-sms", {"phoneNumber": NUMBER})
    code = await sms_code(runtime, realm)
    for _ in range(sms.GUESSES):
        assert (await verify(browser, other(code))).code == "UNAUTHORIZED"
    assert (await verify(browser, code)).code == "UNAUTHORIZED"


async def test_it_is_turned_off_after_a_recent_sign_in(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    await verify(browser, await sms_code(runtime, realm))
    assert (await browser.call("POST", "/auth/disable-tfa-sms", {})).status == 200
    await by_cookie(wire)
    assert [to for to, _ in await people.links(runtime, realm, "second_factor_removed")] == ["eva@example.org"]
    assert (await browser.call("POST", "/auth/disable-tfa-sms")).status == 200


async def test_a_session_that_was_left_open_does_not_turn_it_off(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    browser = await begun(wire)
    await verify(browser, await sms_code(runtime, realm))
    await people.execute(
        runtime,
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour' WHERE realm_id = $1",
        realm.id,
    )
    for body in ({}, {"password": "Wrong 4 sure"}):
        assert (await browser.call("POST", "/auth/disable-tfa-sms", body)).code == "PERMISSION_DENIED"
    sent = {"phoneNumber": "+46701234568"}
    assert (await browser.call("POST", "/auth/enable-tfa-sms", sent)).code == "PERMISSION_DENIED"
    await begun(wire)
    assert (await browser.call("POST", "/auth/disable-tfa-sms", {"password": PASSWORD})).status == 200
    await by_cookie(wire)


async def test_codes_of_an_authenticator_are_taken_as_well(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, _ = await tokens(wire)
    assert access
    async with runtime.write(factories.roster_in(realm)) as tx:
        enrolment = await mfa.enrol(tx, eva.id)
        await mfa.activate(tx, eva.id, enrolment.credential.id, people.code_of(enrolment.secret))
    step = (await by_token(wire)).data
    assert step["methods"] == ["totp"]
    code = people.code_of(enrolment.secret, 1)
    assert (await wire.by(step["accessToken"]).call("POST", "/auth/verify-tfa", {"code": code})).status == 200


async def test_it_is_asked_for_in_every_front_door(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await enabled(runtime, realm, wire)
    nobody = people.nobody(realm)
    step = await login.password(runtime, nobody, "eva", PASSWORD)
    assert isinstance(step, StepNeeded)
    assert step.factors == ("sms",)
    granted = await login.second_factor(runtime, nobody, step.proof, await sms_code(runtime, realm))
    assert granted.session.factors == ("password", "sms")
    await later(runtime, realm, 31)
    await login.password(runtime, nobody, "eva", PASSWORD)
    granted = await login.password(runtime, nobody, "eva", PASSWORD, code=await sms_code(runtime, realm))
    assert granted.session.factors == ("password", "sms")  # type: ignore[union-attr]


async def test_numbers_and_codes_are_stored_as_nobody_can_read_them(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    await enabled(runtime, realm, wire)
    await begun(wire)
    code = await sms_code(runtime, realm)
    rows = await people.value(
        runtime,
        "SELECT (SELECT string_agg(c::text, ' ') FROM sms_codes c WHERE c.realm_id = $1)"
        " || (SELECT string_agg(c::text, ' ') FROM credentials c WHERE c.realm_id = $1)",
        realm.id,
    )
    assert NUMBER.encode().hex() not in str(rows)
    assert code.encode().hex() not in str(rows)
    assert "701234567" not in str(rows)


async def test_nobody_else_turns_it_on_or_off(runtime: Runtime, realm: Realm, wire: Wire, eva: User, person: Person):
    await enabled(runtime, realm, wire)
    theirs = wire.by(person.access_token)
    await theirs.call("POST", "/auth/disable-tfa-sms", {})
    await begun(wire)
    assert (await theirs.call("POST", "/auth/verify-tfa", {"code": "123456"})).code == "UNAUTHORIZED"


async def test_a_foreign_gateway_turns_it_on_for_whoever_it_says_the_token_belongs_to(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, person: Person
):
    access, _ = await tokens(wire)
    sent = {"phoneNumber": NUMBER}
    headers = {"authorization": f"Bearer {access}"}
    subject = "http.post.auth.enable-tfa-sms"
    for user, known in ((eva.id, {}), (person.user.id, headers)):
        assert (await wire.ask(subject, sent, user=user, headers=known)).code == "PERMISSION_DENIED"
    assert (await wire.ask(subject, sent, user=eva.id, headers=headers)).status == 200
    code = {"code": await sms_code(runtime, realm)}
    assert (await wire.ask("http.post.auth.verify-tfa", code, user=eva.id, headers=headers)).status == 200


async def test_a_person_shows_what_they_are_asked_for(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, _ = await tokens(wire)
    assert "twoFactorMethods" not in (await wire.by(access).call("GET", "/me")).data
    await enabled(runtime, realm, wire)
    shown = (await wire.by(access).call("GET", "/me")).data
    assert shown["twoFactorMethods"] == ["sms"]
    assert NUMBER not in str(shown)
    changed = await wire.ask("user-service.update-user", {"id": str(eva.id), "twoFactorMethods": []})
    assert changed.data["twoFactorMethods"] == ["sms"]
