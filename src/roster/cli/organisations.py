"""`roster organisation`: organisations of a realm."""

from typing import Annotated

import typer

from roster.cli import opened, output
from roster.core.flows import organisations
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org, OrgDraft
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

app = opened.commands("Organisations of a realm.")
_PAGE = 1000


@app.command("list")
def list_(
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """All organisations by number."""

    async def work(runtime: Runtime, actor: Actor) -> list[Org]:
        async with runtime.read(actor) as tx:
            return await _all(tx)

    output.rows([_shown(org) for org in opened.run(data, database_url, realm, work)], as_json=json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What people read.")],
    *,
    owner: Annotated[
        str | None, typer.Option(help="Whose it is: id, username, e-mail address or phone number.", metavar="USER")
    ] = None,
    number: Annotated[
        int | None, typer.Option(help="Its number, as it has elsewhere; else the next one.", metavar="NUMBER")
    ] = None,
    parent: Annotated[
        int | None, typer.Option(help="The number of the organisation above it.", metavar="NUMBER")
    ] = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new organisation, with its built-in roles and nobody in it. A root has an owner."""

    async def work(runtime: Runtime, actor: Actor) -> Org:
        async with runtime.write(actor) as tx:
            return await _found(tx, name, owner, number, parent)

    output.row(_shown(opened.run(data, database_url, realm, work)), as_json=json)


async def _found(tx: Tx, name: str, owner: str | None, number: int | None, parent: int | None) -> Org:
    if owner is None and parent is None:
        raise InvalidInput.of("owner", "required", "Say with --owner whose a root is.")
    above = None if parent is None else (await orgs.get_by_number(tx, parent)).id
    draft = OrgDraft(name, above, number=number)
    return await organisations.found(tx, draft, owner=None if owner is None else await _owner(tx, owner))


async def _owner(tx: Tx, who: str) -> UserId:
    found = await users.find_by_identifier(tx, who)
    if found is None:
        raise UserNotFound(f"Nobody in this realm is called {who!r}.")
    return found.id


async def _all(tx: Tx) -> list[Org]:
    found: list[Org] = []
    cursor: str | None = None
    while True:
        part = await orgs.search(tx, None, (), Page(_PAGE, cursor=cursor))
        found.extend(part.items)
        cursor = part.next
        if cursor is None:
            return found


def _shown(org: Org) -> dict[str, object]:
    return {"number": org.number, "name": org.name, "id": str(org.id), "created_at": org.created_at}
