"""`roster realm`: tenants."""

from typing import Annotated

import typer

from roster.cli import opened, output
from roster.core.flows import provision
from roster.core.realms import client_keys
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.tokens import service as tokens
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

app = opened.commands("Realms: tenants that cannot see each other.")
_PAGE = 1000


@app.command("list")
def list_(data: opened.Data = opened.DEFAULT_DATA, database_url: opened.Url = None, json: opened.Json = False) -> None:
    """All realms, in the order of their slugs."""

    async def work(runtime: Runtime, actor: Actor) -> list[Realm]:
        async with runtime.read(actor) as tx:
            return await _all(tx)

    found = opened.run(data, database_url, realms.MAIN, work)
    output.rows([_short(realm) for realm in found], as_json=json)


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    *,
    name: Annotated[str, typer.Option(help="What people read.", metavar="TEXT")] = "",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new realm, with its administrator role and nobody in it."""

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            return _long(runtime, await provision.create_realm(tx, slug, name))

    output.row(opened.run(data, database_url, realms.MAIN, work), as_json=json)


@app.command()
def show(
    slug: Annotated[str, typer.Argument(help="The realm's slug.")],
    *,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """One realm with its settings."""

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.read(actor) as tx:
            return _long(runtime, await realms.get(tx, slug))

    output.row(opened.run(data, database_url, realms.MAIN, work), as_json=json)


@app.command("replace-key")
def replace_key(
    slug: Annotated[str, typer.Argument(help="The realm's slug.")],
    *,
    at_once: Annotated[bool, typer.Option("--at-once", help="Take nothing any more that the old one signed.")] = False,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Sign tokens with a new key; what the old one signed is good until it expires."""

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            return {"slug": slug, "kid": await tokens.replace_key(tx, at_once=at_once)}

    output.row(opened.run(data, database_url, slug, work), as_json=json)


async def _all(tx: Tx) -> list[Realm]:
    found = more = await realms.page(tx, "", _PAGE)
    while len(more) == _PAGE:
        more = await realms.page(tx, found[-1].slug, _PAGE)
        found = found + more
    return found


def _short(realm: Realm) -> dict[str, object]:
    return {
        "slug": realm.slug,
        "name": realm.display_name,
        "status": realm.status,
        "created_at": realm.created_at,
    }


def _long(runtime: Runtime, realm: Realm) -> dict[str, object]:
    return {
        **_short(realm),
        "id": str(realm.id),
        "number": realm.number,
        "fulfillmenttools_api_key": client_keys.write(runtime.keyring, realm.id),
        "settings": realm.settings,
    }
