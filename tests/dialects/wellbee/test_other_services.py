"""Other services on the same bus: what they answer over HTTP, and what they send to websockets."""

import asyncio
import base64
import hmac
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roster.bus import link as links
from roster.bus import server
from roster.bus.nats import NatsLink
from roster.bus.server import BusServer, Credentials
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.dialects.wellbee import audience, bus, on_bus
from roster.dialects.wellbee.bus.timing import Timing
from roster.storage.runtime import Runtime
from roster.web.request import Site
from roster.web.sockets import Socket
from tests import buses, factories
from tests.buses import Peer
from tests.core import people
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import PREFIX, Wire


@pytest.fixture(scope="module")
def joined() -> Iterator[Credentials]:
    """A bus for the tests of this file."""
    folder = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    with server.using(folder):
        found = BusServer(folder).credentials()
        assert found is not None
        yield found
    shutil.rmtree(folder)


@asynccontextmanager
async def on_the_bus(runtime: Runtime, realm: Realm, joined: Credentials, **known: Any) -> AsyncIterator[NatsLink]:
    """The dialect on the bus, for this realm."""
    before = runtime.settings
    wellbee = msgspec.structs.replace(before.dialects.wellbee, realm=realm.slug, **known)
    runtime.settings = msgspec.structs.replace(
        before, dialects=msgspec.structs.replace(before.dialects, wellbee=wellbee)
    )
    async with buses.linked(joined) as link:
        links.install(runtime, link)
        serving = asyncio.create_task(bus.run(runtime, link, on_bus, Site(), alone=False))
        await link.flush()
        try:
            yield link
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            links.remove(runtime)
            runtime.settings = before


@pytest.fixture
async def there(runtime: Runtime, realm: Realm, joined: Credentials) -> AsyncIterator[Peer]:
    """Another service, on the bus that Roster is on."""
    known = {"bus_timeout": 5.0, "stripe_webhook_secret": "whsec"}
    async with on_the_bus(runtime, realm, joined, **known), buses.peer(joined) as peer:
        yield peer


async def answering(peer: Peer, subject: str, **answer: Any) -> list[dict[str, Any]]:
    """The service answers so from now on; what it was asked."""
    asked: list[dict[str, Any]] = []

    async def answer_it(message: Any) -> None:
        asked.append(msgspec.json.decode(message.data))
        await message.respond(msgspec.json.encode({"status": 200, **answer}))

    await peer.client.subscribe(subject, cb=answer_it)
    await peer.client.flush()
    return asked


async def test_a_path_of_another_service_is_answered_by_it(wire: Wire, there: Peer, person: Person):
    asked = await answering(there, "http.post.event.*.done", status=201, data={"ok": True}, from_="x")
    found = await wire.http.post(
        f"/realms/{wire.slug}{PREFIX}/Event/a.B/done?filter[x]=1",
        json={"note": "Hi"},
        headers={"Authorization": f"Bearer {person.access_token}", "X-Own": "1"},
    )
    assert (found.status_code, found.json()["data"]) == (201, {"ok": True})
    envelope = asked[0]
    assert envelope["reqId"] == found.json()["reqId"] == found.headers["x-fruster-req-id"]
    assert (envelope["method"], envelope["path"]) == ("POST", "/Event/a.B/done")
    assert (envelope["data"], envelope["query"]) == ({"note": "Hi"}, {"filter": {"x": "1"}})
    assert envelope["user"]["id"] == str(person.user.id)
    assert envelope["headers"]["x-own"] == "1"
    assert "password" not in str(envelope["user"]).lower()


async def test_nobody_in_particular_may_ask_another_service(wire: Wire, there: Peer):
    asked = await answering(there, "http.get.open", data=[1])
    found = await wire.http.get(f"/realms/{wire.slug}{PREFIX}/open")
    assert (found.json()["data"], asked[0]["user"]) == ([1], {})


async def test_headers_texts_and_files_go_as_they_are(wire: Wire, there: Peer):
    headers = {"Content-Type": "text/csv", "X-Two": ["a", "b"], "Content-Length": "9999"}
    await answering(there, "http.get.table", data="a;b", headers=headers)
    file = {"Content-Type": "application/pdf"}
    await answering(there, "http.get.file", data=base64.b64encode(b"%PDF").decode(), headers=file)
    table = await wire.http.get(f"/realms/{wire.slug}{PREFIX}/table")
    assert (table.text, table.headers["content-type"], table.headers["x-two"]) == ("a;b", "text/csv", "a, b")
    assert (await wire.http.get(f"/realms/{wire.slug}{PREFIX}/file")).content == b"%PDF"


async def test_a_path_that_nobody_serves_is_not_found(wire: Wire, there: Peer):
    assert there.client.is_connected
    found = await wire.call("GET", "/nobody/here")
    assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")


