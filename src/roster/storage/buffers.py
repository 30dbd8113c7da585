"""How much memory the embedded database takes to keep pages in.

What it has not kept it gets from the system's cache, in five times the time. So it keeps what a directory of this size
is asked for. Memory is taken when there is a page to keep, and being allowed it costs a fiftieth: so a small directory,
which may be a large one before its next start, above all by an import, costs little.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_MIB: Final = 1024 * 1024
_LEAST: Final = 64
_GROWING: Final = 1024
"""In half of that every new person costs PostgreSQL 7 % more while there come to be a million."""
_CGROUPS: Final = Path("/sys/fs/cgroup")


def megabytes(folder: Path, cgroups: Path = _CGROUPS) -> int:
    """Half of what is stored in the folder, or 1024; at most a sixteenth of the memory, but 64 at least."""
    wanted = max(_GROWING, _stored(folder) // 2 // _MIB)
    return max(_LEAST, min(wanted, memory(cgroups) // 16 // _MIB))


def memory(cgroups: Path = _CGROUPS) -> int:
    """Bytes of the machine, or of the container that this is."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(cgroups)])


def _limits(cgroups: Path) -> Iterator[int]:
    """What a container sees of its own limit, by either version of control groups."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max" is no number
            yield int((cgroups / name).read_text())


def _stored(folder: Path) -> int:
    return sum(_sizes(folder / "base"))


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.glob("*/*"):
        with suppress(FileNotFoundError):
            yield path.stat().st_size
