"""An installation opened for one command, beside a running server or without one."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from roster import logs
from roster.core.access import vocabulary
from roster.core.realms import service as realms
from roster.kit.actor import Actor, system
from roster.kit.errors import RosterError, Unavailable
from roster.kit.ids import RealmId, uuid7
from roster.settings import Settings, load
from roster.storage import embedded, installation
from roster.storage.runtime import Runtime

T = TypeVar("T")

DEFAULT_DATA = Path("data")
Data = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="ROSTER_DATA", metavar="DIR")]
Url = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="Another PostgreSQL than the folder's own. As ROSTER_DATABASE_URL it is in no list of processes.",
        metavar="URL",
    ),
]
Realm = Annotated[str, typer.Option("--realm", help="The realm's slug.", metavar="SLUG")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

_PROOF = ("secret.key", "roster.toml")
_KEY_VARIABLES = ("ROSTER_SECURITY_SECRET_KEY", "ROSTER_SECURITY_SECRET_KEY_FILE")


class NoInstallation(RosterError):
    """The folder named, or the present one, holds no installation. Only `serve` makes one: a typo must not."""

    code = "no_installation"

    def __init__(self, data: Path) -> None:
        super().__init__(f"There is no installation in {data}: `roster serve` makes one, --data names another folder.")


def commands(text: str) -> typer.Typer:
    """A command with commands below it."""
    return typer.Typer(help=text, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def command(function: Callable[..., None]) -> typer.Typer:
    """A command by itself, documented by the function's docstring."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    return app


def settings_of(data: Path, url: str | None = None, **flags: object) -> Settings:
    """The settings in force for a command; makes the folder and its secret key when they are missing."""
    return load({"database.url": url, **flags}, os.environ, data)


def existing(data: Path, url: str | None = None) -> Settings:
    """The settings of an installation that is there already. Raises NoInstallation, SettingsError."""
    known = any((data / name).exists() for name in _PROOF) or any(os.environ.get(name) for name in _KEY_VARIABLES)
    if not known:
        raise NoInstallation(data)
    settings = settings_of(data, url)
    if settings.database.url is None and not (data / "postgres").exists():
        raise NoInstallation(data)
    return settings


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The DSN, with the embedded database running as long as the block does."""
    if settings.database.url is not None:
        yield settings.database.url
    else:
        with embedded.using(settings.data) as dsn:
            yield dsn


def run(data: Path, url: str | None, realm: str, work: Callable[[Runtime, Actor], Awaitable[T]]) -> T:
    """Do the work as Roster itself, in a realm. Raises RealmNotFound, and whatever the work raises."""
    settings = existing(data, url)
    logs.configure(settings.log.format, "warning")  # standard output is for results
    with database(settings) as dsn:
        return asyncio.run(_run(settings, dsn, realm, work))


async def _run(settings: Settings, dsn: str, realm: str, work: Callable[[Runtime, Actor], Awaitable[T]]) -> T:
    runtime = Runtime.open(settings, dsn)
    vocabulary.install_late(runtime, _catalogues)
    try:
        async with runtime.lease() as tx:
            await installation.check(tx)
        return await work(runtime, await acting_in(runtime, realm))
    finally:
        await runtime.close()


def _catalogues() -> Sequence[vocabulary.Catalogue]:
    """Front doors take longer to import than most commands to do their work, and hardly any asks what they know."""
    from roster import app

    return app.CATALOGUES


def told(error: RosterError) -> str:
    """The error's text for an operator, who may also know what is behind an unreachable database."""
    if isinstance(error, Unavailable) and error.__cause__ is not None:
        return f"{error.message} ({str(error.__cause__).strip() or type(error.__cause__).__name__})"
    return error.message


async def acting_in(runtime: Runtime, slug: str) -> Actor:
    """The command line as principal in a realm; the trail says so."""
    nowhere = system(RealmId(uuid7()), slug, "command line")
    async with runtime.read(nowhere) as tx:
        return realms.inside(nowhere, await realms.by_slug(tx, slug))
