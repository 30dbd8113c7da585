"""The clock of a server jumps, by hours and either way, while that of the database is right."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests import processes, servers
from tests.faults.clocks import VARIABLE, Clock
from tests.faults.conftest import Copy
from tests.faults.load import Load
from tests.faults.trail import Records
from tests.servers import Installation, Server

AHEAD, BEHIND, RIGHT = 6.0, -6.0, 0.0
GUESSES = 3


class Mailbox:
    """Takes all mail; while `is_busy` it asks everybody to come back."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.turned_away: list[str] = []
        self.is_busy = False

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.is_busy:
            self.turned_away.append(address)
            return "450 Later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture(scope="module")
async def mail() -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server and its port."""
    taken = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taken), "127.0.0.1", 0)
    yield taken, server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture(scope="module")
async def installation(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One for all of these."""
    async with copy(tmp_path_factory.mktemp("clock")) as installation:
        yield installation


@pytest.fixture(scope="module")
async def running(installation: Installation, mail: tuple[Mailbox, int]) -> AsyncIterator[tuple[Server, Clock]]:
    """A server and its clock."""
    clock = Clock(installation.data / "clock")
    env = {
        VARIABLE: str(clock.file),
        "ROSTER_MAIL_HOST": "127.0.0.1",
        "ROSTER_MAIL_PORT": str(mail[1]),
        "ROSTER_MAIL_TLS": "none",
        "ROSTER_LIMITS_IDENTITY_GUESSES": str(GUESSES),
    }
    serving = servers.serving(installation, env=env)
    server = await asyncio.to_thread(serving.__enter__)
    yield server, clock
    await asyncio.to_thread(serving.__exit__, None, None, None)


@pytest.fixture
def server(running: tuple[Server, Clock]) -> Server:
    return running[0]


@pytest.fixture
def clock(running: tuple[Server, Clock]) -> Iterator[Clock]:
    """The server's, which is right before each test and after it."""
    yield running[1]
    running[1].set(RIGHT)


