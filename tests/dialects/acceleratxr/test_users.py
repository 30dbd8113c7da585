"""Users: registration, reading by reader, changing, deleting, recovering, verifying (notes, sections 2 and 3)."""

from typing import Any

import pytest

from roster.core.audit import service as audit
from roster.core.realms.models import Realm
from roster.kit import ids
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.acceleratxr.conftest import Register, Wire, mailed, options, refusal, uid
from tests.dialects.conftest import Person, SignIn

BASE = {"uid", "dateCreated", "dateModified", "version", "name"}
ALL = BASE | {"email", "firstName", "lastName", "phone", "roles", "externalIds", "verified"}
JANE = {"name": "jdoe", "email": "jane.doe@example.org", "firstName": "Jane", "lastName": "Doe"}


# registering


async def test_registering_answers_with_a_token_and_the_user_of_the_documented_example(wire: Wire) -> None:
    made = await wire.post("/users", JANE)

    assert made.status_code == 201
    token, user = made.json()["token"], made.json()["user"]
    assert ids.parse(user["uid"]).version == 4  # type: ignore[union-attr]
    assert user["dateCreated"] == user["dateModified"]
    assert user["dateCreated"].endswith("Z")
    assert len(user["dateCreated"]) == len("2026-01-05T08:30:00.000Z")
    stable = {name: value for name, value in user.items() if name not in ("uid", "dateCreated", "dateModified")}
    assert stable == {
        **JANE,
        "version": 0,
        "phone": "",
        "roles": [],
        "externalIds": [],
        "verified": False,
    }
    assert (await wire.get("/users/me", token=token)).json() == user


async def test_the_body_of_the_seed_is_taken_and_its_roles_and_external_ids_claim_nothing(
    wire: Wire, runtime: Runtime, realm: Realm
) -> None:
    await factories.a_role(runtime, realm, "string")
    body = {
        "name": "string",
        "email": "jsmith@gmail.com",
        "firstName": "string",
        "lastName": "string",
        "phone": "+1 (818) 867-5309",
        "roles": ["string", "admin"],
        "externalIds": ["google:1"],
        "verified": True,
    }

    made = await wire.post("/users", body)

    user = made.json()["user"]
    assert (user["roles"], user["externalIds"], user["verified"]) == ([], [], False)
    assert user["phone"] == "+1 (818) 867-5309"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "jdoe", "email": "other@example.org"},
        {"name": "JDoe", "email": "other@example.org"},
        {"name": "other", "email": "Jane.Doe@Example.org"},
        {"name": "jane.doe@example.org", "email": "other@example.org"},
    ],
    ids=["name", "name in another case", "address in another case", "address as a name"],
)
async def test_an_identifier_of_somebody_else_is_taken(wire: Wire, jane: Person, body: dict[str, str]) -> None:
    assert refusal(await wire.post("/users", body)) == (400, "api-011")


@pytest.mark.parametrize("name", ["me", "Count", "anonymous", "0190b7a4-7b1f-7cc3-8c6c-1a2b3c4d5e6f", "a/b"])
async def test_names_that_mean_something_else_in_paths_are_refused(wire: Wire, name: str) -> None:
    assert refusal(await wire.post("/users", {"name": name, "email": "x@example.org"})) == (400, "api-003")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"email": "x@example.org"},
        {"name": "x", "email": "no address"},
        {"name": "x", "email": ""},
        {"name": "", "email": "x@example.org"},
        {"name": "x", "email": "x@example.org", "phone": "call me"},
        {"name": 1, "email": "x@example.org"},
        {"name": "x", "email": "x@example.org", "roles": "admin"},
        [{"name": "x", "email": "x@example.org"}],
    ],
)
async def test_what_is_no_user_is_refused(wire: Wire, body: object) -> None:
    assert refusal(await wire.post("/users", body)) == (400, "api-003")


async def test_a_signed_in_user_may_create_others_and_gets_no_token(wire: Wire, jane: Person) -> None:
    made = await wire.post("/users", {"name": "other", "email": "o@example.org", "roles": ["admin"]}, by=jane)

    assert (made.status_code, made.json()["token"]) == (201, "")
    assert made.json()["user"]["roles"] == []


