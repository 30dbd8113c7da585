"""`python -m bench.peers [--quick] [--people N] [--only P] [--document]`: prints the tables, writes them down."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from bench import processes, report
from bench.peers import database, document, table, tasks
from bench.peers.contest import FULL, QUICK, Contest, Entrant, Size
from bench.peers.keycloak import Keycloak
from bench.peers.kratos import Kratos
from bench.peers.peer import Peer, Place
from bench.peers.people import Directory
from bench.peers.roster import Roster
from bench.peers.table import Comparison, Found
from bench.processes import Load

_OTHERS: dict[str, Callable[[], Peer]] = {"keycloak": Keycloak, "kratos": Kratos}


def main() -> int:
    """1 when nobody else can be run here, or somebody did not do what all must be able to."""
    wanted = _arguments()
    size = QUICK if wanted.quick else FULL
    size = msgspec.structs.replace(size, people=wanted.people or size.people)
    others = _present([_OTHERS[name]() for name in wanted.only])
    if not others:
        return 1
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="roster-peers-", dir=wanted.folder))
    folder.chmod(0o711)  # PostgreSQL may run under an account of its own
    try:
        found = _run(folder, size, [Roster(), *others], quick=wanted.quick)
    except processes.Failed as error:
        print(f" {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table.show(found)
    print(f"{time.monotonic() - began:.0f} s. Written to {table.write(found)}.")
    if wanted.document or not wanted.quick:
        print(f"Written to {document.write(found)}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make peers", description="Measure other products beside Roster.")
    parser.add_argument("--quick", action="store_true", help="fewer people and rounds")
    parser.add_argument("--people", type=int, help="in the directory")
    parser.add_argument("--only", type=_names, default=list(_OTHERS), help=f"some of {','.join(_OTHERS)}")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--document", action="store_true", help="write docs/peers.md from a quick run too")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name for name in _OTHERS if name in text.split(",")]
    if not names:
        raise argparse.ArgumentTypeError(f"some of {','.join(_OTHERS)}")
    return names


def _present(others: Sequence[Peer]) -> list[Peer]:
    for each in others:
        if each.lacking():
            print(f"{each.name} cannot be run here: {each.lacking()}.", file=sys.stderr)
    return [each for each in others if not each.lacking()]


def _run(folder: Path, size: Size, peers: Sequence[Peer], *, quick: bool) -> Found:
    with database.running(folder / "database") as postgres, closing(Load()) as load:
        directory = Directory(size.people)
        entrants = [Entrant(each, _place(folder, each, postgres, directory)) for each in peers]
        for each in entrants:
            report.step(f"installing {each.name}", lambda one=each: one.peer.install(one.place))
        contest = Contest(size, load, entrants)
        figures = report.step("imports", contest.imports)
        figures += report.step("starts", contest.starts)
        with contest.running() as started:
            contest.agree(started)
            work: list[Comparison] = [
                report.step(task.title, lambda one=task: contest.work(started, one)) for task in tasks.TASKS
            ]
            figures += contest.memory(started)
    conditions = report.conditions(quick=quick, people=size.people)
    for each in peers:
        conditions.update(each.told())
    return Found(conditions=conditions, work=work, figures=figures)


def _place(folder: Path, peer: Peer, postgres: database.Database, directory: Directory) -> Place:
    mine = folder / peer.name.lower()
    mine.mkdir()
    return Place(
        folder=mine,
        database=postgres,
        owner=f"peer_{peer.name.lower()}",
        directory=directory,
        port=processes.free_port(),
        cores=os.cpu_count() or 1,
    )


if __name__ == "__main__":
    sys.exit(main())