@pytest.fixture
async def client(server: Server, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        yield client


async def signed_in(client: httpx.AsyncClient, username: str = "admin") -> tuple[dict[str, str], str]:
    """The header of somebody, and what renews it."""
    answer = await client.post("/api/v1/sign-in", json={"username": username, "password": servers.PASSWORD})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return {"Authorization": f"Bearer {found['access_token']}"}, found["refresh_token"]


@pytest.fixture(scope="module")
async def key(running: tuple[Server, Clock], installation: Installation) -> dict[str, str]:
    """The header of the administrator, which no clock ends."""
    arguments = ("key", "create", "--realm", "main", "--user", "admin")
    made = await asyncio.to_thread(installation.ask, *arguments)
    return {"Authorization": f"Bearer {made['key']}"}


async def asked(client: httpx.AsyncClient, bearer: dict[str, str]) -> int:
    return (await client.get("/api/v1/me", headers=bearer)).status_code


async def renewed(client: httpx.AsyncClient, refresh_token: str) -> int:
    return (await client.post("/api/v1/refresh", json={"refresh_token": refresh_token})).status_code


@pytest.mark.parametrize("hours", [AHEAD, BEHIND])
async def test_a_sign_out_counts_at_once_and_for_ever(client: httpx.AsyncClient, clock: Clock, hours: float) -> None:
    before, renewal = await signed_in(client)
    assert await asked(client, before) == 200
    clock.set(hours)
    during, other_renewal = await signed_in(client)
    assert await asked(client, during) == 200
    assert (await client.post("/api/v1/sign-out", headers=during)).status_code == 204
    assert (await asked(client, during), await renewed(client, other_renewal)) == (401, 401)
    clock.set(RIGHT)
    assert [await asked(client, each) for each in (before, during)] == [200, 401]
    assert (await client.post("/api/v1/sign-out", headers=before)).status_code == 204
    for later in (RIGHT, hours, -hours):
        clock.set(later)
        assert [await asked(client, each) for each in (before, during)] == [401, 401], later
        assert [await renewed(client, each) for each in (renewal, other_renewal)] == [401, 401], later


async def test_no_session_outlives_what_is_allowed_by_either_clock(
    client: httpx.AsyncClient, clock: Clock, records: Records
) -> None:
    bearer, renewal = await signed_in(client)
    assert await asked(client, bearer) == 200
    await records.connection.execute("UPDATE sessions SET expires_at = now() - interval '1 minute'")
    for hours in (RIGHT, BEHIND):
        clock.set(hours)
        assert (await asked(client, bearer), await renewed(client, renewal)) == (401, 401), hours

    clock.set(AHEAD)
    bearer, renewal = await signed_in(client)
    assert await renewed(client, renewal) == 200
    session_for, idle_for = 30 * 86400, 14 * 86400
    lasting = await records.connection.fetchrow(
        "SELECT extract(epoch FROM max(expires_at) - now()) AS idle,"
        " extract(epoch FROM max(created_at) - now()) AS age FROM sessions"
    )
    assert lasting is not None
    assert lasting["idle"] <= idle_for
    assert lasting["age"] + session_for <= session_for
    clock.set(RIGHT)
    assert await asked(client, bearer) == 200


async def test_nobody_is_locked_out_for_longer_because_they_guessed_wrong_meanwhile(
    client: httpx.AsyncClient, key: dict[str, str], clock: Clock, records: Records
) -> None:
    body = {"username": "guessed", "password": servers.PASSWORD}
    assert (await client.post("/api/v1/users", headers=key, json=body)).status_code == 201
    clock.set(AHEAD)
    wrong = {"username": "guessed", "password": "wrong"}
    answers = [(await client.post("/api/v1/sign-in", json=wrong)).status_code for _ in range(GUESSES + 1)]
    assert answers == [401] * GUESSES + [429]
    clock.set(RIGHT)
    await signed_in(client, "guessed")
    await records.connection.execute("DELETE FROM counters")


async def test_every_mail_goes_out_once_whatever_the_clock_says(
    client: httpx.AsyncClient, key: dict[str, str], clock: Clock, mail: tuple[Mailbox, int], records: Records
) -> None:
    mailbox, _ = mail
    wanted: list[str] = []

    async def write(name: str) -> None:
        body = {"username": name, "email": f"{name}@example.com", "password": servers.PASSWORD}
        assert (await client.post("/api/v1/users", headers=key, json=body)).status_code == 201
        assert (await client.post("/api/v1/recover", json={"identifier": name})).status_code == 202
        wanted.append(body["email"])

    for number, hours in enumerate((AHEAD, RIGHT, BEHIND, RIGHT)):
        clock.set(hours)
        await write(f"reader-{number}")
        await until(lambda: set(wanted) <= set(mailbox.taken))

    clock.set(AHEAD)
    mailbox.is_busy = True
    await write("patient")
    await until(lambda: wanted[-1] in mailbox.turned_away)
    mailbox.is_busy = False
    clock.set(RIGHT)
    await until(lambda: wanted[-1] in mailbox.taken)
    async with asyncio.timeout(processes.PATIENCE):
        while await records.connection.fetchval("SELECT count(*) FROM messages WHERE state <> 'sent'"):
            await asyncio.sleep(0.01)
    assert sorted(mailbox.taken) == sorted(wanted)


async def test_writers_do_not_notice(server: Server, key: dict[str, str], clock: Clock, records: Records) -> None:
    async with Load(server, key, "jumping-") as load:
        for hours in (AHEAD, RIGHT, BEHIND, AHEAD, RIGHT):
            clock.set(hours)
            await load.until_acknowledged(6)
    assert load.answers.keys() == {201}
    await records.expect("jumping-", load.acknowledged)


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(processes.PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)
