"""Processes of the program, forked from one that has loaded it; see `commands.py`."""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

PATIENCE = 60.0
"""Seconds after which a test gives up waiting, so that it fails instead of hanging; nothing is measured by it."""
_STEP = 0.01

for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:  # of tests in the background; servers would inherit it
        signal.signal(_number, signal.default_int_handler)


def until(is_so: Callable[[], Any]) -> Any:
    """What the condition returns as soon as it is true of the world outside, which sends us no event."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        found = is_so()
        if found:
            return found
        time.sleep(_STEP)
    raise AssertionError("what was waited for did not come")


class Done(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def run(arguments: Sequence[str], env: Mapping[str, str], stdin: str = "") -> Done:
    """Run a command to its end."""
    with tempfile.TemporaryDirectory(prefix="roster-command-") as name:
        files = [Path(name) / each for each in ("in", "out", "err")]
        files[0].write_text(stdin)
        files[1].touch()
        files[2].touch()
        process = Process(_loaded().ask("start", arguments, env, [str(file) for file in files]))
        return Done(process.wait(), files[1].read_text(), files[2].read_text())


def start(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> "Process":
    """Start a command that goes on; its output comes through a pipe, its errors go to the log."""
    log.touch()
    with tempfile.TemporaryDirectory(prefix="roster-command-") as name:
        pipe = Path(name) / "out"
        os.mkfifo(pipe)
        pid = _loaded().ask("start", arguments, env, ["/dev/null", str(pipe), str(log)])
        return Process(pid, pipe.open("rb"))


class Process:
    """One that was started so; as `subprocess.Popen`, as far as it goes."""

    def __init__(self, pid: int, stdout: BinaryIO | None = None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code when it has ended."""
        if self.returncode is None:
            self.returncode = _loaded().ask("ended", self.pid)
        return self.returncode

    def wait(self) -> int:
        """The exit code, once it has ended."""
        until(lambda: self.poll() is not None)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Without any chance to clean up."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Read no more of what it says."""
        if self.stdout is not None:
            self.stdout.close()


class Program(Process):
    """One that was not forked: another program than that of the tests, started by this command."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        with log.open("a") as errors:
            self._popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=env
            )
        assert self._popen.stdout is not None
        super().__init__(self._popen.pid, cast("BinaryIO", self._popen.stdout))

    def poll(self) -> int | None:
        self.returncode = self._popen.poll()
        return self.returncode


class _Loaded:
    """The process that forks; it ends with the tests, when its input does."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("commands.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._alone = threading.Lock()
        atexit.register(self._process.communicate)

    def ask(self, *request: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._alone:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@cache
def _loaded() -> _Loaded:
    return _Loaded()