async def test_a_trusted_caller_decides_about_roles_external_ids_and_verification(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
) -> None:
    await factories.a_role(runtime, realm, "editors")
    body = {**JANE, "roles": ["editors"], "externalIds": ["google:117"], "verified": True}

    made = await wire.post("/users", body, by=admin)

    user = made.json()["user"]
    assert (user["roles"], user["externalIds"], user["verified"]) == (["editors"], ["google:117"], True)
    assert await people.links(runtime, realm, "verify_email") == []
    again = {"name": "other", "email": "o@example.org", "externalIds": ["google:117"]}
    assert refusal(await wire.post("/users", again, by=admin)) == (400, "api-011")
    assert refusal(await wire.post("/users", {**again, "externalIds": ["nothing"]}, by=admin)) == (400, "api-003")
    assert refusal(await wire.post("/users", {**again, "roles": ["unknown"]}, by=admin)) == (400, "api-003")


async def test_a_realm_can_close_registration(client: Any, runtime: Runtime) -> None:
    closed = await factories.a_realm(runtime, self_registration=False)

    assert refusal(await Wire(client, closed.slug).post("/users", JANE)) == (403, "api-102")


# reading


async def test_a_user_and_a_trusted_caller_see_everything_others_only_the_base_and_the_name(
    wire: Wire, jane: Person, john: Person, admin: Person
) -> None:
    path = f"/users/{uid(jane)}"

    own, trusted, other = [(await wire.get(path, by=each)).json() for each in (jane, admin, john)]

    assert own.keys() == trusted.keys() == ALL
    assert own == trusted
    assert other == {name: own[name] for name in BASE}


async def test_lists_show_each_user_as_the_reader_may_see_them(
    wire: Wire, jane: Person, john: Person, admin: Person
) -> None:
    for_john = {each["name"]: each for each in (await wire.get("/users", by=john)).json()}
    for_admin = (await wire.get("/users", by=admin)).json()

    assert for_john["john"].keys() == ALL
    assert for_john["jdoe"].keys() == BASE
    assert all(each.keys() >= BASE | {"roles", "verified"} for each in for_admin)


@pytest.mark.parametrize("form", ["uid", "UID", "stored", "jdoe", "JDOE", "Jane.Doe@example.ORG", "+1 212 555 0147"])
async def test_every_identifier_finds_the_user_without_regard_to_case(wire: Wire, jane: Person, form: str) -> None:
    named = {"uid": uid(jane), "UID": uid(jane).upper(), "stored": str(jane.user.id)}.get(form, form)

    found = await wire.get(f"/users/{named.replace('@', '%40').replace(' ', '%20').replace('+', '%2B')}", by=jane)

    assert found.json()["name"] == "jdoe"


async def test_me_is_the_caller_in_any_case(wire: Wire, jane: Person) -> None:
    assert (await wire.get("/users/me", by=jane)).json() == (await wire.get("/users/ME", by=jane)).json()
    assert (await wire.get("/users/me", by=jane)).json()["name"] == "jdoe"


async def test_nobody_has_no_me(wire: Wire) -> None:
    for method in ("GET", "PUT", "DELETE"):
        json = JANE if method == "PUT" else None
        assert refusal(await wire.call(method, "/users/me", json=json)) == (403, "api-015")
    assert refusal(await wire.get("/users/me/secrets")) == (403, "api-015")


async def test_who_is_not_there_is_not_found(wire: Wire, jane: Person, admin: Person) -> None:
    for named in ("nobody", "4b2f0c5e-7a10-4c3b-9a55-0d2f6a4b8c11", "%00"):
        assert refusal(await wire.get(f"/users/{named}", by=jane)) == (404, "api-010")
    await wire.delete(f"/users/{uid(jane)}", by=admin)
    assert refusal(await wire.get(f"/users/{uid(jane)}", by=admin)) == (404, "api-010")


async def test_without_the_right_to_read_nobody_can_be_told_from_somebody(
    wire: Wire, jane: Person, john: Person, admin: Person
) -> None:
    records = [{"userOrRoleId": ".*", "create": True, "read": False}]
    await wire.put("/acls/User", {"uid": "User", "records": records}, by=admin)

    answers = [refusal(await wire.get(f"/users/{named}", by=john)) for named in ("jdoe", "nobody")]

    assert answers == [(403, "api-102")] * 2
    assert (await wire.get("/users/me", by=john)).status_code == 200
    assert refusal(await wire.get("/users", by=john)) == (403, "api-102")


async def test_other_realms_users_are_not_found(wire: Wire, stranger: Person, jane: Person, client: Any) -> None:
    elsewhere = Wire(client, stranger.realm.slug)

    assert refusal(await elsewhere.get(f"/users/{uid(jane)}", by=stranger)) == (404, "api-010")
    assert refusal(await wire.get(f"/users/{uid(jane)}", by=stranger)) == (401, "api-101")


