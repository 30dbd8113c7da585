"""Runs commands, each in a process of its own that is forked from one that has loaded Roster already.

A command spends most of its time on being loaded; a test suite need not pay that a hundred times. Each line of input is
`[arguments, environment, standard input]` in JSON, each line of output `[exit code, output, errors]`.
"""

import json
import os
import sys
import tempfile
import traceback
from typing import IO

from roster import cli
from roster.cli import doctor, exporting, importing, keys, realms, settings, users

LOADED = (doctor, exporting, importing, keys, realms, settings, users)


def main() -> None:
    for line in sys.stdin:
        arguments, environ, text = json.loads(line)
        sys.stdout.write(json.dumps(run(arguments, environ, text)) + "\n")
        sys.stdout.flush()


def run(arguments: list[str], environ: dict[str, str], text: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text.encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            become(arguments, environ, (given, out, err))
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), read(out), read(err)


def become(arguments: list[str], environ: dict[str, str], files: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> None:
    """Be the command; never returns."""
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["roster", *arguments]
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:  # noqa: BLE001 - a crash is an answer too
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    os._exit(code)


def read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    main()
