"""An import or export, its options and its progress."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from roster.kit.filters import Filter
from roster.kit.ids import TransferId

Format = Literal["roster", "csv", "keycloak", "fruster"]
Part = Literal["source", "report", "output"]


class ImportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to people who exist already.

    `update` changes what the file names and gives a password to those who have none; `replace` replaces passwords and
    second factors too, which ends their sessions; `skip` leaves them alone.
    """

    existing: Literal["update", "skip", "replace"] = "update"


class ExportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom and what an export holds; no fields means all of them. `secrets` adds password hashes and needs `*`."""

    where: Filter | None = None
    fields: Annotated[tuple[str, ...], Meta(max_length=200)] = ()
    secrets: bool = False


class Summary(msgspec.Struct, omit_defaults=True):
    """What an import did, or would do, besides making and changing people."""

    fields: dict[str, int] = {}
    """Name of a field → how many existing people it changed for."""
    roles_created: list[str] = []
    roles_renamed: dict[str, str] = {}
    """Names in the file → names here, where a role of that name stands for something else."""
    roles_given: int = 0
    passwords: int = 0
    second_factors: int = 0
    notes: int = 0
    """Lines of the report about people who were imported all the same."""


class Transfer(msgspec.Struct, frozen=True):
    """An import or export. `checkpoint` counts the rows of the source that are merged, or the people written."""

    id: TransferId
    kind: str
    format: str
    state: str
    dry_run: bool
    options: dict[str, object]
    name: str
    fingerprint: str | None
    bytes_total: int | None
    bytes_done: int
    checkpoint: int
    rows_created: int
    rows_updated: int
    rows_unchanged: int
    rows_failed: int
    summary: dict[str, object]
    actor: dict[str, object]
    error: str | None
    created_at: datetime
    created_by: UUID | None
    started_at: datetime | None
    seen_at: datetime | None
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


Watch = Callable[[Transfer], None]
"""Told after every batch how far an import or export is."""


class ReportLine(msgspec.Struct, frozen=True):
    """What was wrong with one row of the source; never a value from it."""

    row: int
    field: str
    code: str
    text: str
