"""Huge pages for threads that work in much memory."""

import platform
import subprocess
import sys
from pathlib import Path

_SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")
_WORK = """
import threading
from pathlib import Path
from roster.core.credentials import hashing
from roster.kit import hugepages

def wanted():
    maps = Path("/proc/self/smaps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    return sum(line.startswith("VmFlags:") and "hg" in line.split() for line in lines)

def work():
    print(hugepages.prefer(20 << 20))
    assert hashing.verify(hashing.hash_secret("pine-Lantern-42"), "pine-Lantern-42").ok
    print(wanted() > 0)

assert wanted() == 0
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_a_thread_that_hashes_asks_for_them_where_the_system_has_them():
    """In a process of its own: a thread may get memory for which an earlier one has asked."""
    told = subprocess.run([sys.executable, "-c", _WORK], check=True, capture_output=True, text=True).stdout.split()

    has_them = _SYSTEM.exists()
    assert told == [str(has_them), str(has_them and platform.libc_ver()[0] == "glibc")]
