"""`roster device`: trusted devices, such as tills, and their keys."""

from typing import Annotated, Literal

import msgspec
import typer

from roster.cli import opened, output
from roster.core.devices import service as devices
from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.kit import hawk
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

app = opened.commands("Trusted devices, such as tills.")
_PAGE = 1000
Which = Annotated[str, typer.Argument(help="Id, what the device calls itself, or number.", metavar="DEVICE")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    *,
    external_id: Annotated[str | None, typer.Option("--id", help="What it calls itself.", metavar="TEXT")] = None,
    kind: Annotated[str, typer.Option(help="What sort of device.", metavar="TEXT")] = "till",
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new device with a key of its own, which is printed this once."""
    draft = _draft(name, kind, external_id)

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            made = await devices.create(tx, draft)
            return await _with_key(tx, made)

    output.row(opened.run(data, database_url, realm, work), as_json=json)


@app.command("list")
def list_(
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Devices of a realm, without their keys."""

    async def work(runtime: Runtime, actor: Actor) -> list[dict[str, object]]:
        async with runtime.read(actor) as tx:
            return [_shown(tx, each) for each in await _all(tx)]

    output.rows(opened.run(data, database_url, realm, work), as_json=json)


@app.command()
def key(
    device: Which,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new key for a device, printed this once; the one before ends, with the sessions opened on the device."""

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            return await _with_key(tx, await devices.find(tx, device))

    output.row(opened.run(data, database_url, realm, work), as_json=json)


@app.command()
def disable(
    device: Which,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Trust a device no longer, and end what was opened on it."""
    output.row(_set_status(data, database_url, realm, device, "disabled"), as_json=json)


@app.command()
def enable(
    device: Which,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Trust a device again."""
    output.row(_set_status(data, database_url, realm, device, "enabled"), as_json=json)


@app.command()
def delete(
    device: Which,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Delete a device, and end what was opened on it."""

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            found = await devices.find(tx, device)
            await devices.delete(tx, found.id)
            return {**_shown(tx, found), "status": "deleted"}

    output.row(opened.run(data, database_url, realm, work), as_json=json)


def _set_status(
    data: opened.Data, url: str | None, realm: str, device: str, status: Literal["enabled", "disabled"]
) -> dict[str, object]:
    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            found = await devices.find(tx, device)
            return _shown(tx, await devices.change(tx, found.id, DeviceChange(status=status)))

    return opened.run(data, url, realm, work)


async def _with_key(tx: Tx, device: Device) -> dict[str, object]:
    made = await devices.set_key(tx, device.id)
    return {**_shown(tx, await devices.get(tx, device.id)), "key": hawk.write_key(made)}


async def _all(tx: Tx) -> list[Device]:
    found = await devices.search(tx, None, (), Page(limit=_PAGE))
    items = list(found.items)
    while found.next is not None:
        found = await devices.search(tx, None, (), Page(limit=_PAGE, cursor=found.next))
        items += found.items
    return items


def _draft(name: str, kind: str, external_id: str | None) -> DeviceDraft:
    try:
        return msgspec.convert({"name": name, "kind": kind, "external_id": external_id}, DeviceDraft)
    except msgspec.ValidationError as error:
        raise InvalidInput(text=str(error)) from None


def _shown(tx: Tx, device: Device) -> dict[str, object]:
    """By the identifier that requests signed by the device begin with."""
    return {
        "id": devices.identifier(device, tx.actor.realm_slug),
        "number": device.number,
        "name": device.name,
        "kind": device.kind,
        "status": device.status,
        "device_id": str(device.id),
        "created_at": device.created_at,
    }
