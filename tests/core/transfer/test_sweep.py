"""What is kept of transfers, and for how long."""

import pytest

from roster.core.flows import upkeep
from roster.core.realms.models import Realm
from roster.core.transfer import service
from roster.core.transfer.errors import TransferNotFound, TransferState
from roster.core.transfer.models import Transfer
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.transfer import moving


async def test_an_output_is_kept_for_a_week_and_what_was_done_for_a_month(runtime: Runtime, realm: Realm):
    fresh, week_old, month_old = [await _export(runtime, realm) for _ in range(3)]
    await _age(runtime, week_old, "finished_at", days=9)
    await _age(runtime, month_old, "finished_at", days=31)

    await upkeep.sweep_transfers(runtime)

    assert b'"username":"ada"' in await _output(runtime, realm, fresh)
    with pytest.raises(TransferState):
        await _output(runtime, realm, week_old)
    with pytest.raises(TransferNotFound):
        await _output(runtime, realm, month_old)


async def test_an_upload_that_never_ended_goes_after_a_day(runtime: Runtime, realm: Realm):
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as tx:
        waiting, left = [await service.start_import(tx, "roster", name="people") for _ in range(2)]
    await _age(runtime, left, "created_at", days=2)

    await upkeep.sweep_transfers(runtime)

    async with runtime.read(roster) as tx:
        assert [each.id for each in await service.page(tx, "import")] == [waiting.id]


async def _export(runtime: Runtime, realm: Realm) -> Transfer:
    async with runtime.read(factories.roster_in(realm)) as tx:
        is_empty = not await tx.value("SELECT count(*) FROM users WHERE realm_id = $1", realm.id)
    if is_empty:
        await moving.bring(runtime, realm, moving.ndjson({"username": "ada"}))
    async with runtime.write(factories.roster_in(realm)) as tx:
        started = await service.start_export(tx, "roster")
    return await moving.run(runtime, factories.roster_in(realm), started)


async def _age(runtime: Runtime, transfer: Transfer, column: str, *, days: int) -> None:
    await people.execute(
        runtime, f"UPDATE transfers SET {column} = now() - interval '{days} days' WHERE id = $1", transfer.id
    )


async def _output(runtime: Runtime, realm: Realm, transfer: Transfer) -> bytes:
    return await moving.read(await service.output(runtime, factories.roster_in(realm), transfer.id))
