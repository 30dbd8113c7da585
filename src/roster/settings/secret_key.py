"""The installation's secret key: made once, kept in the data folder."""

import base64
import os
from contextlib import suppress
from pathlib import Path

SIZE = 32


def ensure(data: Path) -> Path:
    """The key file, which only its owner reads; made when it is missing.

    It is complete under another name before it gets its own, so that two starts at once agree on one.
    """
    file = data / "secret.key"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.mkdir(mode=0o700, exist_ok=True)
    if not file.exists():
        new = data / f"secret.key.{os.getpid()}"
        _write(new, base64.b64encode(os.urandom(SIZE)) + b"\n")
        with suppress(FileExistsError):
            os.link(new, file)
        new.unlink()
    return file


def padded(text: str) -> str:
    """Standard base64 with padding, from either alphabet, with or without it."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if os.geteuid() == 0:
            # A folder of another account stays usable by that account.
            os.fchown(file.fileno(), path.parent.stat().st_uid, -1)
