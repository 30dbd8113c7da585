"""Secrets: creating, showing once, changing, deleting, the second factor (notes, section 7)."""

from typing import Any

import pytest

from roster.core.realms.models import Realm
from roster.kit import ids
from roster.storage.runtime import Runtime
from tests.core import people
from tests.dialects.acceleratxr.conftest import PASSWORD, Register, Wire, refusal, uid
from tests.dialects.conftest import Person, SignIn

BASE = {"uid", "dateCreated", "dateModified", "version", "userId", "type"}


async def create(wire: Wire, by: Person, **body: object) -> dict[str, Any]:
    made = await wire.post("/users/me/secrets", body, by=by)
    assert made.status_code == 200, made.text
    return made.json()


async def test_the_token_of_a_registration_sets_the_first_password_as_in_the_example(
    wire: Wire, register: Register
) -> None:
    made = await register("jdoe")

    body = {"type": "password", "secret": PASSWORD}
    answer = await wire.post("/users/me/secrets", body, token=made["token"])
    second = await wire.post("/users/me/secrets", body, token=made["token"])

    assert answer.status_code == 200
    secret = answer.json()
    assert secret.keys() == BASE
    assert (secret["version"], secret["userId"], secret["type"]) == (0, made["user"]["uid"], "password")
    assert ids.parse(secret["uid"]).version == 4  # type: ignore[union-attr]
    assert refusal(second) == (400, "api-011")
    assert (await wire.sign_in("jdoe", PASSWORD)).status_code == 200


async def test_an_api_key_is_shown_once_and_signs_in(wire: Wire, jane: Person) -> None:
    made = await create(wire, jane, type="apikey", description="my robot")
    chosen = await create(wire, jane, type="apikey", secret="a key of my own making")

    assert made.keys() == BASE | {"secret", "description"}
    assert chosen["secret"] == "a key of my own making"
    assert (await wire.sign_in("jdoe", made["secret"])).status_code == 200
    assert (await wire.sign_in("jdoe", chosen["secret"])).status_code == 200
    assert (await wire.get("/users/me", token=made["secret"])).json()["name"] == "jdoe"
    listed = (await wire.get("/users/me/secrets", by=jane)).json()
    assert [each["uid"] for each in listed] == [made["uid"], chosen["uid"]]
    assert all("secret" not in each for each in listed)
    assert "secret" not in (await wire.get(f"/users/me/secrets/{made['uid']}", by=jane)).json()


async def test_devices_bring_their_own_secret_which_is_never_shown(wire: Wire, jane: Person) -> None:
    made = await create(wire, jane, type="device", secret="hash of the device", description="phone")
    await create(wire, jane, type="device", secret="hash of a tablet")

    assert made.keys() == BASE | {"description"}
    assert (await wire.sign_in("jdoe", "hash of the device")).status_code == 200
    for body in ({"type": "device"}, {"type": "device", "secret": "short"}, {"type": "password"}, {"type": "pin"}):
        assert refusal(await wire.post("/users/me/secrets", body, by=jane)) == (400, "api-003")


async def test_a_sdk_that_signs_in_by_device_registers_and_comes_back(wire: Wire) -> None:
    assert refusal(await wire.sign_in("device-17", "hash of the device")) == (401, "api-101")
    made = (await wire.post("/users", {"name": "device-17", "email": "device-17@invalid.example"})).json()
    body = {"type": "device", "secret": "hash of the device"}

    stored = await wire.post("/users/me/secrets", body, token=made["token"])

    assert stored.status_code == 200
    assert (await wire.sign_in("device-17", "hash of the device")).status_code == 200


async def test_secrets_are_for_their_user_and_trusted_callers(
    wire: Wire, jane: Person, john: Person, admin: Person
) -> None:
    key = await create(wire, jane, type="apikey")
    path = f"/users/{uid(jane)}/secrets"

    for method, rest, json in (
        ("GET", "", None),
        ("GET", "/count", None),
        ("GET", f"/{key['uid']}", None),
        ("DELETE", f"/{key['uid']}", None),
        ("POST", "", {"type": "apikey"}),
        ("POST", "", {"type": "mfa"}),
        ("POST", "", {"type": "password", "secret": PASSWORD}),
        ("PUT", "/password", {"secret": PASSWORD}),
        ("PUT", f"/{key['uid']}", {"type": "password", "secret": PASSWORD}),
        ("PUT", f"/{key['uid']}/enroll", {"token": "123456"}),
    ):
        assert refusal(await wire.call(method, path + rest, json=json, by=john)) == (403, "api-102"), (method, rest)
    assert (await wire.get(path, by=admin)).json()[0]["uid"] == key["uid"]
    assert (await wire.put(path + "/password", {"secret": PASSWORD}, by=admin)).status_code == 200
    assert (await wire.sign_in("jdoe", PASSWORD)).status_code == 200
    assert (await wire.delete(f"{path}/{key['uid']}", by=admin)).content == b""
    assert refusal(await wire.get(f"{path}/{key['uid']}", by=admin)) == (404, "api-010")


