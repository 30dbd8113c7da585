"""Keys of passwords and PINs: set by clients, never shown, good for signing; and what to do when they are lost."""

import base64
from typing import Any

import pytest

from roster import app
from roster.core.credentials import chosen
from roster.core.devices import service as devices
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.kit import hawk
from roster.storage.runtime import Runtime
from roster.web.mounts import Mounts
from tests import factories
from tests.core import people
from tests.dialects.calling import client_of
from tests.dialects.conftest import Person
from tests.dialects.onslip360.conftest import ASA, Hawk, Wire, refusal

PASSWORD_KEY = base64.b64decode("FuJbghfe3XdwV4qlh3cFskf6R+1gk1F9kK6qstxhVx0=")
PIN_KEY = base64.b64decode("y4neHdqIJ98sgIpfbBhjWIl417wBn8I5NOtGzqnHJSM=")
KEYS = {"pin": base64.b64encode(PIN_KEY).decode(), "password": base64.b64encode(PASSWORD_KEY).decode()}
CASHIER = {**ASA, **KEYS, "system-roles": ["cashier"]}


@pytest.fixture
def nobody(wire: Wire) -> Wire:
    return wire.by_someone(None)


def by_password(realm: Realm, key: bytes = PASSWORD_KEY, **more: Any) -> Hawk:
    return Hawk(f"usr:asa@{realm.slug}", key, **more)


async def test_keys_are_taken_and_never_shown(wire: Wire):
    made = await wire.post("users/", CASHIER)

    assert made.status_code == 201
    path = f"users/{made.json()['id']}"
    answers = [made, await wire.get(path), await wire.get("users/"), await wire.patch(path, KEYS), await wire.get("")]
    answers.append(await wire.put(path, CASHIER))
    for answer in answers:
        assert answer.status_code in (200, 201)
        for secret in ("pin", "password", *KEYS.values()):
            assert f'"{secret}"' not in answer.text


async def test_the_key_of_a_password_signs(wire: Wire, nobody: Wire, realm: Realm):
    stored = (await wire.post("users/", CASHIER)).json()

    info = await nobody.get("", auth=by_password(realm))

    assert info.json()["user"]["alias"] == "asa"
    assert "access-token" not in info.json()
    assert refusal(await nobody.get("", auth=by_password(realm, b"wrong"))) == (401, "unauthorized")
    own = await nobody.patch(
        f"users/{stored['id']}", {"name": "Asa", "email": "new@example.org"}, auth=by_password(realm)
    )
    assert own.json()["email"] == "new@example.org"
    assert own.json()["updated-by"] == stored["id"]


async def test_what_is_left_out_of_a_replacement_are_never_the_keys(wire: Wire, nobody: Wire, realm: Realm):
    stored = (await wire.post("users/", CASHIER)).json()

    await wire.put(f"users/{stored['id']}", ASA)

    assert (await nobody.get("", auth=by_password(realm))).status_code == 200


async def test_a_new_key_replaces_the_one_before(wire: Wire, nobody: Wire, realm: Realm):
    stored = (await wire.post("users/", CASHIER)).json()
    new = base64.b64encode(b"another key").decode()

    changed = await nobody.patch(f"users/{stored['id']}", {"password": new, "pin": new}, auth=by_password(realm))

    assert changed.status_code == 200
    assert refusal(await nobody.get("", auth=by_password(realm))) == (401, "unauthorized")
    assert (await nobody.get("", auth=by_password(realm, b"another key"))).status_code == 200


async def test_a_pin_signs_only_together_with_a_trusted_device(
    wire: Wire, nobody: Wire, realm: Realm, runtime: Runtime
):
    await wire.post("users/", CASHIER)
    till_key = bytes(range(32))
    till = (
        await wire.post(
            "tills/", {"name": "Bar", "device-id": "bar-1", "device-key": base64.b64encode(till_key).decode()}
        )
    ).json()
    joint = f"pin:asa@{realm.slug} dev:bar-1@{realm.slug}"

    info = await nobody.get("", auth=Hawk(joint, hawk.joint_key(till_key, PIN_KEY)))

    assert info.json()["user"]["alias"] == "asa"
    assert info.json()["till"] == till
    own = await nobody.patch(
        f"users/{info.json()['user']['id']}", {"name": "Asa"}, auth=Hawk(joint, hawk.joint_key(till_key, PIN_KEY))
    )
    assert own.json()["updated-from"] == till["id"]
    for identifier, key in (
        (f"pin:asa@{realm.slug}", PIN_KEY),
        (joint, PIN_KEY),
        (joint, till_key),
        (f"pin:asa@{realm.slug} dev:other@{realm.slug}", hawk.joint_key(till_key, PIN_KEY)),
    ):
        assert refusal(await nobody.get("", auth=Hawk(identifier, key))) == (401, "unauthorized")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await devices.delete(tx, (await devices.find_numbered(tx, till["id"])).id)
    assert refusal(await nobody.get("", auth=Hawk(joint, hawk.joint_key(till_key, PIN_KEY)))) == (401, "unauthorized")


async def a_token(wire: Wire, user: int, **known: Any) -> Hawk:
    body = {"name": "CI", "alias": "ci", "type": "hawk-key", **known}
    made = await wire.post(f"users/{user}/access-tokens/", body)
    assert made.status_code == 201, made.text
    return Hawk(f"key:asa+ci@{wire.slug}", base64.b64decode(made.json()["key"]))


