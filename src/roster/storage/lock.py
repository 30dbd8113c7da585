"""Locks on a data folder, held by the kernel (flock): they end with their holder, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roster.kit.errors import RosterError


class AlreadyRunning(RosterError):
    """Another server works on this data folder; `pid` is its process, when it could be read."""

    code = "already_running"
    text = "A server already runs on this data folder."

    def __init__(self, data: Path, pid: int | None) -> None:
        self.pid = pid
        process = f" (process {pid})" if pid else ""
        super().__init__(f"A server already runs on the data folder {data}{process}.")


class FolderLock:
    """A lock file; each object is a holder of its own, also within one process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        give_to_owner_of(path.parent, self._file)

    def share(self) -> None:
        """Hold it together with others; waits while someone holds it alone."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def take(self) -> None:
        """Hold it alone; waits for all others."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Hold it alone if nobody else holds it. A share that was held before is lost in either case."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go; it can be taken again."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go for good."""
        os.close(self._file)

    def write(self, text: str) -> None:
        """Leave a note for those who find the lock taken."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def read(self) -> str:
        """The note of the holder."""
        return os.pread(self._file, 100, 0).decode(errors="replace")


@contextmanager
def serving(data: Path) -> Iterator[None]:
    """Be the one server of this data folder. Raises AlreadyRunning."""
    lock = FolderLock(data / "server.lock")
    try:
        if not lock.try_take():
            note = lock.read()
            raise AlreadyRunning(data, int(note) if note.isdecimal() else None)
        lock.write(str(os.getpid()))
        yield
        lock.write("")
    finally:
        lock.close()


def give_to_owner_of(folder: Path, file: int) -> None:
    """Files that root creates in another account's folder belong to that account, or it could not use them later."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(file, owner.st_uid, -1)
