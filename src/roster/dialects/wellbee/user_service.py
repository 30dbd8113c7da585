"""`user-service.…`: making and changing people, for other services (contract, group user-service)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from roster.core.access import service as access
from roster.core.users.errors import UserNotFound
from roster.dialects.wellbee import accounts, documents, lookup, refusals, roles, shapes, writing
from roster.dialects.wellbee.admin_users import CREATING, UPDATING
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.refusals import InvalidRoles, LastRole, NoSuchUser
from roster.dialects.wellbee.subjects import Services
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.errors import UnknownRoute

services: Final = Services(tag="user-service")


class ById(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person by id."""

    id: str


class RolesOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Roles of a person, to be added or taken away."""

    id: str
    roles: list[str]


@services.serve("user-service.create-user", id="svc-user-create", status=201, errors=CREATING)
async def create_user(runtime: Runtime, actor: Actor, body: Document) -> Document:
    """Make a person."""
    return await accounts.create(runtime, actor, body)


@services.serve("user-service.update-user", id="svc-user-update-user", errors=UPDATING)
async def update_user(runtime: Runtime, actor: Actor, body: Document) -> Document:
    """Change a person's user; fields of the profile are left out."""
    writing.require(body, "id")
    return await accounts.update(runtime, actor, writing.text(body, "id") or "", body)


@services.serve("user-service.update-profile", id="svc-user-update-profile", errors=(InvalidInput, NoSuchUser))
async def update_profile(tx: Tx, body: Document) -> Document:
    """Change a person's profile; fields of the user are left out. Only where there are profiles."""
    require_profiles(tx)
    writing.require(body, "id")
    text = writing.text(body, "id") or ""
    person = await lookup.person(tx, text, refusals.no_such_user(text))
    return documents.profile(await accounts.change(tx, person, body, "profile"), await shapes.seen(tx))


@services.serve("user-service.delete-user", id="svc-user-delete", errors=(UserNotFound,))
async def delete_user(tx: Tx, body: ById) -> None:
    """Delete a person, profile included."""
    await accounts.delete(tx, body.id)


@services.serve("user-service.add-roles", id="svc-user-add-roles", status=202, errors=(InvalidRoles, NoSuchUser))
async def add_roles(tx: Tx, body: RolesOf) -> None:
    """Give a person roles; those they have stay."""
    user_id, held = await _held(tx, body)
    await accounts.set_roles(tx, user_id, list(dict.fromkeys([*held, *body.roles])))


@services.serve(
    "user-service.remove-roles", id="svc-user-remove-roles", status=202, errors=(InvalidRoles, LastRole, NoSuchUser)
)
async def remove_roles(tx: Tx, body: RolesOf) -> None:
    """Take roles from a person, who keeps one at least."""
    user_id, held = await _held(tx, body)
    left = [each for each in held if each not in body.roles]
    if not left:
        raise LastRole
    await accounts.set_roles(tx, user_id, left)


@services.serve("user-service.get-scopes", id="svc-user-get-scopes")
async def get_scopes(tx: Tx, body: list[str]) -> list[str]:
    """The scopes of these roles together; unknown roles add nothing."""
    return await roles.union(tx, body[:1000])


def require_profiles(tx: Tx) -> None:
    """Nobody serves what is about profiles where there are none."""
    if not shapes.of(tx.runtime).is_split:
        raise UnknownRoute


async def _held(tx: Tx, asked: RolesOf) -> tuple[UserId, Sequence[str]]:
    person = await lookup.person(tx, asked.id, refusals.no_such_user(asked.id))
    await roles.require_known(tx, asked.roles)
    await access.hold(tx, person.id)
    return person.id, (await roles.held(tx, [person]))[person.id].roles
