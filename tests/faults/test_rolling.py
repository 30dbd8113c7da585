"""Two servers behind a balancer on one database: one after the other is stopped and started, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import servers
from tests.balancing import balancing
from tests.faults import trail
from tests.faults.traffic import Traffic
from tests.servers import Installation, Server

LEAVING = {"ROSTER_SERVER_LEAVE_SECONDS": "1"}


class Pair:
    """Two servers, each with a data folder of its own, and with two workers."""

    def __init__(self, installation: Installation, folder: Path, stack: ExitStack) -> None:
        self.installations = [Installation(folder / name, installation.url) for name in ("one", "two")]
        self._stack = stack
        self.env = LEAVING
        self.servers = [self.start(index) for index in range(2)]

    def start(self, index: int) -> Server:
        """Another process for this one."""
        key = self.installations[0].data / "secret.key"
        env = {"ROSTER_SECURITY_SECRET_KEY": key.read_text().strip()} if index else {}
        return self._stack.enter_context(
            servers.serving(self.installations[index], "--workers", "2", env={**self.env, **env})
        )

    def restart(self, index: int) -> Server:
        """Stop it as services are stopped, and start it again."""
        assert self.servers[index].stop() == 0, self.servers[index].logged()
        self.servers[index] = self.start(index)
        return self.servers[index]

    @property
    def ports(self) -> list[int]:
        return [port_of(each) for each in self.servers]


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


@contextmanager
def two(installation: Installation, folder: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(installation, folder, stack)


@pytest.fixture
def pair(installation: Installation, tmp_path: Path) -> Iterator[Pair]:
    with two(installation, tmp_path) as pair:
        yield pair


async def test_a_rolling_restart_loses_no_request(pair: Pair, records: trail.Records) -> None:
    bearer = pair.servers[0].sign_in()
    async with balancing(*pair.ports) as balancer:
        async with Traffic(balancer.url, bearer, "rolling-") as traffic:
            for index in (0, 1, 0):
                await traffic.until_done(20)
                server = await asyncio.to_thread(pair.restart, index)
                await balancer.replace(index, port_of(server))
            await traffic.until_done(20)
        traffic.expect_all()
        assert balancer.lost == []
    await expect_each_once(records, "rolling-", traffic.names)


async def expect_each_once(records: trail.Records, beginning: str, names: list[str]) -> None:
    """Nobody is missing, nobody is there twice, and each was changed once."""
    assert sorted(await records.people(beginning)) == sorted(names)
    changed = await records.connection.fetch(
        "SELECT count(*) AS times FROM audit_entries WHERE action = 'user.changed' GROUP BY subject_id"
    )
    assert [row["times"] for row in changed] == [1] * len(names)
