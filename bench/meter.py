"""CPU time and memory of process trees, from the kernel's own books."""

import resource
import time
from pathlib import Path

import msgspec
import psutil

_SCHEDULER_CLOCK = 2
_PROC = Path("/proc")


class Usage(msgspec.Struct, frozen=True):
    """CPU seconds of the server and of PostgreSQL."""

    server: float
    database: float

    @property
    def both(self) -> float:
        """Together."""
        return self.server + self.database

    def since(self, before: "Usage") -> "Usage":
        """What was used between two readings."""
        return Usage(self.server - before.server, self.database - before.database)


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, of all that it has started and of those of them that have ended."""
    return sum(_cpu(each) for each in _tree(pid))


def ended_children() -> float:
    """CPU seconds of the programs that this process has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pss_of(pid: int) -> float:
    """Megabytes (10^6 bytes) of a process tree; memory shared by several counts in proportion."""
    return sum(_pss(each.pid) for each in _tree(pid)) / 1e6


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    """The process's clock in nanoseconds (clock_getcpuclockid), and its ended children to the tick."""
    try:
        times = process.cpu_times()
        own = time.clock_gettime(~process.pid << 3 | _SCHEDULER_CLOCK)
    except (psutil.NoSuchProcess, OSError):
        return 0.0
    return own + times.children_user + times.children_system


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
