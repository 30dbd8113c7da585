"""`roster key`: credentials for programs."""

from typing import Annotated, Literal

import typer

from roster.cli import opened, output
from roster.core.credentials import service as credentials
from roster.core.credentials.models import Credential, CredentialDraft, Issued, Kind
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit import ids
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.kit.ids import CredentialId
from roster.storage.runtime import Runtime

app = typer.Typer(help="Credentials for programs.", no_args_is_help=True)
User = Annotated[str, typer.Option("--user", help="Id, username, e-mail address or phone number.")]


@app.command()
def create(
    user: User,
    kind: Annotated[Literal["api_key", "personal"], typer.Option(help="What sort of credential.")] = "api_key",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """A new credential of a person; it is printed this once."""

    async def work(runtime: Runtime, actor: Actor) -> Issued:
        async with runtime.read(actor) as tx:
            found = await users.find_by_identifier(tx, user)
        if found is None:
            raise UserNotFound
        return await credentials.create(runtime, actor, found.id, CredentialDraft(kind=Kind(kind), label=label))

    made = opened.run(data, database_url, realm, work)
    output.row({**_shown(made.credential), "key": made.secret}, as_json=json)


@app.command("list")
def list_(
    user: Annotated[str | None, typer.Option("--user", help="Only this person's.")] = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """Keys of a realm, without their secrets."""

    async def work(runtime: Runtime, actor: Actor) -> list[Credential]:
        async with runtime.read(actor) as tx:
            found = await users.find_by_identifier(tx, user) if user else None
            if user and found is None:
                raise UserNotFound
            return await credentials.keys(tx, user_id=found.id if found else None, limit=1000)

    found = opened.run(data, database_url, realm, work)
    output.rows([_shown(each) for each in found], as_json=json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `roster key list` shows it.")],
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """End a key at once."""
    parsed = ids.parse(key_id)
    if parsed is None:
        raise InvalidInput.of("key_id", "invalid_id", "This is not an id.")

    async def work(runtime: Runtime, actor: Actor) -> Credential:
        async with runtime.write(actor) as tx:
            found = await credentials.find_key(tx, CredentialId(parsed))
            await credentials.delete(tx, found.user_id, found.id)
            return found

    output.row({**_shown(opened.run(data, database_url, realm, work)), "state": "revoked"}, as_json=json)


def _shown(credential: Credential) -> dict[str, object]:
    return {
        "id": str(credential.id),
        "kind": credential.kind,
        "label": credential.label,
        "user_id": str(credential.user_id),
        "created_at": credential.created_at,
        "last_used_at": credential.last_used_at,
        "expires_at": credential.expires_at,
    }
