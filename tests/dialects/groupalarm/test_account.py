"""The caller's own account: profile, settings, deployment notification, two-factor login, personal tokens."""

import asyncio
import base64
import io
import struct
import zlib

import pytest

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.dialects.groupalarm import dialect
from roster.storage.runtime import Runtime
from roster.web.access_log import AccessLog
from roster.web.mounts import Mount, Mounts
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.dialects.calling import client_of
from tests.dialects.groupalarm.conftest import PREFIX, Account, Wire, done, options, refusal

WRONG_CODE = (400, "code: the code is wrong")
AGAIN = (401, "step up required")
TOKENS = "/rbac/personal-access-token"


async def personal(by: Wire, name: str = "script") -> str:
    """A new personal token of whoever asks."""
    made = await by.post(TOKENS, {"name": name, "userID": 0})
    assert made.status_code == 201, made.text
    return made.json()["token"]


async def test_one_reads_oneself_with_and_without_slash(wire: Wire, by_ada: Wire, ada: User):
    own = by_ada.headers["Authorization"].removeprefix("Bearer ")

    for path in ("/user", "/user/"):
        answer = await by_ada.get(path)
        assert (answer.status_code, answer.json()["id"], answer.json()["token"]) == (200, ada.number, own)
    with_token = await wire.by(personal=await personal(by_ada)).get("/user")
    assert with_token.json()["token"] == ""


async def test_one_changes_name_and_wishes_and_nothing_else(by_ada: Wire, ada: User):
    body = {
        "organizationId": 0,
        "user": {
            "id": ada.number,
            "name": " Adele ",
            "surname": "",
            "editable": False,
            "availablePreference": False,
            "email": "other@example.org",
            "avatarURL": "https://example.org/a.png",
            "active": False,
            "pending": True,
            "registrationDate": None,
            "token": "x",
            "chatToken": "y",
            "unknown": {"a": 1},
        },
    }

    assert done(await by_ada.put("/user", body)) == "MSG_ENTRY_SAVED_SUCCESSFULLY"

    user = (await by_ada.get("/user/")).json()
    assert (user["name"], user["surname"], user["editable"], user["availablePreference"]) == ("Adele", "", False, False)
    assert (user["email"], user["avatarURL"], user["active"]) == ("ada.muster@example.org", "", True)
    assert done(await by_ada.put("/user/", {"user": {"surname": "Muster"}}))
    assert (await by_ada.get("/user/")).json()["name"] == "Adele"


async def test_nobody_elses_profile_is_changed_that_way(by_ada: Wire, account: Account):
    bo = await account()

    assert refusal(await by_ada.put("/user/", {"user": {"id": bo.number, "name": "X"}}))[0] == 403
    for body in ({}, {"user": []}, {"user": {"name": 7}}, {"user": {"name": "x" * 201}}, [], None):
        assert (await by_ada.put("/user/", body, headers={"Content-Type": "application/json"})).status_code == 400


async def test_a_deleted_account_is_gone(wire: Wire, by_ada: Wire):
    token = await personal(by_ada)

    assert done(await by_ada.delete("/user/")) == "MSG_USER_DELETED"

    assert (await by_ada.get("/user/")).status_code == 401
    assert (await wire.by(personal=token).get("/user/")).status_code == 401
    assert (await wire.log_in("ada.muster@example.org")).status_code == 401


async def test_settings_are_kept_as_they_are_sent(by_ada: Wire, wire: Wire):
    defaults = (await by_ada.get("/user-settings")).json()
    assert (defaults["checks"], defaults["tracking"], defaults["language"]) == ([], False, "")
    sent = {
        "checks": None,
        "language": "de",
        "theme": "dark",
        "tableConfigurations": {"members": {"activeColumns": ["name"], "pageSize": 25}},
        "dashboardConfigurations": {"main": {"quickActions": {"7": True}}},
        "newOfTheClient": {"a": [1, None]},
    }

    assert done(await by_ada.put("/user-settings/", sent)) == "MSG_ENTRY_SAVED_SUCCESSFULLY"

    assert (await by_ada.get("/user-settings")).json() == {**defaults, **sent, "checks": []}
    assert (await by_ada.delete("/auth/sessions/1")).json()["message"] == "Sitzung nicht gefunden."
    await by_ada.put("/user-settings", {"theme": "light"})
    replaced = (await by_ada.get("/user-settings")).json()
    assert (replaced["theme"], replaced["tableConfigurations"], replaced["language"]) == ("light", {}, "de")