OWN = {
    "name": "New",
    "alias": "anew",
    "email": "new@example.org",
    "password": "YW5vdGhlciBrZXk=",
    "pin": "b25lIG1vcmU=",
}


async def test_a_key_changes_all_that_personal_info_is(wire: Wire, nobody: Wire):
    """The seed: name, alias, email, pin and password of the currently authorized user."""
    stored = (await wire.post("users/", CASHIER)).json()
    token = await a_token(wire, stored["id"], permissions=["edit-personal-info"])

    changed = await nobody.patch(f"users/{stored['id']}", OWN, auth=token)

    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in ("name", "alias", "email")} == {
        name: OWN[name] for name in ("name", "alias", "email")
    }
    signed = await nobody.get("", auth=Hawk(f"usr:anew@{wire.slug}", b"another key"))
    assert signed.json()["user"]["id"] == stored["id"]


async def test_a_key_without_that_permission_changes_nothing_of_it(wire: Wire, nobody: Wire):
    stored = (await wire.post("users/", CASHIER)).json()
    token = await a_token(wire, stored["id"], permissions=["show-users"])

    for name, value in OWN.items():
        assert refusal(await nobody.patch(f"users/{stored['id']}", {name: value}, auth=token)) == (403, "forbidden")


async def test_a_pin_changes_neither_password_nor_address(wire: Wire, nobody: Wire):
    stored = (await wire.post("users/", CASHIER)).json()
    till_key = bytes(range(32))
    till = {"name": "Bar", "device-id": "bar-1", "device-key": base64.b64encode(till_key).decode()}
    await wire.post("tills/", till)

    for change in ({"password": OWN["password"]}, {"email": OWN["email"]}):
        auth = Hawk(f"pin:asa@{wire.slug} dev:bar-1@{wire.slug}", hawk.joint_key(till_key, PIN_KEY))
        assert (await nobody.patch(f"users/{stored['id']}", change, auth=auth)).status_code == 403


async def test_guessing_ends_soon(wire: Wire, nobody: Wire, realm: Realm):
    await wire.post("users/", CASHIER)

    answers = [await nobody.get("", auth=by_password(realm, bytes([n]))) for n in range(12)]

    assert refusal(answers[0]) == (401, "unauthorized")
    assert refusal(answers[-1]) == (429, "too-many-requests")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert refusal(await nobody.get("", auth=by_password(realm))) == (429, "too-many-requests")


@pytest.mark.parametrize("value", ["", "no base64", 7, None])
async def test_what_is_no_key_is_refused(wire: Wire, value: object):
    stored = await wire.add("asa")

    for member in ("pin", "password"):
        assert refusal(await wire.patch(f"users/{stored['id']}", {member: value})) == (400, "bad-request")


async def test_people_reset_their_own_pin(wire: Wire, nobody: Wire, realm: Realm, person: Person):
    stored = (await wire.post("users/", CASHIER)).json()
    key = {"pin": base64.b64encode(b"new pin").decode()}

    assert (await nobody.post("pin-reset", key, auth=by_password(realm))).status_code == 204
    assert refusal(await wire.by_someone(person).post("pin-reset", key)) == (403, "forbidden")
    assert refusal(await nobody.post("pin-reset", key)) == (401, "unauthorized")
    assert refusal(await nobody.post("pin-reset", {"pin": "x"}, auth=by_password(realm))) == (400, "bad-request")
    assert stored["alias"] == "asa"


async def test_a_lost_password_is_asked_for_and_set_in_a_browser(
    wire: Wire, nobody: Wire, realm: Realm, runtime: Runtime
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await realms.change(tx, realm.slug, RealmChange(settings={"key_derivation": "roster-kdf-1"}))
    await wire.post("users/", CASHIER)
    for company, user in ((realm.slug, "asa"), (realm.slug, "nobody"), ("nowhere", "asa"), ("", "")):
        asked = await nobody.post("/password-reset-challenge", {"company": company, "user": user, "locale": "sv"})
        assert (asked.status_code, asked.content) == (204, b"")
    token = await people.mailed_token(runtime, realm, "recover_password")
    where = f"/onslip360/password-reset?realm={realm.slug}&token={token}"
    async with client_of(_whole(runtime)) as browser:
        shown = await browser.get(where, headers={"Accept": "text/html"})
        short = await browser.post(where, data={"password": "short"})
        done = await browser.post(where, data={"password": "correct horse"})
        again = await browser.post(where, data={"password": "correct horse"})

    assert "<form" in shown.text
    assert (short.status_code, done.status_code, again.status_code) == (400, 200, 401)
    derived = hawk_key("correct horse", realm)
    assert (await nobody.get("", auth=by_password(realm, derived))).status_code == 200
    assert refusal(await nobody.get("", auth=by_password(realm))) == (401, "unauthorized")


def hawk_key(secret: str, realm: Realm) -> bytes:
    """As a client derives it."""
    return chosen.roster_kdf_1("password", secret, "asa", realm.slug)


def _whole(runtime: Runtime) -> Mounts:
    """Everything that an installation serves."""
    return app.application(runtime)
