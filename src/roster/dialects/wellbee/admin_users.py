"""`/admin/user`: people, for those who run the installation (contract, group admin)."""

from typing import Final

from roster.core.users.errors import EmailTaken, IdTaken, UsernameTaken, UserNotFound
from roster.dialects.wellbee import accounts, lookup
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.refusals import (
    FieldTaken,
    InvalidEmail,
    InvalidPassword,
    InvalidRoles,
    NoSuchUser,
    PasswordMissing,
    PasswordNotTaken,
    PasswordRequired,
    PasswordWrong,
)
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.query import Query

ops: Final = Operations(tag="admin")

TAKEN: Final = (EmailTaken, UsernameTaken, IdTaken, FieldTaken)
CREATING: Final = (InvalidInput, PasswordMissing, InvalidPassword, InvalidEmail, InvalidRoles, *TAKEN)
UPDATING: Final = (
    *(InvalidInput, NoSuchUser, PasswordNotTaken, InvalidEmail, PasswordRequired, PasswordWrong, InvalidRoles),
    *TAKEN,
)
_EXPAND: Final = (Parameter(name="expand", description="Anything: with the profile."),)


@ops.get("/admin/user/{id}", id="admin-user-get", needs="admin.*", errors=(UserNotFound,), parameters=_EXPAND)
async def get_user(tx: Tx, id: str, query: Query) -> Document:
    """One person."""
    person = await lookup.person(tx, id, UserNotFound(id[:100]))
    return await lookup.one(tx, person, expand=bool(query.get("expand")))


@ops.post("/admin/user", id="admin-user-create", needs="admin.*", status=201, errors=CREATING)
async def create_user(runtime: Runtime, actor: Actor, body: Document) -> Document:
    """Make a person."""
    return await accounts.create(runtime, actor, body)


@ops.put("/admin/user/{id}", id="admin-user-update", needs="admin.*", errors=UPDATING)
async def update_user(runtime: Runtime, actor: Actor, id: str, body: Document) -> Document:
    """Change a person's user."""
    return await accounts.update(runtime, actor, id, body)


@ops.delete("/admin/user/{id}", id="admin-user-delete", needs="admin.*", errors=(UserNotFound,))
async def delete_user(tx: Tx, id: str) -> None:
    """Delete a person, profile included."""
    await accounts.delete(tx, id)
