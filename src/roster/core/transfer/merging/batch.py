"""What is known about the rows of one batch while it is merged."""

from uuid import UUID

import msgspec

from roster.core.transfer.models import ImportOptions, ReportLine
from roster.core.transfer.sources.person import Person
from roster.kit.errors import Problem
from roster.kit.ids import TransferId


class Job(msgspec.Struct, frozen=True):
    """One import and how it is to be done."""

    transfer_id: TransferId
    form: str
    options: ImportOptions
    dry_run: bool


class Entry(msgspec.Struct, gc=False):
    """A row of the source that describes somebody, as it was staged."""

    row: int
    id: UUID
    person: Person
    hash: str | None
    seed: str | None


class Batch:
    """The rows of one transaction: those that may be merged, and what goes into the report about the others."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.report: list[ReportLine] = []
        self.failed = 0
        self.notes = 0
        self.last_row = 0
        self.bytes_done = 0
        self.is_last = False

    def refuse(self, row: int, *problems: Problem) -> None:
        """This row describes nobody who can be merged."""
        self.entries.pop(row, None)
        self.failed += 1
        self.report += [ReportLine(row, each.field, each.code, each.text) for each in problems]

    def note(self, row: int, *problems: Problem) -> None:
        """Something of the row was left out; the person is merged all the same."""
        self.notes += len(problems)
        self.report += [ReportLine(row, each.field, each.code, each.text) for each in problems]
