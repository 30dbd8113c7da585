"""PINs: on a trusted device and nowhere else."""

import msgspec
import pytest

from roster.core.credentials import chosen
from roster.core.devices import service as devices
from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.core.flows import pins
from roster.core.flows.models import Granted, StepNeeded
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit import hawk
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, StepUpRequired, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import Person
from tests.core.signed.signing import a_key, a_request, authenticated

PIN = "4711"


class Till(msgspec.Struct):
    """A till with its key, and what it acts as."""

    device: Device
    key: bytes
    actor: Actor


async def a_till(runtime: Runtime, realm: Realm, name: str = "till") -> Till:
    async with runtime.write(factories.roster_in(realm)) as tx:
        device = await devices.create(tx, DeviceDraft(name=name, external_id=name))
        key = await devices.set_key(tx, device.id)
    actor = await authenticated(runtime, realm.slug, a_request(f"dev:{name}@{realm.slug}", key))
    return Till(device, key, actor)


async def with_pin(runtime: Runtime, person: Person, pin: str = PIN) -> Person:
    await pins.set_pin(runtime, factories.roster_in(person.realm), person.id, pin)
    return person


async def signed_with_pin(runtime: Runtime, person: Person, till: Till, pin_key: bytes) -> Actor:
    identifier = f"pin:{person.username}@{person.realm.slug} dev:{till.device.external_id}@{person.realm.slug}"
    return await authenticated(runtime, person.realm.slug, a_request(identifier, hawk.joint_key(till.key, pin_key)))


async def test_a_pin_opens_a_session_on_a_device(runtime: Runtime, person: Person):
    till = await a_till(runtime, person.realm)
    await with_pin(runtime, person)

    granted = await pins.sign_in(runtime, till.actor, person.username, PIN)

    assert isinstance(granted, Granted)
    actor = await people.actor_of(runtime, person, granted.access_token)
    assert actor.is_user(person.id)
    assert (actor.factors, actor.origin.device_id) == (("pin", "device"), till.device.id)


async def test_what_is_done_in_such_a_session_says_which_device_it_came_from(runtime: Runtime, person: Person):
    till = await a_till(runtime, person.realm)
    await with_pin(runtime, person)
    granted = await pins.sign_in(runtime, till.actor, person.username, PIN)
    assert isinstance(granted, Granted)
    actor = await people.actor_of(runtime, person, granted.access_token)

    async with runtime.write(actor) as tx:
        changed = await users.change(tx, person.id, UserChange(display_name="Asa"))

    assert (changed.updated_by, changed.updated_from) == (person.id, till.device.id)


async def test_without_a_device_a_pin_opens_nothing(runtime: Runtime, person: Person):
    await with_pin(runtime, person)
    key = chosen.roster_kdf_1("pin", PIN, person.username, person.realm.slug)
    slug = person.realm.slug

    for actor in (people.nobody(person.realm), await people.signed_in(runtime, person)):
        with pytest.raises(Forbidden):
            await pins.sign_in(runtime, actor, person.username, PIN)
    with pytest.raises(BadCredentials):
        await people.sign_in(runtime, person, PIN)
    for identifier in (f"pin:{person.username}@{slug}", f"usr:{person.username}@{slug}"):
        with pytest.raises(InvalidToken):
            await authenticated(runtime, slug, a_request(identifier, key))


async def test_a_device_that_lost_its_trust_ends_the_session(runtime: Runtime, person: Person):
    till = await a_till(runtime, person.realm)
    await with_pin(runtime, person)
    granted = await pins.sign_in(runtime, till.actor, person.username, PIN)
    assert isinstance(granted, Granted)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await devices.change(tx, till.device.id, DeviceChange(status="disabled"))

    with pytest.raises(InvalidToken):
        await people.actor_of(runtime, person, granted.access_token)


async def test_wrong_pins_are_counted_and_nobody_learns_who_has_one(
    runtime: Runtime, person: Person, workers: CountingWorkers
):
    till = await a_till(runtime, person.realm)
    other = await people.a_member(runtime, person.realm)
    gone = await with_pin(runtime, await people.a_member(runtime, person.realm, status="disabled"))
    await with_pin(runtime, person)
    workers.ran.clear()

    for name, pin in ((person.username, "4712"), (other.username, PIN), (gone.username, PIN), ("nobody", PIN)):
        with pytest.raises(BadCredentials):
            await pins.sign_in(runtime, till.actor, name, pin)
    assert workers.ran == ["verify_any"] * 4

    for _ in range(9):
        with pytest.raises(BadCredentials):
            await pins.sign_in(runtime, till.actor, person.username, "4712")
    with pytest.raises(TooMany):
        await pins.sign_in(runtime, till.actor, person.username, PIN)


