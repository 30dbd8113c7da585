"""Running imports and exports as jobs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog

from roster.core.tokens import acting
from roster.core.transfer import exports, importing, service, store
from roster.core.transfer.errors import TransferCancelled, TransferNotFound, TransferRunning, TransferState
from roster.kit.actor import system
from roster.kit.errors import Internal, RosterError, Unavailable
from roster.kit.ids import RealmId, TransferId
from roster.storage.runtime import Runtime

_log = structlog.get_logger("roster.transfer")


async def run(runtime: Runtime, args: Mapping[str, Any]) -> None:
    """The job `transfer.run`: do it, or go on where a killed server has left off.

    Raises Unavailable to be called again. What else goes wrong is the outcome of the import or export, not of the job.
    """
    realm_id, transfer_id = RealmId(UUID(args["realm_id"])), TransferId(UUID(args["transfer_id"]))
    try:
        await _run(runtime, realm_id, transfer_id)
    except Unavailable:
        raise
    except TransferRunning as error:
        raise Unavailable from error
    except (TransferNotFound, TransferCancelled):
        _log.info("transfer.gone", transfer=str(transfer_id))
    except RosterError as error:
        await fail(runtime, realm_id, transfer_id, error.message)
    except Exception:
        await fail(runtime, realm_id, transfer_id, Internal.text)
        raise


async def fail(runtime: Runtime, realm_id: RealmId, transfer_id: TransferId, text: str) -> None:
    """Write down why it cannot go on."""
    async with runtime.write(system(realm_id, "", "jobs")) as tx:
        try:
            await store.end(tx, transfer_id, "failed", text)
        except TransferState:
            _log.info("transfer.over_already", transfer=str(transfer_id))


async def _run(runtime: Runtime, realm_id: RealmId, transfer_id: TransferId) -> None:
    async with runtime.read(system(realm_id, "", "jobs")) as tx:
        transfer = await store.find(tx, transfer_id)
    if transfer.is_over:
        return
    actor = await acting.restored(runtime, realm_id, transfer.actor)
    if transfer.kind == "export":
        await exports.run(runtime, actor, transfer_id)
    else:
        source = service.pieces(runtime, actor, transfer_id, "source")
        await importing.run(runtime, actor, transfer_id, source)
