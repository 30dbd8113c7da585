"""Services that the platform's own test tools stand in for (`fruster-test-utils`), asked by a server with `--bus`."""

import json
from collections.abc import Iterator

import pytest

from tests import buses, servers
from tests.clients.node import Conversation, Node
from tests.servers import Installation, Server

EMAIL = "one@example.org"
PASSWORD = "Old passw0rd of one"
NEW_PASSWORD = "New passw0rd of one"
INTERCEPTORS = '["1;http.post.auth.t*,!http.post.auth.cookie;guard-service.see;request"]'


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """The server, with somebody who signs in, and a service that sees how."""
    env = {"ROSTER_DIALECTS_WELLBEE_INTERCEPTORS": INTERCEPTORS, "ROSTER_DIALECTS_WELLBEE_BUS_TIMEOUT": "20"}
    with servers.serving(installation, "--bus", env=env) as server:
        with server.client() as client:
            one = {"username": "one", "email": EMAIL, "password": PASSWORD}
            made = client.post("/api/v1/users", json=one, headers=server.sign_in())
            assert made.status_code == 201, made.text
        yield server


@pytest.fixture(scope="module")
async def said(node: Node, installation: Installation, server: Server) -> Conversation:
    """The conversation."""
    await buses.until_telling(installation)
    bus = json.loads((installation.data / "bus.json").read_text())
    secrets = {"PASSWORD": PASSWORD, "NEW_PASSWORD": NEW_PASSWORD, "EMAIL": EMAIL}
    env = {"BUS": bus["url"], "SERVER": server.url, "SERVICE_NAME": "wb-test", **secrets}
    return await node.run("mocks.mjs", preload="quiet.mjs", env=env)


def test_a_service_sees_a_sign_in_before_it_is_answered_and_lets_it_go_on(said: Conversation):
    found = said["guarded"]
    assert (found["seen"], found["path"]) == (1, "/auth/token")
    assert found["data"] == {"username": "one", "password": PASSWORD}
    assert said["sign in"]["accessToken"]


def test_a_request_over_http_reaches_the_service_and_its_answer_comes_back(said: Conversation):
    answer, asked = said["forwarded"]["answer"], said["forwarded"]["asked"]
    assert (answer["status"], answer["data"], answer["from"]["service"]) == (200, {"name": "Event a.b"}, "wb-test")
    assert answer["reqId"] == asked["reqId"]
    assert (asked["method"], asked["path"]) == ("GET", "/Event/A.b")
    assert (asked["params"], asked["query"], asked["data"]) == ({"id": "a.b"}, {"sort": {"name": "1"}}, {})
    assert (asked["user"]["email"], asked["from"]["service"]) == (EMAIL, "roster")


def test_answers_come_back_with_their_status_and_error(said: Conversation):
    first, second = said["answers in their order"]
    assert (first["status"], first["data"]) == (200, 1)
    assert (second["status"], second["code"]) == (500, "MOCK_ERROR")


def test_a_job_is_run_and_other_schedulers_hear_of_it(said: Conversation):
    run, told = said["job"]["run"], said["job"]["told"]
    assert (run["data"], run["from"]["service"], len(run["transactionId"])) == ({"n": 1}, "roster", 36)
    assert (told["id"], told["subject"]) == ("report", "report-service.run")


def test_a_mail_service_beside_it_shares_the_work(said: Conversation):
    """Each mail is answered once, by one or the other."""
    found = said["mail"]
    assert found["answers"] == 40
    assert 0 < found["mocked"] < 40
    assert found["heard"] == found["mocked"]


def test_whoever_listens_to_everything_hears_no_secret_of_what_is_answered_over_http(said: Conversation):
    """As the platform's message logger listens, which hides few names."""
    found = said["secrets"]
    assert found["statuses"] == [200, 200, 200, 401, 202, 200]
    assert found["secrets"] == 4
    assert found["heardBefore"] == 2, "the password and the token that other services were shown"
    assert found["leaked"] == []


def test_services_hear_of_people_who_are_gone(said: Conversation):
    found = said["gone"]
    assert (found["told"], found["from"]) == ({"userId": found["id"]}, "roster")
