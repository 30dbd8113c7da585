"""Messages in, answers out: whoever waits gets an answer, whatever was sent."""

import asyncio
from typing import Any

import msgspec
import pytest

from roster.bus.server import Credentials
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.dialects.wellbee.bus.serving import Serving
from roster.kit import ids
from roster.storage.runtime import Runtime
from roster.web.request import Site
from tests import buses, factories, processes
from tests.buses import Peer
from tests.dialects.wellbee.bus.conftest import Toy

NAMED = {"reqId": "r-1", "transactionId": "t-1"}


async def test_an_answer_repeats_the_identifiers_and_says_who_answers(peer: Peer, toy: Toy):
    found = await peer.ask(f"{toy.name}.echo", {**NAMED, "data": {"a": [1, None]}, "unknown": {"key": 1}})
    assert found["data"]["got"] == {"a": [1, None]}
    assert (found["status"], found["reqId"], found["transactionId"]) == (200, "r-1", "t-1")
    assert found["from"]["service"] == "roster"
    assert isinstance(found["ms"], int)
    assert found.keys() == {"status", "data", "reqId", "transactionId", "ms", "from"}


async def test_a_service_acts_as_a_program_in_the_name_of_whom_it_says(peer: Peer, toy: Toy):
    somebody = str(ids.uuid7())
    found = await peer.ask(f"{toy.name}.echo", {"user": {"id": somebody}, "from": {"service": "wb-other-service"}})
    assert found["data"] == {"got": {}, "kind": "service", "who": "wb-other-service", "for": somebody}
    found = await peer.ask(f"{toy.name}.echo", {"from": {"service": "x\n" * 50}, "user": {"id": "nobody"}})
    assert (found["data"]["who"], found["data"]["for"]) == ("bus", None)


@pytest.mark.parametrize("data", [None, {}, "absent"])
async def test_no_data_is_an_empty_object(peer: Peer, toy: Toy, data: object):
    message = NAMED if data == "absent" else {**NAMED, "data": data}
    assert (await peer.ask(f"{toy.name}.echo", message))["data"]["got"] == {}


# who