async def test_reading_a_user_or_a_page_of_them_takes_three_statements(wire: Wire, jane: Person, admin: Person) -> None:
    """The user, roles, external ids; who asks, grants, lists and the realm are remembered."""
    for path, by in ((f"/users/{uid(jane)}", jane), (f"/users/{uid(jane)}", admin), ("/users?limit=5", admin)):
        await wire.get(path, by=by)
        with people.counting() as sent:
            await wire.get(path, by=by)
        assert len(sent) == 3, sent


# counting


async def test_counting_is_for_those_who_may_read_unless_a_setting_opens_it(
    wire: Wire, runtime: Runtime, jane: Person, john: Person
) -> None:
    assert (await wire.get("/users/count", by=jane)).json() == {"count": 2}
    assert refusal(await wire.get("/users/count")) == (403, "api-102")
    with options(runtime, anonymous_count=True):
        assert (await wire.get("/users/count")).json() == {"count": 2}
        assert (await wire.get("/users/count?name=jdoe")).json() == {"count": 1}
        assert refusal(await wire.get("/users/count?email=like(x)")) == (403, "api-102")
        assert refusal(await wire.get("/users")) == (401, "api-100")


# changing


async def test_changing_the_same_version_twice_is_refused_as_in_the_example(wire: Wire, jane: Person) -> None:
    body = {**JANE, "version": 0, "lastName": "Smith", "phone": "+1 212 555 0147"}

    first = await wire.put("/users/jdoe", body, by=jane)
    second = await wire.put("/users/jdoe", body, by=jane)

    assert first.json()["version"] == 1
    assert first.json()["lastName"] == "Smith"
    assert first.json()["dateModified"] > first.json()["dateCreated"]
    assert second.json() == {"code": "api-012", "status": 409, "message": "The version is not the stored one."}


async def test_without_version_and_uid_a_change_is_taken(wire: Wire, jane: Person) -> None:
    assert (await wire.put("/users/me", JANE, by=jane)).json()["version"] == 1
    assert (await wire.put("/users/me", JANE, by=jane)).json()["version"] == 2


async def test_the_uid_in_the_body_must_be_that_of_the_path(wire: Wire, jane: Person, john: Person) -> None:
    assert (await wire.put("/users/me", {**JANE, "uid": uid(jane)}, by=jane)).status_code == 200
    assert (await wire.put("/users/me", {**JANE, "uid": str(jane.user.id)}, by=jane)).status_code == 200
    for wrong in (uid(john), "jdoe"):
        assert refusal(await wire.put("/users/me", {**JANE, "uid": wrong}, by=jane)) == (400, "api-013")


async def test_members_left_out_get_their_default_but_roles_external_ids_and_verified_stay(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
) -> None:
    await factories.a_role(runtime, realm, "editors")
    extra = {"phone": "+1 212 555 0147", "roles": ["editors"], "externalIds": ["google:1"], "verified": True}
    await wire.post("/users", {**JANE, **extra}, by=admin)

    changed = await wire.put("/users/jdoe", {"name": "jdoe", "email": JANE["email"]}, by=admin)

    user = changed.json()
    assert (user["firstName"], user["lastName"], user["phone"]) == ("", "", "")
    assert (user["roles"], user["externalIds"], user["verified"]) == (["editors"], ["google:1"], True)


async def test_roles_external_ids_and_verified_are_decided_by_trusted_callers_only(
    wire: Wire, jane: Person, admin: Person, runtime: Runtime, realm: Realm
) -> None:
    await factories.a_role(runtime, realm, "editors")
    body = {**JANE, "roles": ["editors"], "externalIds": ["google:1"], "verified": True}

    own = (await wire.put("/users/me", body, by=jane)).json()
    trusted = (await wire.put("/users/jdoe", body, by=admin)).json()
    none = (await wire.put("/users/jdoe", {**body, "roles": [], "externalIds": ["twitter:2"]}, by=admin)).json()

    assert (own["roles"], own["externalIds"], own["verified"]) == ([], [], False)
    assert (trusted["roles"], trusted["externalIds"], trusted["verified"]) == (["editors"], ["google:1"], True)
    assert (none["roles"], none["externalIds"]) == ([], ["twitter:2"])


