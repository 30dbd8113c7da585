"""Requests signed with a person's key: who is taken, what is remembered, and what is taken only once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from roster.core.access import service as access
from roster.core.access.errors import Escalation
from roster.core.audit import service as audit
from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.credentials.models import CredentialChange, SigningChange, SigningDraft
from roster.core.devices import service as devices
from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.core.flows import passwords, pins
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.realms.models import Realm, RealmChange
from roster.core.sessions import activity
from roster.core.signed import service as signed
from roster.core.signed.errors import Replayed, StaleClock, WrongPayload
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit import clock, hawk
from roster.kit.actor import Kind, Origin
from roster.kit.errors import Forbidden, InvalidToken, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.signed.signing import BODY, TARGET, a_key, a_request, authenticated, named_otherwise


async def a_till(runtime: Runtime, realm: Realm) -> tuple[Device, bytes]:
    async with runtime.write(factories.roster_in(realm)) as tx:
        device = await devices.create(tx, DeviceDraft(name="Till", external_id="till"))
        return device, await devices.set_key(tx, device.id)


async def test_a_signature_stands_for_the_owner_of_the_key(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, roles=("admin",))
    made = await a_key(runtime, person, alias="ci")

    actor = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))

    assert made.identifier == f"key:{person.username}+ci@{realm.slug}"
    assert actor.is_user(person.id)
    assert actor.may("users.write")
    assert (actor.kind, actor.factors, actor.session_id) == (Kind.USER, ("hawk",), None)
    assert actor.credential_id == made.credential.id


async def test_a_remembered_key_costs_one_statement_with_the_nonce(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key))

    with people.counting() as sent:
        await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key))

    assert len(sent) == 1


@pytest.mark.parametrize("seconds", [0, 59, -59])
async def test_a_request_is_taken_once_by_all_workers_together(runtime: Runtime, person: Person, seconds: int):
    made = await a_key(runtime, person)
    request = a_request(made.identifier, made.key, seconds=seconds)
    other = people.a_worker(runtime)

    await authenticated(runtime, person.realm.slug, request)

    for worker in (runtime, other, other):
        with pytest.raises(Replayed):
            await authenticated(worker, person.realm.slug, request)


async def test_of_the_same_request_at_the_same_moment_one_is_taken(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    request = a_request(made.identifier, made.key)
    workers = [runtime, people.a_worker(runtime)] * 4

    done = await asyncio.gather(
        *(authenticated(worker, person.realm.slug, request) for worker in workers), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in done) == ["Actor", *["Replayed"] * 7]


async def test_another_spelling_of_the_identifier_does_not_make_a_request_new(runtime: Runtime, person: Person):
    made = await a_key(runtime, person, alias="ci")
    request = a_request(made.identifier, made.key)
    await authenticated(runtime, person.realm.slug, request)
    slug = person.realm.slug

    for name in (person.username.upper(), str(person.id)):
        with pytest.raises(Replayed):
            await authenticated(runtime, slug, named_otherwise(request, f"key:{name}+ci@{slug}"))
    with pytest.raises(Replayed):
        await authenticated(runtime, slug, named_otherwise(request, f"{made.identifier} usr:{person.username}@{slug}"))


async def test_a_nonce_may_come_again_with_another_key_or_time(runtime: Runtime, person: Person):
    first, second = await a_key(runtime, person), await a_key(runtime, person)

    for made, seconds in ((first, 0), (second, 0), (first, 5)):
        await authenticated(
            runtime, person.realm.slug, a_request(made.identifier, made.key, seconds=seconds, nonce="abc")
        )


@pytest.mark.parametrize("seconds", [62, -62, 10**6])
async def test_a_stale_clock_is_told_the_time(runtime: Runtime, person: Person, seconds: int):
    made = await a_key(runtime, person)

    with pytest.raises(StaleClock) as caught:
        await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key, seconds=seconds))

    now = int(caught.value.challenge.split('"')[1])
    assert abs(now - clock.now().timestamp()) < 30
    assert caught.value.challenge == hawk.challenge(made.key, now)


async def test_who_does_not_have_the_key_is_not_told_the_time(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)

    with pytest.raises(InvalidToken) as caught:
        await authenticated(runtime, person.realm.slug, a_request(made.identifier, b"x" * 32, seconds=3600))

    assert type(caught.value) is InvalidToken


async def test_a_body_that_was_not_signed_is_refused(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    request = a_request(made.identifier, made.key)

    for body in (b"", BODY + b" ", BODY.upper()):
        with pytest.raises(WrongPayload):
            await authenticated(runtime, person.realm.slug, msgspec.structs.replace(request, body=body))
    await authenticated(runtime, person.realm.slug, request)


async def test_a_body_without_hash_is_taken_unless_the_installation_asks_for_one(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    security = msgspec.structs.replace(runtime.settings.security, require_payload_hash=True)
    strict = Runtime(
        msgspec.structs.replace(runtime.settings, security=security), runtime.pool, runtime.keyring, runtime.workers
    )

    await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key, hash=None))
    await authenticated(strict, person.realm.slug, a_request(made.identifier, made.key, hash=None, body=b""))
    with pytest.raises(WrongPayload):
        await authenticated(strict, person.realm.slug, a_request(made.identifier, made.key, hash=None))


async def test_whatever_differs_from_what_was_signed_is_refused(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    request = a_request(made.identifier, made.key)
    others = [msgspec.structs.replace(TARGET, **change) for change in (
        {"method": "PUT"}, {"path": TARGET.path + ";d=t"}, {"host": "other.example"}, {"port": 80}
    )]  # fmt: skip

    for target in others:
        with pytest.raises(InvalidToken):
            await authenticated(runtime, person.realm.slug, msgspec.structs.replace(request, target=target))
    await authenticated(runtime, person.realm.slug, request)


async def test_unknown_names_and_wrong_keys_look_and_cost_the_same(runtime: Runtime, person: Person):
    made = await a_key(runtime, person, alias="ci")
    slug = person.realm.slug
    await authenticated(runtime, slug, a_request(made.identifier, made.key))
    costs: set[tuple[int, str]] = set()

    for identifier in (made.identifier, f"key:nobody+ci@{slug}", f"key:{person.username}+x@{slug}", "key:a+b@nowhere"):
        with people.counting() as sent, pytest.raises(InvalidToken) as caught:
            await authenticated(runtime, slug, a_request(identifier, b"x" * 32))
        assert type(caught.value) is InvalidToken
        costs.add((len(sent), caught.value.message))

    assert len(costs) == 1


async def test_wrong_signatures_from_one_address_are_counted_and_good_ones_taken(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    origin = people.nobody(person.realm).origin
    slug = person.realm.slug
    few = msgspec.structs.replace(runtime.settings.limits, address_guesses=3)
    strict = Runtime(
        msgspec.structs.replace(runtime.settings, limits=few), runtime.pool, runtime.keyring, runtime.workers
    )

    for name in (made.identifier, f"key:nobody+x@{slug}", f"dev:1@{slug}"):
        with pytest.raises(InvalidToken):
            await authenticated(strict, slug, a_request(name, b"x" * 32), origin)
    for name in (made.identifier, f"key:nobody+x@{slug}", f"dev:1@{slug}"):
        with pytest.raises(TooMany):
            await authenticated(strict, slug, a_request(name, b"x" * 32), origin)

    await authenticated(strict, slug, a_request(made.identifier, made.key), origin)


async def test_a_wrong_signature_neither_uses_up_a_nonce_nor_makes_the_key_forgotten(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    request = a_request(made.identifier, made.key)
    forged = msgspec.structs.replace(request, header=msgspec.structs.replace(request.header, mac="x" * 44))

    with pytest.raises(InvalidToken):
        await authenticated(runtime, person.realm.slug, forged)
    await authenticated(runtime, person.realm.slug, request)


@pytest.mark.parametrize("how", ["renewed", "deleted", "expired", "person disabled", "person deleted", "realm off"])
async def test_what_is_revoked_fails_at_once_on_every_worker(runtime: Runtime, realm: Realm, how: str):
    person = await people.a_member(runtime, realm)
    made = await a_key(runtime, person)
    actor, workers = factories.roster_in(realm), (runtime, people.a_worker(runtime))
    for worker in workers:
        await authenticated(worker, realm.slug, a_request(made.identifier, made.key))

    async with runtime.write(actor) as tx:
        if how == "renewed":
            renewed = await signing.renew(tx, person.id, made.credential.id)
            assert (renewed.identifier, renewed.key != made.key) == (made.identifier, True)
        elif how == "deleted":
            await credentials.delete(tx, person.id, made.credential.id)
        elif how == "expired":
            change = CredentialChange(expires_at=clock.now() - timedelta(seconds=1))
            await credentials.change(tx, person.id, made.credential.id, change)
        elif how == "person disabled":
            await users.change(tx, person.id, UserChange(status="disabled"))
        elif how == "person deleted":
            await users.delete(tx, person.id)
        else:
            await realms.change(tx, realm.slug, RealmChange(status="disabled"))

    for worker in workers:
        with pytest.raises(InvalidToken):
            await authenticated(worker, realm.slug, a_request(made.identifier, made.key))


async def test_a_renewed_key_works_at_once_and_so_does_a_new_username(runtime: Runtime, person: Person):
    made = await a_key(runtime, person, alias="ci")
    slug = person.realm.slug
    await authenticated(runtime, slug, a_request(made.identifier, made.key))
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        renewed = await signing.renew(tx, person.id, made.credential.id)
        await users.change(tx, person.id, UserChange(username="anew"))

    actor = await authenticated(runtime, slug, a_request(f"key:anew+ci@{slug}", renewed.key))

    assert actor.is_user(person.id)
    with pytest.raises(InvalidToken):
        await authenticated(runtime, slug, a_request(made.identifier, renewed.key))
    assert (await authenticated(runtime, slug, a_request(f"key:{person.id}+ci@{slug}", renewed.key))).name == "anew"


async def test_a_changed_role_counts_from_the_next_request_on(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "readers", "users.read")
    person = await people.a_member(runtime, realm)
    made = await a_key(runtime, person)
    before = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_roles(tx, person.id, ["readers"])

    after = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))

    assert (before.may("users.read"), after.may("users.read")) == (False, True)


async def test_a_key_may_be_limited_and_never_gives_more_than_its_owner_has(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "readers", "users.read", "roles.read")
    reader = await people.a_member(runtime, realm, roles=("readers",))
    administrator = await people.a_member(runtime, realm, roles=("admin",))
    limit = ["users.read", "users.write"]

    actors = []
    for person in (reader, administrator):
        made = await a_key(runtime, person, permissions=limit)
        actors.append(await authenticated(runtime, realm.slug, a_request(made.identifier, made.key)))

    held = [[name for name in ("users.read", "users.write", "roles.read", "*") if actor.may(name)] for actor in actors]
    assert held == [["users.read"], ["users.read", "users.write"]]


async def test_a_key_tied_to_a_device_acts_from_it_while_it_is_trusted(runtime: Runtime, person: Person):
    device, _ = await a_till(runtime, person.realm)
    made = await a_key(runtime, person, device_id=device.id)
    workers = (runtime, people.a_worker(runtime))
    for worker in workers:
        actor = await authenticated(worker, person.realm.slug, a_request(made.identifier, made.key))
        assert actor.origin.device_id == device.id
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await devices.change(tx, device.id, DeviceChange(status="disabled"))

    for worker in (*workers, people.a_worker(runtime)):
        with pytest.raises(InvalidToken):
            await authenticated(worker, person.realm.slug, a_request(made.identifier, made.key))


async def test_a_change_of_a_limit_counts_from_the_next_request_on(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, roles=("admin",))
    made = await a_key(runtime, person, permissions=["users.read"])
    await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await signing.change(tx, person.id, made.credential.id, SigningChange(permissions=["roles.read"]))

    actor = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))

    assert (actor.may("users.read"), actor.may("roles.read")) == (False, True)


async def test_a_limited_key_brings_about_no_way_to_do_more_as_the_same_person(runtime: Runtime, realm: Realm):
    boss = await people.a_member(runtime, realm, roles=("admin",))
    whole = await a_key(runtime, boss)
    made = await a_key(runtime, boss, permissions=["credentials.write", "users.write", "devices.bind"])
    actor = await authenticated(runtime, realm.slug, a_request(made.identifier, made.key))
    ways: list[Callable[[Tx], Awaitable[object]]] = [
        lambda tx: signing.create(tx, boss.id, SigningDraft()),
        lambda tx: signing.change(tx, boss.id, made.credential.id, SigningChange(permissions=None)),
        lambda tx: signing.renew(tx, boss.id, whole.credential.id),
        lambda tx: passwords.set_key(tx, boss.id, bytes(32)),
        lambda tx: pins.set_key(tx, boss.id, bytes(32)),
        lambda tx: users.change(tx, boss.id, UserChange(email="mine@example.org")),
    ]

    for way in ways:
        with pytest.raises(Escalation):
            async with runtime.write(actor) as tx:
                await way(tx)
    actor = await authenticated(runtime, realm.slug, a_request(whole.identifier, whole.key))
    for way in ways:
        async with runtime.write(actor) as tx:
            await way(tx)


async def test_a_device_signs_with_its_own_key_and_may_do_nothing_else(runtime: Runtime, realm: Realm):
    device, key = await a_till(runtime, realm)

    for name in ("till", str(device.number)):
        actor = await authenticated(runtime, realm.slug, a_request(f"dev:{name}@{realm.slug}", key))
        assert (actor.kind, actor.user_id, actor.name) == (Kind.DEVICE, None, "Till")
        assert (actor.origin.device_id, actor.grants.everywhere) == (device.id, frozenset())
    request = a_request(f"dev:till@{realm.slug}", key)
    await authenticated(runtime, realm.slug, request)
    with pytest.raises(Replayed):
        await authenticated(runtime, realm.slug, named_otherwise(request, f"dev:{device.number}@{realm.slug}"))
    with pytest.raises(InvalidToken):
        await authenticated(runtime, realm.slug, a_request(f"dev:till@{realm.slug}", b"x" * 32))
    with pytest.raises(InvalidToken):
        await authenticated(runtime, realm.slug, a_request(f"dev:other@{realm.slug}", key))


async def test_a_device_may_sign_along(runtime: Runtime, person: Person):
    device, device_key = await a_till(runtime, person.realm)
    made = await a_key(runtime, person)
    identifier = f"{made.identifier} dev:till@{person.realm.slug}"

    both = a_request(identifier, hawk.joint_key(device_key, made.key))
    actor = await authenticated(runtime, person.realm.slug, both)

    assert actor.is_user(person.id)
    assert (actor.origin.device_id, actor.factors) == (device.id, ("hawk", "device"))
    for key in (made.key, device_key, hawk.joint_key(made.key, device_key)):
        with pytest.raises(InvalidToken):
            await authenticated(runtime, person.realm.slug, a_request(identifier, key))


async def test_a_key_of_another_realm_does_not_exist_here(runtime: Runtime, person: Person, other_realm: Realm):
    made = await a_key(runtime, person)

    with pytest.raises(RealmNotFound):
        await authenticated(runtime, other_realm.slug, a_request(made.identifier, made.key))
    elsewhere = made.identifier.replace(person.realm.slug, other_realm.slug)
    with pytest.raises(InvalidToken):
        await authenticated(runtime, other_realm.slug, a_request(elsewhere, made.key))


async def test_a_sealed_key_opens_for_its_own_row_only(runtime: Runtime, person: Person):
    first, second = await a_key(runtime, person), await a_key(runtime, person)
    await people.execute(
        runtime,
        "UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE id = $1) WHERE id = $2",
        first.credential.id,
        second.credential.id,
    )

    with pytest.raises(InvalidToken):
        await authenticated(runtime, person.realm.slug, a_request(second.identifier, first.key))


async def test_the_use_of_a_key_is_noted(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    await authenticated(runtime, person.realm.slug, a_request(made.identifier, made.key))
    await activity.flush(runtime)

    used = await people.value(runtime, "SELECT last_used_at FROM credentials WHERE id = $1", made.credential.id)
    assert used is not None


async def test_nonces_are_swept_when_no_clock_lets_them_through(runtime: Runtime, person: Person):
    made = await a_key(runtime, person)
    request = a_request(made.identifier, made.key)
    await authenticated(runtime, person.realm.slug, request)
    count = "SELECT count(*) FROM request_nonces WHERE realm_id = $1"

    await signed.sweep(runtime)
    kept = await people.value(runtime, count, person.realm.id)
    earlier = clock.now() - timedelta(seconds=1)
    await people.execute(
        runtime, "UPDATE request_nonces SET expires_at = $2 WHERE realm_id = $1", person.realm.id, earlier
    )
    await signed.sweep(runtime)

    assert (kept, await people.value(runtime, count, person.realm.id)) == (1, 0)


# in somebody else's name


async def possessing(runtime: Runtime, realm: Realm, *, allowed: bool) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await realms.change(tx, realm.slug, RealmChange(settings={"possess": allowed}))


async def test_an_administrator_signs_in_the_name_of_another_where_the_realm_allows_it(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "readers", "users.read")
    boss = await people.a_member(runtime, realm, roles=("admin",))
    asa = await people.a_member(runtime, realm, roles=("readers",))
    made = await a_key(runtime, boss)
    identifier = f"{made.identifier} usr:{asa.username}@{realm.slug}"

    with pytest.raises(Forbidden):
        await authenticated(runtime, realm.slug, a_request(identifier, made.key))
    await possessing(runtime, realm, allowed=True)
    actor = await authenticated(runtime, realm.slug, a_request(identifier, made.key))

    assert (actor.user_id, actor.acting_for, actor.name) == (boss.id, asa.id, boss.username)
    assert (actor.may("users.read"), actor.may("users.write"), actor.platform) == (True, False, False)


async def test_only_holders_of_everything_sign_in_other_names(runtime: Runtime, realm: Realm):
    await possessing(runtime, realm, allowed=True)
    await factories.a_role(runtime, realm, "helpers", "users.write", "credentials.write")
    boss = await people.a_member(runtime, realm, roles=("admin",))
    asa = await people.a_member(runtime, realm)
    helper = await people.a_member(runtime, realm, roles=("helpers",))
    device, key = await a_till(runtime, realm)
    limited, small = await a_key(runtime, boss, permissions=["users.read"]), await a_key(runtime, helper)
    behind = f" usr:{asa.username}@{realm.slug}"

    for identifier, made in ((limited.identifier, limited.key), (small.identifier, small.key)):
        with pytest.raises(Forbidden):
            await authenticated(runtime, realm.slug, a_request(identifier + behind, made))
    with pytest.raises(Forbidden):
        await authenticated(runtime, realm.slug, a_request(f"dev:till@{realm.slug}{behind}", key))
    assert device.has_key is False


async def test_nobody_signs_for_people_who_are_not_there(runtime: Runtime, realm: Realm, other_realm: Realm):
    await possessing(runtime, realm, allowed=True)
    boss = await people.a_member(runtime, realm, roles=("admin",))
    gone = await people.a_member(runtime, realm, status="disabled")
    stranger = await people.a_member(runtime, other_realm)
    made = await a_key(runtime, boss)

    for name, slug in (("nobody", realm.slug), (gone.username, realm.slug), (stranger.username, other_realm.slug)):
        request = a_request(f"{made.identifier} usr:{name}@{slug}", made.key)
        with pytest.raises(Forbidden):
            await authenticated(runtime, realm.slug, request)


async def test_whoever_acts_for_another_is_in_the_trail_with_both_names(runtime: Runtime, realm: Realm):
    await possessing(runtime, realm, allowed=True)
    await factories.a_role(runtime, realm, "editors", "users.read", "users.write")
    boss = await people.a_member(runtime, realm, roles=("admin",))
    asa = await people.a_member(runtime, realm, username="asa", roles=("editors",))
    third = await people.a_member(runtime, realm)
    made = await a_key(runtime, boss)
    request = a_request(f"{made.identifier} usr:asa@{realm.slug}", made.key)
    actor = await authenticated(runtime, realm.slug, request, Origin(dialect="test"))

    async with runtime.write(actor) as tx:
        await users.change(tx, third.id, UserChange(display_name="Third"))
    async with runtime.read(factories.roster_in(realm)) as tx:
        entry = (await audit.of_subject(tx, third.id, 1))[0]

    assert (entry.actor_id, entry.actor_name) == (boss.id, boss.username)
    assert (entry.acting_for, entry.acting_for_name) == (asa.id, "asa")
