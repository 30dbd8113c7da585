"""Two servers behind a balancer on one database: one after the other is stopped and started, and nothing is lost."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import roster
from tests.balancing import balancing
from tests.faults import pairs, trail
from tests.faults.pairs import Pair, port_of
from tests.faults.staying import staying
from tests.faults.traffic import Traffic
from tests.servers import Installation


@pytest.fixture
def pair(installation: Installation, tmp_path: Path) -> Iterator[Pair]:
    with pairs.serving(installation, tmp_path, env={"ROSTER_SERVER_LEAVE_SECONDS": "1"}) as pair:
        yield pair


async def test_a_rolling_restart_loses_no_request(pair: Pair, records: trail.Records) -> None:
    bearer = pair.servers[0].sign_in()
    async with balancing(*pair.ports) as balancer, staying(balancer, bearer) as stayed:
        async with Traffic(balancer.url, bearer, "rolling-") as traffic:
            for index in (0, 1):
                await traffic.until_done(20)
                server = await asyncio.to_thread(pair.restart, index)
                await balancer.replace(index, port_of(server))
            await traffic.until_done(20)
        traffic.expect_all()
        await stayed.until_heard(traffic.ids)
        assert balancer.lost == []
    assert set(stayed.answers) == {200}
    assert stayed.ends
    assert set(stayed.ends) == {(1012, "SERVICE_RESTART")}
    await expect_each_once(records, "rolling-", traffic.names)


async def test_a_rolling_upgrade_loses_no_request(pair: Pair, records: trail.Records, newer: Path) -> None:
    """What the new release adds is there as soon as one of it runs, what it takes away goes with the last old one.

    Meanwhile the old release can be started anew.
    """
    bearer = pair.servers[0].sign_in()
    async with balancing(*pair.ports) as balancer:
        async with Traffic(balancer.url, bearer, "upgrade-") as traffic:
            await traffic.until_done(20)
            server = await asyncio.to_thread(pair.restart, 0, newer)
            assert await applied(records) == ["9000_more.pre.sql"]
            await balancer.replace(0, port_of(server))
            await traffic.until_done(20)
            server = await asyncio.to_thread(pair.restart, 1)
            await balancer.replace(1, port_of(server))
            await traffic.until_done(20)
            assert await applied(records) == ["9000_more.pre.sql"]
            server = await asyncio.to_thread(pair.restart, 1, newer)
            assert await applied(records) == ["9000_more.post.sql", "9000_more.pre.sql"]
            await balancer.replace(1, port_of(server))
            await traffic.until_done(20)
        traffic.expect_all()
        assert balancer.lost == []
    await expect_each_once(records, "upgrade-", traffic.names)


MORE = """
ALTER TABLE users ADD COLUMN nickname text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device_name text;
CREATE TABLE nicknames (realm_id uuid, user_id uuid, PRIMARY KEY (realm_id, user_id));
"""
LESS = "ALTER TABLE sessions DROP COLUMN device_name; ALTER TABLE users DROP COLUMN nickname; DROP TABLE nicknames;"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The next release."""
    package = tmp_path / "newer" / "roster"
    shutil.copytree(Path(roster.__file__).parent, package)
    (package / "storage" / "migrations" / "9000_more.pre.sql").write_text(MORE)
    (package / "storage" / "migrations" / "9000_more.post.sql").write_text(LESS)
    return package.parent


async def applied(records: trail.Records) -> list[str]:
    """What the newer release has done."""
    rows = await records.connection.fetch("SELECT name FROM schema_migrations WHERE name LIKE '9000%' ORDER BY name")
    return [row["name"] for row in rows]


async def expect_each_once(records: trail.Records, beginning: str, names: list[str]) -> None:
    """Nobody is missing, nobody is there twice, and each was changed once."""
    assert sorted(await records.people(beginning)) == sorted(names)
    changed = await records.connection.fetch(
        "SELECT count(*) AS times FROM audit_entries WHERE action = 'user.changed' GROUP BY subject_id"
    )
    assert [row["times"] for row in changed] == [1] * len(names)
