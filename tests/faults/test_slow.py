"""A database that is slow, or silent, behind a line that stands: nobody waits for longer than was promised."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from tests import servers
from tests.faults.conftest import Copy
from tests.faults.load import Load
from tests.faults.proxy import Moment, Proxy
from tests.faults.trail import Records
from tests.servers import Installation, Server

SHORT = {
    "ROSTER_DATABASE_POOL_SIZE": "2",
    "ROSTER_DATABASE_WAIT_SECONDS": "1",
    "ROSTER_DATABASE_ANSWER_SECONDS": "1",
}
"""With these, a request is answered within a few seconds whatever the database does."""


@pytest.fixture(scope="module")
async def installation(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One for all of these."""
    async with copy(tmp_path_factory.mktemp("slow")) as installation:
        yield installation


@pytest.fixture(scope="module")
async def proxy(installation: Installation) -> AsyncIterator[Proxy]:
    """The line to the installation's database."""
    assert installation.url is not None
    async with Proxy(installation.url).listening() as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def server(installation: Installation, proxy: Proxy) -> AsyncIterator[Server]:
    """A server at its other end; its start and its end must not hold up the line."""
    serving = servers.serving(Installation(installation.data, proxy.url), env=SHORT)
    yield await asyncio.to_thread(serving.__enter__)
    await asyncio.to_thread(serving.__exit__, None, None, None)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """The administrator's."""
    bearer = await asyncio.to_thread(server.sign_in)
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
        yield client


async def made(client: httpx.AsyncClient, name: str) -> httpx.Response:
    return await client.post("/api/v1/users", json={"username": name})


def expect_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert "Traceback" not in answer.text


async def test_more_than_a_slow_database_can_do_waits_within_bounds_and_is_refused_beyond_them(
    proxy: Proxy, client: httpx.AsyncClient, records: Records
) -> None:
    proxy.delay = 0.1
    answers = await asyncio.gather(*(made(client, f"slow-{number}") for number in range(40)))
    assert {each.status_code for each in answers} == {201, 503}
    for each in answers:
        if each.status_code == 503:
            expect_refused(each)
    live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, ready.status_code) == (200, 200)

    proxy.delay = 0.0
    assert (await made(client, "quick")).status_code == 201
    names = [f"slow-{number}" for number, each in enumerate(answers) if each.status_code == 201]
    assert sorted(await records.people("slow-")) == sorted(names)


async def test_a_silent_database_is_given_up_and_used_again_when_it_speaks(
    proxy: Proxy, client: httpx.AsyncClient, server: Server, records: Records
) -> None:
    assert (await made(client, "before")).status_code == 201
    with proxy.silent():
        asked = [asyncio.create_task(made(client, f"silent-{number}")) for number in range(6)]
        ready = asyncio.create_task(client.get("/health/ready"))
        live = await client.get("/health/live")
        assert (live.status_code, (await ready).status_code) == (200, 503)
        for each in await asyncio.gather(*asked):
            expect_refused(each)

    assert (await made(client, "after")).status_code == 201
    assert (await client.get("/health/ready")).status_code == 200
    assert {"after", "before"} <= set(await records.people(""))
    assert "request.failed" not in server.logged()


async def test_writers_go_on_when_a_slow_database_is_quick_again(
    proxy: Proxy, client: httpx.AsyncClient, server: Server, records: Records
) -> None:
    bearer = {"Authorization": client.headers["Authorization"]}
    async with Load(server, bearer, "load-") as load:
        await load.until_acknowledged(10)
        proxy.delay = 0.5
        await load.until_refused()
        proxy.delay = 0.0
        await load.until_acknowledged(30)
    assert load.answers.keys() == {201, 503}
    await records.expect("load-", load.acknowledged)
    assert "request.failed" not in server.logged()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_change_whose_commit_was_cut_off_is_whole_or_not_there(
    proxy: Proxy, client: httpx.AsyncClient, records: Records, moment: Moment
) -> None:
    name = f"torn-{moment}"
    proxy.cut_commit(moment, name.encode())
    torn = await made(client, name)
    expect_refused(torn)
    assert "look whether it is there" in torn.json()["detail"]
    assert await records.people(name) == ([] if moment == "before" else [name])

    again = await made(client, name)
    assert again.status_code == (201 if moment == "before" else 409)
    await records.expect(name, [name])


async def test_repeating_what_was_done_although_nobody_said_so_does_it_once(
    proxy: Proxy, client: httpx.AsyncClient, records: Records
) -> None:
    person = (await made(client, "changed")).json()
    path = f"/api/v1/users/{person['id']}"

    async def twice(method: str, version: int, body: dict[str, str] | None = None) -> list[int]:
        proxy.cut_commit("after", UUID(person["id"]).bytes)
        headers = {"If-Match": f'"{version}"'}
        asked = [await client.request(method, path, headers=headers, json=body) for _ in range(2)]
        return [each.status_code for each in asked]

    assert await twice("PATCH", person["version"], {"display_name": "Once"}) == [503, 412]
    assert (await client.get(path)).json()["version"] == person["version"] + 1
    assert await twice("DELETE", person["version"] + 1) == [503, 404]
    story = ["user.created", "user.changed", "user.deleted"]
    assert await records.story(person["id"]) == (story, story)


async def test_a_sign_out_counts_although_nobody_said_so(proxy: Proxy, client: httpx.AsyncClient) -> None:
    me = (await client.get("/api/v1/me")).json()
    proxy.cut_commit("after", UUID(me["user"]["id"]).bytes)
    assert (await client.post("/api/v1/sign-out")).status_code == 503
    assert (await client.get("/api/v1/me")).status_code == 401
