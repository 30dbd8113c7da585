"""The NATS server of a data folder: who gets in, who stops it, what becomes of it when it is killed."""

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from roster.bus import server
from roster.bus.server import BusServer, Credentials, ServerError
from tests import buses, processes


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    yield made
    BusServer(made).stop()
    shutil.rmtree(made)


def kill(bus: BusServer) -> None:
    pid = bus.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    processes.until(lambda: bus.pid() is None)


async def said_to(joined: Credentials, **options: str) -> bytes:
    """What the server says to somebody with these credentials, after its greeting."""
    reader, writer = await asyncio.open_connection(joined.host, joined.port)
    await reader.readline()
    writer.write(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
    said = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return said.strip()


async def test_nobody_gets_in_without_the_password(joined: Credentials):
    good = {"user": joined.user, "pass": joined.password}
    for wrong in ({}, {"user": joined.user}, {**good, "pass": "wrong"}, {**good, "user": "x"}, {"auth_token": "x"}):
        assert await said_to(joined, **wrong) == b"-ERR 'Authorization Violation'"
    assert await said_to(joined, **good) == b"+OK"
    async with buses.peer(joined) as peer:
        assert peer.client.max_payload == server.MAX_PAYLOAD


def test_it_listens_on_this_machine_alone(folder: Path):
    with server.using(folder):
        pid = BusServer(folder).pid()
        assert pid is not None
        listening = {each.laddr.ip for each in psutil.Process(pid).net_connections() if each.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


def test_its_secrets_are_in_files_that_nobody_else_reads_and_in_no_list_of_processes(folder: Path):
    with server.using(folder) as joined:
        bus = BusServer(folder)
        for file in (bus.file, bus.folder / "nats.conf"):
            assert joined.password in file.read_text()
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(bus.folder.stat().st_mode) == 0o700
        process = psutil.Process(bus.pid())
        assert joined.password not in " ".join([*process.cmdline(), *process.environ().values()])


def test_services_find_it_where_it_was(folder: Path):
    with server.using(folder) as first:
        pass
    assert BusServer(folder).pid() is None
    with server.using(folder) as second:
        assert second == first


def test_a_new_one_leaves_the_port_of_another_that_is_away(folder: Path):
    mine, other = folder / "a", folder / "a2"
    with server.using(mine) as first:
        pass
    with server.using(other), server.using(mine) as second:
        assert second == first


def test_it_moves_when_its_port_was_taken_meanwhile(folder: Path):
    with server.using(folder) as first:
        pass
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((server.HOST, first.port))
        taken.listen()
        with server.using(folder) as second:
            assert second.port != first.port
            assert second.password == first.password


def test_it_stays_where_it_was_when_it_is_killed_while_it_starts(folder: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as free:
        free.bind((server.HOST, 0))
        port = free.getsockname()[1]
    with server.using(folder, port) as first:
        pass
    programs = iter([Path("/bin/false"), server.program()])
    monkeypatch.setattr(server, "program", lambda: next(programs))

    with server.using(folder) as second:
        assert second == first
    assert next(programs, None) is None


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(folder: Path):
    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port}"), server.using(folder, port):
            pass
    with server.using(folder, port) as joined:
        assert joined.port == port


def test_the_last_one_stops_it(folder: Path):
    bus = BusServer(folder)
    with server.using(folder) as first:
        before = bus.pid()
        with server.using(folder) as second:
            assert (second, bus.pid()) == (first, before)
        assert bus.running()
    assert not bus.running()


def test_it_is_started_again_when_it_was_killed(folder: Path):
    bus = BusServer(folder)
    with server.using(folder) as joined:
        assert not server.keep(folder)
        kill(bus)
        assert server.keep(folder)
        assert bus.running()
        assert bus.credentials() == joined
        assert not server.keep(folder)


def test_one_that_nobody_stopped_is_adopted(folder: Path):
    bus = BusServer(folder)
    bus.start()
    before = bus.pid()
    with server.using(folder):
        assert bus.pid() == before
    assert bus.pid() is None


def test_another_process_with_its_number_is_left_alone(folder: Path):
    bus = BusServer(folder)
    with server.using(folder):
        pass
    (bus.folder / "nats.pid").write_text(str(os.getpid()))
    assert bus.pid() is None
    bus.stop()
    with server.using(folder):
        assert bus.pid() != os.getpid()


def test_a_broken_file_of_credentials_is_said(folder: Path):
    BusServer(folder).file.write_text("{}")
    with pytest.raises(ServerError, match=r"bus\.json"), server.using(folder):
        pass
