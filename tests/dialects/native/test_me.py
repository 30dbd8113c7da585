"""One's own account."""

import httpx
import pytest
from pyotp.totp import TOTP

from roster.core.credentials import service as credentials
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn, signed_in
from tests.dialects.native.cases import NEW_PASSWORD, PASSWORD, password_hash


async def test_a_profile_changes_in_what_is_ones_own(client: httpx.AsyncClient, person: Person):
    changed = await client.patch("/me", headers=person.bearer, json={"display_name": "Eva", "email": "eva@example.com"})
    stale = await client.patch("/me", headers={**person.bearer, "If-Match": '"0"'}, json={"display_name": "Other"})
    privileged = await client.patch("/me", headers=person.bearer, json={"status": "disabled", "tags": ["vip"]})

    assert (changed.status_code, changed.json()["display_name"]) == (200, "Eva")
    assert stale.status_code == 412
    assert {each["field"] for each in privileged.json()["problems"]} == {"status", "tags"}


async def test_custom_fields_change_only_where_their_definition_says_so(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    await client.put("/attributes/nick", headers=admin.bearer, json={"kind": "text", "writable_by": "self"})
    await client.put("/attributes/grade", headers=admin.bearer, json={"kind": "integer"})

    own = await client.patch("/me", headers=person.bearer, json={"attributes": {"nick": "E"}})
    other = await client.patch("/me", headers=person.bearer, json={"attributes": {"grade": 1}})
    by_path = await client.patch(f"/users/{person.user.id}", headers=person.bearer, json={"attributes": {"grade": 1}})

    assert own.json()["attributes"] == {"nick": "E"}
    assert (other.status_code, other.json()["problems"][0]["code"]) == (400, "not_writable")
    assert (by_path.status_code, by_path.json()["problems"][0]["code"]) == (400, "not_writable")


async def test_ones_own_id_is_no_way_to_more_rights(client: httpx.AsyncClient, person: Person):
    path = f"/users/{person.user.id}"

    for body in ({"status": "active"}, {"tags": ["vip"]}, {"email_verified": True}, {"personal_number": "1"}):
        assert (await client.patch(path, headers=person.bearer, json=body)).status_code == 403
    assigned = await client.post(f"{path}/assignments", headers=person.bearer, json={"role": "admin"})

    assert assigned.status_code in (403, 404)
    assert (await client.get("/me", headers=person.bearer)).json()["roles"] == []


@pytest.fixture
async def known(runtime: Runtime, realm: Realm, person: Person) -> Person:
    """The person with a password."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await credentials.replace_password(tx, person.user.id, password_hash())
    return person


async def test_a_new_password_takes_the_current_one_and_ends_other_sessions(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, known: Person
):
    other = await signed_in(runtime, realm, known.user)

    wrong = await client.put(
        "/me/password", headers=known.bearer, json={"password": NEW_PASSWORD, "current_password": "wrong"}
    )
    right = await client.put(
        "/me/password", headers=known.bearer, json={"password": NEW_PASSWORD, "current_password": PASSWORD}
    )

    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert right.status_code == 204
    assert (await client.get("/me", headers=known.bearer)).status_code == 200
    assert (await client.get("/me", headers=other.bearer)).status_code == 401


async def test_sessions_are_listed_and_ended_one_by_one_or_all_others(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, person: Person
):
    others = [await signed_in(runtime, realm, person.user) for _ in range(3)]
    listed = (await client.get("/me/sessions", headers=person.bearer)).json()["items"]
    ended = next(each for each in listed if not each["current"])

    assert [each["current"] for each in listed].count(True) == 1
    assert (await client.delete(f"/me/sessions/{ended['id']}", headers=person.bearer)).status_code == 204
    assert (await client.delete("/me/sessions", headers=person.bearer)).json() == {"ended": 2}
    assert (await client.get("/me", headers=person.bearer)).status_code == 200
    assert {(await client.get("/me", headers=each.bearer)).status_code for each in others} == {401}


async def test_nobody_ends_anothers_session_as_if_it_were_their_own(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    session = (await client.get("/me/sessions", headers=person.bearer)).json()["items"][0]["id"]

    response = await client.delete(f"/me/sessions/{session}", headers=admin.bearer)

    assert (response.status_code, response.json()["code"]) == (404, "session_not_found")


async def test_an_authenticator_is_set_up_used_and_removed(client: httpx.AsyncClient, known: Person):
    enrolment = await client.post("/me/totp", headers=known.bearer)
    assert enrolment.status_code == 201
    assert enrolment.json()["uri"].startswith("otpauth://totp/")
    pending = await client.get("/me/credentials", headers=known.bearer)
    wrong = await client.post("/me/totp/confirm", headers=known.bearer, json={"code": "abcdef"})
    code = TOTP(enrolment.json()["secret"]).now()
    codes = await client.post("/me/totp/confirm", headers=known.bearer, json={"code": code})

    assert [(each["kind"], each["state"]) for each in pending.json()["items"]] == [
        ("password", "active"),
        ("totp", "pending"),
    ]
    assert enrolment.json()["secret"] not in pending.text
    assert (wrong.status_code, wrong.json()["code"]) == (400, "wrong_code")
    assert len(set(codes.json()["codes"])) == 10
    step = await client.post(
        "/sign-in", json={"username": known.user.username, "password": PASSWORD, "realm": known.realm.slug}
    )
    assert step.json()["mfa_required"] is True
    renewed = await client.post("/me/backup-codes", headers=known.bearer)
    assert set(renewed.json()["codes"]).isdisjoint(codes.json()["codes"])
    assert (await client.post("/me/totp", headers=known.bearer)).json()["code"] == "second_factor_active"
    assert (await client.delete("/me/totp", headers=known.bearer)).status_code == 204
    assert (await client.delete("/me/totp", headers=known.bearer)).json()["code"] == "second_factor_missing"


async def test_confirming_nothing_is_not_found(client: httpx.AsyncClient, person: Person):
    response = await client.post("/me/totp/confirm", headers=person.bearer, json={"code": "123456"})

    assert (response.status_code, response.json()["code"]) == (404, "credential_not_found")


async def test_what_guards_an_account_takes_a_sign_in_with_more_than_a_key(client: httpx.AsyncClient, known: Person):
    key = (await client.post("/api-keys", headers=known.bearer, json={})).json()["key"]
    bearer = {"Authorization": f"Bearer {key}"}

    answers = [
        await client.post("/me/totp", headers=bearer),
        await client.post("/api-keys", headers=bearer, json={}),
        await client.put("/me/password", headers=bearer, json={"password": NEW_PASSWORD, "current_password": PASSWORD}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "step_up_required")] * 3


async def test_people_delete_their_account(client: httpx.AsyncClient, person: Person, admin: Person):
    assert (await client.delete("/me", headers=person.bearer)).status_code == 204

    assert (await client.get("/me", headers=person.bearer)).status_code == 401
    restored = await client.post(f"/users/{person.user.id}/restore", headers=admin.bearer)
    assert restored.status_code == 200


async def test_an_address_is_verified_on_demand_if_there_is_one(
    client: httpx.AsyncClient, sign_in: SignIn, person: Person, admin: Person
):
    addressed = await sign_in(email="eva@example.com", locale="de")

    nothing = await client.post("/me/verify-email", headers=person.bearer)
    sent = await client.post("/me/verify-email", headers=addressed.bearer)

    assert (nothing.status_code, nothing.json()["problems"][0]["field"]) == (400, "email")
    assert (sent.status_code, sent.content) == (202, b"")
    (message,) = (await client.get("/messages", headers=admin.bearer)).json()["items"]
    assert (message["recipient"], message["template"], message["locale"]) == ("eva@example.com", "verify_email", "de")
