"""`roster export`: people to a file, or to the next program."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import typer

from roster.cli import opened, output
from roster.core.transfer import service
from roster.core.transfer.models import ExportOptions
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime


def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output without it.", dir_okay=False)] = None,
    *,
    form: Annotated[
        Literal["roster", "csv"] | None,
        typer.Option("--format", help="NDJSON, which `roster import` takes back, or CSV; else by the suffix."),
    ] = None,
    fields: Annotated[str, typer.Option(help="Which ones, separated by commas; all without it.")] = "",
    secrets: Annotated[bool, typer.Option("--secrets", help="With password hashes and second factors.")] = False,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: Annotated[
        bool, typer.Option("--json", help="Tell in JSON what was written, when it goes to a file.")
    ] = False,
) -> None:
    """Write the people of a realm to a file or to standard output."""
    chosen = form or ("csv" if file is not None and file.suffix.lower() == ".csv" else "roster")
    names = tuple(each.strip() for each in fields.split(",") if each.strip())
    options = ExportOptions(fields=names, secrets=secrets)

    async def work(runtime: Runtime, actor: Actor) -> int:
        size = 0
        pieces = await service.stream_export(runtime, actor, chosen, options)
        with _writing(file) as out:
            async for piece in pieces:
                size += out.write(piece)
        return size

    size = opened.run(data, database_url, realm, work)
    if file is not None:
        output.row({"file": str(file), "format": chosen, "bytes": size}, as_json=json)


app = opened.command(export)


@contextmanager
def _writing(file: Path | None) -> Iterator[BinaryIO]:
    """The file, complete or not at all, and for its owner's eyes only: these are people's data."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
