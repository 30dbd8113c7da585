"""`roster user`: people of a realm."""

import sys
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from roster.cli import opened, output
from roster.core.flows import passwords, provision
from roster.core.users import search
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, UserChange, UserDraft
from roster.kit import ids, secrets
from roster.kit.actor import Actor
from roster.kit.filters import Sort
from roster.kit.ids import UserId
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

app = typer.Typer(help="People of a realm.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(help="Id, username, e-mail address or phone number.")]
Main = "main"


@app.command("list")
def list_(
    realm: opened.Realm = Main,
    search_for: Annotated[str, typer.Option("--search", help="Part of a name or an address.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.")] = 100,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """People in order of their names."""

    async def work(runtime: Runtime, actor: Actor) -> list[User]:
        return [user async for user in _people(runtime, actor, search_for, limit)]

    output.rows([_short(user) for user in opened.run(data, database_url, realm, work)], as_json=json)


@app.command()
def show(
    who: Who,
    realm: opened.Realm = Main,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """One person, also a deleted one by id."""

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.read(actor) as tx:
            return await _find(tx, who)

    output.row(_long(opened.run(data, database_url, realm, work)), as_json=json)


@app.command()
def create(
    username: str,
    email: Annotated[str | None, typer.Option(help="E-mail address, taken as verified.")] = None,
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    password: Annotated[
        str | None, typer.Option(help="Password; `-` reads it from standard input, absent generates one.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything in the realm.")] = False,  # noqa: FBT002
    realm: opened.Realm = Main,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """A new person; a generated password is printed once."""
    secret = _password(password)
    draft = UserDraft(username=username, email=email, display_name=name, email_verified=email is not None)

    async def work(runtime: Runtime, actor: Actor) -> User:
        hashed = await passwords.prepare(runtime, actor, secret)
        async with runtime.write(actor) as tx:
            user = await (provision.create_administrator if admin else users.create)(tx, draft)
            await passwords.store(tx, user.id, hashed)
            return user

    made = _long(opened.run(data, database_url, realm, work))
    output.row(made if password else {**made, "password": secret}, as_json=json)


@app.command("set-password")
def set_password(
    who: Who,
    password: Annotated[
        str | None, typer.Option(help="Password; `-` reads it from standard input, absent generates one.")
    ] = None,
    realm: opened.Realm = Main,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """Set a person's password and end their sessions; a generated one is printed once."""
    secret = _password(password)

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.read(actor) as tx:
            user = await _find(tx, who)
        await passwords.set_password(runtime, actor, user.id, secret)
        return user

    user = opened.run(data, database_url, realm, work)
    output.row({"username": user.username, "password": "set" if password else secret}, as_json=json)


@app.command()
def disable(
    who: Who,
    realm: opened.Realm = Main,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """Refuse a person from now on and end their sessions."""

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.write(actor) as tx:
            return await users.change(tx, (await _find(tx, who)).id, UserChange(status="disabled"))

    output.row(_short(opened.run(data, database_url, realm, work)), as_json=json)


@app.command()
def delete(
    who: Who,
    realm: opened.Realm = Main,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """Delete a person; they can be restored until the realm's retention is over."""

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.write(actor) as tx:
            user = await _find(tx, who)
            await users.delete(tx, user.id)
            return await users.get_deleted(tx, user.id)

    output.row(_short(opened.run(data, database_url, realm, work)), as_json=json)


@app.command()
def restore(
    who: Who,
    realm: opened.Realm = Main,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """Bring a deleted person back, by id or username."""

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.write(actor) as tx:
            return await users.restore(tx, (await users.find_deleted(tx, who)).id)

    output.row(_short(opened.run(data, database_url, realm, work)), as_json=json)


async def _people(runtime: Runtime, actor: Actor, part: str, limit: int) -> AsyncIterator[User]:
    where = search.anywhere(part) if part else None
    cursor: str | None = None
    while limit > 0:
        async with runtime.read(actor) as tx:
            found = await search.search(tx, where, [Sort("username")], Page(min(limit, 1000), cursor=cursor))
        for user in found.items:
            yield user
        limit, cursor = limit - len(found.items), found.next
        if cursor is None:
            return


async def _find(tx: Tx, who: str) -> User:
    found = await users.find_by_identifier(tx, who)
    if found is not None:
        return found
    user_id = ids.parse(who)
    if user_id is None:
        raise UserNotFound
    return await users.get_deleted(tx, UserId(user_id))


def _password(given: str | None) -> str:
    if given == "-":
        return sys.stdin.readline().rstrip("\n")
    return given or secrets.token(18)


def _short(user: User) -> dict[str, object]:
    return {
        "id": str(user.id),
        "username": user.username,
        "email": user.email,
        "status": "deleted" if user.deleted_at else user.status,
        "created_at": user.created_at,
    }


def _long(user: User) -> dict[str, object]:
    return {
        **_short(user),
        "number": user.number,
        "name": user.display_name or " ".join(filter(None, (user.given_name, user.family_name))) or None,
        "phone": user.phone,
        "locale": user.locale,
        "tags": user.tags,
        "attributes": user.attributes,
        "version": user.version,
        "updated_at": user.updated_at,
        "deleted_at": user.deleted_at,
    }
