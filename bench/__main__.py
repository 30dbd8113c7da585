"""`python -m bench [--quick] [--only reads,lists] [--document]`: prints the table and writes it down."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from bench import document, processes, report
from bench.lines import (
    bus,
    dialects,
    documents,
    imports,
    journeys,
    lists,
    organisations,
    reads,
    scopes,
    sign_ins,
    signed,
    sockets,
    starts,
    writes,
)
from bench.processes import Load, Server
from bench.report import Line, Report
from bench.spills import Watch
from bench.stage import FULL, QUICK, Size, Stage

_SERVED: dict[str, Callable[[Stage, Server], list[Line]]] = {
    "journeys": journeys.lines,
    "reads": reads.lines,
    "lists": lists.lines,
    "writes": writes.lines,
    "sign_ins": sign_ins.lines,
    "scopes": scopes.lines,
    "signed": signed.lines,
    "organisations": organisations.lines,
    "documents": documents.lines,
    "bus": bus.lines,
    "sockets": sockets.lines,
    "dialects": dialects.lines,
}
_ALL = ("starts", *_SERVED, "imports")
_FULL_ONLY = ("dialects",)
"""Told for orientation, and long."""


def main() -> int:
    """1 when a bar was missed."""
    wanted = _arguments()
    size = QUICK if wanted.quick else FULL
    size = msgspec.structs.replace(size, rounds=wanted.rounds or size.rounds)
    names = wanted.only or [name for name in _ALL if not (wanted.quick and name in _FULL_ONLY)]
    base = wanted.base and report.read(wanted.base)
    began = time.monotonic()
    folder = wanted.reuse or Path(tempfile.mkdtemp(prefix="roster-bench-", dir=wanted.folder))
    try:
        parts = _run(folder, size, names)
    finally:
        if not wanted.reuse:
            shutil.rmtree(folder, ignore_errors=True)
    made = Report(conditions=report.conditions(quick=wanted.quick, people=size.people), parts=parts)
    report.show(made)
    if base:
        print("\n".join(report.changes(base, made)) or "Nothing has changed beyond its spread.")
    print(f"{time.monotonic() - began:.0f} s. Written to {report.write(made)}.")
    if wanted.document or not (wanted.quick or wanted.only):
        print(f"Written to {document.write(made)}.")
    return 1 if made.missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure against the bars.")
    parser.add_argument("--quick", action="store_true", help="100,000 people, under two minutes")
    parser.add_argument("--only", type=_names, help=f"some of {','.join(_ALL)}")
    parser.add_argument("--base", type=Path, help="the JSON of an earlier run: also print what has changed since")
    parser.add_argument("--rounds", type=int, help="fewer or more of them than usual")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--document", action="store_true", help="write docs/performance.md from this run too")
    parser.add_argument("--reuse", type=Path, help="work in this folder, leave it, and find its people there again")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name for name in _ALL if name in text.split(",")]
    if not names:
        raise argparse.ArgumentTypeError(f"some of {','.join(_ALL)}")
    return names


def _run(folder: Path, size: Size, only: list[str]) -> dict[str, list[Line]]:
    spills = Watch()
    with closing(Load()) as load:
        sizes = {"main": size.people, "small": size.few}
        stage = report.step(f"{size.people:,} people", lambda: Stage(folder, size, load, spills, sizes))
        parts = {"starts": _part("starts", lambda: starts.lines(stage))} if "starts" in only else {}
        parts |= _served(stage, [name for name in only if name in _SERVED])
        if "imports" in only:
            parts["imports"] = _part("imports", lambda: imports.lines(stage))
    return {**parts, "spills": [spills.line()]}


def _served(stage: Stage, names: list[str]) -> dict[str, list[Line]]:
    """All parts that need one running server with its defaults."""
    if not names:
        return {}
    with stage.serving() as server:
        parts = {name: _part(name, lambda work=_SERVED[name]: work(stage, server)) for name in names}
        time.sleep(1)
        held = starts.memory_line("idle after all this", starts.held(stage, server))
    return {**parts, "memory": [held]}


def _part(name: str, work: Callable[[], list[Line]]) -> list[Line]:
    """What went wrong is a line too, so that the other parts are still told."""
    try:
        return report.step(name, work)
    except processes.Failed as error:
        print(f" {error}", file=sys.stderr)
        return [Line(name=f"{name}: could not be measured", figure=0, unit="", least=1, note=str(error)[-200:])]


if __name__ == "__main__":
    sys.exit(main())
