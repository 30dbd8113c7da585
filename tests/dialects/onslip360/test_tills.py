"""Tills: trusted devices with all their members, and whose changes come from them."""

import base64
from typing import Any

import pytest

from roster.core.devices import service as devices
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.onslip360.conftest import Wire, refusal

KEY = base64.b64encode(bytes(range(32))).decode()
TILL: dict[str, Any] = {
    "name": "Bar",
    "type": "till",
    "description": "Next to the door",
    "location": 4,
    "logical-device-id": "bar-1",
    "device-id": "A-17",
    "control-unit-id": "CU-9",
    "client-version": "5.1",
    "client-user-agent": "Till/5.1",
    "config": {"printer": {"port": 1}, "sounds": True},
    "account-config": {"a": [1, 2]},
    "cloud-control-unit": {},
    "tags": ["bar"],
    "_acme-ref": "77",
}


async def test_a_till_is_kept_with_all_it_has(wire: Wire, boss: Person):
    made = await wire.post("tills/", {**TILL, "device-key": KEY})

    stored = made.json()
    assert {name: stored[name] for name in TILL} == TILL
    assert stored.keys() - TILL.keys() == {"id", "created", "updated", "updated-by"}
    assert stored["updated-by"] == boss.user.number
    assert (await wire.get(f"tills/{stored['id']}")).json() == stored
    assert (await wire.get("tills/?q=device-id=A-17 name:bar type=till tags:bar")).json() == [stored]


async def test_its_key_is_stored_and_never_shown(wire: Wire, runtime: Runtime, realm: Realm):
    stored = (await wire.post("tills/", {"name": "Bar", "device-key": KEY})).json()

    async with runtime.read(factories.roster_in(realm)) as tx:
        proven = await devices.proven(tx, realm.slug, str(stored["id"]))
        assert proven is not None
        assert devices.key_of(runtime.keyring, proven) == bytes(range(32))
    assert "device-key" not in stored
    assert refusal(await wire.get(f"tills/?q=device-key:{KEY[:10]}")) == (400, "bad-query")


async def test_null_removes_and_objects_are_merged(wire: Wire):
    stored = (await wire.post("tills/", TILL)).json()
    path = f"tills/{stored['id']}"

    changed = await wire.patch(path, {"config": {"printer": {"paper": 80}, "sounds": None}, "location": None})
    assert changed.json()["config"] == {"printer": {"port": 1, "paper": 80}}
    assert "location" not in changed.json()
    gone = (await wire.patch(path, dict.fromkeys(TILL.keys() - {"name"}))).json()
    assert gone.keys() == {"id", "name", "created", "updated", "updated-by"}


async def test_a_till_is_replaced_and_keeps_its_key(wire: Wire, runtime: Runtime, realm: Realm):
    stored = (await wire.post("tills/", {**TILL, "device-key": KEY})).json()
    path = f"tills/{stored['id']}"

    replaced = (await wire.put(path, {"name": "Pub"})).json()

    assert replaced.keys() == {"id", "name", "created", "updated", "updated-by"}
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await devices.find_numbered(tx, stored["id"])).has_key
    await wire.patch(path, {"device-key": None})
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert not (await devices.find_numbered(tx, stored["id"])).has_key


async def test_a_deleted_till_can_be_restored(wire: Wire):
    stored = (await wire.post("tills/", TILL)).json()
    path = f"tills/{stored['id']}"

    assert (await wire.delete(path)).status_code == 204
    assert (await wire.delete(path)).status_code == 204
    assert (await wire.get("tills/")).json() == []
    assert (await wire.get("tills/?d=t")).json()[0]["deleted"]
    assert refusal(await wire.patch(path, {"name": "x"})) == (404, "not-found")
    restored = (await wire.patch(path, {"deleted": None, "name": "Pub"})).json()
    assert restored == {**stored, "name": "Pub", "updated": restored["updated"]}


