"""Importing and exporting in tests, the way the native API does it."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from roster.core.realms.models import Realm
from roster.core.transfer import service, tasks
from roster.core.transfer.models import ExportOptions, Format, ImportOptions, Transfer
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import Unavailable
from roster.storage.runtime import Runtime
from tests import factories


async def chunks(data: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    """A body as it arrives."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def ndjson(*people: dict[str, Any]) -> bytes:
    """A roster file."""
    return b"".join(json.dumps(person).encode() + b"\n" for person in people)


async def upload(
    runtime: Runtime,
    actor: Actor,
    data: bytes,
    form: Format = "roster",
    *,
    options: ImportOptions | None = None,
    dry_run: bool = False,
) -> Transfer:
    """An import with its file, submitted."""
    async with runtime.write(actor) as tx:
        transfer = await service.start_import(tx, form, name="test", options=options, dry_run=dry_run)
    await service.append_source(runtime, actor, transfer.id, chunks(data))
    async with runtime.write(actor) as tx:
        return await service.submit(tx, transfer.id)


async def run(runtime: Runtime, actor: Actor, transfer: Transfer) -> Transfer:
    """What the job does, and again while the queue would have it done again."""
    for _ in range(10):
        try:
            await once(runtime, actor, transfer)
            break
        except Unavailable:
            continue
    async with runtime.read(actor) as tx:
        return await service.get(tx, transfer.id)


async def once(runtime: Runtime, actor: Actor, transfer: Transfer) -> None:
    """What the job does."""
    await tasks.run(runtime, {"realm_id": str(actor.realm_id), "transfer_id": str(transfer.id)})


async def bring(
    runtime: Runtime,
    realm: Realm,
    data: bytes,
    form: Format = "roster",
    *,
    actor: Actor | None = None,
    options: ImportOptions | None = None,
    dry_run: bool = False,
) -> Transfer:
    """Import data into the realm; the transfer when it is over."""
    actor = actor or factories.roster_in(realm)
    transfer = await upload(runtime, actor, data, form, options=options, dry_run=dry_run)
    return await run(runtime, actor, transfer)


async def report_of(runtime: Runtime, realm: Realm, transfer: Transfer) -> list[tuple[int, str]]:
    """Row and code of each line of the report."""
    lines = await read(await service.report(runtime, factories.roster_in(realm), transfer.id))
    return [(line["row"], line["code"]) for line in map(json.loads, lines.splitlines())]


async def read(pieces: AsyncIterator[bytes]) -> bytes:
    """A whole stream."""
    return b"".join([piece async for piece in pieces])


async def written(runtime: Runtime, realm: Realm, form: Format = "roster", **options: Any) -> bytes:
    """Everybody of the realm as a file."""
    stream = await service.stream_export(runtime, factories.roster_in(realm), form, ExportOptions(**options))
    return await read(stream)


async def who(runtime: Runtime, realm: Realm, name: str) -> User:
    """The person with this name, who must exist."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await users.find_by_identifier(tx, name)
    assert found is not None
    return found


async def count(runtime: Runtime, realm: Realm) -> int:
    """How many people the realm has."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await tx.value("SELECT count(*) FROM users WHERE realm_id = $1", realm.id)


async def roles_of(runtime: Runtime, realm: Realm, user: User) -> list[str]:
    """Names of the person's roles."""
    from roster.core.access import service as access

    async with runtime.read(factories.roster_in(realm)) as tx:
        return [each.role_name for each in await access.assignments_of(tx, user.id)]


def rows(transfer: Transfer) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, failed."""
    return transfer.rows_created, transfer.rows_updated, transfer.rows_unchanged, transfer.rows_failed


def codes(found: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Code by row."""
    return dict(found)
