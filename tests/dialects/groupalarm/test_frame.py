"""Credentials, envelopes, addresses: what holds for every operation (notes, sections 2 and 3)."""

from typing import Any

import pytest

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.dialects.groupalarm import dialect
from roster.kit import secrets
from roster.storage.runtime import Runtime
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.dialects.conftest import Person as SignedIn
from tests.dialects.groupalarm import contract
from tests.dialects.groupalarm.conftest import PREFIX, Wire, refusal

UNKNOWN = (401, "unauthenticated")
BAD = (401, "invalid token")
PAGES = {each.id for each in dialect.operations if "x-page" in each.extra}


def test_every_operation_is_one_of_the_contract():
    documented = {each.id: (each.method, each.path.rstrip("/")) for each in contract.operations()}
    served = {each.id: (each.method, each.path.rstrip("/")) for each in dialect.operations if each.id not in PAGES}

    assert {id: documented.get(id) for id in served} == served


def test_the_contract_says_which_operations_are_for_people_only():
    callers = {each.id: contract.callers(each) for each in contract.operations()}

    for each in dialect.operations:
        if each.id in PAGES or each.public:
            continue
        for_people = "organization-api-token" not in (callers[each.id] or [])
        assert for_people == ("x-organisations-get" in each.extra or "x-login-only" in each.extra), each.id


@pytest.mark.parametrize(
    ("method", "path"),
    [(each.method, each.path) for each in dialect.operations if not each.public],
    ids=[each.id for each in dialect.operations if not each.public],
)
async def test_without_a_good_credential_nothing_is_served(wire: Wire, method: str, path: str, stranger: SignedIn):
    for name in ("{id}", "{userID}", "{organizationID}", "{roleID}", "{roleAccessID}", "{labelID}", "{changeID}"):
        path = path.replace(name, "7")

    assert refusal(await wire.call(method, path)) == UNKNOWN
    for headers in (
        {"Authorization": f"Bearer {stranger.access_token}"},
        {"Personal-Access-Token": "rk_" + "A" * 86},
        {"Personal-Access-Token": stranger.access_token},
        {"API-TOKEN": "5b1f"},
    ):
        refused = refusal(await wire.call(method, path, headers=headers))
        assert refused in (BAD, UNKNOWN), headers


async def test_empty_and_unknown_headers_do_not_count(wire: Wire, by_ada: Wire, ada: User):
    made = await by_ada.post("/rbac/personal-access-token", {"name": "x", "userID": 0})
    token = made.json()["token"]

    for headers in (
        {"Personal-Access-Token": token, "API-TOKEN": ""},
        {"personal-access-token": token, "Authorization": ""},
        {"PERSONAL-ACCESS-TOKEN": token, "Authorization": "Bearer ", "API-KEY": "meaningless"},
        {"Personal-Access-Token": token, "Authorization": "Basic eDp5"},
    ):
        assert (await wire.get("/user", headers=headers)).json()["id"] == ada.number
    assert refusal(await wire.get("/user", headers={"Authorization": "", "API-TOKEN": "  "})) == UNKNOWN


async def test_the_first_credential_that_says_something_decides(wire: Wire, by_ada: Wire, ada: User, account: Any):
    bo = await account()
    by_bo = await wire.logged_in(str(bo.email))
    token = (await by_bo.post("/rbac/personal-access-token", {"name": "x", "userID": 0})).json()["token"]

    both = {**by_ada.headers, "Personal-Access-Token": token, "API-TOKEN": "x"}
    assert (await wire.get("/user", headers=both)).json()["id"] == ada.number
    second = {"Personal-Access-Token": token, "API-TOKEN": "x"}
    assert (await wire.get("/user", headers=second)).json()["id"] == bo.number
    bad = {"Authorization": "Bearer a.b.c", "Personal-Access-Token": token}
    assert refusal(await wire.get("/user-settings", headers=bad)) == BAD


async def test_keys_of_programs_are_no_logins(wire: Wire, by_ada: Wire):
    token = (await by_ada.post("/rbac/personal-access-token", {"name": "x", "userID": 0})).json()["token"]

    assert refusal(await wire.by(bearer=token).get("/user-settings")) == BAD