async def test_a_changed_address_must_be_verified_anew_also_when_an_earlier_one_comes_back(
    wire: Wire, jane: Person, admin: Person, runtime: Runtime, realm: Realm
) -> None:
    await wire.put("/users/jdoe", {**JANE, "verified": True}, by=admin)

    for address in ("new@example.org", JANE["email"]):
        changed = (await wire.put("/users/me", {**JANE, "email": address}, by=jane)).json()
        assert (changed["email"], changed["verified"]) == (address, False)
        assert (await people.links(runtime, realm, "verify_email"))[-1][0] == address
    await wire.put("/users/me", {**JANE, "firstName": "J."}, by=jane)
    assert len(await people.links(runtime, realm, "verify_email")) == 2


async def test_only_the_user_and_trusted_callers_change_and_delete(
    wire: Wire, jane: Person, john: Person, admin: Person
) -> None:
    assert refusal(await wire.put("/users/jdoe", JANE, by=john)) == (403, "api-102")
    assert refusal(await wire.delete("/users/jdoe", by=john)) == (403, "api-102")
    assert (await wire.put("/users/jdoe", JANE, by=admin)).status_code == 200

    assert (await wire.delete("/users/jdoe", by=jane)).status_code == 200
    assert (await wire.delete("/users/john", by=admin)).content == b""
    assert refusal(await wire.get("/users/me", by=jane)) == (401, "api-101")


async def test_a_taken_identifier_is_refused_in_a_change_too(wire: Wire, jane: Person, john: Person) -> None:
    assert refusal(await wire.put("/users/me", {**JANE, "name": "John"}, by=jane)) == (400, "api-011")
    assert refusal(await wire.put("/users/me", {**JANE, "email": "JOHN@example.org"}, by=jane)) == (400, "api-011")


async def test_the_last_administrator_stays(wire: Wire, admin: Person) -> None:
    assert refusal(await wire.delete("/users/me", by=admin)) == (403, "api-102")


# deleting many


async def test_deleting_many_users_is_off_unless_configured(wire: Wire, admin: Person) -> None:
    assert refusal(await wire.delete("/users", by=admin)) == (403, "api-102")


async def test_deleting_many_users_keeps_the_caller_and_whom_the_criteria_leave_out(
    wire: Wire, admin: Person, sign_in: SignIn, runtime: Runtime, realm: Realm
) -> None:
    await sign_in(username="keep-1")
    gone = [await sign_in(username=f"gone-{number}") for number in range(3)]
    second = await sign_in(roles=("admin",), username="gone-admin")

    with options(runtime, truncate_allowed=True):
        answer = await wire.delete("/users?name=like(GONE-)", by=admin)

    assert (answer.status_code, answer.content) == (200, b"")
    names = {each["name"] for each in (await wire.get("/users", by=admin)).json()}
    assert names == {admin.user.username, "keep-1"}
    assert refusal(await wire.get("/users/me", by=gone[0])) == (401, "api-101")
    async with runtime.read(factories.roster_in(realm)) as tx:
        trail = await audit.of_subject(tx, second.user.id, 5)
    assert trail[0].action == "user.deleted"
    with options(runtime, truncate_allowed=True):
        assert (await wire.delete("/users", by=admin)).status_code == 200
    assert [each["name"] for each in (await wire.get("/users", by=admin)).json()] == [admin.user.username]


async def test_deleting_many_users_is_for_trusted_callers_and_takes_no_page(
    wire: Wire, admin: Person, jane: Person, runtime: Runtime
) -> None:
    with options(runtime, truncate_allowed=True):
        assert refusal(await wire.delete("/users", by=jane)) == (403, "api-102")
        assert refusal(await wire.delete("/users?limit=1", by=admin)) == (400, "api-003")
        assert refusal(await wire.delete("/users?nothing=1", by=admin)) == (400, "api-003")
    assert (await wire.get("/users/count", by=admin)).json() == {"count": 2}


# recovering


async def test_recovery_answers_the_same_for_everybody_and_mails_those_who_are_there(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    for named in ("jane.doe%40example.org", "JDOE", uid(jane), "nobody", "me", "%2B1%20212%20555%200147"):
        answer = await wire.get(f"/users/{named}/recover")
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await wire.get("/users/me/recover", by=jane)).status_code == 200

    sent = await people.links(runtime, realm, "recover_password")
    assert [recipient for recipient, _ in sent] == [JANE["email"]] * 5


