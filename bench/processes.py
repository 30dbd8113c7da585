"""The processes of a run: the server, the limit, the load generator. Everything listens on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec

from bench.load import LOOPBACK, Job, Outcome
from roster import settings
from roster.settings import Settings

PROGRAM = Path(sys.executable).with_name("roster")
PUBLIC_URL = "http://127.0.0.1:8080"
"""Tokens name it as their issuer, so every server of a run says the same, whatever its port."""
_PATIENCE = 60.0
_STEP = 0.005


class Failed(Exception):
    """A process did not do what it was started for; the text says what it said."""


class Server:
    """A running server: its process, its port, and where it writes."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    @property
    def pid(self) -> int:
        """Its first process."""
        return self.process.pid

    def wait_until_open(self) -> None:
        """Return when it accepts connections. Raises Failed."""
        give_up = time.monotonic() + _PATIENCE
        while not _accepts(self.port):
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise Failed(f"The server does not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(_STEP)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("The server does not stop.") from None


@contextmanager
def running(command: Sequence[str], port: int, log: Path, *, stdin: bytes = b"", **more: str) -> Iterator[Server]:
    """A server that accepts connections; stopped at the end of the block. `more` are environment variables."""
    server = start(command, port, log, stdin=stdin, **more)
    try:
        server.wait_until_open()
        yield server
    finally:
        server.stop()


def start(command: Sequence[str], port: int, log: Path, *, stdin: bytes = b"", **more: str) -> Server:
    """The same without waiting for it."""
    environment = {**os.environ, "ROSTER_SERVER_PUBLIC_URL": PUBLIC_URL, **more}
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment)
    with cast("IO[bytes]", process.stdin) as given:
        given.write(stdin)
    return Server(process, port, log)


def serve_command(data: Path, port: int, *more: str) -> list[str]:
    """`roster serve` with its defaults."""
    return [str(PROGRAM), "serve", "--data", str(data), "--port", str(port), *more]


def settings_of(data: Path) -> Settings:
    """The settings of the servers of a run; makes the data folder and its key."""
    return settings.load({"server.public_url": PUBLIC_URL}, os.environ, data)


def module(name: str) -> list[str]:
    """A part of the bench as a program."""
    return [sys.executable, "-m", f"bench.{name}"]


def output_of(command: Sequence[str], **more: str) -> bytes:
    """What a program writes. `more` are environment variables. Raises Failed when it fails."""
    done = subprocess.run(command, check=False, capture_output=True, env={**os.environ, **more})
    if done.returncode:
        raise Failed(f"{command[0]} failed: {done.stderr[-2000:].decode(errors='replace')}")
    return done.stdout


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


class Load:
    """A load generator, one job at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(module("load"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._jobs, self._outcomes = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def begin(self, job: Job) -> None:
        """Let it work."""
        self._jobs.write(msgspec.json.encode(job) + b"\n")
        self._jobs.flush()

    def end(self) -> Outcome:
        """What came of it. Raises Failed when an answer was an error."""
        outcome = msgspec.json.decode(self._outcomes.readline(), type=Outcome)
        if outcome.wrong is not None:
            raise Failed(f"The server answered {outcome.statuses}: {outcome.wrong}")
        return outcome

    def do(self, job: Job) -> Outcome:
        """Both."""
        self.begin(job)
        return self.end()

    def close(self) -> None:
        """Let it end."""
        self._jobs.close()
        self._process.wait(timeout=_PATIENCE)
