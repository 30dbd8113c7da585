"""`roster serve`: the server with its workers."""

from typing import Annotated

import typer

from roster.cli import opened, output, process


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 lets the system choose.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer requests.")] = None,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
) -> None:
    """Serve all APIs until Ctrl-C or SIGTERM; then finish what runs and stop everything, the database included."""
    flags = {"server.host": host, "server.port": port, "server.workers": workers}
    settings = opened.settings_of(data, database_url, **flags)
    with process.only_server(settings.data), opened.database(settings) as dsn:
        process.serve(settings, dsn, announce=output.note, introduce=output.first_administrator)
