"""What the dialect itself says on the bus: what it offers, what happens, and what is meant for websockets."""

import asyncio
import json
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from roster.bus import relay_store
from roster.bus.nats import NatsLink
from roster.bus.server import Credentials
from roster.core.orgs import service as orgs
from roster.core.orgs.models import OrgDraft
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.dialects.wellbee import audience, bus, on_bus
from roster.dialects.wellbee.audience import Listener
from roster.storage.runtime import Runtime
from roster.web.request import Site
from roster.web.sockets import Socket
from tests import buses, factories, processes
from tests.buses import Peer

DELETED = "pub.user-service.user-deleted"


@pytest.fixture
async def speaking(here: Runtime, link: NatsLink, realm: Realm) -> AsyncIterator[asyncio.Task[None]]:
    """The whole of it, as the one process that speaks for all; the cursor is there."""
    running = asyncio.create_task(bus.run(here, link, on_bus, Site(), alone=True))
    async with asyncio.timeout(processes.PATIENCE):
        while not await _has_cursor(here, realm):
            await asyncio.sleep(0.01)
        await link.flush()
    yield running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _has_cursor(runtime: Runtime, realm: Realm) -> bool:
    async with runtime.lease() as tx:
        return bool(await tx.value("SELECT count(*) FROM bus_cursors WHERE realm_id = $1", realm.id))


@pytest.fixture
async def listener(joined: Credentials, speaking: asyncio.Task[None]) -> AsyncIterator[Peer]:
    async with buses.peer(joined) as made:
        yield made


# events


async def test_listeners_hear_of_people_who_are_gone(listener: Peer, here: Runtime, realm: Realm):
    await listener.listen("pub.>")
    gone, erased = [await factories.a_person(here, realm) for _ in range(2)]
    async with here.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, gone.id)
    async with here.write(factories.roster_in(realm)) as tx:
        await users.erase(tx, erased.id)
    found = await listener.until_heard(2)
    assert [each["data"] for each in found] == [{"userId": str(gone.id)}, {"userId": str(erased.id)}]
    assert {each.subject for each in listener.heard} == {DELETED}
    for each in found:
        assert each.keys() == {"reqId", "data", "from"}
        assert each["from"]["service"] == "roster"
    assert {each.reply for each in listener.heard} == {""}


async def test_an_event_that_is_told_again_has_the_same_identifier(
    listener: Peer, here: Runtime, realm: Realm, link: NatsLink, speaking: asyncio.Task[None]
):
    """So that listeners can tell: the cursor is put back, as when nobody knows whether the bus has acknowledged.

    By then whoever told it first has ended, or would move the cursor again.
    """
    await listener.listen(DELETED)
    async with here.lease() as tx:
        start = (await tx.rows("SELECT transaction::text, position FROM bus_cursors WHERE realm_id = $1", realm.id))[0]
    person = await factories.a_person(here, realm)
    async with here.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, person.id)
    await listener.until_heard(1)
    speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)
    async with here.lease() as tx:
        await tx.run(
            "UPDATE bus_cursors SET transaction = $2::text::xid8, position = $3 WHERE realm_id = $1",
            realm.id, *start,
        )  # fmt: skip
    again = asyncio.create_task(bus._relay(here, link).run())
    found = await listener.until_heard(2)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert found[0]["reqId"] == found[1]["reqId"]
    assert found[0]["data"] == found[1]["data"]


async def test_listeners_hear_of_organisations_that_are_gone(listener: Peer, here: Runtime, realm: Realm):
    await listener.listen("pub.organisation-service.>")
    async with here.write(factories.roster_in(realm)) as tx:
        made = await orgs.create(tx, OrgDraft(name="Acme"))
    async with here.write(factories.roster_in(realm)) as tx:
        await orgs.delete(tx, made.id)
    found = await listener.until_heard(1)
    assert found[0]["data"] == {"organisationId": str(made.id)}
    assert listener.heard[0].subject == "pub.organisation-service.organisation-deleted"


async def test_nobody_hears_of_what_did_not_happen(listener: Peer, here: Runtime, realm: Realm):
    await listener.listen("pub.>")
    person = await factories.a_person(here, realm)
    with pytest.raises(RuntimeError):
        await _delete_and_fail(here, realm, person.id)
    async with here.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, person.id)
    await listener.until_heard(1)
    assert len(listener.heard) == 1


async def _delete_and_fail(runtime: Runtime, realm: Realm, user_id: Any) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, user_id)
        raise RuntimeError


async def test_only_the_one_who_holds_the_cursor_moves_it(here: Runtime, realm: Realm, speaking: asyncio.Task[None]):
    person = await factories.a_person(here, realm)
    async with here.lease() as tx:
        moved = await relay_store.advance(
            tx, realm.id, "wellbee", place=(1, 1), holder=cast("Any", person.id), until=tx.now
        )
    assert not moved