async def test_over_http_subjects_the_person_of_the_message_is_asked_of_the_directory(
    peer: Peer, toy: Toy, here: Runtime, realm: Realm
):
    person = await factories.a_person(here, realm)
    user = {"id": str(person.id), "scopes": ["*", "admin.*"], "roles": ["super-admin"]}
    found = await peer.ask(f"http.get.{toy.name}-mine", {"user": user})
    assert found["data"] == {"user": str(person.id), "grants": []}
    refused = await peer.ask(f"http.get.{toy.name}-admin", {"user": user})
    assert (refused["status"], refused["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert refused["error"]["detail"] == "User does not have permission for admin.*"


async def test_scopes_count_from_the_moment_they_are_given(peer: Peer, toy: Toy, here: Runtime, realm: Realm):
    person = await factories.a_person(here, realm, roles=("admin",))
    found = await peer.ask(f"http.get.{toy.name}-admin", {"user": {"id": str(person.id), "scopes": []}})
    assert found["data"] == {"user": str(person.id)}


async def test_whoever_may_not_sign_in_is_nobody(peer: Peer, toy: Toy, here: Runtime, realm: Realm):
    disabled, deleted, pending = [await factories.a_person(here, realm) for _ in range(3)]
    elsewhere = await factories.a_person(here, await factories.a_realm(here))
    async with here.write(factories.roster_in(realm)) as tx:
        await users.change(tx, disabled.id, UserChange(status="disabled"))
        await users.change(tx, pending.id, UserChange(status="pending"))
        await users.delete(tx, deleted.id)
    nobodies: list[Any] = [{"id": str(each.id)} for each in (disabled, deleted, pending, elsewhere)]
    for user in [*nobodies, {"id": str(ids.uuid7())}, {"id": "x"}, {"id": None}, {}, None]:
        refused = await peer.ask(f"http.get.{toy.name}-mine", {"user": user})
        assert (refused["status"], refused["error"]["code"]) == (403, "MUST_BE_LOGGED_IN")
        assert refused["error"]["detail"] == ""
        public = await peer.ask(toy.http("x"), {"user": user})
        assert (public["data"]["user"], public["data"]["kind"]) == (None, "anonymous")


# parameters


async def test_parameters_come_out_of_the_subject(peer: Peer, toy: Toy):
    found = await peer.ask(toy.http("bar%20baz.more.x{dot}y"))
    assert found["data"] == ["bar baz", "x.y"]


async def test_literal_words_win_over_parameters(peer: Peer, toy: Toy):
    assert (await peer.ask(toy.http("fixed")))["data"] == "fixed"
    assert (await peer.ask(toy.http("other")))["data"]["id"] == "other"


async def test_parameters_of_the_message_win_over_those_of_the_subject(peer: Peer, toy: Toy):
    found = await peer.ask(toy.http("a.more.b"), {"params": {"word": "A.b/c", "unknown": "x"}})
    assert found["data"] == ["a", "A.b/c"]


async def test_wildcards_in_a_published_subject_are_text(peer: Peer, toy: Toy):
    assert (await peer.ask(toy.http("*")))["data"]["id"] == "*"


async def test_a_nested_query_is_written_as_over_http(peer: Peer, toy: Toy):
    query = {"a": 1, "b": {"c": "x", "d": [True, None]}, "e": ["1", 2], "f": [{"g": "h"}], "i": "å &="}
    found = await peer.ask(toy.http("x"), {"query": query})
    assert found["data"]["query"] == [
        ["a", "1"], ["b[c]", "x"], ["b[d]", "true"], ["b[d]", ""], ["e", "1"], ["e", "2"], ["f[0][g]", "h"],
        ["i", "å &="],
    ]  # fmt: skip


async def test_headers_reach_the_operation_and_those_about_another_body_do_not(peer: Peer, toy: Toy):
    headers = {
        "X-Seen": "a\r\nb\x00", "content-length": "999999999999", "content-type": "text/plain",
        "Content-Encoding": "br", "cookie": "jwt=abc", "list": ["x"], "Ω": "x",
    }  # fmt: skip
    assert (await peer.ask(toy.http("x"), {"headers": headers}))["data"]["seen"] == "ab"
    assert (await peer.ask(f"{toy.name}.cookie", {"headers": headers, "data": {}}))["data"] == {"seen": "abc"}


# answers


async def test_headers_of_an_answer_stand_inside(peer: Peer, toy: Toy):
    assert (await peer.ask(f"{toy.name}.cookie"))["headers"] == {"Set-Cookie": "jwt=x"}
    page = await peer.ask(f"{toy.name}.page", NAMED)
    assert (page["status"], page["data"], page["reqId"]) == (201, "<p>å</p>", "r-1")
    assert page["headers"] == {"Content-Type": "text/html", "Set-Cookie": ["a=1", "b=2"]}
    assert (await peer.ask(f"{toy.name}.picture"))["data"] == "iVBORw=="


async def test_what_breaks_is_answered_without_saying_why(peer: Peer, toy: Toy):
    found = await peer.ask(f"{toy.name}.broken", NAMED)
    assert (found["status"], found["error"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert found["error"]["title"] == "Server encountered an unexpected error"
    assert "secret" not in str(found)
    assert (found["reqId"], found["transactionId"]) == ("r-1", "t-1")


async def test_an_error_names_its_thrower_and_this_occurrence(peer: Peer, toy: Toy):
    one, other = [(await peer.ask(f"{toy.name}.conflict"))["error"] for _ in range(2)]
    assert one["thrower"] == "roster"
    assert one["id"] != other["id"]


async def test_a_message_that_nobody_waits_for_is_carried_out(peer: Peer, toy: Toy):
    await peer.client.publish(f"{toy.name}.echo", b'{"data":{"number":1}}')
    async with asyncio.timeout(processes.PATIENCE):
        await toy.entered.acquire()
    assert toy.calls == [{"number": 1}]


async def test_a_message_that_comes_twice_is_answered_twice(peer: Peer, toy: Toy):
    """Nothing is remembered of messages; what must not be done twice says so itself."""
    await peer.listen(f"res.t-1.{toy.name}.echo")
    for _ in range(2):
        data = msgspec.json.encode({**NAMED, "data": {"same": 1}})
        await peer.client.publish(f"{toy.name}.echo", data, f"res.t-1.{toy.name}.echo")
    assert {each["transactionId"] for each in await peer.until_heard(2)} == {"t-1"}


# malformed


MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"reqId":"\xff"}',
    "not UTF-8 at all": "{}".encode("utf-16"),
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"1",
    "null": b"null",
    "too deep": b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too deep in the query": b'{"query":{"a":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}",
    "numbers for identifiers": b'{"reqId":1,"transactionId":[]}',
    "identifiers without end": b'{"reqId":"' + b"x" * 5000 + b'"}',
    "a text for a user": b'{"user":"admin"}',
    "a list for a user": b'{"user":[1]}',
    "a number for a user's id": b'{"user":{"id":1}}',
    "an object for a user's id": b'{"user":{"id":{"$ne":null}}}',
    "a list for a query": b'{"query":[]}',
    "a text for headers": b'{"headers":"cookie"}',
    "numbers for parameters": b'{"params":{"id":1}}',
    "an object for an encoding": b'{"dataEncoding":{}}',
    "a text for chunks": b'{"chunks":"2"}',
    "half a number": b'{"chunks":1.5}',
    "no encoded data": b'{"dataEncoding":"gzip"}',
    "an object for encoded data": b'{"dataEncoding":"gzip","data":{}}',
    "no base 64": b'{"dataEncoding":"gzip","data":"%%%"}',
    "no zlib": b'{"dataEncoding":"gzip","data":"aGVsbG8="}',
    "half of zlib": b'{"dataEncoding":"gzip","data":"eJyr"}',
    "no chunks": b'{"chunks":-1,"dataEncoding":"gzip","data":{}}',
    "too many chunks": b'{"chunks":1000000000,"dataEncoding":"gzip","data":{}}',
    "bytes": bytes(range(256)) * 40,
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_whatever_is_malformed_is_refused(peer: Peer, toy: Toy, name: str):
    for subject in (f"{toy.name}.echo", toy.http("x"), f"http.get.{toy.name}-mine"):
        found = await peer.ask(subject, raw=MALFORMED[name])
        assert (found["status"], found["error"]["code"]) == (400, "BAD_REQUEST"), found
        assert found["error"]["title"] == "Request has missing or invalid fields"
        assert found["error"]["detail"]
    assert toy.calls == []
    assert (await peer.ask(toy.http("fixed")))["status"] == 200


async def test_malformed_messages_without_an_end_do_no_harm(peer: Peer, toy: Toy):
    for data in MALFORMED.values():
        for subject in (f"{toy.name}.echo", f"options.{toy.name}.echo", toy.http("x")):
            await peer.client.publish(subject, data)
    assert (await peer.ask(toy.http("fixed")))["status"] == 200


async def test_identifiers_are_repeated_even_when_the_rest_is_malformed(peer: Peer, toy: Toy):
    found = await peer.ask(f"{toy.name}.echo", {**NAMED, "user": 5})
    assert (found["status"], found["reqId"], found["transactionId"]) == (400, "r-1", "t-1")


@pytest.mark.parametrize("encoding", ["br", "GZIP", "", "deflate"])
async def test_an_unknown_encoding_is_named(peer: Peer, toy: Toy, encoding: str):
    found = await peer.ask(f"{toy.name}.echo", {**NAMED, "dataEncoding": encoding, "data": "x"})
    assert (found["status"], found["error"]["code"]) == (400, "INVALID_DATA_ENCODING")
    assert found["error"]["detail"] == f"Cannot decompress data, unrecognized data encoding: {encoding}"
    assert found["reqId"] == "r-1"


async def test_data_of_the_wrong_form_is_refused_by_its_schema(peer: Peer, toy: Toy):
    for data in ([], "text", 5, True):
        found = await peer.ask(f"{toy.name}.echo", {"data": data})
        assert (found["status"], found["error"]["code"]) == (400, "BAD_REQUEST")


# options


async def test_options_say_which_way_an_operation_is_reached(peer: Peer, toy: Toy):
    for subject in (f"{toy.name}.echo", toy.http("x{dot}y"), toy.http("fixed"), f"http.get.{toy.name}-admin"):
        found = await peer.ask(f"options.{subject}", NAMED)
        assert (found["status"], found["data"]) == (200, {"protocol": "NATS"})
        assert (found["reqId"], found["transactionId"]) == ("r-1", "t-1")


async def test_what_is_uploaded_goes_over_http(peer: Peer, toy: Toy):
    found = await peer.ask(f"options.{toy.http('upload', 'post')}", NAMED)
    url = f"https://id.example.org/wellbee/{toy.name}/upload"
    assert found["data"] == {"protocol": "HTTP", "http": {"url": url, "method": "POST"}}
    refused = await peer.ask(toy.http("upload", "post"), NAMED)
    assert (refused["status"], refused["error"]["code"]) == (404, "BUS_RESPONSE_TIMEOUT")


async def test_malformed_options_are_refused(peer: Peer, toy: Toy):
    found = await peer.ask(f"options.{toy.name}.echo", raw=b"[1]")
    assert (found["status"], found["error"]["code"]) == (400, "BAD_REQUEST")


# several at once


async def test_many_are_answered_at_once_and_the_others_wait(peer: Peer, toy: Toy):
    toy.gate.clear()
    asking = [asyncio.create_task(peer.ask(f"{toy.name}.echo", {"data": {"n": n}})) for n in range(100)]
    async with asyncio.timeout(processes.PATIENCE):
        for _ in range(64):
            await toy.entered.acquire()
    await peer.settled()
    assert len(toy.calls) == 64
    toy.gate.set()
    assert {each["data"]["got"]["n"] for each in await asyncio.gather(*asking)} == set(range(100))


async def test_of_several_processes_one_answers(
    peer: Peer, toy: Toy, here: Runtime, joined: Credentials, serving: Serving
):
    del serving
    async with buses.linked(joined) as other_link:
        other = Serving(here, other_link, toy.dialect, Site())
        await other.start()
        await other_link.flush()
        await peer.listen(f"answers.{toy.name}")
        for number in range(20):
            data = msgspec.json.encode({"data": {"n": number}})
            await peer.client.publish(f"{toy.name}.echo", data, f"answers.{toy.name}")
            await peer.client.publish(toy.http("fixed"), b"{}", f"answers.{toy.name}")
        found = await peer.until_heard(40)
        await peer.ask(f"{toy.name}.echo")
        await other.stop(10)
    assert len(peer.heard) == 40
    assert sorted(each["data"]["got"]["n"] for each in found if each["data"] != "fixed") == list(range(20))


async def test_what_waits_at_a_process_that_stops_is_answered_by_it(
    peer: Peer, toy: Toy, here: Runtime, joined: Credentials, serving: Serving
):
    """More than it works on at once; what comes later goes to the others."""
    toy.gate.clear()
    async with buses.linked(joined) as other_link:
        other = Serving(here, other_link, toy.dialect, Site())
        await other.start()
        await other_link.flush()
        asking = [asyncio.create_task(peer.ask(f"{toy.name}.echo", {"data": {"n": n}})) for n in range(300)]
        async with asyncio.timeout(processes.PATIENCE):
            for _ in range(128):
                await toy.entered.acquire()
        await peer.settled()
        stopping = asyncio.create_task(other.stop(60))
        asking += [asyncio.create_task(peer.ask(f"{toy.name}.echo", {"data": {"n": n}})) for n in range(300, 400)]
        toy.gate.set()
        found = await asyncio.gather(*asking)
        await stopping
    del serving
    assert sorted(each["data"]["got"]["n"] for each in found) == list(range(400))


async def test_what_runs_is_finished_when_the_server_stops(peer: Peer, toy: Toy, serving: Serving):
    toy.gate.clear()
    asking = asyncio.create_task(peer.ask(f"{toy.name}.echo", {"data": {"last": 1}}))
    async with asyncio.timeout(processes.PATIENCE):
        await toy.entered.acquire()
    stopping = asyncio.create_task(serving.stop(60))
    toy.gate.set()
    await stopping
    assert (await asking)["data"]["got"] == {"last": 1}
    await peer.listen(f"late.{toy.name}")
    await peer.client.publish(f"{toy.name}.echo", b"{}", f"late.{toy.name}")
    await peer.settled()
    assert toy.calls == [{"last": 1}]
