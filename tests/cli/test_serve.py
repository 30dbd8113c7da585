"""The life of a server: its first start, its announcements, its end; what it does to the database in its folder."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from roster.storage import embedded as embedding
from roster.storage import postmaster
from tests import processes, servers
from tests.servers import Installation


class FirstStart(msgspec.Struct, frozen=True):
    """A folder whose server has been started once, with all it said, and stopped."""

    installation: Installation
    password: str
    said: str
    code: int


@pytest.fixture(scope="module")
def first() -> Iterator[FirstStart]:
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name:
        installation = Installation(Path(name) / "data")
        command = [sys.executable, "-m", "roster", "serve", "--port", "0", *installation.arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=servers.environment(), text=True) as process:
            assert process.stderr is not None
            said = ""
            while "serves on" not in said:
                said += process.stderr.readline()
            process.terminate()
            said += process.stderr.read()
        password = said.partition("Password:")[2].split()[0]
        yield FirstStart(installation, password, said, process.returncode)
        embedding.Embedded(installation.data).stop()


@pytest.fixture
def embedded(first: FirstStart) -> Installation:
    """A folder with a database of its own, which nobody uses."""
    return first.installation


def database_of(installation: Installation) -> postmaster.Postmaster | None:
    return postmaster.find(installation.data / "postgres")


def test_the_first_start_tells_once_who_may_do_everything(first: FirstStart) -> None:
    lines = first.said.splitlines()
    assert lines[0] == "Administrator: admin"
    assert lines[1] == f"Password:      {first.password}   (shown this once)"
    assert lines[2].startswith("Roster serves on http://127.0.0.1:")
    assert len(first.password) >= 20
    assert first.code == 0

    with servers.serving(first.installation) as server:
        assert server.administrator is None
        assert first.password not in server.logged()
        server.sign_in("admin", first.password)


def test_a_password_from_the_environment_is_used_and_never_told(tmp_path: Path, own_dsn: str) -> None:
    with servers.serving(Installation(tmp_path, own_dsn)) as server:
        assert server.administrator == {"administrator": "admin", "password": None}
        server.sign_in("admin", servers.PASSWORD)
        assert server.stop() == 0
        assert servers.PASSWORD not in server.logged()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_every_usual_signal_stops_everything(embedded: Installation, number: signal.Signals) -> None:
    with servers.serving(embedded) as server:
        assert database_of(embedded) is not None
        below = psutil.Process(server.process.pid).children(recursive=True)

        server.signal(number)

        assert server.ended() == 0
        assert database_of(embedded) is None
        assert not any(child.is_running() for child in below)
        with pytest.raises(httpx.ConnectError), server.client() as client:
            client.get("/health/live")


def test_a_second_start_on_the_same_folder_says_so_in_one_line(embedded: Installation) -> None:
    with servers.serving(embedded) as server:
        second = servers.roster("serve", "--port", "0", *embedded.arguments)

        folder, pid = embedded.data, server.process.pid
        assert second.code == 1
        assert second.stderr == f"roster: A server already runs on the data folder {folder} (process {pid}).\n"
        with server.client() as client:
            assert client.get("/health/ready").status_code == 200


def test_a_port_that_is_taken_is_one_line_and_starts_nothing(embedded: Installation, beside: Installation) -> None:
    with servers.serving(beside_of(beside)) as server:
        port = server.url.rpartition(":")[2]

        second = servers.roster("serve", "--port", port, *embedded.arguments)

    assert second.code == 1
    assert second.stderr == f"roster: Cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    assert database_of(embedded) is None


def test_a_host_that_is_not_ours_is_one_line(embedded: Installation) -> None:
    done = servers.roster("serve", "--host", "no.such.host.invalid", *embedded.arguments)

    assert done.code == 1
    assert done.stderr.startswith("roster: Cannot listen on no.such.host.invalid:8080: ")
    assert done.stderr.count("\n") == 1


def test_commands_bring_the_database_up_and_down_when_no_server_runs(embedded: Installation) -> None:
    assert "admin" in {each["username"] for each in embedded.ask("user", "list")}
    assert database_of(embedded) is None

    with servers.serving(embedded):
        running = database_of(embedded)
        assert "admin" in {each["username"] for each in embedded.ask("user", "list")}
        assert database_of(embedded) == running


_LATE = """
import atexit, signal, sys
from roster import cli

