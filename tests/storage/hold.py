"""A program of its own that uses a folder's database, or serves the folder, until its input ends.

With a third argument it becomes that account first, though only after it was loaded, which may take root.
"""

import os
import pwd
import sys
from contextlib import ExitStack
from pathlib import Path

from roster.storage import embedded, lock


def main(what: str, data: Path) -> None:
    with ExitStack() as stack:
        if what == "serve":
            stack.enter_context(lock.serving(data))
            sys.stdout.write("serving\n")
        else:
            sys.stdout.write(stack.enter_context(embedded.using(data)) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if len(sys.argv) > 3:
    entry = pwd.getpwnam(sys.argv[3])
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
main(sys.argv[1], Path(sys.argv[2]))
