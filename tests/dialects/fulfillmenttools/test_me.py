"""One's own account: data, credentials, and what one may do."""

from typing import Any

import pytest

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests.dialects.conftest import Person, SignIn, signed_in
from tests.dialects.fulfillmenttools.conftest import Wire, refusal
from tests.dialects.fulfillmenttools.test_users import at, made, person_of, role

OLD, NEW = "pine-Lantern-42", "cedar-Rocket-77"


def credentials(current: str = OLD, **members: str) -> dict[str, Any]:
    return {"action": "ModifyCredentials", "currentPassword": current, **members}


@pytest.fixture
async def mira(wire: Wire, runtime: Runtime, realm: Realm, admin: Person) -> Person:
    """An ordinary user with a password."""
    user = await made(wire, admin, "mokafor", email="mira@example.org")
    return await person_of(runtime, realm, user)


async def test_people_change_their_own_data_in_both_forms(wire: Wire, mira: Person):
    first = await wire.patch("/api/users/me", {"firstname": "Mo", "ignored": 1}, by=mira)
    assert (first.status_code, first.json()["firstname"], first.json()["lastname"]) == (200, "Mo", "Okafor")
    body = {"action": "ModifyMe", "lastname": "Ada", "locale": "fr_FR"}
    second = (await wire.post("/api/users/me/actions", body, by=mira)).json()
    assert (second["firstname"], second["lastname"], second["locale"]) == ("Mo", "Ada", "fr_FR")
    assert second["version"] > first.json()["version"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "DeleteMe"},
        {"action": "ModifyMe", "locale": "xx"},
        {"action": "ModifyCredentials", "password": NEW},
        [{"action": "ModifyMe"}],
        credentials(password="12345"),
        credentials(password="1234567"),
        credentials(email="nowhere"),
        credentials(email="nowhere", password=NEW),
    ],
)
async def test_what_is_no_action_is_a_400_and_changes_nothing(
    wire: Wire, admin: Person, mira: Person, realm: Realm, body: object
):
    before = (await wire.get(f"/api/users/{mira.user.id}", by=admin)).json()
    assert (await wire.post("/api/users/me/actions", body, by=mira)).status_code == 400
    assert (await wire.get(f"/api/users/{mira.user.id}", by=admin)).json() == before
    assert (await wire.sign_in(f"mokafor@{realm.slug}.com", OLD)).status_code == 200


async def test_a_new_password_and_address_end_everything_but_the_token_of_the_call(
    wire: Wire, mira: Person, runtime: Runtime, realm: Realm
):
    other = await signed_in(runtime, realm, mira.user)
    answer = await wire.post("/api/users/me/actions", credentials(password=NEW, email="mo@example.org"), by=mira)
    assert (answer.status_code, answer.json()["email"]) == (200, "mo@example.org")
    assert (await wire.get("/api/users/me/effectivepermissions", by=mira)).status_code == 200
    assert (await wire.get("/api/users/me/effectivepermissions", by=other)).status_code == 401
    for old in (mira, other):
        assert (await wire.renew(old.refresh_token)).status_code == 400
    assert (await wire.sign_in("mo@example.org", OLD)).status_code == 400
    assert (await wire.sign_in("mo@example.org", NEW)).status_code == 200


async def test_a_wrong_password_is_a_400_that_counts_as_a_guess(
    wire: Wire, mira: Person, runtime: Runtime, realm: Realm
):
    guesses = runtime.settings.limits.identity_guesses
    for _ in range(guesses):
        answer = await wire.post("/api/users/me/actions", credentials("wrong", password=NEW), by=mira)
        assert answer.status_code == 400
    assert (await wire.post("/api/users/me/actions", credentials(password=NEW), by=mira)).status_code == 429
    assert (await wire.sign_in(f"mokafor@{realm.slug}.com", OLD)).status_code != 200


async def test_an_address_of_somebody_else_is_a_409_and_changes_nothing(
    wire: Wire, admin: Person, mira: Person, realm: Realm
):
    await made(wire, admin, email="taken@example.org")
    answer = await wire.post("/api/users/me/actions", credentials(email="Taken@example.org", password=NEW), by=mira)
    assert refusal(answer)[0] == 409
    assert (await wire.get(f"/api/users/{mira.user.id}", by=admin)).json()["email"] == "mira@example.org"
    assert (await wire.sign_in("mira@example.org", OLD)).status_code == 200


async def test_effective_permissions_say_what_each_role_gives_and_where(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
):
    roles = [role("SUPERVISOR", "f1", "f2"), role("FULFILLER", "f3")]
    user = await made(wire, admin, assignedRoles=roles)
    answer = await wire.get("/api/users/me/effectivepermissions", by=await person_of(runtime, realm, user))
    found = {each["name"]: each for each in answer.json()["roles"]}
    assert answer.json()["userId"] == user["id"]
    assert found["SUPERVISOR"]["context"] == [
        *at("f1", "f2"),
        {"type": "USER_ROLE", "values": ["FULFILLER", "SUPERVISOR"]},
    ]
    assert found["SUPERVISOR"]["facilities"] == ["f1", "f2"]
    assert found["FULFILLER"]["facilities"] == ["f3"]
    assert "USERS_READ" in found["SUPERVISOR"]["permissions"]
    assert "USERS_READ" not in found["FULFILLER"]["permissions"]


async def test_an_administrator_has_every_key_without_limits(wire: Wire, admin: Person):
    found = (await wire.get("/api/users/me/effectivepermissions", by=admin)).json()["roles"]
    assert [each["context"] for each in found] == [[]]
    assert "facilities" not in found[0]
    assert len(found[0]["permissions"]) == 161


async def test_me_asks_for_the_documented_keys_and_knows_no_get(wire: Wire, sign_in: SignIn, admin: Person):
    nobody = await sign_in()
    for call in (
        wire.post("/api/users/me/actions", {"action": "ModifyMe"}, by=nobody),
        wire.post("/api/users/me/actions", {"action": "ModifyMe"}, by=nobody),
    ):
        assert (await call).status_code == 403
    assert (await wire.http.get(wire.prefix + "/api/users/me", headers=admin.bearer)).status_code == 405
