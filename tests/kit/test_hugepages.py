"""Huge pages for threads that work in much memory."""

import platform
import threading
from pathlib import Path

from roster.core.credentials import hashing
from roster.kit import hugepages

_SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")
_MEMORY = 20 << 20


def wanted() -> int:
    """How many ranges of this process's memory shall have huge pages."""
    maps = Path("/proc/self/smaps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    return sum(line.startswith("VmFlags:") and "hg" in line.split() for line in lines)


def test_a_thread_that_hashes_asks_for_them_where_the_system_has_them():
    before, found = wanted(), list[bool]()

    def work() -> None:
        found.append(hugepages.prefer(_MEMORY))
        assert hashing.verify(hashing.hash_secret("pine-Lantern-42"), "pine-Lantern-42").ok
        found.append(wanted() > before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    has_them = _SYSTEM.exists()
    assert found == [has_them, has_them and platform.libc_ver()[0] == "glibc"]
