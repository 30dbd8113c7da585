"""`roster key`: credentials for programs."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
import typer

from roster.cli import opened, output
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound
from roster.core.credentials.models import Credential, CredentialDraft, Issued
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit import clock, ids
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.kit.ids import CredentialId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

app = opened.commands("Credentials for programs.")
_PAGE = 1000
_WHO = "Id, username, e-mail address or phone number."


@app.command()
def create(
    *,
    user: Annotated[str, typer.Option("--user", help=f"Whose it is. {_WHO}", metavar="WHO")],
    kind: Annotated[Literal["api_key", "personal"], typer.Option(help="What sort of credential.")] = "api_key",
    label: Annotated[str, typer.Option(help="What it is for.", metavar="TEXT")] = "",
    days: Annotated[int | None, typer.Option(help="Ends after so many days; without this never.", min=1)] = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new credential of a person; it is printed this once."""
    draft = _draft(kind, label, days)

    async def work(runtime: Runtime, actor: Actor) -> Issued:
        async with runtime.read(actor) as tx:
            found = await _find(tx, user)
        return await credentials.create(runtime, actor, found.id, draft)

    made = opened.run(data, database_url, realm, work)
    output.row({**_shown(made.credential), "key": made.secret}, as_json=json)


@app.command("list")
def list_(
    *,
    user: Annotated[str | None, typer.Option("--user", help=f"Only this person's. {_WHO}", metavar="WHO")] = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Keys of a realm, oldest first, without their secrets."""

    async def work(runtime: Runtime, actor: Actor) -> list[Credential]:
        async with runtime.read(actor) as tx:
            return await _keys(tx, await _find(tx, user) if user else None)

    output.rows([_shown(each) for each in opened.run(data, database_url, realm, work)], as_json=json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `roster key list` shows it.")],
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """End a key at once."""
    parsed = ids.parse(key_id)
    if parsed is None:
        raise CredentialNotFound(f"{key_id!r} is not the id of a key.")

    async def work(runtime: Runtime, actor: Actor) -> Credential:
        async with runtime.write(actor) as tx:
            found = await credentials.find_key(tx, CredentialId(parsed))
            await credentials.delete(tx, found.user_id, found.id)
            return found

    output.row({**_shown(opened.run(data, database_url, realm, work)), "state": "revoked"}, as_json=json)


async def _find(tx: Tx, who: str) -> User:
    found = await users.find_by_identifier(tx, who)
    if found is None:
        raise UserNotFound(f"Nobody in this realm is called {who!r}.")
    return found


async def _keys(tx: Tx, owner: User | None) -> list[Credential]:
    user_id = owner.id if owner else None
    found = await credentials.keys(tx, user_id=user_id, limit=_PAGE)
    more = found
    while len(more) == _PAGE:
        more = await credentials.keys(tx, user_id=user_id, after=found[-1].id, limit=_PAGE)
        found = found + more
    return found


def _draft(kind: str, label: str, days: int | None) -> CredentialDraft:
    expires_at = clock.now() + timedelta(days=days) if days else None
    try:
        return msgspec.convert({"kind": kind, "label": label, "expires_at": expires_at}, CredentialDraft)
    except msgspec.ValidationError as error:
        raise InvalidInput(text=str(error)) from None


def _shown(credential: Credential) -> dict[str, object]:
    return {
        "id": str(credential.id),
        "kind": credential.kind,
        "label": credential.label,
        "user_id": str(credential.user_id),
        "state": credential.state,
        "created_at": credential.created_at,
        "last_used_at": credential.last_used_at,
        "expires_at": credential.expires_at,
    }
