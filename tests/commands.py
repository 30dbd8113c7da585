"""Runs commands and servers, each in a process of its own that is forked from this one, which has loaded Roster.

Such a process spends most of its time on loading the program; tests need not pay that a hundred times. Each line of
input is a request in JSON, each line of output its answer:

    ["start", arguments, environment, [input file, output file, error file]] -> process number
    ["ended", process number] -> exit code as in `subprocess`, or null
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from roster import cli
from roster.cli import doctor, exporting, importing, keys, realms, serve, settings, users

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it is started as a file

from tests.faults import clocks

LOADED = (doctor, exporting, importing, keys, realms, serve, settings, users)


def main() -> None:
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(start(*arguments) if what == "start" else ended(*arguments)) + "\n")
        sys.stdout.flush()


def start(arguments: list[str], environ: dict[str, str], files: list[str]) -> int:
    """Fork a process that is this command."""
    pid = os.fork()
    if pid == 0:
        become(arguments, environ, files)
    return pid


def ended(pid: int) -> int | None:
    """Its exit code, once."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def become(arguments: list[str], environ: dict[str, str], files: list[str]) -> None:
    """Be the command; never returns."""
    code: Any = 0
    try:
        for number, (file, mode) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
            opened = os.open(file, mode | os.O_APPEND)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", 1)
        os.environ.clear()
        os.environ.update(environ)
        if clocks.VARIABLE in environ:
            clocks.follow(environ[clocks.VARIABLE])
        sys.argv = ["roster", *arguments]
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:  # noqa: BLE001 - a crash is an answer too
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
