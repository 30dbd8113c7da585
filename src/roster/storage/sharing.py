"""Programs of a data folder that all processes there share: the first one starts it, the last one stops it.

DATA/NAME.lock         shared by all who use the program
DATA/NAME.change.lock  held while one decides to start or stop it
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from roster.storage.lock import FolderLock

T = TypeVar("T")


class Sharing:
    """The locks of one program, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: set[FolderLock] = set()
        """Those of this process's `using` blocks."""

    @contextmanager
    def using(self, data: Path, start: Callable[[], T], stop: Callable[[], None]) -> Iterator[T]:
        """What `start` gives. The program runs as long as anybody is in such a block; the last one calls `stop`.

        Raises OSError when the folder cannot be used, before anything is started, and what `start` raises.
        """
        change, use = self._change_lock(data), FolderLock(data / f"{self._name}.lock")
        try:
            with _alone(change):
                use.share()
                found = start()
            self._held.update((use, change))
            yield found
        finally:
            with _alone(change):
                if use.try_take():
                    stop()
            for each in (use, change):
                self._held.discard(each)
                each.close()

    def let_go(self) -> None:
        """For a forked process, which may outlive the one it was forked from: drop what that one holds.

        Without this the program would count as used by a dead parent as long as any of its children lives.
        """
        while self._held:
            self._held.pop().close()

    def keep(self, data: Path, running: Callable[[], bool], start: Callable[[], object]) -> bool:
        """Start the program again when it has ended by itself; whether it had. For those inside `using`."""
        if running():
            return False
        change = self._change_lock(data)
        try:
            with _alone(change):
                ended = not running()
                start()
        finally:
            change.close()
        return ended

    def _change_lock(self, data: Path) -> FolderLock:
        return FolderLock(data / f"{self._name}.change.lock")


@contextmanager
def _alone(change: FolderLock) -> Iterator[None]:
    """Only one at a time decides about starting and stopping."""
    change.take()
    try:
        yield
    finally:
        change.release()
