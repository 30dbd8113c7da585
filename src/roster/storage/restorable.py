"""What is deleted so that it can be restored: marked with when, by whom and from which device, and then not any more.

Its table has these three columns, and `version` and `updated_…`, which say the same of the last change. People have
their own way (`core/users/store.py`): they are deleted many at once, and who they are ends with it.
"""

from collections.abc import Mapping
from typing import Generic, LiteralString, TypeVar
from uuid import UUID

import msgspec

from roster.kit.errors import RosterError
from roster.storage.tx import Tx

M = TypeVar("M", bound=msgspec.Struct)


class Restorable(Generic[M]):
    """The rows of one table, as `model` shows them; `conflicts` are what bringing one back may collide with."""

    def __init__(
        self,
        model: type[M],
        table: LiteralString,
        columns: LiteralString,
        *,
        missing: type[RosterError],
        conflicts: Mapping[str, type[RosterError]],
    ) -> None:
        self._model = model
        self._missing = missing
        self._conflicts = conflicts
        change: LiteralString = (
            ", version = version + 1, updated_at = $3, updated_by = $4, updated_from = $5"
            " WHERE realm_id = $1 AND id = $2 RETURNING "
        )
        begin: LiteralString = "UPDATE " + table + " SET "
        self._delete: LiteralString = begin + "deleted_at = $3, deleted_by = $4, deleted_from = $5" + change + columns
        self._restore: LiteralString = (
            begin + "deleted_at = NULL, deleted_by = NULL, deleted_from = NULL" + change + columns
        )

    async def delete(self, tx: Tx, key: UUID) -> M:
        """Mark it; the caller holds the row. Raises `missing`."""
        return await self._mark(tx, self._delete, key)

    async def restore(self, tx: Tx, key: UUID) -> M:
        """Take the marks away; the caller holds the row. Raises `missing`, and what `conflicts` name."""
        return await self._mark(tx, self._restore, key)

    async def _mark(self, tx: Tx, statement: LiteralString, key: UUID) -> M:
        who = (tx.now, tx.actor.user_id, tx.actor.origin.device_id)
        return await tx.one(
            self._model, statement, tx.realm_id, key, *who, missing=self._missing, conflicts=self._conflicts
        )
