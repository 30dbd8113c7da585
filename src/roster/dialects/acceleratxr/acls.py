"""Permission lists of users, of roles, and of both as classes (contract, tag Access control)."""

from typing import Final

from msgspec import UnsetType

from roster.core.access import objects
from roster.core.access import service as access
from roster.core.access.errors import ListNotFound, RoleNotFound
from roster.core.access.models import AccessList, Rights
from roster.dialects.acceleratxr import auth, lookup, mapping, wire
from roster.dialects.acceleratxr.errors import UidMismatch, WhoIsMe
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops = Operations(tag="Access control")

_CLASSES: Final = {each.default.object: each.default for each in auth.CLASSES}
_BY_NAME: Final = {name.lower(): name for name in _CLASSES}
_ERRORS: Final = (ListNotFound, Forbidden, WhoIsMe)


@ops.get("/acls/{id}", id="ACL.findById", errors=_ERRORS)
async def find_by_id(tx: Tx, id: str) -> wire.AccessControlList:
    """Fetch a permission list.

    Of a class (`User`, `Role`), a user or a role; for trusted callers and those whom a record gives `full`.
    """
    default = await _default(tx, id)
    return mapping.list_out(await objects.get(tx, default.object, {**_CLASSES, default.object: default}))


@ops.put("/acls/{id}", id="ACL.update", errors=(*_ERRORS, InvalidInput, UidMismatch, StaleVersion))
async def update(tx: Tx, id: str, body: wire.AccessControlList) -> wire.AccessControlList:
    """Change a permission list."""
    default = await _default(tx, id)
    defaults = {**_CLASSES, default.object: default}
    await objects.get(tx, default.object, defaults)
    if mapping.list_name(body.uid) != default.object and _BY_NAME.get(body.uid.lower()) != default.object:
        raise UidMismatch
    saved = await objects.put(
        tx,
        default.object,
        mapping.records_in(body.records),
        parent=None if isinstance(body.parent_uid, UnsetType) else mapping.list_name(body.parent_uid),
        version=None if isinstance(body.version, UnsetType) else body.version,
        defaults=defaults,
    )
    return mapping.list_out(saved)


async def _default(tx: Tx, text: str) -> AccessList:
    """The list that holds for an object until one is stored, and says what its owner may do anyway.

    Raises ListNotFound for objects that are not there; Forbidden instead to those who could not see the list anyway.
    """
    name = _BY_NAME.get(text.lower())
    if name is not None:
        return _CLASSES[name]
    found = await _of_user(tx, text) or await _of_role(tx, text)
    if found is None:
        raise ListNotFound if auth.is_trusted(tx.actor) else Forbidden
    return found


async def _of_user(tx: Tx, text: str) -> AccessList | None:
    user = await lookup.named(tx, text)
    if user is None:
        return None
    own = Rights(str(user.id), create=True, read=True, update=True, delete=True)
    return AccessList(str(user.id), "User", [own], 0)


async def _of_role(tx: Tx, text: str) -> AccessList | None:
    try:
        role = await access.find_role(tx, mapping.identifier(text))
    except RoleNotFound:
        return None
    members = (await access.members_of(tx, [role.id])).get(role.id)
    owners = sorted(members.owners) if members else []
    records = [Rights(str(owner), read=True, update=True, delete=True) for owner in owners]
    return AccessList(str(role.id), "Role", [*records, Rights(role.name, read=True)], 0)