# metadata


async def test_what_is_offered_is_told_to_documentation_servers(listener: Peer):
    found = await listener.ask("metadata", {"reqId": "r-1", "transactionId": "t-1"})
    assert (found["status"], found["reqId"], found["transactionId"]) == (200, "r-1", "t-1")
    assert found["from"]["instanceId"].startswith("roster.")
    data = found["data"]
    exposed = {each["subject"]: each for each in data["exposing"]}
    one = exposed["http.get.admin.user.:id"]
    assert one["permissions"] == ["admin.*"]
    assert one["mustBeLoggedIn"]
    assert one["docs"]["params"] == {"id": ""}
    assert one["docs"]["errors"]["fruster-user-service.NOT_FOUND"] == "Resource does not exist"
    assert one["parsedSubject"] == {"subject": "http.get.admin.user.*", "isHTTP": True, "httpMethod": "GET"}
    assert one["natsSubscribeOptions"] == {"queue": "http.get.admin.user.:id"}
    assert not exposed["user-service.create-user"]["mustBeLoggedIn"]
    assert not exposed["fruster-web-bus.unregister-client"]["createQueueGroup"]
    names = {each["id"] for each in data["schemas"]}
    assert all(each["$id"] == each["id"] for each in data["schemas"])
    assert {each.get("requestSchema") for each in data["exposing"]} - {None} <= names
    assert "gateway" not in json.dumps(data)


async def test_malformed_questions_about_it_are_refused(listener: Peer):
    assert (await listener.ask("metadata", raw=b"[]"))["error"]["code"] == "BAD_REQUEST"


# websockets


class Screen:
    """What a websocket shows."""

    def __init__(self, runtime: Runtime, realm: Realm, user: str, token: str | None = None) -> None:
        self.shown: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        socket = Socket(cast("Any", None), cast("Any", None), self._put)
        socket.is_open = True
        self.listener = Listener(socket, realm.slug, user, token)
        audience.of(runtime).add(self.listener)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(processes.PATIENCE):
            return await self.shown.get()

    async def _put(self, message: Any) -> None:
        text = message.get("text")
        await self.shown.put(json.loads(text) if text else message)


async def test_messages_reach_the_sockets_they_are_for(listener: Peer, here: Runtime, realm: Realm):
    one, other = Screen(here, realm, "user-1"), Screen(here, realm, "user-2")
    assert (await listener.ask("ws.out.user-1.hello", {"reqId": "r-1", "data": {"a": 1}}))["status"] == 200
    found = await one.next()
    assert (found["subject"], found["data"], found["reqId"]) == ("ws.out.user-1.hello", {"a": 1}, "r-1")
    await listener.ask("ws.out.*.hi", {"data": 2})
    assert (await one.next())["subject"] == "ws.out.user-1.hi"
    assert (await other.next())["subject"] == "ws.out.user-2.hi"
    assert (await listener.ask("ws.out.nobody.hi", {"data": 3}))["status"] == 200


async def test_compressed_messages_reach_sockets_as_they_were(listener: Peer, here: Runtime, realm: Realm):
    one = Screen(here, realm, "user-1")
    data = b64encode(zlib.compress(b'{"a":[1]}')).decode()
    assert (await listener.ask("ws.out.user-1.x", {"dataEncoding": "gzip", "data": data}))["status"] == 200
    found = await one.next()
    assert found["data"] == {"a": [1]}
    assert "dataEncoding" not in found


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"to":5}', b'{"dataEncoding":"br"}', b'{"dataEncoding":"gzip","data":"x"}']
)
async def test_malformed_messages_for_sockets_are_refused(listener: Peer, data: bytes):
    assert (await listener.ask("ws.out.user-1.x", raw=data))["status"] == 400
    assert (await listener.ask("ws.out.user-1.x", {"data": 1}))["status"] == 200


async def test_sockets_are_closed_by_person_or_by_token(listener: Peer, here: Runtime, realm: Realm):
    subject = "fruster-web-bus.unregister-client"
    one, other = Screen(here, realm, "user-1"), Screen(here, realm, "user-2", "a-token")
    assert (await listener.ask(subject, {"data": {"userId": "user-1"}}))["status"] == 200
    assert (await one.next())["code"] == 1011
    assert (await listener.ask(subject, {"data": {"jwt": "a-token"}}))["status"] == 200
    assert (await other.next())["reason"] == "USER_DISCONNECTED"
    for data in ({}, {"userId": "x", "jwt": "y"}, {"userId": 5}):
        assert (await listener.ask(subject, {"data": data}))["error"]["code"] == "BAD_REQUEST"
