"""Real server processes and commands for tests. What they say is read from their pipes, not waited for by the clock."""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil

PASSWORD = "a password for tests"
_PATIENCE = 60.0
"""Seconds after which a test gives up waiting, so that it fails instead of hanging; nothing is measured by it."""
_STEP = 0.01

for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:  # of tests in the background; servers would inherit it
        signal.signal(_number, signal.default_int_handler)


def environment(**more: str) -> dict[str, str]:
    """Nothing of ours that could change what is tested."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **more}


def until(is_so: Callable[[], Any]) -> Any:
    """What the condition returns as soon as it is true of the world outside, which sends us no event."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        found = is_so()
        if found:
            return found
        time.sleep(_STEP)
    raise AssertionError("what was waited for did not come")


class Installation(msgspec.Struct, frozen=True):
    """A data folder, and the database when it is not the folder's own."""

    data: Path
    url: str | None = None

    @property
    def arguments(self) -> list[str]:
        """What tells a command where it is."""
        return ["--data", str(self.data), *(["--database-url", self.url] if self.url else [])]

    def roster(self, *arguments: str, stdin: str = "", code: int = 0, env: Mapping[str, str] | None = None) -> "Done":
        """Run a command on it to its end, which must be with this exit code."""
        done = roster(*arguments, *self.arguments, stdin=stdin, env=env)
        assert done.code == code, done
        return done

    def ask(self, *arguments: str) -> Any:
        """What a command answers in JSON."""
        return json.loads(self.roster(*arguments, "--json").stdout)


class Done(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def roster(*arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
    """Run a command to its end."""
    return _loaded().run(arguments, environment(**(env or {})), stdin)


class _Commands:
    """See `commands.py`; ends with the tests, when its input does."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("commands.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self._process.communicate)

    def run(self, arguments: Sequence[str], env: Mapping[str, str], stdin: str) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([arguments, env, stdin]), file=self._process.stdin, flush=True)
        return Done(*json.loads(self._process.stdout.readline()))


@cache
def _loaded() -> _Commands:
    return _Commands()


class Server:
    """`roster serve` on a port of its own choosing."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
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
        return self.process.wait(timeout=_PATIENCE)

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
        return httpx.Client(base_url=self.url, timeout=_PATIENCE)

    def sign_in(self, username: str = "admin", password: str = PASSWORD, realm: str = "main") -> dict[str, str]:
        """The header of somebody who has just signed in."""
        with self.client() as client:
            body = {"username": username, "password": password, "realm": realm}
            answer = client.post("/api/v1/sign-in", json=body)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def start(installation: Installation, *arguments: str, log: Path, env: Mapping[str, str] | None = None) -> Server:
    """Start a server; it does not serve yet."""
    command = [sys.executable, "-m", "roster", "serve", "--json", "--port", "0", *installation.arguments, *arguments]
    variables = environment(**{"ROSTER_ADMIN_PASSWORD": PASSWORD, "ROSTER_SERVER_DRAIN_SECONDS": "600", **(env or {})})
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, stdin=subprocess.DEVNULL, env=variables)
    return Server(process, log)


@contextmanager
def serving(installation: Installation, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server that serves, and has ended with everything below it when the block has."""
    installation.data.mkdir(parents=True, exist_ok=True)
    server = start(installation, *arguments, log=installation.data / "test.log", env=env)
    try:
        yield server.wait_until_it_serves()
        if server.process.poll() is None:
            assert server.stop() == 0, server.logged()
    finally:
        if server.process.poll() is None:
            server.kill()
        assert server.process.stdout is not None
        server.process.stdout.close()