async def test_a_change_of_what_was_not_seen_is_refused(wire: Wire):
    made = await wire.post("tills/", TILL)
    path, tag = f"tills/{made.json()['id']}", made.headers["etag"]
    await wire.patch(path, {"name": "Pub"}, headers={"If-Match": tag})

    for method, body in (("PATCH", {"device-key": KEY}), ("PUT", TILL), ("DELETE", None)):
        stale = await wire.call(method, path, body, headers={"If-Match": tag})
        assert refusal(stale) == (412, "precondition-failed")


@pytest.mark.parametrize(
    "member",
    [{"device-key": "AA=="}, {"device-key": "nonsense"}, {"type": "kiosk"}, {"config": []}, {"name": ""}, {"x": 1}],
)
async def test_what_is_no_till_is_refused(wire: Wire, member: dict[str, Any]):
    assert refusal(await wire.post("tills/", {"name": "Bar", **member})) == (400, "bad-request")
    assert (await wire.get("tills/")).json() == []


async def test_what_a_till_calls_itself_is_its_own(wire: Wire):
    await wire.post("tills/", TILL)

    assert refusal(await wire.post("tills/", TILL)) == (409, "conflict")


async def test_tills_are_shown_and_changed_by_those_who_may(wire: Wire, cashier: Person, person: Person):
    stored = (await wire.post("tills/", TILL)).json()

    assert (await wire.by_someone(cashier).get(f"tills/{stored['id']}")).status_code == 200
    assert refusal(await wire.by_someone(cashier).post("tills/", TILL)) == (403, "forbidden")
    for number in (stored["id"], 10**15):
        assert refusal(await wire.by_someone(cashier).delete(f"tills/{number}")) == (403, "forbidden")
        assert refusal(await wire.by_someone(person).get(f"tills/{number}")) == (403, "forbidden")
    assert refusal(await wire.get(f"tills/{10**15}")) == (404, "not-found")


@pytest.mark.parametrize(
    ("permission", "allowed", "forbidden"),
    [
        ("bind-tills", {"device-id": "A-1", "device-key": KEY}, {"control-unit-id": "CU"}),
        ("bind-control-unit", {"control-unit-id": "CU"}, {"config": {"a": 1}}),
        ("edit-till-config", {"config": {"a": 1}}, {"location": 4}),
        ("edit-locations", {"location": 4, "account-config": {"a": 1}}, {"config": {"a": 1}}),
    ],
)
async def test_finer_permissions_are_enough_for_some_members(
    wire: Wire, sign_in: SignIn, permission: str, allowed: dict[str, Any], forbidden: dict[str, Any]
):
    await wire.post("roles/", {"name": "fitter", "permissions": [permission]})
    fitter = wire.by_someone(await sign_in(roles=("fitter",)))
    stored = (await wire.post("tills/", {"name": "Bar"})).json()
    path = f"tills/{stored['id']}"

    for other in (forbidden, {"name": "x"}, {"deleted": None}, {"labels": []}, {"tags": []}, {"_acme-ref": "1"}):
        assert refusal(await fitter.patch(path, {**allowed, **other})) == (403, "forbidden")
    assert (await wire.get(path)).json() == stored
    changed = await fitter.patch(path, allowed)
    shown = {name: value for name, value in allowed.items() if name != "device-key"}
    assert changed.json() == {**stored, **shown, "updated": changed.json()["updated"], "updated-by": _any_number}
    again = await fitter.patch(path, allowed)
    assert again.status_code == (403 if permission.startswith("bind") else 200)
    assert refusal(await fitter.put(path, {"name": "x"})) == (403, "forbidden")
    assert refusal(await fitter.delete(path)) == (403, "forbidden")
    assert refusal(await fitter.post("tills/", {"name": "x"})) == (403, "forbidden")


class _AnyNumber:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, int)

    __hash__ = object.__hash__


_any_number = _AnyNumber()
