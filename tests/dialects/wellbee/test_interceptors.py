"""Services that see requests and answers on their way."""

from typing import Any

import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.dialects.wellbee import interceptors
from roster.storage.runtime import Runtime
from tests import buses
from tests.buses import Peer
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import PREFIX, Wire
from tests.dialects.wellbee.test_other_services import joined, on_the_bus

__all__ = ["joined"]

SETTINGS = (
    "2;http.get.admin.*,!http.get.admin.user;watch.answers;response",
    "1;http.put.admin.*;watch.requests;request",
    "3;http.*;watch.all;response;allow-exceptions",
)


@pytest.mark.parametrize(
    ("subject", "seen_by"),
    [
        ("http.get.admin.user.1", ["watch.answers", "watch.all"]),
        ("http.get.admin.user", ["watch.all"]),
        ("http.put.admin.user.1", ["watch.requests", "watch.all"]),
        ("ws.get.admin", []),
    ],
)
def test_patterns_say_who_sees_what_in_which_order(subject: str, seen_by: list[str]):
    assert [each.subject for each in interceptors.of(SETTINGS) if each.sees(subject)] == seen_by


@pytest.mark.parametrize("glob", ["http.[a-z]*", "http.?et"])
def test_only_the_star_is_a_wildcard(glob: str):
    (found,) = interceptors.of((f"1;{glob};x;request",))
    assert not found.sees("http.get")


@pytest.fixture
async def there(runtime: Runtime, realm: Realm, joined: Any) -> Any:
    """Another service, which sees what the tests' settings say."""
    settings = ("1;http.put.admin.*;watch.requests;request", "2;http.get.admin.*;watch.answers;response")
    shown = ("3;http.get.me;watch.errors;response;allow-exceptions",)
    guards = ("4;http.post.auth.token;watch.sign_ins;request", "5;http.delete.admin.*;watch.deletions;request")
    guards = (*guards, "6;http.get.auth.active-sessions;watch.reads;request")
    async with (
        on_the_bus(runtime, realm, joined, interceptors=(*settings, *shown, *guards)),
        buses.peer(joined) as peer,
    ):
        yield peer


async def returning(peer: Peer, subject: str, change: Any) -> list[dict[str, Any]]:
    """The service returns what this makes of what it is shown; all that it was shown."""
    shown: list[dict[str, Any]] = []

    async def look(message: Any) -> None:
        shown.append(msgspec.json.decode(message.data))
        await message.respond(msgspec.json.encode(change(shown[-1])))

    await peer.client.subscribe(subject, cb=look)
    await peer.client.flush()
    return shown


async def test_a_request_goes_on_as_it_was_returned(wire: Wire, there: Peer, admin: Person):
    shown = await returning(
        there, "watch.requests", lambda seen: {**seen, "data": {**seen["data"], "lastName": "Lovelace"}}
    )
    found = await wire.by(admin.access_token).call("PUT", f"/admin/user/{admin.user.id}", {"firstName": "Ada"})
    assert (found.status, found.data["firstName"], found.data["lastName"]) == (200, "Ada", "Lovelace")
    assert (shown[0]["method"], shown[0]["data"], shown[0]["user"]["id"]) == (
        "PUT",
        {"firstName": "Ada"},
        str(admin.user.id),
    )


async def test_a_request_may_end_at_the_service(wire: Wire, there: Peer, admin: Person):
    names = {"reqId": str(admin.user.id), "transactionId": str(admin.user.id)}
    sender = {"from": {"service": "x", "instanceId": "x.1"}}
    error = {"code": "BAD_REQUEST", "title": "No", "id": "1"}
    await returning(there, "watch.requests", lambda _: {"status": 400, "error": error, **names, **sender})
    found = await wire.by(admin.access_token).call("PUT", f"/admin/user/{admin.user.id}", {"firstName": "Ada"})
    assert (found.status, found.error["title"]) == (400, "No")


async def test_a_service_may_answer_instead(wire: Wire, there: Peer, admin: Person):
    names = {"reqId": str(admin.user.id), "transactionId": str(admin.user.id)}
    answer = {"status": 200, "data": {"id": "mine"}, "interceptAction": "respond", **names}
    await returning(there, "watch.requests", lambda _: {**answer, "from": {"service": "x", "instanceId": "x.1"}})
    found = await wire.by(admin.access_token).call("PUT", f"/admin/user/{admin.user.id}", {"firstName": "Ada"})
    assert found.data == {"id": "mine"}


