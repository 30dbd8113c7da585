"""Devices that take push messages: whose they are, and who is sent what."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from roster.core.flows import dossier
from roster.core.push import service as push
from roster.core.push.models import Push
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit import actor as actors
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, Unauthenticated
from roster.kit.ids import UserId
from roster.messaging import mailbox
from roster.storage.runtime import Runtime
from tests import factories

HELLO = Push(title="Hello", body="A visit was moved.", data={"visit": "7"})


async def somebody(runtime: Runtime, realm: Realm) -> Actor:
    return await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))


async def register(runtime: Runtime, actor: Actor, token: str, **known: Any) -> None:
    async with runtime.write(actor) as tx:
        await push.register(tx, token, **known)


async def devices(runtime: Runtime, actor: Actor) -> list[str]:
    assert actor.user_id is not None
    async with runtime.read(actor) as tx:
        return [each.device for each in await push.list_of(tx, actor.user_id)]


async def send(runtime: Runtime, realm: Realm, *actors: Actor, message: Push = HELLO) -> int:
    ids = [UserId(each.user_id) for each in actors if each.user_id]
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await push.send(tx, ids, message)


async def test_a_message_goes_to_every_device_of_everybody_named(runtime: Runtime, realm: Realm):
    ann, bob, cat = [await somebody(runtime, realm) for _ in range(3)]
    await register(runtime, ann, "a1", device="telephone", platform="ios")
    await register(runtime, ann, "a2", device="tablet")
    await register(runtime, bob, "b1")
    await register(runtime, cat, "c1")

    assert await send(runtime, realm, ann, bob) == 3

    async with runtime.read(factories.roster_in(realm)) as tx:
        queued = list(await mailbox.page(tx))
        message, text = await mailbox.read(tx, queued[0].id)
    assert {each.user_id for each in queued} == {ann.user_id, bob.user_id}
    assert (message.channel, message.state) == ("push", "queued")
    assert text is not None
    assert (text.subject, text.text) == ("Hello", "A visit was moved.")


async def test_tokens_stand_nowhere_in_plain_text(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "a very secret token")
    await send(runtime, realm, ann)

    async with runtime.lease() as tx:
        stored = await tx.rows("SELECT * FROM push_registrations WHERE realm_id = $1", realm.id)
        queued = await tx.rows("SELECT * FROM messages WHERE realm_id = $1", realm.id)
    assert b"secret token" not in str([*stored, *queued]).encode()


async def test_a_token_belongs_to_whom_it_was_registered_for_last(runtime: Runtime, realm: Realm):
    ann, bob = await somebody(runtime, realm), await somebody(runtime, realm)
    await register(runtime, ann, "shared", device="telephone")
    await register(runtime, bob, "shared", device="telephone")

    assert await devices(runtime, ann) == []
    assert await send(runtime, realm, ann) == 0
    assert await send(runtime, realm, bob) == 1


async def test_a_message_that_waits_does_not_follow_the_token_to_somebody_else(runtime: Runtime, realm: Realm):
    ann, bob = await somebody(runtime, realm), await somebody(runtime, realm)
    await register(runtime, ann, "shared")
    await send(runtime, realm, ann)
    async with runtime.read(factories.roster_in(realm)) as tx:
        waiting = (await mailbox.page(tx))[0]
    await register(runtime, bob, "shared")

    async with runtime.lease() as tx:
        assert await push.token_of(tx, realm.id, UUID(waiting.recipient)) is None


async def test_a_new_token_of_a_device_replaces_the_one_before(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "old", device="telephone")
    await register(runtime, ann, "new", device="telephone")
    await register(runtime, ann, "new", device="telephone")

    assert await devices(runtime, ann) == ["telephone"]
    assert await send(runtime, realm, ann) == 1


async def test_of_two_who_register_a_token_at_once_one_has_it(runtime: Runtime, realm: Realm):
    several = [await somebody(runtime, realm) for _ in range(4)]

    await asyncio.gather(*(register(runtime, each, "contested") for each in several))

    assert await send(runtime, realm, *several) == 1


async def test_the_device_that_was_not_seen_for_longest_makes_room(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    for number in range(push.MOST + 1):
        await register(runtime, ann, f"token {number}", device=f"device {number}")

    found = await devices(runtime, ann)

    assert len(found) == push.MOST
    assert "device 0" not in found


async def test_a_device_can_be_unregistered_by_its_token(runtime: Runtime, realm: Realm):
    ann, bob = await somebody(runtime, realm), await somebody(runtime, realm)
    await register(runtime, ann, "a1")

    async with runtime.write(bob) as tx:
        assert await push.unregister(tx, "another") == 0
        assert await push.unregister(tx, "a1") == 1
    assert await devices(runtime, ann) == []


async def test_all_devices_of_a_person_go_by_their_own_wish_or_with_permission(runtime: Runtime, realm: Realm):
    ann, bob = await somebody(runtime, realm), await somebody(runtime, realm)
    await register(runtime, ann, "a1")
    assert ann.user_id is not None

    with pytest.raises(Forbidden):
        async with runtime.write(bob) as tx:
            await push.unregister_all(tx, ann.user_id)
    with pytest.raises(Forbidden):
        async with runtime.read(bob) as tx:
            await push.list_of(tx, ann.user_id)
    async with runtime.write(ann) as tx:
        assert await push.unregister_all(tx, ann.user_id) == 1
        assert await push.unregister_all(tx, ann.user_id) == 0


@pytest.mark.parametrize("status", ["disabled", "pending"])
async def test_people_who_are_not_active_are_sent_nothing(runtime: Runtime, realm: Realm, status: Any):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "a1")
    assert ann.user_id is not None
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, ann.user_id, UserChange(status=status))

    assert await send(runtime, realm, ann) == 0


async def test_erased_people_leave_no_device_behind(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "a1")
    assert ann.user_id is not None
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.erase(tx, ann.user_id)

    async with runtime.lease() as tx:
        assert await tx.value("SELECT count(*) FROM push_registrations WHERE realm_id = $1", realm.id) == 0


async def test_people_of_other_realms_are_nobody(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "a1")
    elsewhere = await factories.a_realm(runtime)

    assert await send(runtime, elsewhere, ann) == 0


async def test_sending_takes_a_permission(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    assert ann.user_id is not None

    with pytest.raises(Forbidden):
        async with runtime.write(ann) as tx:
            await push.send(tx, [ann.user_id], HELLO)


async def test_only_people_register_devices(runtime: Runtime, realm: Realm):
    with pytest.raises(Unauthenticated):
        await register(runtime, factories.roster_in(realm), "a1")
    with pytest.raises(Unauthenticated):
        await register(runtime, actors.anonymous(realm.id, realm.slug, factories.ORIGIN), "a1")


@pytest.mark.parametrize("token", ["", "x" * 4097, "tökn", "two\nlines"])
async def test_tokens_are_checked(runtime: Runtime, realm: Realm, token: str):
    with pytest.raises(InvalidInput):
        await register(runtime, await somebody(runtime, realm), token)


@pytest.mark.parametrize("message", [Push(), Push(sound="bell")])
async def test_a_message_says_something(runtime: Runtime, realm: Realm, message: Push):
    with pytest.raises(InvalidInput):
        await send(runtime, realm, await somebody(runtime, realm), message=message)


async def test_a_message_is_not_larger_than_providers_take(runtime: Runtime, realm: Realm):
    with pytest.raises(InvalidInput):
        await send(runtime, realm, await somebody(runtime, realm), message=Push(body="å" * 2000))


async def test_a_message_goes_to_a_bounded_number_of_people(runtime: Runtime, realm: Realm):
    with pytest.raises(InvalidInput):
        await send(runtime, realm, *[await somebody(runtime, realm)] * (push.AT_ONCE + 1))


async def test_nothing_is_queued_when_the_transaction_does_not_commit(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "a1")
    assert ann.user_id is not None

    with suppress(ZeroDivisionError):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await push.send(tx, [ann.user_id], HELLO)
            raise ZeroDivisionError
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert list(await mailbox.page(tx)) == []


async def test_what_is_known_about_somebody_names_their_devices(runtime: Runtime, realm: Realm):
    ann = await somebody(runtime, realm)
    await register(runtime, ann, "a1", device="telephone", platform="ios")
    assert ann.user_id is not None

    async with runtime.read(ann) as tx:
        found = await dossier.gather(tx, ann.user_id)

    assert [(each.device, each.platform) for each in found.registrations] == [("telephone", "ios")]
