"""Real servers and commands for tests. What they say is read from their pipes, not waited for by the clock."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil

from tests import processes
from tests.processes import Done, Process, until

PASSWORD = "a password for tests"


def environment(**more: str) -> dict[str, str]:
    """Nothing of ours that could change what is tested."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **more}


def roster(*arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
    """Run a command to its end."""
    return processes.run(arguments, environment(**(env or {})), stdin)


class Installation(msgspec.Struct, frozen=True):
    """A data folder, and the database when it is not the folder's own."""

    data: Path
    url: str | None = None

    @property
    def arguments(self) -> list[str]:
        """What tells a command where it is."""
        return ["--data", str(self.data), *(["--database-url", self.url] if self.url else [])]

    def roster(self, *arguments: str, stdin: str = "", code: int = 0, env: Mapping[str, str] | None = None) -> Done:
        """Run a command on it to its end, which must be with this exit code."""
        done = roster(*arguments, *self.arguments, stdin=stdin, env=env)
        assert done.code == code, done
        return done

    def ask(self, *arguments: str) -> Any:
        """What a command answers in JSON."""
        return json.loads(self.roster(*arguments, "--json").stdout)


class Server:
    """`roster serve` on a port of its own choosing."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.administrator: dict[str, str | None] | None = None
        self.url = ""

    def wait_until_it_serves(self) -> "Server":
        """It says so when it does."""
        while not self.url:
            said = self.hear()
            self.url = said.get("serving", "")
            if "administrator" in said:
                self.administrator = said
        return self

    def hear(self) -> dict[str, Any]:
        """The next thing it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server ended:\n{self.logged()}"
        return json.loads(line)

    def logged(self) -> str:
        """What it has logged so far."""
        return self.log.read_text()

    def wait_for_log(self, words: str) -> None:
        """Until this is in the log."""
        until(lambda: words in self.logged())

    @property
    def workers(self) -> dict[int, psutil.Process]:
        """Processes below it, by their numbers."""
        return {child.pid: child for child in psutil.Process(self.process.pid).children()}

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """Kill it and all below it, as a machine that loses power does."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for each in below:
            each.kill()
        self.process.wait()
        psutil.wait_procs(below)

    def client(self) -> httpx.Client:
        """A client with one connection at a time."""
        return httpx.Client(base_url=self.url, timeout=processes.PATIENCE)

    def client_of_each_worker(self, count: int) -> list[httpx.Client]:
        """A client for each of so many workers, each with a connection that stays with its worker."""
        found: dict[str, httpx.Client] = {}
        while len(found) < count:
            client = self.client()
            worker = client.get("/health/live").headers["x-request-id"].partition("-")[0]
            if worker in found:
                client.close()
            found.setdefault(worker, client)
        return list(found.values())

    def sign_in(self, username: str = "admin", password: str = PASSWORD, realm: str = "main") -> dict[str, str]:
        """The header of somebody who has just signed in."""
        with self.client() as client:
            body = {"username": username, "password": password, "realm": realm}
            answer = client.post("/api/v1/sign-in", json=body)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def start(
    installation: Installation,
    *arguments: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    program: Path | None = None,
) -> Server:
    """Start a server; it does not serve yet. `program` is the folder of another release's packages."""
    arguments = ("serve", "--json", "--port", "0", *installation.arguments, *arguments)
    variables = environment(ROSTER_ADMIN_PASSWORD=PASSWORD, ROSTER_SERVER_DRAIN_SECONDS="600")
    variables |= env or {}
    if program is None:
        return Server(processes.start(arguments, variables, log), log)
    command = [sys.executable, "-m", "roster", *arguments]
    return Server(processes.Program(command, {**variables, "PYTHONPATH": str(program)}, log), log)


@contextmanager
def serving(
    installation: Installation, *arguments: str, env: Mapping[str, str] | None = None, program: Path | None = None
) -> Iterator[Server]:
    """A server that serves, and has ended with everything below it when the block has."""
    installation.data.mkdir(parents=True, exist_ok=True)
    server = start(installation, *arguments, log=installation.data / "test.log", env=env, program=program)
    try:
        yield server.wait_until_it_serves()
        if server.process.poll() is None:
            assert server.stop() == 0, server.logged()
    finally:
        if server.process.poll() is None:
            server.kill()
        server.process.close()