async def test_a_jwt_that_cannot_be_read_is_told_from_one_that_is_not_good(wire: Wire, by_ada: Wire):
    """Contract, GetUser: 403 unreadable, 422 claims unreadable, 401 otherwise."""
    head, _, tail = by_ada.headers["Authorization"].removeprefix("Bearer ").split(".")

    for text in ("nonsense", "a.b", "!.!.!", f"{secrets.encode(b'[]')}.{secrets.encode(b'{}')}.x"):
        assert refusal(await wire.by(bearer=text).get("/user")) == (403, "bearer token cannot be read")
    for claims in (b"x", b"{}", b'{"sub":1}', b"\xff"):
        text = f"{head}.{secrets.encode(claims)}.{tail}"
        assert refusal(await wire.by(bearer=text).get("/user/")) == (422, "claims of the bearer token cannot be read")
        assert refusal(await wire.by(bearer=text).get("/user-settings")) == BAD


async def test_every_address_is_served_in_both_forms_without_redirect(by_ada: Wire, ada: User):
    for path in ("/user", "/user-settings", "/auth/sessions", f"/user/{ada.number}/deployment-notification"):
        for form in (path, path + "/"):
            assert (await by_ada.get(form)).status_code == 200
    assert (await by_ada.get("/user//")).status_code == 404


async def test_what_is_not_there_is_refused_in_the_envelope(by_ada: Wire):
    assert refusal(await by_ada.get("/nothing")) == (404, "unknown route")
    wrong = await by_ada.patch("/user")
    assert refusal(wrong) == (405, "method not allowed")
    assert wrong.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    large = await by_ada.put("/user-settings", {"theme": "x" * 1_100_000})
    assert refusal(large)[0] == 413


async def test_messages_are_in_the_language_of_the_person_then_of_the_client(
    by_ada: Wire, wire: Wire, runtime: Runtime, realm: Realm, ada: User
):
    path, german = "/auth/sessions/999999", {"Accept-Language": "de-AT, en;q=0.5"}
    assert (await by_ada.delete(path)).json()["message"] == "Session not found."
    assert (await by_ada.delete(path, headers=german)).json()["message"] == "Sitzung nicht gefunden."
    assert (await wire.get("/user", headers=german)).json()["message"] == "Bitte melden Sie sich an."

    await by_ada.put("/user-settings", {"language": "sv"})

    told = (await by_ada.delete(path, headers=german)).json()
    assert told == {"success": False, "message": "Sessionen hittades inte.", "error": "session not found"}
    saved = await by_ada.put("/user/", {"user": {}})
    assert saved.json()["message"] == "Sparat."


async def test_a_realm_that_is_not_there_has_nobody(wire: Wire, ada: User):
    sent = {"email": ada.email, "password": PASSWORD}
    answer = await wire.http.post(f"/realms/nowhere{PREFIX}/auth/login", data=sent)

    assert refusal(answer) == (404, "realm not found")


async def test_who_was_signed_in_elsewhere_is_signed_in_here(wire: Wire, person: SignedIn):
    """One directory: tokens of other front doors of the realm are good, but not numbered."""
    by = wire.by(bearer=person.access_token)

    assert (await by.get("/user")).json()["id"] == person.user.number
    assert refusal(await by.post("/auth/refresh")) == BAD


async def test_a_second_step_of_another_front_door_opens_nothing(wire: Wire, runtime: Runtime, realm: Realm, ada: User):
    await people.with_second_factor(runtime, Person(realm, ada))
    step = await people.begin(runtime, Person(realm, ada))

    assert refusal(await wire.by(bearer=step.proof).get("/user-settings")) == BAD


async def test_access_control_is_found_without_its_prefix_too(by_ada: Wire, ada: User):
    """Section 12: the documents' own sample leaves it out. Nothing else is found by two paths."""
    assert (await by_ada.get("/services/")).json() == (await by_ada.get("/rbac/services")).json()
    made = await by_ada.post("/personal-access-token", {"name": "x", "userID": 0})
    assert made.status_code == 201, made.text
    path = f"/personal-access-token/{made.json()['id']}"
    assert [each["id"] for each in (await by_ada.get("/rbac/personal-access-token")).json()] == [made.json()["id"]]
    assert (await by_ada.delete(path)).status_code == 200
    for slash in ("", "/"):
        assert (await by_ada.post(f"/user{slash}", {})).json() == [{"roles": [], "userID": ada.number}]
    assert (await by_ada.get("/user")).json()["id"] == ada.number
    for path in ("/rbac/rbac/services", "/rbac/organizations", "/rbac", "/", "", "//services", "/services/x"):
        assert refusal(await by_ada.get(path))[0] == 404, path
