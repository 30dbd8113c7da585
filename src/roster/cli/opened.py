"""An installation opened for one command, beside a running server or without one."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from roster import app as composition
from roster.cli import output
from roster.core.realms import service as realms
from roster.kit.actor import Actor, system
from roster.kit.ids import RealmId, uuid7
from roster.settings import Settings, load
from roster.storage import embedded
from roster.storage.runtime import Runtime

T = TypeVar("T")

DEFAULT_DATA = Path("data")
Data = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="ROSTER_DATA")]
Url = Annotated[
    str | None, typer.Option("--database-url", help="Another PostgreSQL instead of the one in the data folder.")
]
Realm = Annotated[str, typer.Option("--realm", help="The realm's slug.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def settings_of(data: Path, url: str | None = None, **flags: object) -> Settings:
    """The settings in force for a command."""
    return load({"database.url": url, **flags}, os.environ, data)


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
    settings = settings_of(data, url)
    with database(settings) as dsn:
        return asyncio.run(_run(settings, dsn, realm, work))


async def _run(settings: Settings, dsn: str, realm: str, work: Callable[[Runtime, Actor], Awaitable[T]]) -> T:
    output.first_administrator(await composition.prepare(settings, dsn))
    runtime = Runtime.open(settings, dsn)
    try:
        return await work(runtime, await acting_in(runtime, realm))
    finally:
        await runtime.close()


async def acting_in(runtime: Runtime, slug: str) -> Actor:
    """The command line as principal in a realm; the trail says so."""
    nowhere = system(RealmId(uuid7()), slug, "command line")
    async with runtime.read(nowhere) as tx:
        return realms.inside(nowhere, await realms.by_slug(tx, slug))
