"""Whether what was read of the database is still true, as far as the database says when it is not.

The database names the person, the device or the realm about which something changed (migration 0014). Each name has a
mark in memory that all processes of a data folder share, and whoever hears the name changes its mark. Who remembers
something keeps the marks as they were *before* it was read, and believes it as long as they are the same:

- The connection that makes a change hears of it before the change is committed, and the pool changes the marks when it
  takes the connection back: after the commit, and before anybody is told that it was done. So whatever is asked next,
  of whichever process beside this one, is answered anew.
- Everybody else hears by NOTIFY (`hearing.py`): changes made on other servers, by hand, or by a process that was killed
  between its commit and the marks. Who does not listen at this moment believes nothing.

Marks are few, so that some names share one: then something is read again that need not have been.
"""

import mmap
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec

from roster.storage import lock

V = TypeVar("V")

CHANNEL: Final = "roster_void"
EVERYTHING: Final = "*"
FILE: Final = "voids"

_PREFIX: Final = f"{CHANNEL} "
_BYTES: Final = 8
_PLACES: Final = 16_384
_SIZE: Final = _PLACES * _BYTES
_LASTING: Final = 1.0
"""Seconds for which it is believed that nothing was missed, once that was found to be so."""
_LONGEST: Final = 60.0
"""Seconds for which anything is believed that was read, even if nobody says otherwise and the clock is set back."""
_clock = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
"""Goes on while the machine sleeps."""


class Marks(msgspec.Struct, frozen=True):
    """How the marks of some names were at one moment."""

    read: Callable[[memoryview], object]
    values: object
    until: float


class Kept(msgspec.Struct, Generic[V], frozen=True):
    """Something that was read, with the marks from before."""

    value: V
    marks: Marks


class Voids:
    """The marks of one data folder; without a folder, or one that cannot be used, nothing is ever believed."""

    def __init__(self, folder: Path | None = None) -> None:
        shared = None if folder is None else _shared(folder / FILE)
        self.is_shared = shared is not None
        self._table = memoryview(shared or mmap.mmap(-1, _SIZE)).cast("Q")
        self._until = 0.0

    def marks(self, *names: UUID) -> Marks:
        """The marks of these names, and of everything, as they are now."""
        read = itemgetter(0, *[_place(name) for name in names])
        return Marks(read, read(self._table), _clock() + _LONGEST)

    def hold(self, marks: Marks) -> bool:
        """Whether what was read after these marks is still true."""
        now = _clock()
        return now < self._until and now < marks.until and marks.values == marks.read(self._table)

    def void(self, names: Iterable[str]) -> None:
        """What is remembered under these names is not true any more."""
        for name in names:
            self._table[_place_of(name)] = int.from_bytes(os.urandom(_BYTES))

    def trust(self, since: float) -> None:
        """Until this moment, of `now`, nothing was missed."""
        if self.is_shared:
            self._until = since + _LASTING

    def distrust(self) -> None:
        """From now on something may be missed."""
        self._until = 0.0

    @property
    def are_trusted(self) -> bool:
        """Whether anything is believed at all."""
        return _clock() < self._until

    @staticmethod
    def now() -> float:
        """A moment for `trust`."""
        return _clock()


def named_in(message: str) -> str | None:
    """The name that a connection hears of a change of its own; None for any other message."""
    return message.removeprefix(_PREFIX) if message.startswith(_PREFIX) else None


def _place(name: UUID) -> int:
    """The first place is that of everything."""
    return 1 + name.int % (_PLACES - 1)


def _place_of(name: str) -> int:
    """A name that is none stands for everything."""
    try:
        return _place(UUID(name))
    except ValueError:
        return 0


def _shared(file: Path) -> mmap.mmap | None:
    try:
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        lock.give_to_owner_of(file.parent, opened)
        os.posix_fallocate(opened, 0, _SIZE)  # a place that the disk then has no room for would kill the process
        return mmap.mmap(opened, _SIZE)
    except OSError:
        return None
    finally:
        os.close(opened)
