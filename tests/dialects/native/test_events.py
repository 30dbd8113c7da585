"""Events as they happen."""

from typing import Any

import httpx
import msgspec
import pytest

from roster.dialects.native import dialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from tests.dialects.conftest import Person, SignIn
from tests.dialects.streaming import streaming

PATH = "/api/v1/events"


async def test_events_of_the_realm_arrive_in_order_with_a_cursor(
    app: Mounts, client: httpx.AsyncClient, admin: Person, stranger: Person
):
    async with streaming(app, PATH, admin.bearer) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert await answer.block() == ": connected"
        await client.post("/users", headers=stranger.bearer, json={"username": "elsewhere"})
        made = await client.post("/users", headers=admin.bearer, json={"username": "eva"})
        await client.patch(f"/users/{made.json()['id']}", headers=admin.bearer, json={"display_name": "Eva"})
        events = [await answer.event() for _ in range(2)]

    told = [(each["event"], msgspec.json.decode(each["data"])) for each in events if each]
    assert [name for name, _ in told] == ["user.created", "user.changed"]
    assert {data["subject_id"] for _, data in told} == {made.json()["id"]}
    assert told[1][1]["fields"] == ["display_name"]
    assert "Eva" not in str(told)


async def test_whoever_comes_back_gets_what_they_missed(app: Mounts, client: httpx.AsyncClient, admin: Person):
    async with streaming(app, PATH, admin.bearer) as answer:
        await answer.block()
        await client.post("/users", headers=admin.bearer, json={"username": "first"})
        first = await answer.event()
    assert first is not None
    missed = [
        (await client.post("/users", headers=admin.bearer, json={"username": name})).json()["id"]
        for name in ("second", "third")
    ]

    async with streaming(app, PATH, {**admin.bearer, "Last-Event-ID": first["id"]}) as answer:
        found = [await answer.event() for _ in range(2)]
    async with streaming(app, PATH, admin.bearer, f"after={first['id']}") as answer:
        again = [await answer.event() for _ in range(2)]

    assert [msgspec.json.decode(each["data"])["subject_id"] for each in found if each] == missed
    assert again == found


async def test_only_the_types_asked_for_arrive(app: Mounts, client: httpx.AsyncClient, admin: Person):
    async with streaming(app, PATH, admin.bearer, "types=user.deleted,%20role.created") as answer:
        await answer.block()
        made = await client.post("/users", headers=admin.bearer, json={"username": "eva"})
        await client.delete(f"/users/{made.json()['id']}", headers=admin.bearer)
        await client.post("/roles", headers=admin.bearer, json={"name": "nurse"})
        found = [await answer.event() for _ in range(2)]

    assert [each["event"] for each in found if each] == ["user.deleted", "role.created"]


@pytest.mark.parametrize("last", ["x", "1", "1.2.3", "99999999999999999999.1"])
async def test_what_is_no_cursor_is_refused(client: httpx.AsyncClient, admin: Person, last: str):
    response = await client.get("/events", headers={**admin.bearer, "Last-Event-ID": last})

    assert (response.status_code, response.json()["problems"][0]["code"]) == (400, "invalid_cursor")


async def test_the_stream_ends_with_the_session(app: Mounts, client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    reader = await sign_in("events.read")

    async with streaming(app, PATH, reader.bearer) as answer:
        await answer.block()
        await client.post("/sign-out", headers=reader.bearer)
        await client.post("/users", headers=admin.bearer, json={"username": "later"})
        told: list[dict[str, Any] | None] = [await answer.event()]

    assert told == [None]


@pytest.fixture
def narrow(runtime: Runtime) -> Mounts:
    """The API on a worker where two may follow events at once."""
    limits = msgspec.structs.replace(runtime.settings.limits, event_listeners=2)
    settings = msgspec.structs.replace(runtime.settings, limits=limits)
    worker = Runtime(settings, runtime.pool, runtime.keyring, runtime.workers)
    return Mounts(worker, [Mount(dialect=dialect, prefix="/api/v1")])


async def test_whoever_is_one_too_many_is_asked_to_come_back(narrow: Mounts, admin: Person, stranger: Person):
    async with streaming(narrow, PATH, admin.bearer) as first, streaming(narrow, PATH, stranger.bearer) as second:
        async with streaming(narrow, PATH, admin.bearer) as third:
            assert (first.status, second.status, third.status) == (200, 200, 503)
            told = msgspec.json.decode(await third.whole())
        assert third.headers["retry-after"] == "10"
        assert (third.headers["content-type"], told["code"]) == ("application/problem+json", "unavailable")
        await second.block()
    async with streaming(narrow, PATH, admin.bearer) as again:
        assert again.status == 200


async def test_whoever_only_asks_for_the_head_takes_no_place(narrow: Mounts, admin: Person):
    for _ in range(5):
        async with streaming(narrow, PATH, admin.bearer, method="HEAD") as head:
            assert head.status == 200
    async with streaming(narrow, PATH, admin.bearer) as follower:
        assert follower.status == 200