async def test_an_answer_goes_out_as_it_was_returned(wire: Wire, there: Peer, admin: Person):
    shown = await returning(there, "watch.answers", lambda seen: {**seen, "data": {"was": seen["data"]["id"]}})
    found = await wire.by(admin.access_token).call("GET", f"/admin/user/{admin.user.id}?x=1")
    assert (found.status, found.data) == (200, {"was": str(admin.user.id)})
    assert (shown[0]["params"], shown[0]["query"]) == ({"id": str(admin.user.id)}, {"x": "1"})
    assert shown[0]["path"] == f"/admin/user/{admin.user.id}"


async def test_errors_are_shown_only_to_those_who_ask_for_them(wire: Wire, there: Peer, person: Person):
    answers = await returning(there, "watch.answers", lambda seen: seen)
    errors = await returning(there, "watch.errors", lambda seen: seen)
    assert (await wire.by(person.access_token).call("GET", f"/admin/user/{person.user.id}")).status == 403
    assert (await wire.call("GET", "/me")).status == 403
    assert (answers, [each["status"] for each in errors]) == ([], [403])


async def test_a_bad_token_is_refused_before_anybody_sees_the_request(wire: Wire, there: Peer):
    shown = await returning(there, "watch.requests", lambda seen: seen)
    found = await wire.by("nonsense").call("PUT", "/admin/user/x", {"firstName": "Ada"})
    assert (found.code, shown) == ("auth-service.403.1", [])


async def refusing(peer: Peer, subject: str) -> None:
    """The service lets nothing through."""
    error = {"code": "BAD_REQUEST", "title": "No", "id": "1"}
    names = ("reqId", "transactionId", "from")
    await returning(peer, subject, lambda seen: {"status": 400, "error": error, **{name: seen[name] for name in names}})


@pytest.mark.parametrize("kind", ["multipart/json", "multipart/form-data; boundary=x", "application/json"])
async def test_what_a_request_says_it_is_keeps_it_from_nobody(wire: Wire, there: Peer, admin: Person, kind: str):
    await refusing(there, "watch.requests")
    path = f"/realms/{wire.slug}{PREFIX}/admin/user/{admin.user.id}"
    headers = {"Authorization": f"Bearer {admin.access_token}", "Content-Type": kind}
    found = await wire.http.put(path, content=b'{"firstName": "Ada"}', headers=headers)
    assert (found.status_code, found.json()["error"]["title"]) == (400, "No")


async def test_an_address_written_otherwise_is_the_same_address(wire: Wire, there: Peer, admin: Person):
    await refusing(there, "watch.requests")
    path = f"/realms/{wire.slug}{PREFIX}/%61dmin/us%65r/{admin.user.id}"
    headers = {"Authorization": f"Bearer {admin.access_token}"}
    found = await wire.http.put(path, json={"firstName": "Ada"}, headers=headers)
    assert (found.status_code, found.json()["error"]["title"]) == (400, "No")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_asking_for_the_head_of_an_answer_only_is_seen_too(wire: Wire, there: Peer, person: Person, method: str):
    await refusing(there, "watch.reads")
    path = f"/realms/{wire.slug}{PREFIX}/auth/active-sessions"
    found = await wire.http.request(method, path, headers={"Authorization": f"Bearer {person.access_token}"})
    assert found.status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Cookie": "jwt=nonsense"}])
async def test_a_bad_token_lets_no_sign_in_past(wire: Wire, there: Peer, headers: dict[str, str]):
    await refusing(there, "watch.sign_ins")
    body = {"username": "nobody", "password": "nothing right"}
    found = await wire.call("POST", "/auth/token", body, headers=headers)
    assert found.error["title"] == "No"


async def test_a_body_that_is_too_long_lets_no_request_past(wire: Wire, there: Peer, admin: Person):
    await refusing(there, "watch.deletions")
    path = f"/realms/{wire.slug}{PREFIX}/admin/user/{admin.user.id}"
    headers = {"Authorization": f"Bearer {admin.access_token}"}
    found = await wire.http.request("DELETE", path, content=b" " * 1_100_000, headers=headers)
    assert found.status_code == 413