async def test_a_right_pin_forgives_the_wrong_ones_before(runtime: Runtime, person: Person):
    till = await a_till(runtime, person.realm)
    await with_pin(runtime, person)

    for _ in range(3):
        for _ in range(6):
            with pytest.raises(BadCredentials):
                await pins.sign_in(runtime, till.actor, person.username, "4712")
        await pins.sign_in(runtime, till.actor, person.username, PIN)


@pytest.mark.parametrize(
    "pin", ["", "471", "4" * 13, "47a1", "\u0664\u0667\u0661\u0661", "1111", "1234", "9876", "4711 "]
)
async def test_a_pin_is_some_digits_that_nobody_tries_first(runtime: Runtime, person: Person, pin: str):
    with pytest.raises(InvalidInput):
        await with_pin(runtime, person, pin)


async def test_a_second_factor_is_asked_for_unless_pins_skip_it(runtime: Runtime, person: Person):
    till = await a_till(runtime, person.realm)
    await with_pin(runtime, person)
    await people.with_second_factor(runtime, person)
    assert isinstance(await pins.sign_in(runtime, till.actor, person.username, PIN), Granted)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await realms.change(tx, person.realm.slug, RealmChange(settings={"mfa_skipped_by": []}))
    request = a_request(f"dev:till@{person.realm.slug}", till.key)
    actor = await authenticated(runtime, person.realm.slug, request)

    assert isinstance(await pins.sign_in(runtime, actor, person.username, PIN), StepNeeded)


async def test_own_pins_take_a_recent_sign_in_or_a_signature(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    made = await a_key(runtime, person)
    by_key = await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key))

    await pins.set_pin(runtime, actor, person.id, PIN)
    async with runtime.write(by_key) as tx:
        await pins.set_key(tx, person.id, b"a key")
    with pytest.raises(StepUpRequired):
        await pins.set_pin(runtime, msgspec.structs.replace(actor, factors=("device",)), person.id, PIN)


async def test_others_pins_take_the_permission(runtime: Runtime, person: Person):
    other = await people.a_member(runtime, person.realm)

    with pytest.raises(Forbidden):
        await pins.set_pin(runtime, await people.signed_in(runtime, other), person.id, PIN)


async def test_a_pin_is_stored_hashed_and_where_the_realm_derives_keys_sealed(runtime: Runtime, person: Person):
    deriving = await people.a_member(runtime, await factories.a_realm(runtime, key_derivation="roster-kdf-1"))
    stored = (
        "SELECT ARRAY[hash LIKE '$argon2id$%', sealed IS NOT NULL] FROM credentials WHERE user_id = $1 AND kind = 'pin'"
    )

    await with_pin(runtime, person)
    await with_pin(runtime, deriving)

    assert await people.value(runtime, stored, person.id) == [True, False]
    assert await people.value(runtime, stored, deriving.id) == [True, True]


async def test_a_pin_signs_requests_together_with_the_key_of_a_device(runtime: Runtime):
    person = await people.a_member(runtime, await factories.a_realm(runtime, key_derivation="roster-kdf-1"))
    till, other = await a_till(runtime, person.realm), await a_till(runtime, person.realm, "other")
    await with_pin(runtime, person)
    key = chosen.roster_kdf_1("pin", PIN, person.username, person.realm.slug)

    actor = await signed_with_pin(runtime, person, till, key)

    assert actor.is_user(person.id)
    assert (actor.factors, actor.origin.device_id) == (("pin", "device"), till.device.id)
    with pytest.raises(InvalidToken):
        await signed_with_pin(runtime, person, Till(till.device, other.key, other.actor), key)
    for _ in range(9):
        with pytest.raises(InvalidToken):
            await signed_with_pin(runtime, person, till, b"wrong")
    with pytest.raises(TooMany):
        await signed_with_pin(runtime, person, till, key)


async def test_a_pin_that_a_client_made_a_key_of_can_be_typed_where_its_making_is_known(runtime: Runtime):
    person = await people.a_member(runtime, await factories.a_realm(runtime, key_derivation="roster-kdf-1"))
    till = await a_till(runtime, person.realm)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await pins.set_key(tx, person.id, chosen.roster_kdf_1("pin", PIN, person.username, person.realm.slug))

    assert isinstance(await pins.sign_in(runtime, till.actor, person.username, PIN), Granted)
