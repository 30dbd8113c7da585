"""Trusted devices: who registers them, what is kept of their keys, and what ends when they are disabled."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from roster.core.audit import service as audit
from roster.core.audit.models import Entry
from roster.core.devices import service as devices
from roster.core.devices.errors import DeviceIdTaken, DeviceNotDeleted, DeviceNotFound
from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Opening
from roster.kit.actor import Actor, Grants, Kind, Origin
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken, StaleVersion
from roster.kit.filters import Sort
from roster.kit.ids import DeviceId, UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person

TILL = DeviceDraft(name="Till 1", kind="till", external_id="till-1", facets={"onslip360": {"location": 4}}, tags=["a"])


async def a_device(runtime: Runtime, realm: Realm, draft: DeviceDraft = TILL) -> Device:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await devices.create(tx, draft)


async def changed(runtime: Runtime, realm: Realm, device: Device, **values: Any) -> Device:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await devices.change(tx, device.id, DeviceChange(**values))


async def given_key(runtime: Runtime, realm: Realm, device: Device, key: bytes | None = None) -> bytes:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await devices.set_key(tx, device.id, key)


async def key_now(runtime: Runtime, realm: Realm, name: str) -> bytes | None:
    async with runtime.lease() as tx:
        found = await devices.proven(tx, realm.slug, name)
    return devices.key_of(runtime.keyring, found) if found else None


async def trail_of(runtime: Runtime, realm: Realm, device: Device) -> list[Entry]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return list(reversed(await audit.of_subject(tx, device.id, 100)))


def somebody(realm: Realm, *permissions: str) -> Actor:
    return Actor(Kind.USER, realm.id, realm.slug, user_id=UserId(uuid7()), grants=Grants(frozenset(permissions)))


async def test_a_device_is_registered_with_a_number_and_no_key(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)

    assert (device.name, device.kind, device.status, device.external_id) == ("Till 1", "till", "enabled", "till-1")
    assert (device.has_key, device.version, device.tags) == (False, 0, ["a"])
    assert device.number > 0
    [entry] = await trail_of(runtime, realm, device)
    assert entry.action == "device.created"
    assert entry.changes["facets"] == [None, {"onslip360": {"location": 4}}]


async def test_a_device_is_found_by_id_name_and_number(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)
    other = await a_device(runtime, realm, DeviceDraft(name="Till 2", external_id=str(device.number)))

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await devices.find(tx, str(device.id)) == device
        assert await devices.find(tx, "till-1") == device
        assert await devices.find(tx, str(device.number)) == other
        assert await devices.find(tx, str(other.number)) == other
        assert await devices.find_numbered(tx, device.number) == device
        with pytest.raises(DeviceNotFound):
            await devices.find(tx, "till-3")


async def test_devices_are_listed_and_searched(runtime: Runtime, realm: Realm):
    first = await a_device(runtime, realm)
    second = await a_device(runtime, realm, DeviceDraft(name="Alpha"))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await devices.delete(tx, second.id)

    async with runtime.read(factories.roster_in(realm)) as tx:
        live = await devices.search(tx, None, [], Page(limit=10, total=True))
        every = await devices.search(tx, None, [Sort("name")], Page(limit=10, total=True), deleted=True)

    assert (live.total, every.total) == (1, 2)
    assert [each.id for each in live.items] == [first.id]
    assert [each.id for each in every.items] == [second.id, first.id]


async def test_a_change_touches_what_it_names(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)

    after = await changed(runtime, realm, device, description="At the door", facets={"other": {"x": 1}})

    assert (after.name, after.description, after.version) == ("Till 1", "At the door", 1)
    assert after.facets == {"onslip360": {"location": 4}, "other": {"x": 1}}
    assert (await trail_of(runtime, realm, device))[-1].changes == {
        "description": ["", "At the door"],
        "facets": [{"onslip360": {"location": 4}}, {"onslip360": {"location": 4}, "other": {"x": 1}}],
    }


async def test_a_stale_version_is_refused(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)
    await changed(runtime, realm, device, name="New")

    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(StaleVersion):
            await devices.change(tx, device.id, DeviceChange(name="Old"), version=0)
        with pytest.raises(StaleVersion):
            await devices.delete(tx, device.id, version=0)


async def test_what_a_device_calls_itself_is_unique_while_it_lives(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)
    with pytest.raises(DeviceIdTaken):
        await a_device(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await devices.delete(tx, device.id)
    again = await a_device(runtime, realm)

    assert again.id != device.id
    with pytest.raises(DeviceIdTaken):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await devices.restore(tx, device.id)


async def test_a_deleted_device_is_seen_but_not_changed_until_restored(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)
    actor = factories.roster_in(realm)
    with pytest.raises(DeviceNotDeleted):
        async with runtime.write(actor) as tx:
            await devices.restore(tx, device.id)
    async with runtime.write(actor) as tx:
        await devices.delete(tx, device.id)
        assert (await devices.get(tx, device.id)).deleted_at is not None
    with pytest.raises(DeviceNotFound):
        await changed(runtime, realm, device, name="New")

    async with runtime.write(actor) as tx:
        restored = await devices.restore(tx, device.id)

    assert (restored.deleted_at, restored.version) == (None, 2)


async def test_what_is_deleted_and_restored_says_by_whom_and_from_which_device(runtime: Runtime, person: Person):
    realm = person.realm
    device, till, other = [await a_device(runtime, realm, DeviceDraft(name=name)) for name in ("A", "Till", "Other")]
    actor = msgspec.structs.replace(somebody(realm, "devices.read", "devices.write"), user_id=person.id)

    def at(till: Device) -> Actor:
        return msgspec.structs.replace(actor, origin=msgspec.structs.replace(actor.origin, device_id=till.id))

    async with runtime.write(at(till)) as tx:
        await devices.delete(tx, device.id)
        deleted = await devices.get(tx, device.id)
    async with runtime.write(at(other)) as tx:
        restored = await devices.restore(tx, device.id)

    assert (deleted.deleted_by, deleted.deleted_from, deleted.deleted_at) == (person.id, till.id, deleted.updated_at)
    assert (deleted.updated_by, deleted.updated_from, deleted.version) == (person.id, till.id, 1)
    assert (restored.deleted_by, restored.deleted_from, restored.deleted_at) == (None, None, None)
    assert (restored.updated_by, restored.updated_from, restored.version) == (person.id, other.id, 2)


@pytest.mark.parametrize(
    "draft",
    [DeviceDraft(name=" "), DeviceDraft(name="a\nb"), DeviceDraft(name="a", kind="\0"),
     DeviceDraft(name="a", external_id="a\u202eb"), DeviceDraft(name="a", facets={"x": {"y": "z" * 70_000}})],
)  # fmt: skip
async def test_what_cannot_be_shown_or_is_too_much_is_refused(runtime: Runtime, realm: Realm, draft: DeviceDraft):
    with pytest.raises(InvalidInput):
        await a_device(runtime, realm, draft)


async def test_a_key_is_shown_once_and_stored_sealed(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)

    key = await given_key(runtime, realm, device)

    sealed = await people.value(runtime, "SELECT sealed FROM devices WHERE id = $1", device.id)
    assert len(key) == 32
    assert isinstance(sealed, bytes)
    assert key not in sealed
    assert await key_now(runtime, realm, "till-1") == key
    assert await key_now(runtime, realm, str(device.number)) == key
    async with runtime.read(factories.roster_in(realm)) as tx:
        shown = msgspec.json.encode(await devices.get(tx, device.id))
    assert b'"has_key":true' in shown
    entry = (await trail_of(runtime, realm, device))[-1]
    assert (entry.action, entry.changes) == ("device.key_set", {"has_key": [False, True]})


async def test_a_sealed_key_opens_for_its_own_row_only(runtime: Runtime, realm: Realm):
    first = await a_device(runtime, realm)
    second = await a_device(runtime, realm, DeviceDraft(name="Till 2", external_id="till-2"))
    await given_key(runtime, realm, first)
    await people.execute(
        runtime,
        "UPDATE devices SET sealed = (SELECT sealed FROM devices WHERE id = $1) WHERE id = $2",
        first.id,
        second.id,
    )

    assert await key_now(runtime, realm, "till-2") is None


@pytest.mark.parametrize("key", [b"", b"x" * 15, b"x" * 257])
async def test_a_key_has_a_sensible_length(runtime: Runtime, realm: Realm, key: bytes):
    device = await a_device(runtime, realm)

    with pytest.raises(InvalidInput):
        await given_key(runtime, realm, device, key)


async def test_only_an_enabled_device_with_a_key_proves_itself(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)
    assert await key_now(runtime, realm, "till-1") is None
    await given_key(runtime, realm, device, b"k" * 32)
    await changed(runtime, realm, device, status="disabled")
    assert await key_now(runtime, realm, "till-1") is None
    await changed(runtime, realm, device, status="enabled")
    assert await key_now(runtime, realm, "till-1") == b"k" * 32
    async with runtime.write(factories.roster_in(realm)) as tx:
        assert not (await devices.remove_key(tx, device.id)).has_key
    assert await key_now(runtime, realm, "till-1") is None
    await given_key(runtime, realm, device)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await devices.delete(tx, device.id)
    assert await key_now(runtime, realm, "till-1") is None


async def test_a_device_of_another_realm_does_not_exist(runtime: Runtime, realm: Realm, other_realm: Realm):
    device = await a_device(runtime, realm)
    await given_key(runtime, realm, device)

    assert await key_now(runtime, other_realm, "till-1") is None
    async with runtime.write(factories.roster_in(other_realm)) as tx:
        for call in (devices.get, devices.delete, devices.restore, devices.set_key, devices.remove_key):
            with pytest.raises(DeviceNotFound):
                await call(tx, device.id)


CALLS: list[Callable[..., Any]] = [
    lambda tx, device: devices.create(tx, DeviceDraft(name=str(device))),
    lambda tx, device: devices.change(tx, device, DeviceChange(name="x")),
    devices.delete,
    devices.set_key,
    devices.remove_key,
]


@pytest.mark.parametrize("call", CALLS)
async def test_writing_takes_the_permission_to_write(runtime: Runtime, realm: Realm, call: Callable[..., Any]):
    device = await a_device(runtime, realm)

    for permissions in ((), ("devices.read",)):
        async with runtime.write(somebody(realm, *permissions)) as tx:
            with pytest.raises((Forbidden, DeviceNotFound)):
                await call(tx, device.id)
    async with runtime.write(somebody(realm, "devices.write")) as tx:
        await call(tx, device.id)


async def test_reading_takes_the_permission_to_read_but_a_device_sees_itself(runtime: Runtime, realm: Realm):
    device = await a_device(runtime, realm)
    own = msgspec.structs.replace(somebody(realm), origin=Origin(device_id=device.id))

    async with runtime.read(somebody(realm)) as tx:
        for call in (devices.get(tx, device.id), devices.find(tx, "till-1"), devices.find_numbered(tx, device.number)):
            with pytest.raises(DeviceNotFound):
                await call
        with pytest.raises(Forbidden):
            await devices.search(tx, None, [], Page(limit=1))
    async with runtime.read(somebody(realm, "devices.read")) as tx:
        assert await devices.get(tx, device.id) == device
    async with runtime.read(own) as tx:
        assert await devices.get(tx, device.id) == device
        with pytest.raises(DeviceNotFound):
            await devices.get(tx, DeviceId(uuid7()))


async def signed_in_on(runtime: Runtime, person: Person, device: Device) -> str:
    """A session that was opened on the device; its access token."""
    done = await people.sign_in(runtime, person)
    await people.execute(runtime, "UPDATE sessions SET device_id = $2 WHERE id = $1", done.session.id, device.id)
    return done.access_token


@pytest.mark.parametrize("how", ["disabled", "deleted", "new key", "no key"])
async def test_sessions_opened_on_a_device_end_with_its_trust(runtime: Runtime, person: Person, how: str):
    device = await a_device(runtime, person.realm)
    await given_key(runtime, person.realm, device)
    here, elsewhere = await signed_in_on(runtime, person, device), (await people.sign_in(runtime, person)).access_token
    assert (await people.actor_of(runtime, person, here)).origin.device_id == device.id

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        if how == "disabled":
            await devices.change(tx, device.id, DeviceChange(status="disabled"))
        elif how == "deleted":
            await devices.delete(tx, device.id)
        elif how == "new key":
            await devices.set_key(tx, device.id)
        else:
            await devices.remove_key(tx, device.id)

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, here)
    assert (await people.actor_of(runtime, person, elsewhere)).origin.device_id is None


async def test_a_session_says_on_which_device_it_was_opened(runtime: Runtime, person: Person):
    device = await a_device(runtime, person.realm)
    actor = people.nobody(person.realm)
    origin = msgspec.structs.replace(actor.origin, device_id=device.id)
    async with runtime.write(msgspec.structs.replace(actor, origin=origin)) as tx:
        session = await sessions.open(tx, Opening(person.id, ("pin",)))

    stored = await people.value(runtime, "SELECT device_id FROM sessions WHERE id = $1", session.id)
    assert stored == device.id
