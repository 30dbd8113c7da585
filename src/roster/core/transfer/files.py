"""Importing a file where it lies, as the command line does it, beside a running server or without one."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from roster.core.access import service as access
from roster.core.tokens import acting
from roster.core.transfer import importing, store, tasks
from roster.core.transfer.errors import TransferCancelled, TransferRunning
from roster.core.transfer.models import Format, ImportOptions, Transfer, Watch
from roster.kit.actor import Actor
from roster.kit.errors import RosterError, Unavailable
from roster.kit.ids import TransferId, uuid7
from roster.storage.runtime import Runtime

_CHUNK: Final = 1 << 18
_TRIES: Final = 5
_PAUSE: Final = 2.0


async def run_file(
    runtime: Runtime,
    actor: Actor,
    path: Path,
    *,
    form: Format,
    options: ImportOptions | None = None,
    dry_run: bool = False,
    watch: Watch | None = None,
) -> Transfer:
    """Import a file; `watch` is called after every batch. The transfer, whose state is `done` or `failed`.

    The file's fingerprint finds an import of it that was interrupted, which then goes on at its checkpoint.
    Raises OSError, Forbidden, TransferRunning when another process imports this very file, TransferCancelled,
    Unavailable when the database stays away.
    """
    file = await asyncio.to_thread(_measured, path)
    transfer = await _found(runtime, actor, file, form=form, options=options or ImportOptions(), dry_run=dry_run)
    if watch is not None:
        watch(transfer)
    for attempt in range(_TRIES):
        try:
            async with aclosing(_chunks(path)) as chunks:
                return await importing.run(runtime, actor, transfer.id, chunks, watch=watch)
        except Unavailable:
            if attempt == _TRIES - 1:
                raise
            await asyncio.sleep(_PAUSE)
        except (TransferRunning, TransferCancelled):
            raise
        except RosterError as error:
            await tasks.fail(runtime, actor.realm_id, transfer.id, error.message)
            break
    async with runtime.read(actor) as tx:
        return await store.find(tx, transfer.id)


class _File(msgspec.Struct, frozen=True):
    name: str
    size: int
    fingerprint: str


async def _found(
    runtime: Runtime, actor: Actor, file: _File, *, form: Format, options: ImportOptions, dry_run: bool
) -> Transfer:
    """The interrupted import of this file, or a new one."""
    stored = msgspec.to_builtins(options)
    async with runtime.write(actor) as tx:
        access.require(tx, "transfers.write")
        known = await store.unfinished(tx, file.fingerprint, form, dry_run=dry_run, options=stored)
        return known or await store.insert(
            tx,
            TransferId(uuid7()),
            "import",
            form,
            name=file.name[:200],
            options=stored,
            actor=acting.kept(actor),
            dry_run=dry_run,
            fingerprint=file.fingerprint,
            bytes_total=file.size,
        )


def _measured(path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _File(path.name, file.tell(), digest)


async def _chunks(path: Path) -> AsyncGenerator[bytes, None]:
    """Read beside the event loop."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
