"""The clock of a server, set from outside while it runs: what a machine's clock does when somebody corrects it.

It is what the program reads as the time of day; how time passes is left alone, as the system does it. The database has
a clock of its own.
"""

import mmap
import os
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

from procrastinate import utils as procrastinate

from roster.kit import clock

VARIABLE: Final = "CLOCK_FOR_TESTS"
"""Names the file by which the clock of a command is set."""
_FORM: Final = struct.Struct("d")


class Clock:
    """Sets the clock of whoever was given its file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_bytes(_FORM.pack(0.0))

    def set(self, hours: float) -> None:
        """So far from the true time, from now on."""
        with self.file.open("r+b") as file:
            file.write(_FORM.pack(hours * 3600))


def follow(name: str) -> None:
    """Have this process read its time from the file."""
    opened = os.open(name, os.O_RDONLY)
    shared = mmap.mmap(opened, _FORM.size, access=mmap.ACCESS_READ)

    def wrong_by() -> float:
        return _FORM.unpack(shared)[0]

    shift(wrong_by, setattr)


def shift(wrong_by: Callable[[], float], put: Callable[[Any, str, Any], object]) -> None:
    """Have this process be so many seconds off; `put` takes what `setattr` does."""

    class Shifted:
        @staticmethod
        def now(tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=wrong_by())

    true, true_ns = time.time, time.time_ns
    put(time, "time", lambda: true() + wrong_by())
    put(time, "time_ns", lambda: true_ns() + int(wrong_by() * 1e9))
    put(clock, "datetime", Shifted)
    put(procrastinate, "utcnow", lambda: Shifted.now(UTC))