atexit.register(signal.raise_signal, int(sys.argv.pop()))
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_command_that_is_done_already_is_not_stopped(number: signal.Signals) -> None:
    done = subprocess.run([sys.executable, "-c", _LATE, "--help", str(int(number))], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_command_that_is_stopped_leaves_no_database_behind(embedded: Installation, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "roster", "user", "create", "slow", "--password", "-", *embedded.arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=servers.environment()) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"a long enough password\n")
        process.stdin.flush()
        processes.until(lambda: database_of(embedded) or process.poll() is not None)
        process.send_signal(number)
        said = process.stderr.read()

    assert process.returncode in (0, 128 + number)
    assert said == b""
    assert database_of(embedded) is None


def test_a_first_start_that_is_stopped_halfway_can_be_done_again() -> None:
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name:
        installation = Installation(Path(name) / "data")
        installation.data.mkdir()
        for mark in ("secret.key", "postgres.new-*", "postgres/postmaster.pid"):
            server = servers.start(installation, log=Path(name) / "log")
            processes.until(lambda mark=mark: list(installation.data.glob(mark)))
            server.signal(signal.SIGTERM)
            code = server.ended()
            server.process.close()
            assert "Traceback" not in server.logged()
            assert code in (-signal.SIGTERM, 128 + signal.SIGTERM)  # before or after it listens to signals
            assert database_of(installation) is None
            processes.until(lambda: not programs_of(name))  # what was killed is gone in a moment

        with servers.serving(installation) as again:
            assert again.administrator == {"administrator": "admin", "password": None}


def programs_of(folder: str) -> list[psutil.Process]:
    """Whatever still runs on a folder."""
    return [each for each in psutil.process_iter(["cmdline"]) if folder in str(each.info["cmdline"])]


def test_a_database_that_dies_is_started_again(embedded: Installation) -> None:
    with servers.serving(embedded) as server, server.client() as client:
        before = database_of(embedded)
        assert before is not None
        psutil.Process(before.pid).kill()

        server.wait_for_log("database.restarted")

        processes.until(lambda: client.get("/health/ready").status_code == 200)
        after = database_of(embedded)
        assert after is not None
        assert after.pid != before.pid


def test_every_request_is_a_line_of_the_log_without_secrets(beside: Installation) -> None:
    with servers.serving(beside_of(beside)) as server:
        with server.client() as client:
            bearer = server.sign_in()
            forged = {**bearer, "X-Forwarded-For": "203.0.113.9"}
            client.get("/api/v1/me", headers=forged, params={"access_token": "very secret", "page": "7"})
        server.stop()

        lines = [json.loads(line) for line in server.logged().splitlines()]
    shown = next(line for line in lines if line.get("path", "").startswith("/api/v1/me?"))
    assert (shown["method"], shown["path"]) == ("GET", "/api/v1/me?access_token=***&page=7")
    assert shown["address"] == "127.0.0.1"
    assert {"request_id", "ms", "address", "operation", "realm", "status"} <= shown.keys()
    text = server.logged()
    assert "very" not in text
    assert bearer["Authorization"].split()[1] not in text
    assert servers.PASSWORD not in text


def beside_of(installation: Installation) -> Installation:
    """Another folder on the same database, with the same key, as a second machine has it."""
    folder = installation.data / "second"
    folder.mkdir(exist_ok=True)
    (folder / "secret.key").write_bytes((installation.data / "secret.key").read_bytes())
    (folder / "secret.key").chmod(0o600)
    return Installation(folder, installation.url)
