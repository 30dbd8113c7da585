"""`interceptor.message-audit`: messages that were sent leave a trace, and go on unchanged."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from roster.bus.server import Credentials
from roster.core.audit import service as audit
from roster.core.flows import identified
from roster.core.realms.models import Realm
from roster.dialects.wellbee import on_bus
from roster.dialects.wellbee.bus import coding, envelopes
from roster.dialects.wellbee.bus.serving import Serving
from roster.kit import ids
from roster.kit.filters import Compare, Op
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.web.request import Site
from tests import buses, factories
from tests.buses import Peer
from tests.dialects.calling import ADDRESS
from tests.dialects.wellbee.conftest import Reset, Wire

ANN = str(ids.uuid4())


def envelope(data: object, **more: object) -> dict[str, Any]:
    known = {"reqId": str(ids.uuid4()), "transactionId": str(ids.uuid4())}
    sender = {"service": "messages", "instanceId": "messages.1"}
    return {"status": 200, "data": data, **known, "ms": 3, "from": sender, **more}


@pytest.fixture
async def on_the_bus(runtime: Runtime, realm: Realm, joined: Credentials, configured: Reset) -> AsyncIterator[Peer]:
    """A gateway of somebody else, on a bus on which the test's realm is served."""
    configured(realm=realm.slug)
    async with buses.linked(joined) as link, buses.peer(joined) as peer:
        serving = Serving(runtime, link, on_bus, Site(public_url=ADDRESS))
        await serving.start()
        await link.flush()
        yield peer
        await serving.stop(5)


async def traces(runtime: Runtime, realm: Realm) -> list[Any]:
    where = Compare("action", Op.EQ, "MESSAGE_SEND")
    async with runtime.read(factories.roster_in(realm)) as tx:
        return (await audit.search(tx, where, (), Page(10))).items


@pytest.mark.parametrize(
    ("data", "more"),
    [
        ({"id": "m7", "text": "Private words"}, {"user": {"id": ANN}}),
        ({"id": "m7", "userId": ANN}, {}),
        ({"id": "m7", "senderId": ANN}, {"params": {"userId": str(ids.uuid4())}}),
        ({"id": "m7"}, {"params": {"userId": ANN}, "query": {"a": "1"}, "unknown": [1]}),
    ],
)
async def test_a_message_that_was_sent_leaves_a_trace_without_its_words(
    runtime: Runtime, realm: Realm, wire: Wire, data: dict[str, object], more: dict[str, object]
):
    message = envelope(data, path="/messages", **more)

    passed = await wire.ask("interceptor.message-audit", message)

    assert passed.data == data
    (entry,) = await traces(runtime, realm)
    assert str(entry.subject_id) == ANN
    assert entry.changes == {"payload": [None, {"path": "/messages", "messageId": "m7"}]}


@pytest.mark.parametrize(
    ("data", "more"),
    [
        ({"userId": ANN}, {"status": 404, "error": {"code": "NOT_FOUND"}}),
        ({"userId": ANN}, {"error": {"code": "NOT_FOUND"}}),
        ({"userId": "nobody"}, {}),
        ("text", {}),
        (None, {"params": None, "user": "x"}),
    ],
)
async def test_what_was_not_sent_or_by_nobody_leaves_none(
    runtime: Runtime, realm: Realm, on_the_bus: Peer, data: object, more: dict[str, object]
):
    await on_the_bus.ask("interceptor.message-audit", envelope(data, **more))

    assert await traces(runtime, realm) == []


def test_a_whole_message_has_its_data_in_it_whichever_way_that_came():
    sent = {"status": 200, "data": "packed", "dataEncoding": "gzip", "chunks": 2, "dataSubject": "x", "extra": [1]}

    found = envelopes.whole(msgspec.json.encode(sent), b'{"id":"m7"}')

    assert msgspec.json.decode(found) == {"status": 200, "data": {"id": "m7"}, "extra": [1]}


async def test_on_the_bus_the_message_itself_goes_on_unchanged(runtime: Runtime, realm: Realm, on_the_bus: Peer):
    message = envelope({"id": "m7", "userId": ANN}, status=201, headers={"X-Own": "1"}, own=[1])

    assert await on_the_bus.ask("interceptor.message-audit", message) == message
    assert len(await traces(runtime, realm)) == 1


async def test_what_was_packed_goes_on_unpacked(runtime: Runtime, realm: Realm, on_the_bus: Peer):
    data = {"id": "m7", "userId": ANN, "text": "x" * 1000}
    packed = await coding.pack(msgspec.json.encode(data))
    message = envelope(packed, dataEncoding="gzip")

    found = await on_the_bus.ask("interceptor.message-audit", message)

    assert found == {**{name: each for name, each in message.items() if name != "dataEncoding"}, "data": data}
    assert len(await traces(runtime, realm)) == 1


async def test_an_errors_envelope_goes_on_with_its_own_status(on_the_bus: Peer):
    message = envelope(None, status=404, error={"code": "NOT_FOUND", "title": "?"})
    del message["data"]

    assert await on_the_bus.ask("interceptor.message-audit", message) == message
    assert await on_the_bus.ask("wb-user-service.intercept-login", message) == message


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"status": "x"}'])
async def test_what_is_no_message_is_refused(on_the_bus: Peer, raw: bytes):
    found = await on_the_bus.ask("wb-user-service.intercept-login", raw=raw)

    assert (found["status"], found["error"]["code"]) == (400, "BAD_REQUEST")


async def test_a_sign_in_that_others_answer_is_withheld_with_its_cookie(
    runtime: Runtime, realm: Realm, on_the_bus: Peer
):
    eva = await factories.a_person(runtime, realm, personal_number="199001012385")
    message = envelope({"id": str(eva.id)}, headers={"Set-Cookie": "jwt=t; path=/"})
    assert await on_the_bus.ask("wb-user-service.intercept-login", message) == message
    async with runtime.write(factories.roster_in(realm)) as tx:
        await identified.activate(tx, eva.id)

    found = await on_the_bus.ask("wb-user-service.intercept-login", message)

    assert (found["status"], found["error"]["code"]) == (403, "BANKID_REQUIRED")
    assert "headers" not in found
    assert "data" not in found