async def test_the_documented_form_of_setting_a_password_is_a_get_with_a_body(wire: Wire, jane: Person) -> None:
    done = await wire.get("/users/me/secrets/password", by=jane, json={"secret": PASSWORD, "type": "password"})

    assert done.json()["type"] == "password"
    assert (await wire.sign_in("jdoe", PASSWORD)).status_code == 200
    assert refusal(await wire.get("/users/me/secrets/password", by=jane)) == (404, "api-010")


async def test_a_new_password_ends_the_other_sessions(wire: Wire, register: Register) -> None:
    made = await register("jdoe", password=PASSWORD)
    other = (await wire.sign_in("jdoe", PASSWORD)).json()["token"]

    done = await wire.put("/users/me/secrets/password", {"secret": "staple of another kind"}, token=made["token"])

    assert done.status_code == 200
    assert refusal(await wire.get("/users/me", token=other)) == (401, "api-101")
    assert (await wire.get("/users/me", token=made["token"])).status_code == 200
    assert refusal(await wire.sign_in("jdoe", PASSWORD)) == (401, "api-101")


async def test_a_session_that_is_not_fresh_does_not_change_secrets(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await create(wire, jane, type="password", secret=PASSWORD)
    await people.execute(
        runtime,
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour' WHERE realm_id = $1",
        realm.id,
    )

    assert refusal(await wire.put("/users/me/secrets/password", {"secret": "x" * 12}, by=jane)) == (403, "api-102")
    assert refusal(await wire.post("/users/me/secrets", {"type": "apikey"}, by=jane)) == (403, "api-102")
    assert (await wire.get("/users/me/secrets", by=jane)).status_code == 200


async def test_only_passwords_can_be_changed_and_only_the_present_version(wire: Wire, jane: Person) -> None:
    password = await create(wire, jane, type="password", secret=PASSWORD)
    key = await create(wire, jane, type="apikey")
    path = f"/users/me/secrets/{password['uid']}"
    body = {"type": "password", "secret": "staple of another kind", "uid": password["uid"], "version": 0}

    changed = await wire.put(path, body, by=jane)

    assert changed.json()["version"] == 1
    assert refusal(await wire.put(path, body, by=jane)) == (409, "api-012")
    assert refusal(await wire.put(path, {**body, "version": 1, "uid": key["uid"]}, by=jane)) == (400, "api-013")
    assert refusal(await wire.put(path, {"type": "password"}, by=jane)) == (400, "api-003")
    other = f"/users/me/secrets/{key['uid']}"
    for type_ in ("apikey", "password"):
        answer = await wire.put(other, {"type": type_, "secret": "staple of another kind"}, by=jane)
        assert refusal(answer) == (400, "api-003")


async def test_the_user_in_the_body_must_be_that_of_the_path(wire: Wire, jane: Person, john: Person) -> None:
    mine = {"type": "apikey", "userId": uid(jane)}
    theirs = {"type": "apikey", "userId": uid(john)}

    assert (await wire.post("/users/me/secrets", mine, by=jane)).status_code == 200
    assert refusal(await wire.post("/users/me/secrets", theirs, by=jane)) == (400, "api-013")
    password = {"secret": PASSWORD, "userId": uid(john)}
    assert refusal(await wire.put("/users/me/secrets/password", password, by=jane)) == (400, "api-013")


async def test_criteria_narrow_the_list_and_the_count(wire: Wire, jane: Person) -> None:
    await create(wire, jane, type="password", secret=PASSWORD)
    for name in ("one", "two", "three"):
        await create(wire, jane, type="apikey", description=name)

    listed = await wire.get('/users/me/secrets?type=apikey&sort={"description":"desc"}&limit=2', by=jane)
    counted = await wire.get("/users/me/secrets/count?type=in(password,mfa)", by=jane)

    assert [each["description"] for each in listed.json()] == ["two", "three"]
    assert counted.json() == {"count": 1}
    assert (await wire.get("/users/me/secrets/count", by=jane)).json() == {"count": 4}
    assert refusal(await wire.get("/users/me/secrets?secret=x", by=jane)) == (400, "api-003")


async def test_kinds_without_a_word_in_this_dialect_do_not_show(wire: Wire, sign_in: SignIn, admin: Person) -> None:
    await wire.post("/users", {"name": "ext", "email": "e@example.org", "externalIds": ["google:1"]}, by=admin)

    assert (await wire.get("/users/ext/secrets", by=admin)).json() == []
    assert (await wire.get("/users/ext/secrets/count", by=admin)).json() == {"count": 0}


@pytest.mark.parametrize("named", ["0190b7a4-7b1f-7cc3-8c6c-1a2b3c4d5e6f", "4b2f0c5e-7a10-4c3b-9a55-0d2f6a4b8c11", "x"])
async def test_a_secret_that_is_not_there_is_not_found(wire: Wire, jane: Person, named: str) -> None:
    path = f"/users/me/secrets/{named}"

    assert refusal(await wire.get(path, by=jane)) == (404, "api-010")
    assert refusal(await wire.delete(path, by=jane)) == (404, "api-010")
    assert refusal(await wire.put(path, {"type": "password", "secret": PASSWORD}, by=jane)) == (404, "api-010")
    assert refusal(await wire.put(path + "/enroll", {"token": "123456"}, by=jane)) == (404, "api-010")


# the second factor


async def enrolled(wire: Wire, runtime: Runtime, realm: Realm, by: Person) -> tuple[dict[str, Any], str, list[str]]:
    """Turn MFA on through the dialect: the secret, its seed, the backup codes."""
    made = await create(wire, by, type="mfa", description="my phone")
    seed = made["secret"]["secret"]
    code = people.code_of(seed)
    done = await wire.put(f"/users/me/secrets/{made['uid']}/enroll", {"token": code}, by=by)
    assert done.status_code == 200, done.text
    await people.forget_codes(runtime, people.Person(realm, by.user))
    return made, seed, done.json()["codes"]


async def test_mfa_is_set_up_in_two_steps_and_asked_for_only_then(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await create(wire, jane, type="password", secret=PASSWORD)
    made = await create(wire, jane, type="mfa")

    assert made["secret"].keys() == {"otpauth_url", "secret"}
    assert made["secret"]["otpauth_url"].startswith("otpauth://totp/")
    assert (await wire.sign_in("jdoe", PASSWORD)).status_code == 200
    path = f"/users/me/secrets/{made['uid']}/enroll"
    wrong = str((int(people.code_of(made["secret"]["secret"])) + 1) % 1_000_000).zfill(6)
    assert refusal(await wire.put(path, {"token": wrong}, by=jane)) == (400, "api-003")
    done = await wire.put(path, {"token": people.code_of(made["secret"]["secret"])}, by=jane)
    assert done.json().keys() == BASE | {"codes"}
    assert len(done.json()["codes"]) == 10
    assert (await wire.sign_in("jdoe", PASSWORD)).status_code == 302
    assert refusal(await wire.post("/users/me/secrets", {"type": "mfa"}, by=jane)) == (400, "api-011")
    assert refusal(await wire.put(path, {"token": "123456"}, by=jane)) == (400, "api-011")


async def test_deleting_the_mfa_secret_ends_mfa_and_its_backup_codes(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await create(wire, jane, type="password", secret=PASSWORD)
    made, _, codes = await enrolled(wire, runtime, realm, jane)

    assert (await wire.delete(f"/users/me/secrets/{made['uid']}", by=jane)).status_code == 200

    assert (await wire.sign_in("jdoe", PASSWORD)).status_code == 200
    assert refusal(await wire.sign_in("jdoe", codes[0])) == (401, "api-101")


async def test_a_code_that_a_client_sends_as_a_number_gets_its_zeros_back(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    uid, code = await mfa_with_a_zero(wire, jane)

    done = await wire.put(f"/users/me/secrets/{uid}/enroll", {"token": int(code)}, by=jane)

    assert done.status_code == 200


async def mfa_with_a_zero(wire: Wire, by: Person) -> tuple[str, str]:
    """A seed whose present code begins with a zero: one in ten does."""
    while True:
        made = await create(wire, by, type="mfa")
        code = people.code_of(made["secret"]["secret"])
        if code.startswith("0"):
            return made["uid"], code