@pytest.mark.parametrize("body", [{"checks": "x"}, {"theme": 1}, {"language": "!"}, {"more": "x" * 70_000}, []])
async def test_settings_that_cannot_be_kept_are_refused(by_ada: Wire, body: object):
    assert (await by_ada.put("/user-settings", body)).status_code == 400


async def test_the_deployment_notification_is_ones_own(by_ada: Wire, ada: User, account: Account):
    path = f"/user/{ada.number}/deployment-notification"
    empty = {"emails": [], "enabled": False, "notificationText": "", "userID": ada.number}
    assert (await by_ada.get(path)).json() == empty
    sent = {"emails": ["boss@example.org"], "enabled": True, "notificationText": "On duty."}

    assert done(await by_ada.post(path, sent)) == "MSG_ENTRY_SAVED_SUCCESSFULLY"

    assert (await by_ada.get(path)).json() == {**sent, "userID": ada.number}
    assert (await by_ada.post(path, {"emails": ["no address"]})).status_code == 400
    theirs = f"/user/{(await account()).number}/deployment-notification"
    assert refusal(await by_ada.get(theirs))[0] == 403
    assert refusal(await by_ada.post(theirs, sent))[0] == 403


async def test_two_factor_login_is_prepared_switched_on_and_off(wire: Wire, by_ada: Wire, ada: User):
    prepared = (await by_ada.put("/mfa")).json()
    assert bytes(prepared["image"]).startswith(b"\x89PNG\r\n\x1a\n")
    assert prepared["url"].startswith("otpauth://totp/")
    assert (await wire.log_in(str(ada.email))).status_code == 200
    assert refusal(await by_ada.post("/mfa?code=000000")) == WRONG_CODE
    code = people.code_of(prepared["secret"])

    assert done(await by_ada.post(f"/mfa?code={code}")) == "MSG_MFA_ENABLED"

    assert refusal(await wire.log_in(str(ada.email))) == (401, "MFA required")
    assert refusal(await by_ada.put("/mfa")) == (400, "second factor active")
    assert refusal(await by_ada.post(f"/mfa?code={code}")) == (400, "second factor active")
    assert refusal(await by_ada.delete(f"/mfa?code={code}")) == WRONG_CODE
    assert done(await by_ada.delete(f"/mfa?code={people.code_of(prepared['secret'], 1)}")) == "MSG_MFA_DISABLED"
    assert (await wire.log_in(str(ada.email))).status_code == 200
    assert refusal(await by_ada.delete("/mfa?code=123456")) == (400, "second factor missing")
    assert refusal(await by_ada.post("/mfa?code=123456")) == (400, "second factor not prepared")


async def test_preparing_again_makes_another_secret(by_ada: Wire):
    first, second = (await by_ada.put("/mfa")).json()["secret"], (await by_ada.put("/mfa/")).json()["secret"]

    assert first != second
    assert refusal(await by_ada.post(f"/mfa?code={people.code_of(first)}")) == WRONG_CODE
    assert done(await by_ada.post(f"/mfa?code={people.code_of(second)}"))


async def test_the_picture_shows_the_address_of_the_secret(by_ada: Wire, runtime: Runtime):
    with options(runtime, mfa_image="base64"):
        text = (await by_ada.put("/mfa")).json()["image"]
    picture = base64.b64decode(text, validate=True)

    width, height = struct.unpack(">II", picture[16:24])
    assert width == height > 100
    start = picture.index(b"IDAT")
    (length,) = struct.unpack(">I", picture[start - 4 : start])
    assert zlib.decompress(picture[start + 4 : start + 4 + length])


async def test_ten_backup_codes_are_made_anew_each_time(wire: Wire, by_ada: Wire, ada: User):
    assert refusal(await by_ada.get("/mfa/backup")) == (400, "second factor missing")
    secret = (await by_ada.put("/mfa")).json()["secret"]
    await by_ada.post(f"/mfa?code={people.code_of(secret)}")
    first = await by_ada.get("/mfa/backup")
    codes = (await by_ada.get("/mfa/backup/")).json()["backupCodes"]

    assert first.headers["cache-control"] == "no-store"
    assert len(set(codes) | set(first.json()["backupCodes"])) == 20
    assert (await wire.log_in(str(ada.email), mfa=first.json()["backupCodes"][0])).status_code == 401
    assert (await wire.log_in(str(ada.email), mfa=codes[0])).status_code == 200
    assert done(await by_ada.delete(f"/mfa?code={codes[1]}")) == "MSG_MFA_DISABLED"


