"""What the clients are made of: fetched once, kept outside of the sources, so that the next run needs no network."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path


def folder() -> Path:
    """Where it is kept; `XDG_CACHE_HOME` moves it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roster-tests"


def key(*parts: str | bytes) -> str:
    """A name for everything that decides what comes out."""
    whole = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(b"%d:%s" % (len(data), data))
    return whole.hexdigest()[:16]


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name, filled by `make` when there is none yet.

    It appears whole or not at all. When two runs fill it at once, the first to be done keeps it.
    """
    kept = folder() / name
    if kept.is_dir():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=kept.parent))
    try:
        make(unfinished)
        with suppress(OSError):  # somebody else was quicker
            unfinished.rename(kept)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    assert kept.is_dir()
    return kept
