"""Push messages, as Wellbee's applications register for them and its services send them."""

from typing import Any

import pytest

from roster.core.push import service as push
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit import ids
from roster.messaging import mailbox
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import signed_in
from tests.dialects.wellbee.conftest import Wire


@pytest.fixture
async def ann(runtime: Runtime, realm: Realm) -> User:
    """Somebody with a telephone."""
    return await factories.a_person(runtime, realm)


async def asking(runtime: Runtime, realm: Realm, wire: Wire, user: User) -> Wire:
    return wire.by((await signed_in(runtime, realm, user)).access_token)


async def devices(runtime: Runtime, realm: Realm, user: User) -> list[tuple[str, str]]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return [(each.device, each.platform) for each in await push.list_of(tx, user.id)]


async def queued(runtime: Runtime, realm: Realm) -> list[Any]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return [(await mailbox.read(tx, each.id))[1] for each in await mailbox.page(tx)]


async def test_a_device_is_registered_for_whoever_asks(runtime: Runtime, realm: Realm, wire: Wire, ann: User):
    mine = await asking(runtime, realm, wire, ann)
    body = {"registrationToken": "t1", "deviceId": "telephone", "platform": "ios", "appVersion": "1.2"}

    assert (await mine.call("POST", "/notifications/register", body)).status == 200
    assert (await mine.call("POST", "/notifications/register", {"registrationToken": "t2"})).status == 200

    assert sorted(await devices(runtime, realm, ann)) == [("", ""), ("telephone", "ios")]


async def test_on_the_bus_it_is_for_whom_the_message_names(runtime: Runtime, realm: Realm, wire: Wire, ann: User):
    sent = {"registrationToken": "t1"}

    assert (await wire.ask("http.post.notifications.register", sent, user=ann.id)).status == 200
    assert (await wire.ask("http.post.notifications.register", sent)).code == "MUST_BE_LOGGED_IN"
    assert len(await devices(runtime, realm, ann)) == 1


async def test_a_token_moves_to_whom_it_was_registered_for_last(runtime: Runtime, realm: Realm, wire: Wire, ann: User):
    bob = await factories.a_person(runtime, realm)
    for user in (ann, bob):
        mine = await asking(runtime, realm, wire, user)
        await mine.call("POST", "/notifications/register", {"registrationToken": "shared"})

    assert await devices(runtime, realm, ann) == []
    assert len(await devices(runtime, realm, bob)) == 1


async def test_one_device_or_all_of_ones_own_are_unregistered(runtime: Runtime, realm: Realm, wire: Wire, ann: User):
    mine = await asking(runtime, realm, wire, ann)
    for token in ("t1", "t2", "t3"):
        await mine.call("POST", "/notifications/register", {"registrationToken": token})

    assert (await mine.call("POST", "/notifications/unregister", {"registrationToken": "t1"})).status == 200
    assert len(await devices(runtime, realm, ann)) == 2
    assert (await mine.call("POST", "/notifications/unregister", {"userId": str(ann.id)})).status == 200
    assert await devices(runtime, realm, ann) == []


async def test_nobody_unregisters_all_devices_of_others(runtime: Runtime, realm: Realm, wire: Wire, ann: User):
    mine = await asking(runtime, realm, wire, ann)
    await mine.call("POST", "/notifications/register", {"registrationToken": "t1"})
    other = await asking(runtime, realm, wire, await factories.a_person(runtime, realm))

    refused = await other.call("POST", "/notifications/unregister", {"userId": str(ann.id)})

    assert (refused.status, refused.code) == (403, "PERMISSION_DENIED")
    assert len(await devices(runtime, realm, ann)) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("register", {}),
        ("register", {"registrationToken": ""}),
        ("register", {"registrationToken": 3}),
        ("register", {"registrationToken": "t", "platform": "fridge"}),
        ("unregister", {}),
        ("unregister", {"registrationToken": "t", "more": 1}),
    ],
)
async def test_what_is_sent_is_checked(
    runtime: Runtime, realm: Realm, wire: Wire, ann: User, path: str, body: dict[str, Any]
):
    mine = await asking(runtime, realm, wire, ann)

    refused = await mine.call("POST", f"/notifications/{path}", body)

    assert (refused.status, refused.code) == (400, "BAD_REQUEST")
    assert (await wire.call("POST", f"/notifications/{path}", body)).code == "MUST_BE_LOGGED_IN"


@pytest.mark.parametrize("subject", ["push-service.send", "push-service.send-to-users"])
async def test_services_send_to_one_or_several(runtime: Runtime, realm: Realm, wire: Wire, ann: User, subject: str):
    bob = await factories.a_person(runtime, realm)
    for user in (ann, bob):
        await wire.ask("http.post.notifications.register", {"registrationToken": str(user.id)}, user=user.id)
    body = {"notification": {"title": "Hello", "body": "Moved.", "badge": 1}, "data": {"visit": "7"}, "priority": 1}

    assert (await wire.ask(subject, {"userId": str(ann.id), **body})).status == 200
    assert (
        await wire.ask(subject, {"userId": [str(ann.id), str(bob.id), str(ids.uuid4()), "x"], **body})
    ).status == 200

    found = await queued(runtime, realm)
    assert len(found) == 3
    assert found[0].data == {"title": "Hello", "body": "Moved.", "badge": 1, "data": {"visit": "7"}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"userId": 3},
        {"userId": []},
        {"userId": [], "notification": {}},
        {"userId": "x", "data": {"number": 1}},
        {"userId": "x", "notification": {"title": "x" * 5000}},
        {"userId": ["x"] * 1001, "notification": {"title": "x"}},
    ],
)
async def test_messages_are_checked(wire: Wire, body: dict[str, Any]):
    refused = await wire.ask("push-service.send-to-users", body)

    assert (refused.status, refused.code) == (400, "BAD_REQUEST")


async def test_services_unregister_all_devices_of_somebody(runtime: Runtime, realm: Realm, wire: Wire, ann: User):
    await wire.ask("http.post.notifications.register", {"registrationToken": "t1"}, user=ann.id)

    assert (await wire.ask("push-service.unregister-user", {"userId": str(ann.id)})).status == 200
    assert (await wire.ask("push-service.unregister-user", {"userId": str(ids.uuid4())})).status == 200
    assert await devices(runtime, realm, ann) == []
