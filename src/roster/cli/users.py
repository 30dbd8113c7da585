"""`roster user`: people of a realm."""

import sys
from collections.abc import Awaitable, Callable
from getpass import getpass
from typing import Annotated, TypeVar

import msgspec
import typer

from roster.cli import opened, output
from roster.core.flows import passwords, provision
from roster.core.users import search
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, UserChange, UserDraft
from roster.kit import ids, secrets
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.kit.filters import Sort
from roster.kit.ids import UserId
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

app = opened.commands("People of a realm.")
T = TypeVar("T")
_PAGE = 1000
Who = Annotated[str, typer.Argument(help="Id, username, e-mail address or phone number.")]
Password = Annotated[
    str | None,
    typer.Option(
        help="The password; `-` asks for it, or reads it from standard input. One is generated when this is absent.",
        metavar="TEXT",
    ),
]


@app.command("list")
def list_(
    *,
    realm: opened.Realm = "main",
    search_for: Annotated[str, typer.Option("--search", help="Part of a name or an address.", metavar="TEXT")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 100,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that can be restored instead.")] = False,
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """People in the order of their usernames."""

    async def work(runtime: Runtime, actor: Actor) -> tuple[list[User], bool]:
        return await _people(runtime, actor, search_for, limit, deleted="only" if deleted else "exclude")

    found, is_all = opened.run(data, database_url, realm, work)
    output.rows([_short(user) for user in found], as_json=json)
    if not is_all:
        output.note(f"There are more than these {limit}: see --limit.")


@app.command()
def show(
    who: Who,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """One person; a deleted one by id."""

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.read(actor) as tx:
            return await _find(tx, who)

    output.row(_long(opened.run(data, database_url, realm, work)), as_json=json)


@app.command()
def create(
    username: Annotated[str, typer.Argument(help="Unique in the realm, whatever its letter case.")],
    *,
    email: Annotated[str | None, typer.Option(help="E-mail address, taken as verified.")] = None,
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    password: Password = None,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything in the realm.")] = False,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """A new person. A generated password is printed this once."""
    secret = _password(password)
    draft = _draft(username=username, email=email, display_name=name, email_verified=email is not None)

    async def work(runtime: Runtime, actor: Actor) -> User:
        hashed = await passwords.prepare(runtime, actor, secret, username=username)
        async with runtime.write(actor) as tx:
            user = await (provision.create_administrator if admin else users.create)(tx, draft)
            await passwords.store(tx, user.id, hashed)
            return user

    made = _long(opened.run(data, database_url, realm, work))
    output.row(made if password else {**made, "password": secret}, as_json=json)


@app.command("set-password")
def set_password(
    who: Who,
    *,
    password: Password = None,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Set a person's password and end their sessions. A generated one is printed this once."""
    secret = _password(password)

    async def work(runtime: Runtime, actor: Actor) -> User:
        async with runtime.read(actor) as tx:
            user = await _find(tx, who)
        await passwords.set_password(runtime, actor, user.id, secret)
        return user

    user = _short(opened.run(data, database_url, realm, work))
    output.row(user if password else {**user, "password": secret}, as_json=json)


@app.command()
def disable(
    who: Who,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Refuse a person from now on and end their sessions."""
    output.row(_short(opened.run(data, database_url, realm, _writing(_to_status, who, "disabled"))), as_json=json)


@app.command()
def enable(
    who: Who,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Let a person who is disabled or pending sign in."""
    output.row(_short(opened.run(data, database_url, realm, _writing(_to_status, who, "active"))), as_json=json)


@app.command()
def delete(
    who: Who,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Delete a person; they can be restored until the realm's retention is over."""
    output.row(_short(opened.run(data, database_url, realm, _writing(_deleted, who))), as_json=json)


@app.command()
def restore(
    who: Annotated[str, typer.Argument(help="Id or username.")],
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Bring a deleted person back with everything they had."""
    output.row(_short(opened.run(data, database_url, realm, _writing(_restored, who))), as_json=json)


def _writing(change: Callable[..., Awaitable[T]], *arguments: str) -> Callable[[Runtime, Actor], Awaitable[T]]:
    """The change in a transaction of its own."""

    async def work(runtime: Runtime, actor: Actor) -> T:
        async with runtime.write(actor) as tx:
            return await change(tx, *arguments)

    return work


async def _to_status(tx: Tx, who: str, status: str) -> User:
    return await users.change(tx, (await _find(tx, who)).id, msgspec.convert({"status": status}, UserChange))


async def _deleted(tx: Tx, who: str) -> User:
    user = await _find(tx, who)
    await users.delete(tx, user.id)
    return await users.get_deleted(tx, user.id)


async def _restored(tx: Tx, who: str) -> User:
    return await users.restore(tx, (await users.find_deleted(tx, who)).id)


async def _people(
    runtime: Runtime, actor: Actor, part: str, limit: int, *, deleted: search.Deleted
) -> tuple[list[User], bool]:
    """As many as are wanted, and whether these are all; read page by page, each for a short time."""
    where = search.anywhere(part) if part else None
    found: list[User] = []
    cursor: str | None = None
    while len(found) < limit:
        page = Page(min(limit - len(found), _PAGE), cursor=cursor)
        async with runtime.read(actor) as tx:
            more = await search.search(tx, where, [Sort("username")], page, deleted=deleted)
        found += more.items
        cursor = more.next
        if cursor is None:
            break
    return found, cursor is None


async def _find(tx: Tx, who: str) -> User:
    """Whoever is meant; by id also a deleted person. Raises UserNotFound."""
    found = await users.find_by_identifier(tx, who)
    if found is not None:
        return found
    user_id = ids.parse(who)
    if user_id is None:
        raise UserNotFound(f"Nobody in this realm is called {who!r}.")
    return await users.get_deleted(tx, UserId(user_id))


def _draft(**values: object) -> UserDraft:
    try:
        return msgspec.convert(values, UserDraft)
    except msgspec.ValidationError as error:
        raise InvalidInput(text=str(error)) from None


def _password(given: str | None) -> str:
    if given != "-":
        return given or secrets.password()
    return getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


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
