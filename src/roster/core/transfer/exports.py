"""Running an export: page after page, each one a transaction that moves the checkpoint too."""

from collections.abc import Mapping

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.transfer import store
from roster.core.transfer.errors import TransferCancelled
from roster.core.transfer.exporting import pages
from roster.core.transfer.importing import alone
from roster.core.transfer.models import ExportOptions, Transfer
from roster.kit.actor import Actor
from roster.kit.ids import TransferId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


class _Place(msgspec.Struct, frozen=True):
    """Where an export stands: kept in its summary while it runs."""

    columns: list[str]
    after: str | None = None
    is_begun: bool = False


async def run(runtime: Runtime, actor: Actor, transfer_id: TransferId) -> Transfer:
    """Write what is left. Raises TransferCancelled, TransferRunning, Forbidden, Unavailable."""
    async with alone(runtime, actor, transfer_id):
        transfer, place = await _begin(runtime, actor, transfer_id)
        while not transfer.is_over and (not place.is_begun or place.after is not None):
            async with runtime.write(actor) as tx:
                transfer, place = await _page(tx, transfer_id, place)
        return transfer if transfer.is_over else await _finish(runtime, actor, transfer_id)


async def _begin(runtime: Runtime, actor: Actor, transfer_id: TransferId) -> tuple[Transfer, _Place]:
    async with runtime.write(actor) as tx:
        access.require(tx, "transfers.write")
        transfer = await store.take_up(tx, transfer_id) or await store.find(tx, transfer_id)
        if transfer.summary:
            return transfer, msgspec.convert(transfer.summary, _Place)
        return transfer, _Place(await pages.columns(tx, transfer.format))


async def _page(tx: Tx, transfer_id: TransferId, place: _Place) -> tuple[Transfer, _Place]:
    transfer = await store.lock(tx, transfer_id)
    if transfer.state != "running":
        raise TransferCancelled
    options = msgspec.convert(transfer.options, ExportOptions)
    pages.require_secrets(tx, options)
    form = pages.form_of(transfer.format, options, place.columns)
    found = await pages.page(tx, form, options, place.after)
    content = found.content if place.is_begun else form.head() + found.content
    await store.add_piece(tx, transfer_id, "output", content)
    place = _Place(place.columns, found.after, is_begun=True)
    moved = await store.advance(
        tx,
        transfer_id,
        checkpoint=transfer.checkpoint + found.people,
        bytes_done=transfer.bytes_done + len(content),
        counts=(0, 0, 0, 0),
        summary=_stored(place),
    )
    return moved, place


def _stored(place: _Place) -> Mapping[str, object]:
    return msgspec.to_builtins(place)


async def _finish(runtime: Runtime, actor: Actor, transfer_id: TransferId) -> Transfer:
    async with runtime.write(actor) as tx:
        transfer = await store.end(tx, transfer_id, "done")
        await audit.record(tx, "users.exported", "transfer", transfer_id, {"people": [None, transfer.checkpoint]})
        return transfer