async def test_a_backup_code_switches_off_once_however_many_try_at_once(
    by_ada: Wire, runtime: Runtime, realm: Realm, ada: User
):
    _, codes = await people.with_second_factor(runtime, Person(realm, ada))

    answers = await asyncio.gather(*[by_ada.delete(f"/mfa?code={codes[0]}") for _ in range(4)])

    assert sorted(each.status_code for each in answers) == [200, 400, 400, 400]


async def test_codes_are_not_guessed_where_they_are_switched(by_ada: Wire, wire: Wire, ada: User):
    await by_ada.put("/mfa")

    answers = [await by_ada.post(f"/mfa?code={each:06}") for each in range(11)]

    assert [each.status_code for each in answers[-2:]] == [400, 429]
    assert (await wire.log_in(str(ada.email))).status_code == 429


async def test_the_operator_may_want_a_login_where_the_account_is_decided_about(
    wire: Wire, by_ada: Wire, runtime: Runtime, realm: Realm
):
    """Section 3: a personal token alone may switch two-factor login, unless the operator says otherwise."""
    by_token = wire.by(personal=await personal(by_ada))
    decisions = [("PUT", "/mfa"), ("POST", "/mfa?code=1"), ("GET", "/mfa/backup"), ("DELETE", "/user")]

    with options(runtime, account_needs_login=True):
        for method, path in decisions:
            assert refusal(await by_token.call(method, path)) == AGAIN
        assert refusal(await by_token.post(TOKENS, {"name": "more", "userID": 0})) == AGAIN
        assert (await by_ada.put("/mfa")).status_code == 200
        old = "UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour' WHERE realm_id = $1"
        await people.execute(runtime, old, realm.id)
        for method, path in decisions:
            assert refusal(await by_ada.call(method, path)) == AGAIN
    assert (await by_ada.put("/mfa")).status_code == 200
    assert done(await by_token.delete("/user")) == "MSG_USER_DELETED"


async def test_codes_and_tokens_stay_out_of_the_access_log(runtime: Runtime, realm: Realm, by_ada: Wire):
    written = io.BytesIO()
    log = AccessLog(written)  # type: ignore[arg-type]
    app = Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], access_log=log)
    async with client_of(app) as client:
        at = f"/realms/{realm.slug}{PREFIX}"
        await client.post(f"{at}/mfa?code=492039", headers=by_ada.headers)
        await client.delete(f"{at}/mfa?code=492040", headers=by_ada.headers)
        await client.post(f"{at}/auth/activation/very.secret.token")
        await client.post(f"{at}/auth/login", data={"email": "a@example.org", "password": PASSWORD, "mfa": "492041"})
    log.flush()
    told = written.getvalue().decode()

    assert told.count("\n") == 4
    for secret in ("49203", "49204", "very.secret", PASSWORD, by_ada.headers["Authorization"][7:]):
        assert secret not in told


async def test_personal_tokens_are_made_listed_renewed_and_deleted(wire: Wire, by_ada: Wire, ada: User):
    made = (await by_ada.post(TOKENS, {"name": "script", "userID": ada.number})).json()
    assert len(made["token"]) >= 32
    assert (await by_ada.get(TOKENS)).json() == [{**made, "token": ""}]
    assert (await wire.by(personal=made["token"]).get("/user/")).json()["id"] == ada.number

    renewed = await by_ada.post(f"{TOKENS}/{made['id']}")

    assert renewed.json() == {**made, "token": renewed.json()["token"]}
    assert (await wire.by(personal=made["token"]).get("/user/")).status_code == 401
    by_new = wire.by(personal=renewed.json()["token"])
    assert (await by_new.get("/user/")).status_code == 200
    assert done(await by_new.delete(f"{TOKENS}/{made['id']}/")) == "MSG_ENTRY_DELETED_SUCCESSFULLY"
    assert (await by_new.get("/user/")).status_code == 401
    assert (await by_ada.get(TOKENS)).json() == []


async def test_personal_tokens_of_others_are_not_there(wire: Wire, by_ada: Wire, account: Account):
    bo = await account()
    by_bo = await wire.logged_in(str(bo.email))
    theirs = (await by_bo.post(TOKENS, {"name": "script", "userID": bo.number})).json()["id"]

    for id in (theirs, 999_999, "x"):
        assert refusal(await by_ada.post(f"{TOKENS}/{id}"))[0] == 404
        assert refusal(await by_ada.delete(f"{TOKENS}/{id}"))[0] == 404
    assert (await by_ada.post(TOKENS, {"name": "x", "userID": bo.number})).status_code == 400
    for body in ({}, {"name": ""}, {"name": "x" * 201}):
        assert (await by_ada.post(TOKENS, body)).status_code == 400
