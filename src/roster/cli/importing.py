"""`roster import`: people from a file, where it lies."""

import gc
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer

from roster.cli import opened, output, progress
from roster.core.transfer import files, service
from roster.core.transfer.models import Format, ImportOptions, ReportLine, Transfer
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime

_BY_SUFFIX: Final[dict[str, Format]] = {".ndjson": "roster", ".jsonl": "roster", ".csv": "csv", ".json": "keycloak"}
_SHOWN: Final = 10
"""Refused rows that are told without being asked for."""

File = Annotated[Path, typer.Argument(help="What to import.", exists=True, dir_okay=False, readable=True)]
Form = Annotated[
    Literal["roster", "csv", "keycloak", "fruster"] | None,
    typer.Option(
        "--format",
        help="NDJSON as `roster export` writes it, CSV, a realm export of Keycloak, or documents of Fruster.",
    ),
]
Existing = Annotated[
    Literal["update", "skip", "replace"],
    typer.Option(help="People who exist: change them, leave them alone, or replace their passwords too."),
]
Report = Annotated[
    Path | None, typer.Option(help="Write what was wrong with which rows here; a table when it ends in .csv.")
]


def import_(
    file: File,
    *,
    form: Form = None,
    realm: opened.Realm = "main",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    existing: Existing = "update",
    report: Report = None,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Bring people in from a file.

    People who exist are matched, never doubled. Rows that are refused do not stop the others, but make the exit
    code 1. When an import was stopped, by whatever, the same command goes on where it was.
    """
    chosen = form or _BY_SUFFIX.get(file.suffix.lower())
    if chosen is None:
        raise InvalidInput.of("--format", "required", f"The form of {file.name} cannot be told from its name.")

    async def work(runtime: Runtime, actor: Actor) -> tuple[Transfer, list[ReportLine]]:
        gc.freeze()  # a million rows come and go: collections need not look at the program each time
        with progress.shown(file.name) as watch:
            done = await files.run_file(
                runtime, actor, file, form=chosen, options=ImportOptions(existing), dry_run=dry_run, watch=watch
            )
        return done, await _reported(runtime, actor, done, report)

    try:
        done, lines = opened.run(data, database_url, realm, work)
    except KeyboardInterrupt:
        output.note("Stopped. The same command goes on from here.")
        raise
    output.row(_told(done), as_json=json)
    _complain(done, lines, report)
    if done.state != "done" or done.rows_failed:
        sys.exit(1)


app = opened.command(import_)


async def _reported(runtime: Runtime, actor: Actor, done: Transfer, report: Path | None) -> list[ReportLine]:
    """The first lines of the report; the whole of it is written to the file."""
    first = b""
    async for piece in await service.report(runtime, actor, done.id):
        first = piece
        break
    if report is not None:
        form = "csv" if report.suffix.lower() == ".csv" else "roster"
        await _write(report, await service.report(runtime, actor, done.id, form))
    return msgspec.json.Decoder(ReportLine).decode_lines(first)[:_SHOWN]


async def _write(path: Path, pieces: AsyncIterator[bytes]) -> None:
    with path.open("wb") as file:
        async for piece in pieces:
            file.write(piece)


def _complain(done: Transfer, lines: list[ReportLine], report: Path | None) -> None:
    if done.error:
        output.note(f"roster: {done.error}")
    for line in lines:
        output.note(f"row {line.row}, {line.field}: {line.text}")
    if lines and report is None:
        output.note("--report FILE writes all of what was wrong.")


def _told(done: Transfer) -> dict[str, object]:
    return {
        "id": str(done.id),
        "state": done.state,
        "dry_run": done.dry_run,
        "created": done.rows_created,
        "updated": done.rows_updated,
        "unchanged": done.rows_unchanged,
        "refused": done.rows_failed,
        **done.summary,
        "error": done.error,
    }
