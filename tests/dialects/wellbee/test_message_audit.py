"""`interceptor.message-audit`: messages that were sent leave a trace, and go on unchanged."""

from typing import Any

import msgspec
import pytest

from roster.core.audit import service as audit
from roster.core.realms.models import Realm
from roster.dialects.wellbee.bus import envelopes
from roster.kit import ids
from roster.kit.filters import Compare, Op
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.wellbee.conftest import Wire

ANN = str(ids.uuid4())


def envelope(data: object, **more: object) -> dict[str, Any]:
    known = {"reqId": str(ids.uuid4()), "transactionId": str(ids.uuid4())}
    sender = {"service": "messages", "instanceId": "messages.1"}
    return {"status": 200, "data": data, **known, "ms": 3, "from": sender, **more}


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
    runtime: Runtime, realm: Realm, wire: Wire, data: object, more: dict[str, object]
):
    await wire_raw(wire, envelope(data, **more))

    assert await traces(runtime, realm) == []


async def wire_raw(wire: Wire, message: dict[str, object]) -> None:
    """Ask, whatever the answer looks like: it is the message itself."""
    try:
        await wire.ask("interceptor.message-audit", message)
    except AssertionError:
        assert message["status"] == 404 or message.get("error")


def test_a_whole_message_has_its_data_in_it_whichever_way_that_came():
    sent = {"status": 200, "data": "packed", "dataEncoding": "gzip", "chunks": 2, "dataSubject": "x", "extra": [1]}

    found = envelopes.whole(msgspec.json.encode(sent), b'{"id":"m7"}')

    assert msgspec.json.decode(found) == {"status": 200, "data": {"id": "m7"}, "extra": [1]}
