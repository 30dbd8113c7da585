"""How far an import is: a live bar on a terminal, now and then a plain line elsewhere. Both on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from roster.cli import output
from roster.core.transfer.models import Transfer, Watch

_STEP = 10
"""Per cent between two plain lines."""


@contextmanager
def shown(title: str) -> Iterator[Watch]:
    """What an import reports to."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[told]}"), console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None, told="")

        def update(transfer: Transfer) -> None:
            progress.update(task, completed=transfer.bytes_done, total=transfer.bytes_total, told=told(transfer))

        yield update


def told(transfer: Transfer) -> str:
    """The counts so far."""
    counts = {
        "new": transfer.rows_created,
        "changed": transfer.rows_updated,
        "as they were": transfer.rows_unchanged,
        "refused": transfer.rows_failed,
    }
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)


class _Lines:
    def __init__(self) -> None:
        self._next = 0

    def __call__(self, transfer: Transfer) -> None:
        percent = 100 * transfer.bytes_done // (transfer.bytes_total or 1)
        if percent >= self._next:
            self._next = percent - percent % _STEP + _STEP
            output.note(f"{percent} %: {told(transfer) or 'begun'}")
