"""`roster serve`: the server with its workers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from roster import app as composition
from roster import logs
from roster.cli import listening, opened, output, parent, worker
from roster.settings import Settings
from roster.storage import embedded, lock

_PORT: Final = "Port; 0 lets the system choose."


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help=_PORT, min=0, max=65535, show_default="8080")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.", min=1, show_default="1")] = None,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: Annotated[bool, typer.Option("--json", help="Announce in JSON, one line each, and log in JSON.")] = False,
) -> None:
    """Serve all APIs until Ctrl-C or SIGTERM.

    Then running requests are finished and everything is stopped, the embedded database included; a second signal ends
    what still runs. The first start makes the installation and prints the administrator's password, unless
    ROSTER_ADMIN_PASSWORD gives one.
    """
    flags = {
        "server.host": host,
        "server.port": port,
        "server.workers": workers,
        "log.format": "json" if json else None,
    }
    settings = opened.settings_of(data, database_url, **flags)
    logs.configure(settings.log.format, settings.log.level)
    address = listening.to(settings.server.host, settings.server.port)
    with _alone(settings), address as socket, opened.database(settings) as dsn:
        made = asyncio.run(composition.prepare(settings, dsn))
        output.first_administrator(made, as_json=json)
        socket.listen(listening.BACKLOG)
        _serve(worker.Place(settings, dsn, socket), json=json)


app = opened.command(serve)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """The only server of the data folder. Raises AlreadyRunning."""
    embedded.create_private(settings.data)
    with lock.serving(settings.data):
        yield


def _serve(place: worker.Place, *, json: bool) -> None:
    def announce() -> None:
        url = listening.url_of(place.socket)
        if json:
            output.json({"serving": url}, indent=-1)
        else:
            output.note(f"Roster serves on {url} (its APIs: {url}/docs)")

    if place.settings.server.workers == 1:
        worker.run(place, announce)
    else:
        parent.Parent(place, announce).run()
