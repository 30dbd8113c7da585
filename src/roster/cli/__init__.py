"""The command line: `roster serve`, `roster user`, `roster import` and the others."""

import sys

import typer

from roster.cli import doctor, keys, realms, serve, settings, transfer, users
from roster.kit.errors import InvalidInput, RosterError

app = typer.Typer(
    name="roster", help="One directory of people that speaks many APIs.", no_args_is_help=True, add_completion=False
)
app.command("serve")(serve.serve)
app.command("import")(transfer.import_)
app.command("export")(transfer.export)
app.add_typer(users.app, name="user")
app.add_typer(realms.app, name="realm")
app.add_typer(keys.app, name="key")
app.command("doctor")(doctor.doctor)
app.command("settings")(settings.settings)


def main() -> None:
    """Run a command; what goes wrong is one line, never a stack trace."""
    try:
        app()
    except InvalidInput as error:
        for problem in error.problems:
            print(f"roster: {problem.field}: {problem.text}", file=sys.stderr)
        if not error.problems:
            print(f"roster: {error.message}", file=sys.stderr)
        sys.exit(1)
    except RosterError as error:
        print(f"roster: {error.message}", file=sys.stderr)
        sys.exit(1)
