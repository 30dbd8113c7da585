"""The command line: `roster serve`, `roster user`, `roster import` and the others.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 not done (one line says why),
2 the command line itself is wrong, 130 and 143 stopped by Ctrl-C and SIGTERM.
"""

import signal
import sys
from typing import Annotated, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from roster.cli.late import Late
from roster.kit.errors import InvalidInput, RosterError

_COMMANDS: Final = (
    Late("serve", "serve", "Serve all APIs until Ctrl-C or SIGTERM."),
    Late("import", "importing", "Bring people in from a file."),
    Late("import-sessions", "adopting", "Take over sessions of a Fruster installation."),
    Late("export", "exporting", "Write the people of a realm to a file or to standard output."),
    Late("user", "users", "People: create, find, change, delete and restore them."),
    Late("realm", "realms", "Realms: tenants that cannot see each other."),
    Late("organisation", "organisations", "Organisations: found them, with a number of your choice, and list them."),
    Late("key", "keys", "Credentials for programs."),
    Late("device", "devices", "Trusted devices, such as tills."),
    Late("doctor", "doctor", "Say what is wrong with an installation, and what to do about it."),
    Late("settings", "settings", "Show every setting in force and where it came from."),
)
_INTERRUPTED: Final = 128 + signal.SIGINT
_HELP: Final = """One directory of people that speaks many APIs.

Every command works on the installation in --data (./data unless told otherwise),
beside a running server or without one; --database-url names another PostgreSQL.
With --json a command answers in JSON.
"""


def main() -> None:
    """Run a command; what goes wrong is one line, never a stack trace."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: _interrupt(number, told))
    try:
        _group().main(prog_name="roster")
    except SystemExit as end:
        sys.exit(128 + told[0] if told and end.code == _INTERRUPTED else end.code)
    except InvalidInput as error:
        _fail(*([f"{problem.field}: {problem.text}" for problem in error.problems] or [error.message]))
    except RosterError as error:
        from roster.cli import opened

        _fail(opened.told(error))
    except KeyboardInterrupt:  # before the command was found
        sys.exit(128 + (told[0] if told else signal.SIGINT))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # nothing is left that could be stopped
            signal.signal(number, signal.SIG_IGN)


def _group() -> TyperGroup:
    root = typer.Typer(help=_HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    root.callback()(_root)
    group = get_group(root)
    for command in _COMMANDS:
        group.add_command(command)
    return group


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib import metadata

        print(f"Roster {metadata.version('roster')}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Options before the command."""


def _fail(*lines: str) -> NoReturn:
    for line in lines:
        print(f"roster: {line}", file=sys.stderr)
    sys.exit(1)


def _interrupt(number: int, told: list[int]) -> None:
    """Do as with Ctrl-C, which the event loop turns into an orderly end: everything open is closed on the way out.

    To raise something from here instead would break into whatever runs at this moment, the database driver included.
    """
    told.append(number)
    signal.raise_signal(signal.SIGINT)
