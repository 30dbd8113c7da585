"""Websockets: whose they are, what may be asked over them, and who hears what."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import uvicorn

from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.dialects.wellbee import audience, dialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests import factories, websockets
from tests.core import organisations
from tests.dialects.conftest import Person, SignIn
from tests.dialects.wellbee.conftest import PREFIX
from tests.websockets import WebSocket


class Served:
    """The dialect on a real port."""

    def __init__(self, port: int, realm: Realm, runtime: Runtime) -> None:
        self.port, self.realm, self.runtime = port, realm, runtime
        self.opened: list[WebSocket] = []

    async def connect(self, query: str = "", **headers: str) -> WebSocket:
        """An open websocket."""
        found, status = await self.try_to_connect(query, **headers)
        assert status == 101
        return found

    async def try_to_connect(self, query: str = "", **headers: str) -> tuple[WebSocket, int]:
        path = f"/realms/{self.realm.slug}{PREFIX}/anything{query}"
        found, status = await websockets.connect(self.port, path, headers)
        self.opened.append(found)
        return found, status

    async def tell(self, subject: str, **message: Any) -> None:
        """A message of the bus for the sockets, once those that were opened are known."""
        await audience.of(self.runtime).send(self.realm.slug, subject, msgspec.json.encode(message))


@pytest.fixture
async def served(runtime: Runtime, realm: Realm) -> AsyncIterator[Served]:
    app = Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=Site())
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="wsproto", lifespan="off", log_config=None, ws_max_size=1_048_576)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    found = Served(listening.getsockname()[1], realm, runtime)
    yield found
    for held in found.opened:
        await held.close()
    server.should_exit = True
    await task


def asked(subject: str, transaction: str = "t1", **message: Any) -> dict[str, Any]:
    return {"subject": subject, "message": {"transactionId": transaction, **message}}


async def test_a_request_is_answered_on_the_same_socket(served: Served, person: Person):
    held = await served.connect(f"?token={person.access_token}")
    await held.say(asked("ws.get.organisation.my", "abc", reqId=str(person.user.id)))
    answer = await held.hear()
    assert (answer["status"], answer["subject"]) == (200, "res.abc.ws.get.organisation.my")
    assert answer["reqId"] == str(person.user.id)


@pytest.mark.parametrize("way", ["cookie", "authorization", "query"])
async def test_the_token_may_come_in_three_ways(served: Served, admin: Person, way: str):
    headers = {"cookie": f"jwt={admin.access_token}", "authorization": f"Bearer {admin.access_token}"}
    held = await served.connect(
        f"?token={admin.access_token}" if way == "query" else "", **{way: headers[way]} if way in headers else {}
    )
    await held.say(asked(f"http.get.admin.user.{admin.user.id}"))
    answer = await held.hear()
    assert (answer["status"], answer["data"]["id"]) == (200, str(admin.user.id))


async def test_a_member_hears_the_name_of_the_organisation(served: Served, runtime: Runtime, admin: Person):
    org = await organisations.founded(runtime, served.realm, admin.user)
    held = await served.connect(f"?token={admin.access_token}")
    await held.say(asked("ws.get.organisation.my"))
    assert (await held.hear())["data"] == {"name": org.name, "type": "ORGANISATION"}


async def test_a_bad_token_closes_the_socket(served: Served):
    held = await served.connect("?token=nonsense")
    assert await held.hear() == (1011, "INVALID_TOKEN")


async def test_a_page_of_another_site_does_not_use_the_cookie(served: Served, person: Person):
    held = await served.connect(cookie=f"jwt={person.access_token}", origin="https://evil.example")
    await held.say(asked("ws.get.organisation.my"))
    assert (await held.hear())["error"]["code"] == "MUST_BE_LOGGED_IN"


@pytest.mark.parametrize(
    "subject",
    [
        "user-service.get-users-by-query",
        "auth-service.decode-token",
        "get.user-service.get-user",
        "ws.out.public.hello",
        "http.request.user-service.get-user",
        "ws.get",
        "",
    ],
)
async def test_no_service_is_reached_over_a_socket(served: Served, admin: Person, subject: str):
    held = await served.connect(f"?token={admin.access_token}")
    await held.say(asked(subject, reqId="r"))
    assert await held.hear() == {"subject": subject, "status": 404, "reqId": "r"}


async def test_whoever_a_message_claims_to_be_from_does_not_count(served: Served, admin: Person):
    held = await served.connect()
    await held.say(asked(f"http.get.admin.user.{admin.user.id}", user={"id": str(admin.user.id), "scopes": ["*"]}))
    assert (await held.hear())["error"]["code"] == "MUST_BE_LOGGED_IN"


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"subject": 1}', '{"subject": "http.get.me", "message": 7}'])
async def test_what_is_no_frame_is_answered_and_the_socket_lives_on(served: Served, person: Person, text: str):
    held = await served.connect(f"?token={person.access_token}")
    await held.say(text)
    assert (await held.hear())["status"] == 404
    await held.say(asked("ws.get.organisation.my"))
    assert (await held.hear())["status"] == 200


async def known(served: Served, person: Person) -> WebSocket:
    """A socket of this person, which the server knows by now."""
    held = await served.connect(f"?token={person.access_token}")
    await held.say(asked("ws.get.organisation.my"))
    await held.hear()
    return held


async def test_a_message_reaches_all_sockets_of_a_person_and_no_others(served: Served, sign_in: SignIn):
    ada, bob = await sign_in(), await sign_in()
    first, second, other = await known(served, ada), await known(served, ada), await known(served, bob)
    await served.tell(f"ws.out.{ada.user.id}.news", data={"n": 1})
    await served.tell("ws.out.public.end", data={})
    for held in (first, second):
        assert await held.hear() == {"data": {"n": 1}, "subject": f"ws.out.{ada.user.id}.news"}
    assert (await other.hear())["subject"] == "ws.out.public.end"


async def test_a_message_to_all_names_each_receiver_or_only_those_listed(served: Served, sign_in: SignIn):
    ada, bob = await sign_in(), await sign_in()
    held, other = await known(served, ada), await known(served, bob)
    await served.tell("ws.out.*.a.b", data=1)
    assert (await held.hear())["subject"] == f"ws.out.{ada.user.id}.a.b"
    assert (await other.hear())["subject"] == f"ws.out.{bob.user.id}.a.b"
    await served.tell("ws.out.*.c", to=[str(bob.user.id)], data=2)
    await served.tell("ws.out.public.end")
    assert (await held.hear())["subject"] == "ws.out.public.end"
    assert (await other.hear())["data"] == 2


async def test_another_realm_hears_nothing(served: Served, runtime: Runtime, person: Person, stranger: Person):
    held = await known(served, person)
    message = msgspec.json.encode({"data": "not for you"})
    await audience.of(runtime).send(stranger.realm.slug, f"ws.out.{person.user.id}.x", message)
    await audience.of(runtime).send(stranger.realm.slug, "ws.out.public.x", message)
    await served.tell("ws.out.public.end")
    assert (await held.hear())["subject"] == "ws.out.public.end"


async def test_a_socket_whose_session_has_ended_can_ask_nothing_more(served: Served, runtime: Runtime, person: Person):
    held = await known(served, person)
    async with runtime.write(factories.roster_in(served.realm)) as tx:
        await sessions.end_all(tx, person.user.id)
    await held.say(asked("ws.get.organisation.my"))
    assert (await held.hear())["error"]["code"] == "auth-service.403.1"


async def test_a_socket_whose_session_has_ended_hears_nothing_more(served: Served, runtime: Runtime, person: Person):
    runtime.memo["wellbee.audience"] = audience.Audience(runtime, check_every=0)
    held = await known(served, person)
    async with runtime.write(factories.roster_in(served.realm)) as tx:
        await sessions.end_all(tx, person.user.id)
    await served.tell(f"ws.out.{person.user.id}.secret", data=1)
    assert await held.hear() == (1011, "USER_DISCONNECTED")


async def test_sockets_are_closed_by_person_and_by_token(served: Served, runtime: Runtime, sign_in: SignIn):
    ada, bob = await sign_in(), await sign_in()
    held, other = await known(served, ada), await known(served, bob)
    audience.of(runtime).disconnect(served.realm.slug, user=str(ada.user.id))
    audience.of(runtime).disconnect(served.realm.slug, token=bob.access_token)
    assert await held.hear() == (1011, "USER_DISCONNECTED")
    assert await other.hear() == (1011, "USER_DISCONNECTED")


async def test_without_a_token_a_socket_is_nobodys(served: Served):
    held = await served.connect()
    await held.say(asked("ws.get.organisation.my"))
    assert (await held.hear())["error"]["code"] == "MUST_BE_LOGGED_IN"
    await served.tell("ws.out.public.hello", data=1)
    assert (await held.hear())["data"] == 1


@pytest.mark.parametrize(("subject", "text"), [("ws.out.public", b"{}"), ("ws.out.x.y", b"[]"), ("ws.out.x.y", b"{")])
async def test_what_is_no_message_is_refused(runtime: Runtime, realm: Realm, subject: str, text: bytes):
    with pytest.raises(ValueError, match="ws"):
        await audience.of(runtime).send(realm.slug, subject, text)


async def test_guesses_over_a_socket_count_for_the_address_it_comes_from(served: Served, runtime: Runtime):
    strict = msgspec.structs.replace(runtime.settings.limits, address_guesses=3)
    before, runtime.settings = runtime.settings, msgspec.structs.replace(runtime.settings, limits=strict)
    codes: list[str] = []
    try:
        for at in range(5):
            held = await served.connect()
            await held.say(asked("http.post.auth.token", data={"username": f"nobody-{at}", "password": "a guess"}))
            codes.append((await held.hear())["status"])
    finally:
        runtime.settings = before
    assert codes == [401, 401, 401, 429, 429]


async def test_an_upload_over_a_socket_is_refused(served: Served, person: Person):
    held = await served.connect(f"?token={person.access_token}")
    await held.say(asked("http.post.file-service.upload", data={"file": "x"}))
    assert (await held.hear())["status"] in (400, 415)


async def test_a_socket_hears_nothing_from_the_moment_its_session_has_ended(
    served: Served, runtime: Runtime, person: Person
):
    held = await known(served, person)
    await served.tell(f"ws.out.{person.user.id}.before", data=1)
    assert (await held.hear())["data"] == 1
    async with runtime.write(factories.roster_in(served.realm)) as tx:
        await sessions.end_all(tx, person.user.id)
    await served.tell(f"ws.out.{person.user.id}.secret", data=1)
    assert await held.hear() == (1011, "USER_DISCONNECTED")
