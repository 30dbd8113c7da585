"""`roster serve`: the server with its workers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from roster import app as composition
from roster import logs
from roster.bus import server
from roster.cli import listening, opened, output, parent, worker
from roster.settings import Settings
from roster.storage import embedded, lock

_PORT: Final = "Port; 0 lets the system choose."
_BUS: Final = "Run a NATS server too, and serve the bus; DATA/bus.json says how services join."
_BUS_PORT: Final = "Its port; 0 takes a free one at first, and the same from then on."


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help=_PORT, min=0, max=65535, show_default="8080")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.", min=1, show_default="1")] = None,
    bus: Annotated[bool | None, typer.Option("--bus", help=_BUS, show_default="off")] = None,
    bus_port: Annotated[int | None, typer.Option(help=_BUS_PORT, min=0, max=65535, show_default="0")] = None,
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
        "bus.enabled": bus,
        "bus.port": bus_port,
        "log.format": "json" if json else None,
    }
    settings = opened.settings_of(data, database_url, **flags)
    logs.configure(settings.log.format, settings.log.level)
    address = listening.to(settings.server.host, settings.server.port)
    with _alone(settings), address as socket, _bus(settings) as joined, opened.database(settings) as dsn:
        _take_changes(settings)
        made = asyncio.run(composition.prepare(settings, dsn))
        output.first_administrator(made, as_json=json)
        socket.listen(listening.BACKLOG)
        _serve(worker.compose(settings, dsn, socket), joined, json=json)


app = opened.command(serve)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """The only server of the data folder. Raises AlreadyRunning."""
    embedded.create_private(settings.data)
    with lock.serving(settings.data):
        yield


def _take_changes(settings: Settings) -> None:
    """A server that was killed may have left its database refusing them, and look no more whether there is room."""
    if settings.database.url is None and (database := embedded.Embedded(settings.data)).is_held:
        database.hold(is_held=False)


@contextmanager
def _bus(settings: Settings) -> Iterator[server.Credentials | None]:
    """The bundled server runs as long as the block does. Raises BusRefused, ServerError."""
    if settings.bus.is_bundled:
        with server.using(settings.data, settings.bus.port) as joined:
            yield joined
        return
    if settings.bus.url is not None:
        server.address_of(settings)
    yield None


def _serve(place: worker.Place, joined: server.Credentials | None, *, json: bool) -> None:
    def announce() -> None:
        url = listening.url_of(place.socket)
        bus = f"nats://{joined.host}:{joined.port}" if joined else None
        if json:
            output.json({"serving": url} | ({"bus": bus} if bus else {}), indent=-1)
            return
        if bus:
            output.note(f"Its bus is at {bus}, credentials are in {place.runtime.settings.data / 'bus.json'}")
        output.note(f"Roster serves on {url} (its APIs: {url}/docs)")

    if place.runtime.settings.server.workers == 1:
        worker.run(place, announce)
    else:
        parent.Parent(place, announce).run()
