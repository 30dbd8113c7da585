"""`roster key`: credentials for programs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, TypeVar

import msgspec
import typer

from roster.cli import opened, org_keys, output
from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.credentials.errors import CredentialNotFound
from roster.core.credentials.models import Credential, CredentialDraft, SigningDraft
from roster.core.devices import service as devices
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit import clock, hawk, ids
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

D = TypeVar("D", bound=msgspec.Struct)

app = opened.commands("Credentials for programs.")
_PAGE = 1000
_WHO = "Id, username, e-mail address or phone number."
_Organisation = Annotated[
    int | None, typer.Option("--organisation", help="The number of an organisation.", metavar="NUMBER", min=1)
]


@app.command()
def create(
    *,
    user: Annotated[str | None, typer.Option("--user", help=f"Whose it is. {_WHO}", metavar="WHO")] = None,
    organisation: _Organisation = None,
    kind: Annotated[
        Literal["api_key", "personal", "hawk", "organisation"],
        typer.Option(help="What sort of credential; `hawk` signs requests, `organisation` is nobody's."),
    ] = "api_key",
    alias: Annotated[str | None, typer.Option(help="Of a `hawk` key: part of its id.", metavar="NAME")] = None,
    device: Annotated[
        str | None, typer.Option(help="Of a `hawk` key: the device it acts from, by id, name or number.", metavar="ID")
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for.", metavar="TEXT")] = "",
    days: Annotated[int | None, typer.Option(help="Ends after so many days; without this never.", min=1)] = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new credential of a person, or of an organisation; it is printed this once."""
    expires_at = clock.now() + timedelta(days=days) if days else None

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        number, who = _whose(kind, organisation, user)
        if number is not None:
            async with runtime.write(actor) as tx:
                return await org_keys.create(tx, number, label, expires_at)
        async with runtime.read(actor) as tx:
            found = await _find(tx, who)
        if kind == "hawk":
            async with runtime.write(actor) as tx:
                return await _signing(tx, found, {"alias": alias, "label": label, "expires_at": expires_at}, device)
        if alias is not None or device is not None:
            raise InvalidInput.of("kind", "wrong_kind", "Only keys of kind `hawk` have an alias and a device.")
        draft = _draft({"kind": kind, "label": label, "expires_at": expires_at}, CredentialDraft)
        made = await credentials.create(runtime, actor, found.id, draft)
        return {**_shown(made.credential), "key": made.secret}

    output.row(opened.run(data, database_url, realm, work), as_json=json)


@app.command("list")
def list_(
    *,
    user: Annotated[str | None, typer.Option("--user", help=f"Only this person's. {_WHO}", metavar="WHO")] = None,
    organisation: _Organisation = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Keys of a realm's people, or tokens of an organisation, oldest first, without their secrets."""

    async def work(runtime: Runtime, actor: Actor) -> list[dict[str, object]]:
        async with runtime.read(actor) as tx:
            if organisation is not None:
                return await org_keys.list_of(tx, organisation)
            found = await _keys(tx, await _find(tx, user) if user else None)
            names = await signing.identifiers_of(tx, found)
        return [_shown(each, names.get(each.id)) for each in found]

    output.rows(opened.run(data, database_url, realm, work), as_json=json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `roster key list` shows it.")],
    *,
    organisation: _Organisation = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """End a key, or a token of an organisation, at once."""
    if ids.parse(key_id) is None and not key_id.startswith("key:"):
        raise CredentialNotFound(f"{key_id!r} is not the id of a key.")

    async def work(runtime: Runtime, actor: Actor) -> dict[str, object]:
        async with runtime.write(actor) as tx:
            if organisation is not None:
                return await org_keys.revoke(tx, organisation, key_id)
            found = await signing.find(tx, key_id)
            names = await signing.identifiers_of(tx, [found])
            await credentials.delete(tx, found.user_id, found.id)
        return _shown(found, names.get(found.id))

    output.row({**opened.run(data, database_url, realm, work), "state": "revoked"}, as_json=json)


def _whose(kind: str, organisation: int | None, user: str | None) -> tuple[int | None, str]:
    """The number of the organisation, or else who the person is."""
    if (kind == org_keys.KIND) != (organisation is not None) or (user is None) != (organisation is not None):
        text = "A token of an organisation takes --kind organisation and --organisation, every other key takes --user."
        raise InvalidInput.of("kind", "wrong_kind", text)
    return organisation, user or ""


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


async def _signing(tx: Tx, owner: User, known: Mapping[str, object], device: str | None) -> dict[str, object]:
    device_id = (await devices.find(tx, device)).id if device else None
    made = await signing.create(tx, owner.id, _draft({**known, "device_id": device_id}, SigningDraft))
    return {**_shown(made.credential, made.identifier), "key": hawk.write_key(made.key)}


def _draft(known: Mapping[str, object], form: type[D]) -> D:
    try:
        return msgspec.convert(known, form)
    except msgspec.ValidationError as error:
        raise InvalidInput(text=str(error)) from None


def _shown(credential: Credential, identifier: str | None = None) -> dict[str, object]:
    return {
        "id": identifier or str(credential.id),
        "kind": credential.kind,
        "label": credential.label,
        "user_id": str(credential.user_id),
        "state": credential.state,
        "created_at": credential.created_at,
        "last_used_at": credential.last_used_at,
        "expires_at": credential.expires_at,
    }
