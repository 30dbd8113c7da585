"""Logging in, refreshing, sessions and activation (notes, sections 4, 5 and 15)."""

import asyncio
from datetime import timedelta
from urllib.parse import urlencode

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.dialects.groupalarm.conftest import PREFIX, Account, Wire, done, mailed, refusal

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WRONG = (401, "bad credentials")


async def test_a_login_is_a_form_and_answers_the_whole_user(wire: Wire, ada: User):
    sent = urlencode({"email": "Ada.Muster@example.org", "password": PASSWORD, "mfa": ""})

    for path in ("/auth/login", "/auth/login/", "/auth/login?chat_token_platform=ios"):
        answer = await wire.post(path, content=sent, headers=FORM)
        assert answer.status_code == 200
        user = answer.json()
        assert user.pop("token")
        assert user.pop("registrationDate").startswith(f"{ada.created_at:%Y-%m-%d}")
        assert user == {
            "active": True,
            "availablePreference": True,
            "avatarURL": "",
            "chatToken": "",
            "editable": True,
            "email": "ada.muster@example.org",
            "id": ada.number,
            "name": "Ada",
            "pending": False,
            "surname": "Muster",
        }


async def test_a_login_in_json_or_with_too_little_is_malformed(wire: Wire, ada: User):
    assert (await wire.post("/auth/login", {"email": ada.email, "password": PASSWORD})).status_code == 400
    assert (await wire.post("/auth/login", content="email=a", headers=FORM)).status_code == 400
    assert (await wire.post("/auth/login", headers=FORM)).status_code == 400


