"""Home automation and a terminal program, as they talk to the product."""

from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from tests.clients.groupalarm import recorded
from tests.clients.groupalarm.conftest import Service
from tests.clients.groupalarm.recorded import JSON, Exchange

RECORDINGS = {
    name: recorded.load(name)
    for name in (
        *("terminal", "assistant", "assistant_before", "assistant_refused"),
        *("bridge_personal", "bridge_api", "monitor"),
    )
}
PLAYED = [(name, said) for name, recording in RECORDINGS.items() for said in recording.conversations]
EXCHANGES = [
    pytest.param(each, id=f"{name}: {said}, {each.ask}")
    for name, recording in RECORDINGS.items()
    for said, exchanges in recording.conversations.items()
    for each in exchanges
]


@pytest.fixture(scope="module")
def known(service: Service, org: int) -> dict[str, object]:
    """What the recordings name: an organisation with a part, two members and a label, and the credentials."""
    by_ada = service.token("ada@example.org")
    ada = service.get("/user/", by_ada)["id"]
    service.done("PUT", "/user/", token=by_ada, json={"user": {"name": "Ada", "surname": "Muster"}})
    below = service.done("POST", "/organization", token=by_ada, json={"name": "Medics", "parentID": org})
    guests = {"organization": {"id": org}, "users": [{"email": "bo@example.org", "name": "Bo"}]}
    (bo,) = service.done("POST", "/user/invite", token=by_ada, json=guests)
    label = {"organizationID": org, "name": "Medics", "color": "#0A0B0C"}
    service.account("eve@example.org")
    foreign = service.done("POST", "/organization", token=service.token("eve@example.org"), json={"name": "Others"})
    return {
        **watched(service),
        "label": service.done("POST", "/label", token=by_ada, json=label)["id"],
        "ada": ada,
        "bo": bo["user"]["id"],
        "org": org,
        "below": below["id"],
        "foreign": foreign["id"],
        "personal": service.key("personal", "--user", "ada@example.org"),
        "api": service.key("organisation", "--organisation", str(org)),
    }


def watched(service: Service) -> dict[str, object]:
    """The organisation whose number stands in the monitor's code, and a part of it with somebody who can be called."""
    service.account("max@example.org")
    service.installation.ask("organisation", "create", "District", "--owner", "max@example.org", "--number", "6371")
    by_max = service.token("max@example.org")
    number = service.get("/user/", by_max)["id"]
    station = service.done("POST", "/organization", token=by_max, json={"name": "Station", "parentID": 6371})["id"]
    drivers = {"organizationID": station, "name": "Drivers", "assignees": [number]}
    label = service.done("POST", "/label", token=by_max, json=drivers)["id"]
    personal = service.key("personal", "--user", "max@example.org")
    return {"max": number, "station": station, "station_label": label, "max_personal": personal}


@pytest.fixture(scope="module")
def tokens(service: Service) -> dict[str, str]:
    """Tokens of the conversations that end with a refusal."""
    person = {"username": "una", "email": "una@example.org"}
    with service.server.client() as client:
        made = client.post("/api/v1/users", json=person, headers=service.server.sign_in())
    assert made.status_code == 201, made.text
    unverified = service.key("personal", "--user", "una")
    return {"unknown": "x" * 43, "of somebody whose address is not verified": unverified}


@pytest.mark.parametrize(("name", "conversation"), PLAYED)
def test_a_client_understands_what_it_is_told(
    service: Service, known: dict[str, object], tokens: dict[str, str], name: str, conversation: str
):
    named = {**known, "token": tokens.get(conversation, "")}

    recorded.play(RECORDINGS[name], conversation, service.base, named)


def answer(status: int, body: Any, kind: str = JSON) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode(body), headers={"Content-Type": kind})


def spoiled(value: Any) -> Any:
    """The same with another value at every place."""
    if isinstance(value, dict):
        return {name: spoiled(each) for name, each in value.items()}
    if isinstance(value, list):
        return [spoiled(each) for each in value]
    return not value if isinstance(value, bool) else f"{value}?" if isinstance(value, str) else -1


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_expectation_can_fail(exchange: Exchange):
    """With names in place of what they stand for, which is no matter here."""
    told, known = exchange.tells, {}
    wrong = [answer(exchange.status + 1, told), answer(exchange.status, told, "text/html"), answer(301, told)]
    if exchange.needs:
        wrong += [answer(exchange.status, body) for body in (None, "text", {"organizations": told}, [{}])]
    if told is not None:
        wrong += [answer(exchange.status, spoiled(told)), answer(exchange.status, [])]

    for each in wrong:
        with pytest.raises((AssertionError, jsonschema_rs.ValidationError)):
            recorded.check(named_as_they_are(exchange), each, known)


def named_as_they_are(exchange: Exchange) -> Exchange:
    return Exchange(exchange.ask, exchange.status, exchange.sends, exchange.needs, plain(exchange.tells))


def plain(value: Any) -> Any:
    """Without braces, so that nothing is filled in."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.strip("{}") if isinstance(value, str) else value