async def test_only_the_realm_of_the_bus_reaches_it(wire: Wire, there: Peer, stranger: Person):
    asked = await answering(there, "http.get.open")
    found = await wire.http.get(f"/realms/{stranger.realm.slug}{PREFIX}/open")
    assert (found.status_code, asked) == (404, [])


@pytest.mark.parametrize("path", ["/x/*", "/x/>", "/*/y", "/x/%20/y", "/x/%0d%0aPUB"])
async def test_no_address_is_a_pattern_or_a_command(wire: Wire, there: Peer, path: str):
    await there.listen("http.get.x.y")
    found = await wire.http.get(f"/realms/{wire.slug}{PREFIX}{path}")
    assert found.status_code == 404
    assert there.heard == []


class Ear:
    """Where an open socket's messages go."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __call__(self, message: Any) -> None:
        await self.heard.put(message)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            return msgspec.json.decode((await self.heard.get())["text"])


async def listening(runtime: Runtime, realm: Realm, user: str) -> Ear:
    """A socket of this person, without the network below it."""
    ear = Ear()
    socket = Socket(None, None, ear)  # type: ignore[arg-type]
    socket.is_open = True
    audience.of(runtime).add(audience.Listener(socket, realm.slug, user, None))
    return ear


async def test_a_message_of_another_service_reaches_a_socket(
    runtime: Runtime, realm: Realm, there: Peer, person: Person
):
    ear = await listening(runtime, realm, str(person.user.id))
    answer = await there.ask(f"ws.out.{person.user.id}.news", {"reqId": "r", "data": {"n": 1}, "extra": True})
    assert answer["status"] == 200
    heard = await ear.next()
    assert heard == {"reqId": "r", "data": {"n": 1}, "extra": True, "subject": f"ws.out.{person.user.id}.news"}


async def test_a_packed_message_is_unpacked_for_sockets(runtime: Runtime, realm: Realm, there: Peer, person: Person):
    ear = await listening(runtime, realm, str(person.user.id))
    data = base64.b64encode(__import__("zlib").compress(b'{"n": 1}')).decode()
    await there.ask("ws.out.*.news", {"data": data, "dataEncoding": "gzip", "to": [str(person.user.id)]})
    heard = await ear.next()
    assert (heard["data"], "dataEncoding" in heard) == ({"n": 1}, False)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"data": "x", "dataEncoding": "gzip"}', b'{"dataEncoding": "br"}'])
async def test_what_cannot_be_read_is_refused_and_the_next_message_heard(there: Peer, raw: bytes):
    assert (await there.ask("ws.out.public.x", raw=raw))["status"] == 400
    assert (await there.ask("ws.out.public.x", {}))["status"] == 200


async def test_sockets_are_closed_for_another_service(runtime: Runtime, realm: Realm, there: Peer, person: Person):
    ear = await listening(runtime, realm, str(person.user.id))
    answer = await there.ask("fruster-web-bus.unregister-client", {"data": {"userId": str(person.user.id)}})
    assert answer["status"] == 200
    async with asyncio.timeout(30):
        assert (await ear.heard.get())["reason"] == "USER_DISCONNECTED"
    for data in ({}, {"jwt": "a", "userId": "b"}):
        refused = await there.ask("fruster-web-bus.unregister-client", {"data": data})
        assert (refused["status"], refused["error"]["code"]) == (400, "BAD_REQUEST")


async def test_a_person_asks_for_the_organisation_on_the_bus_too(there: Peer, person: Person):
    found = await there.ask("ws.get.organisation.my", {"user": {"id": str(person.user.id)}})
    assert found["status"] == 200
    refused = await there.ask("ws.get.organisation.my", {})
    assert refused["error"]["code"] == "MUST_BE_LOGGED_IN"


def signature(body: bytes, secret: str = "whsec") -> str:
    now = int(time.time())
    return f"t={now},v1={hmac.new(secret.encode(), f'{now}.'.encode() + body, 'sha256').hexdigest()}"


async def test_an_event_of_stripe_reaches_the_licence_service(wire: Wire, there: Peer):
    asked = await answering(there, "wb-license-service.handle-subscription-update")
    body = b'{"type":  "invoice.paid"}'
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature(body)}
    found = await wire.call("POST", "/subscription-updates", content=body, headers=headers)
    assert (found.status, asked[0]["data"]) == (200, {"type": "invoice.paid"})
    headers["Stripe-Signature"] = signature(body, "other")
    refused = await wire.call("POST", "/subscription-updates", content=body, headers=headers)
    assert (refused.status, refused.code, len(asked)) == (400, "BAD_REQUEST", 1)


async def test_an_event_that_the_licence_service_did_not_take_comes_again(wire: Wire, there: Peer):
    await answering(there, "wb-license-service.handle-subscription-update", status=500, error={"code": "X"})
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature(b"{}")}
    found = await wire.call("POST", "/subscription-updates", content=b"{}", headers=headers)
    assert found.status == 503


JOB = {"id": "nightly", "subject": "some-service.do", "cron": "0 3 * * *", "data": {"n": 1}, "tags": ["a"]}


async def test_a_job_is_told_run_and_removed(runtime: Runtime, realm: Realm, there: Peer):
    asked = await answering(there, "some-service.do")
    await there.listen("schedule-service.job-created")
    made = await there.ask("schedule-service.create-job", {"data": JOB})
    assert (made["status"], made["data"]["state"], made["data"]["maxFailures"]) == (200, "initial", 100)
    (told,) = await there.until_heard(1)
    assert told["data"] == made["data"]
    await people.execute(runtime, "UPDATE timers SET due_at = now() WHERE realm_id = $1", realm.id)
    link = links.of(runtime)
    assert link is not None
    await asyncio.gather(*await Timing(runtime, link).begin_what_is_due())
    assert [each["data"] for each in asked] == [{"n": 1}]
    removed = await there.ask("schedule-service.remove-job", {"data": {"id": "nightly"}})
    assert (removed["data"]["state"], removed["data"]["removed"]) == ("removed", True)
    again = await there.ask("schedule-service.remove-job", {"data": {"id": "nightly"}})
    assert (again["status"], again["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("data", [{}, {**JOB, "at": "2027-01-01T00:00:00Z"}, {**JOB, "cron": "x"}, {**JOB, "more": 1}])
async def test_what_is_no_job_is_refused(there: Peer, data: dict[str, Any]):
    refused = await there.ask("schedule-service.create-job", {"data": data})
    assert (refused["status"], refused["error"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/admin/user/%FF"), ("TRACE", "/auth/logout"), ("GET", "/reset-password/%zz")]
)
async def test_what_nobody_answers_is_asked_of_the_bus_once(wire: Wire, there: Peer, method: str, path: str):
    asked: list[str] = []

    async def listen(message: Any) -> None:
        asked.append(message.subject)

    await there.client.subscribe("http.>", cb=listen)
    await there.client.flush()
    found = await wire.http.request(method, f"/realms/{wire.slug}{PREFIX}{path}")
    assert found.status_code == 404
    await there.client.flush()
    assert len(asked) == 1


async def test_an_address_too_long_for_a_subject_does_not_cost_the_bus(wire: Wire, there: Peer, runtime: Runtime):
    link = links.of(runtime)
    assert link is not None
    before = link.generation
    found = await wire.http.get(f"/realms/{wire.slug}{PREFIX}/{'a' * 5000}")
    assert found.status_code == 404
    await answering(there, "http.get.open", data=[1])
    assert (await wire.http.get(f"/realms/{wire.slug}{PREFIX}/open")).json()["data"] == [1]
    assert link.generation == before


async def test_a_service_that_does_not_answer_is_not_asked_again_meanwhile(runtime: Runtime, realm: Realm, there: Peer):
    await there.listen("some-service.do")
    await there.ask("schedule-service.create-job", {"data": JOB})
    link = links.of(runtime)
    assert link is not None
    timing = Timing(runtime, link)
    begun: list[asyncio.Task[None]] = []
    for _ in range(3):
        await people.execute(runtime, "UPDATE timers SET due_at = now() WHERE realm_id = $1", realm.id)
        begun += await timing.begin_what_is_due()
        await there.until_heard(1)
    assert len(begun) == 1
    begun[0].cancel()


@pytest.mark.parametrize("name", ["organisation-service", "wb-organisation-service"])
async def test_people_go_with_their_organisation(runtime: Runtime, realm: Realm, there: Peer, name: str):
    ours = await factories.a_person(runtime, realm, attributes={"organisationId": "o-1"})
    theirs = await factories.a_person(runtime, realm, attributes={"organisationId": "o-2"})
    subject = f"pub.{name}.organisation-deleted"
    await there.listen(subject, queue=subject)
    answer = await there.ask(subject, {"data": {"organisationId": "o-1"}})
    assert answer["status"] == 200
    await there.until_heard(1)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await users.get(tx, theirs.id)).deleted_at is None
        with pytest.raises(UserNotFound):
            await users.get(tx, ours.id)


@pytest.mark.parametrize(
    "data", [{}, {"organisationId": ""}, {"organisationId": None}, {"organisationId": {"$ne": "x"}}]
)
async def test_nobody_goes_with_an_organisation_that_has_no_name(
    runtime: Runtime, realm: Realm, there: Peer, data: dict[str, Any]
):
    person = await factories.a_person(runtime, realm)
    answer = await there.ask("pub.organisation-service.organisation-deleted", {"data": data})
    assert (answer["status"], answer["error"]["code"]) == (400, "BAD_REQUEST")
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await users.get(tx, person.id)).deleted_at is None
