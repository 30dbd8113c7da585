"""Both generations of the platform's own bus library, unmodified, against a server with two workers and `--bus`."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests import servers
from tests.clients.node import Conversation, Node
from tests.servers import Installation, Server

EMAIL = "one@example.org"
ADDRESS = "https://id.example.org"
LONG = 140
OLDER, NEWER = "older", "newer"


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """The server, with people whom it takes long to tell all of."""
    with servers.serving(installation, "--bus", "--workers", "2", env={"ROSTER_SERVER_PUBLIC_URL": ADDRESS}) as server:
        headers = server.sign_in()
        with server.client() as client:
            for number in range(LONG):
                noise = "".join(uuid4().hex for _ in range(460))
                body = {"username": f"long-{number}", "attributes": {"group": "long", "noise": noise}}
                answer = client.post("/api/v1/users", json=body, headers=headers)
                assert answer.status_code == 201, answer.text
            one = {"username": "one", "email": EMAIL}
            assert client.post("/api/v1/users", json=one, headers=headers).status_code == 201
        yield server


@pytest.fixture(scope="module", params=(OLDER, NEWER))
def generation(request: pytest.FixtureRequest) -> str:
    """The package: `fruster-bus` or `@fruster/bus`."""
    return request.param


@pytest.fixture(scope="module")
def me(server: Server) -> str:
    """The administrator's id."""
    with server.client() as client:
        return client.get("/api/v1/me", headers=server.sign_in()).json()["user"]["id"]


@pytest.fixture(scope="module")
async def said(node: Node, installation: Installation, server: Server, me: str, generation: str) -> Conversation:
    """The conversation."""
    bus = json.loads((installation.data / "bus.json").read_text())
    variables = {"BUS": bus["url"], "GENERATION": generation, "ADMIN": me, "NOBODY": str(uuid4()), "EMAIL": EMAIL}
    return await node.run("talk.mjs", preload="quiet.mjs", env={**variables, "SERVICE_NAME": "wb-test"})


def check_envelope(answer: dict[str, Any], me: str) -> None:
    assert (answer["status"], answer["reqId"], answer["data"]["id"]) == (200, "r-1", me)
    assert len(answer["transactionId"]) == 36
    assert answer["from"]["service"] == "roster"
    assert isinstance(answer["ms"], int)


def test_a_request_is_answered_with_and_without_asking_which_way(said: Conversation, me: str):
    check_envelope(said["answer"], me)
    check_envelope(said["without options"], me)


def test_so_is_one_of_a_plain_client_with_an_inbox(said: Conversation, me: str):
    answer = said["inbox"]
    assert (answer["status"], answer["data"]["id"]) == (200, me)


def test_services_find_people(said: Conversation):
    assert said["service"]["found"] == 1


def test_parameters_may_hold_dots(said: Conversation):
    """The operation says the same of everybody, whether there is such a person or not; that it answers is enough."""
    found = said["dots"]
    answered = found.get("answered", found)
    assert (answered["reqId"], answered["from"]["service"]) == ("r-1", "roster")


def test_errors_are_thrown_as_the_message_that_came(said: Conversation):
    found = said["unknown"]
    assert (found["status"], found["error"]["code"]) == (404, "fruster-user-service.NOT_FOUND")
    assert (found["reqId"], found["error"]["thrower"]) == ("r-1", "roster")
    assert json.loads(found["text"])["error"] == found["error"]
    nobody = said["not logged in"]
    assert (nobody["status"], nobody["error"]["code"], nobody["error"]["detail"]) == (403, "MUST_BE_LOGGED_IN", "")
    bad = said["bad request"]
    assert (bad["status"], bad["error"]["code"]) == (400, "BAD_REQUEST")


def test_what_nobody_serves_is_a_timeout_in_the_words_of_the_library(said: Conversation, generation: str):
    found = said["nobody"]
    assert (found["status"], found["error"]["code"], found["thrower"]) == (408, "BUS_RESPONSE_TIMEOUT", "wb-test")
    assert found["error"]["detail"] == "Expected response for nobody.serves-this within 100 ms"
    asked = said["nobody has options"]["error"]["detail"]
    expected = "options.nobody.serves-this within 1000" if generation == OLDER else "nobody.serves-this within 100"
    assert asked == f"Expected response for {expected} ms"


def test_one_process_says_what_is_offered_in_time(said: Conversation):
    found = said["metadata"]
    assert found["answers"] == 1
    assert found["exposing"] > 10
    assert found["schemas"] > 0


def test_long_requests_and_answers_are_compressed(said: Conversation):
    assert said["long request"] == {"same": True, "size": 1_200_000}
    found = said["long answer"]
    assert found["found"] == 75
    assert found["size"] > 1_048_576


def test_newer_peers_send_and_take_parts(said: Conversation, generation: str):
    if generation == NEWER:
        assert said["two parts"] == {"same": True, "size": 2_400_000}
        assert said["three parts"] == {"same": True, "size": 3_600_000}
        assert said["chunked answer"]["found"] == LONG
        assert said["chunked answer"]["size"] > 2_000_000


def test_newer_peers_need_not_throw(said: Conversation, generation: str):
    if generation == NEWER:
        assert said["not thrown"]["error"]["code"] == "MUST_BE_LOGGED_IN"


def test_older_peers_are_told_what_does_not_fit(said: Conversation, generation: str):
    if generation == OLDER:
        found = said["answer that does not fit"]
        assert (found["status"], found["error"]["code"]) == (500, "BAD_RESPONSE")
        assert found["error"]["detail"] == "response too large"


def test_older_peers_are_told_where_files_are_uploaded(said: Conversation, generation: str):
    if generation == OLDER:
        url = f"{ADDRESS}/wellbee/file-service/upload"
        assert said["upload"] == {"protocol": "HTTP", "http": {"url": url, "method": "POST"}}


def test_an_instance_of_the_original_beside_it_shares_the_work(said: Conversation):
    """With the same names of queues each request is answered once, by one or the other."""
    found = said["side by side"]
    assert found["answers"] == 40
    assert 0 < found["theirs"] < 40