async def test_whoever_may_not_log_in_is_told_nothing_else(wire: Wire, account: Account, ada: User):
    await account("bo@example.org", status="pending")
    await account("cy@example.org", status="disabled")

    for email, password in (
        ("ada.muster@example.org", "wrong"),
        ("bo@example.org", PASSWORD),
        ("cy@example.org", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("", ""),
    ):
        assert refusal(await wire.log_in(email, password)) == WRONG


async def test_only_a_password_logs_in(wire: Wire, runtime: Runtime, realm: Realm, ada: User, by_ada: Wire):
    made = await by_ada.post("/rbac/personal-access-token", {"name": "script", "userID": ada.number})
    _, codes = await people.with_second_factor(runtime, Person(realm, ada))

    for secret in (made.json()["token"], codes[0]):
        assert refusal(await wire.log_in(str(ada.email), secret)) == WRONG
    assert (await wire.log_in(str(ada.email), PASSWORD, mfa=codes[0])).status_code == 200


async def test_the_dialogue_of_two_factor_login(wire: Wire, runtime: Runtime, realm: Realm, ada: User):
    """Section 15: the words are exactly these, in every language, and only after the right password."""
    seed, codes = await people.with_second_factor(runtime, Person(realm, ada))
    needed = {"success": False, "message": "MFA required", "error": "MFA required"}

    first = await wire.post(
        "/auth/login", data={"email": ada.email, "password": PASSWORD}, headers={"Accept-Language": "de"}
    )
    assert (first.status_code, first.json()) == (401, needed)
    assert (await wire.log_in(str(ada.email), mfa="")).json() == needed
    assert refusal(await wire.log_in(str(ada.email), "wrong")) == WRONG
    assert refusal(await wire.log_in(str(ada.email), "wrong", mfa=people.code_of(seed))) == WRONG
    assert refusal(await wire.log_in(str(ada.email), mfa="000000")) == WRONG

    code = people.code_of(seed)
    assert (await wire.log_in(str(ada.email), mfa=code)).json()["token"]
    assert refusal(await wire.log_in(str(ada.email), mfa=code)) == WRONG
    assert (await wire.log_in(str(ada.email), mfa=codes[0])).status_code == 200
    assert refusal(await wire.log_in(str(ada.email), mfa=codes[0])) == WRONG


async def test_one_backup_code_opens_one_session_however_many_try_at_once(
    wire: Wire, runtime: Runtime, realm: Realm, ada: User
):
    _, codes = await people.with_second_factor(runtime, Person(realm, ada))

    answers = await asyncio.gather(*[wire.log_in(str(ada.email), mfa=codes[0]) for _ in range(5)])

    assert sorted(each.status_code for each in answers) == [200, 401, 401, 401, 401]


async def test_who_guesses_too_often_waits(wire: Wire, runtime: Runtime, realm: Realm, ada: User):
    """Codes count like passwords, and all of them together."""
    await people.with_second_factor(runtime, Person(realm, ada))

    answers = [await wire.log_in(str(ada.email), mfa=f"{each:06}") for each in range(11)]

    assert [each.status_code for each in answers[:10]] == [401] * 10
    assert refusal(answers[10]) == (429, "too many requests")
    assert int(answers[10].headers["retry-after"]) > 0


async def test_sessions_are_listed_with_their_numbers(wire: Wire, ada: User):
    first = await wire.logged_in(str(ada.email))
    second = await wire.logged_in(str(ada.email))

    page = (await second.get("/auth/sessions?limit=1")).json()
    rest = (await second.get("/auth/sessions/?limit=1&offset=1")).json()

    assert (page["total"], len(page["tokens"])) == (2, 1)
    assert page["tokens"][0]["id"] > rest["tokens"][0]["id"]
    assert {each: page["tokens"][0][each] for each in ("sequence", "sequenceMinimum", "isExpired", "userID")} == {
        "sequence": 0,
        "sequenceMinimum": 0,
        "isExpired": False,
        "userID": ada.number,
    }
    assert (await first.get("/auth/sessions?offset=9")).json() == {"tokens": [], "total": 2}


async def test_pages_are_bounded(by_ada: Wire):
    for query in ("limit=0", "limit=51", "limit=x", "offset=-1", "limit=1&limit=2"):
        assert (await by_ada.get(f"/auth/sessions?{query}")).status_code == 400


async def test_a_session_that_was_ended_is_over_at_once(wire: Wire, ada: User, by_ada: Wire):
    other = await wire.logged_in(str(ada.email))
    newest = (await other.get("/auth/sessions")).json()["tokens"][0]["id"]

    ended = await by_ada.delete(f"/auth/sessions/{newest}")

    assert done(ended) == "MSG_SESSION_ENDED"
    assert refusal(await other.get("/user/")) == (401, "invalid token")
    shown = (await by_ada.get("/auth/sessions")).json()["tokens"][0]
    assert shown["isExpired"]
    assert shown["sequenceMinimum"] > shown["sequence"]


async def test_sessions_of_others_and_of_nobody_are_not_there(wire: Wire, account: Account, by_ada: Wire):
    bo = await wire.logged_in(str((await account()).email))
    theirs = (await bo.get("/auth/sessions")).json()["tokens"][0]["id"]

    for id in (theirs, 999_999_999, 0, "x", 2**63):
        answer = await by_ada.delete(f"/auth/sessions/{id}")
        assert answer.status_code == 404
    assert answer.json() == {"success": False, "message": "Session not found.", "error": "session not found"}
    assert (await bo.get("/user")).status_code == 200


async def test_each_refresh_raises_the_number_and_the_one_before_stays_good_for_a_while(wire: Wire, ada: User):
    first = await wire.logged_in(str(ada.email))
    second = wire.by(bearer=(await first.post("/auth/refresh")).json()["token"])
    assert (await first.get("/user/")).status_code == 200

    third = wire.by(bearer=(await second.post("/auth/refresh")).json()["token"])

    assert refusal(await first.get("/user/")) == (401, "invalid token")
    assert (await second.get("/user/")).status_code == 200
    session = (await third.get("/auth/sessions")).json()["tokens"][0]
    assert (session["sequence"], session["sequenceMinimum"]) == (2, 1)


async def test_parallel_refreshes_get_the_same_number(by_ada: Wire):
    answers = await asyncio.gather(*[by_ada.post("/auth/refresh") for _ in range(4)])

    assert {each.status_code for each in answers} == {200}
    assert (await by_ada.get("/auth/sessions")).json()["tokens"][0]["sequence"] == 1


async def test_a_copied_jwt_ends_the_session(wire: Wire, by_ada: Wire):
    second = wire.by(bearer=(await by_ada.post("/auth/refresh")).json()["token"])
    third = wire.by(bearer=(await second.post("/auth/refresh")).json()["token"])

    assert refusal(await by_ada.post("/auth/refresh")) == (401, "invalid token")
    assert refusal(await third.get("/user/")) == (401, "invalid token")


async def test_an_expired_jwt_can_be_refreshed_while_its_session_lives(
    wire: Wire, runtime: Runtime, realm: Realm, ada: User
):
    await people.execute(
        runtime,
        "UPDATE realms SET settings = settings || jsonb_build_object('access_token_for', 1), version = version + 1"
        " WHERE id = $1",
        realm.id,
    )
    short = await wire.logged_in(str(ada.email))
    while (await short.get("/user/")).status_code == 200:
        pass

    renewed = await short.post("/auth/refresh")

    assert renewed.status_code == 200
    ended = "UPDATE sessions SET expires_at = created_at + $2 WHERE realm_id = $1"
    await people.execute(runtime, ended, realm.id, timedelta(microseconds=1))
    late = await wire.by(bearer=renewed.json()["token"]).post("/auth/refresh")
    assert refusal(late) == (401, "invalid token")


async def test_only_a_jwt_of_a_login_can_be_refreshed(wire: Wire, by_ada: Wire, ada: User):
    made = await by_ada.post("/rbac/personal-access-token", {"name": "x", "userID": ada.number})
    token = made.json()["token"]

    assert refusal(await wire.post("/auth/refresh")) == (401, "unauthenticated")
    for text in ("x", "a.b.c", token):
        assert refusal(await wire.by(bearer=text).post("/auth/refresh")) == (401, "invalid token")
    assert refusal(await wire.by(personal=token).post("/auth/refresh")) == (401, "unauthenticated")


async def test_who_logs_out_is_out(wire: Wire, by_ada: Wire, ada: User):
    made = await by_ada.post("/rbac/personal-access-token", {"name": "x", "userID": ada.number})
    personal = wire.by(personal=made.json()["token"])
    assert refusal(await personal.post("/auth/logout")) == (401, "unauthenticated")

    assert done(await by_ada.post("/auth/logout/")) == "MSG_LOGGED_OUT"

    assert refusal(await by_ada.get("/user/")) == (401, "invalid token")
    assert (await personal.get("/user/")).status_code == 200


async def test_who_is_not_active_can_log_in_and_do_little_else(wire: Wire, account: Account):
    """Section 5."""
    bo = await account("bo@example.org", email_verified=False)
    asking = await wire.logged_in("bo@example.org")

    assert (await asking.get("/user/")).json()["active"] is False
    assert done(await asking.put("/user/", {"user": {"name": "Bo"}}))
    for method, path in (
        ("GET", "/auth/sessions"),
        ("PUT", "/mfa"),
        ("GET", "/mfa/backup"),
        ("GET", "/user-settings"),
        ("GET", "/rbac/personal-access-token"),
        ("GET", f"/user/{bo.number}/deployment-notification"),
    ):
        answer = await asking.http.request(method, f"/realms/{wire.slug}{PREFIX}{path}", headers=asking.headers)
        assert refusal(answer) == (403, "account is not activated"), path


async def test_the_mailed_link_activates_once(wire: Wire, runtime: Runtime, realm: Realm, account: Account):
    await account("bo@example.org", email_verified=False)
    asking = await wire.logged_in("bo@example.org")
    assert done(await asking.post("/auth/activation")) == "MSG_ACTIVATION_SENT"
    token = await mailed(runtime, realm, "verify_email")
    used = (404, "token is unknown, used or expired")

    assert done(await wire.post(f"/auth/activation/{token}")) == "MSG_ACCOUNT_ACTIVATED"

    assert (await asking.get("/user/")).json()["active"] is True
    assert refusal(await wire.post(f"/auth/activation/{token}")) == used
    assert refusal(await wire.post("/auth/activation/a.b.c"))[0] == 400
    assert refusal(await wire.post("/auth/activation/nonsense"))[0] == 400
    assert refusal(await wire.post(f"/auth/activation/{token[:-4]}AAAA")) == used


async def test_nothing_is_mailed_to_who_is_active(by_ada: Wire, runtime: Runtime, realm: Realm):
    assert done(await by_ada.post("/auth/activation")) == "MSG_ACTIVATION_SENT"
    assert await people.links(runtime, realm, "verify_email") == []


async def test_people_see_a_page_where_the_link_leads(wire: Wire, runtime: Runtime, realm: Realm, account: Account):
    """Opening it changes nothing, since scanners of mail open links too."""
    await account("bo@example.org", email_verified=False)
    asking = await wire.logged_in("bo@example.org")
    await asking.post("/auth/activation")
    path = f"/auth/activation/{await mailed(runtime, realm, 'verify_email')}"
    browser = {"Accept": "text/html", "Accept-Language": "sv"}

    page = await wire.get(path, headers=browser)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Aktivera ditt konto" in page.text
    assert (await asking.get("/user/")).json()["active"] is False
    pressed = await wire.post(path, headers=browser)
    assert (pressed.status_code, "Ditt konto är aktivt." in pressed.text) == (200, True)
    again = await wire.post(path, headers=browser)
    assert (again.status_code, "Länken är okänd" in again.text) == (404, True)