async def test_a_recovery_token_sets_the_password_once_and_is_good_for_nothing_else(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await wire.get("/users/jdoe/recover")
    token = await mailed(runtime, realm, "recover_password")

    assert refusal(await wire.get("/users/me", token=token)) == (401, "api-101")
    assert refusal(await wire.get("/users/me/verify", token=token, headers=JSON)) == (401, "api-101")
    done = await wire.put("/users/me/secrets/password", {"secret": "staple of another kind"}, token=token)
    assert (done.status_code, done.json()["type"]) == (200, "password")
    assert (await wire.sign_in("jdoe", "staple of another kind")).status_code == 200
    again = await wire.put("/users/me/secrets/password", {"secret": "a third secret"}, token=token)
    assert refusal(again) == (401, "api-101")


async def test_a_recovery_token_is_for_its_own_user(
    wire: Wire, jane: Person, john: Person, runtime: Runtime, realm: Realm
) -> None:
    await wire.get("/users/jdoe/recover")
    token = await mailed(runtime, realm, "recover_password")

    for named in ("john", uid(john), "nobody"):
        answer = await wire.put(f"/users/{named}/secrets/password", {"secret": "staple of another kind"}, token=token)
        assert refusal(answer) == (403, "api-102")
    for body in ({"type": "apikey"}, {"type": "mfa"}):
        assert refusal(await wire.post("/users/jdoe/secrets", body, token=token)) == (403, "api-102")
    assert (
        await wire.put(f"/users/{uid(jane)}/secrets/password", {"secret": "staple of another kind"}, token=token)
    ).is_success


async def test_the_link_of_a_recovery_mail_leads_to_a_page_that_sets_the_password(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await wire.get("/users/jdoe/recover")
    link = str((await people.links(runtime, realm, "recover_password"))[-1][1]["link"])

    page = await wire.http.get(link, headers=HTML)
    short = await wire.http.post(link, data={"secret": "short"}, headers=HTML)
    done = await wire.http.post(link, data={"secret": "staple of another kind"}, headers=HTML)
    again = await wire.http.post(link, data={"secret": "staple of another kind"}, headers=HTML)

    assert '<form method="post">' in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert (short.status_code, done.status_code, again.status_code) == (400, 200, 401)
    assert (await wire.sign_in("jdoe", "staple of another kind")).status_code == 200
    assert len(await people.links(runtime, realm, "recover_password")) == 1


# verifying

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_a_browser_sees_a_page_and_the_button_verifies(
    wire: Wire, register: Register, runtime: Runtime, realm: Realm
) -> None:
    made = await register("jdoe")
    link = str((await people.links(runtime, realm, "verify_email"))[-1][1]["link"])

    page = await wire.http.get(link, headers=HTML)
    scanned = await wire.http.get(link, headers={"Accept": "*/*"})
    before = (await wire.get("/users/me", token=made["token"])).json()["verified"]
    pressed = await wire.http.post(link, headers=HTML)
    again = await wire.http.post(link, headers=HTML)

    assert '<form method="post">' in page.text
    assert page.text == scanned.text
    assert before is False
    assert "confirmed" in pressed.text
    assert again.status_code == 401
    assert (await wire.get("/users/me", token=made["token"])).json()["verified"] is True


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_programs_verify_at_once(
    wire: Wire, register: Register, runtime: Runtime, realm: Realm, method: str
) -> None:
    made = await register("jdoe")
    token = await mailed(runtime, realm, "verify_email")
    path = f"/users/{made['user']['uid']}/verify"

    verified = await wire.call(method, f"{path}?jwt_token={token}", headers=JSON)
    again = await wire.call(method, path, token=token, headers=JSON)

    assert verified.json() == {
        **made["user"],
        "verified": True,
        "version": 1,
        "dateModified": verified.json()["dateModified"],
    }
    assert refusal(again) == (401, "api-101")


async def test_verification_takes_the_token_of_that_user_and_no_other_token(
    wire: Wire, register: Register, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    made = await register("newcomer")
    token = await mailed(runtime, realm, "verify_email")

    assert refusal(await wire.post("/users/newcomer/verify")) == (401, "api-100")
    assert refusal(await wire.post("/users/newcomer/verify", token=made["token"])) == (401, "api-101")
    for named in ("jdoe", "nobody"):
        assert refusal(await wire.post(f"/users/{named}/verify", token=token)) == (404, "api-010")
    assert refusal(await wire.get("/users/me", token=token)) == (401, "api-101")
    assert (await wire.post("/users/me/verify", token=token)).status_code == 200


async def test_a_verification_token_is_void_once_the_address_is_another(
    wire: Wire, register: Register, runtime: Runtime, realm: Realm
) -> None:
    made = await register("jdoe")
    token = await mailed(runtime, realm, "verify_email")
    await wire.put("/users/me", {"name": "jdoe", "email": "another@example.org"}, token=made["token"])

    assert refusal(await wire.post("/users/me/verify", token=token)) == (401, "api-101")
