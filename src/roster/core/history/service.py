"""The past of people, roles, labels and devices.

Whoever asks has been let see the thing as it is now: each function takes it as it was read for this actor.
"""

from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.access.errors import RoleNotFound
from roster.core.access.models import Role
from roster.core.audit import service as audit
from roster.core.devices.models import Device
from roster.core.history import given as _given
from roster.core.history import rewinding, store
from roster.core.history.errors import NotThere, PastUnknown
from roster.core.history.models import Revision
from roster.core.labels import service as labels
from roster.core.labels.models import Category, Label, OrgLabel, Subject
from roster.core.users.models import User, View
from roster.kit.errors import Forbidden
from roster.kit.ids import LabelId
from roster.storage.tx import Tx

T = TypeVar("T", User, Role, Device, Label, OrgLabel, Category)


_MOST: Final = 10_000
"""Entries that are undone at most; whoever changes something more often has no history that far back."""

roles_at = _given.roles_at
assignments_at = _given.assignments_at
names_at = _given.names_at


async def user_at(tx: Tx, user: User, at: datetime) -> User:
    """The person at that moment; the last sign-in is left out, the version of the grants is that of now.

    Raises NotThere, PastUnknown; Forbidden for a basic view.
    """
    if user.view is not View.FULL:
        raise Forbidden
    return msgspec.structs.replace(await _at(tx, "user", user, at), last_sign_in_at=None)


async def role_at(tx: Tx, role: Role, at: datetime) -> Role:
    """The role at that moment. Raises NotThere, PastUnknown."""
    return await _at(tx, "role", role, at)


async def deleted_role_at(tx: Tx, number: int, at: datetime) -> Role:
    """A role that is gone now, as it was at that moment. Needs `roles.read`.

    Raises RoleNotFound, NotThere, PastUnknown.
    """
    access.require(tx, "roles.read", otherwise=RoleNotFound)
    deletion = await store.deletion_of_role(tx, number)
    if deletion is None:
        raise RoleNotFound
    if deletion.at <= at:
        raise NotThere
    values = msgspec.convert(deletion.changes, dict[str, list[object]])
    role = msgspec.convert({name: value[0] for name, value in values.items()}, Role)
    return await _at(tx, "role", role, at)


async def device_at(tx: Tx, device: Device, at: datetime) -> Device:
    """The device at that moment; of its key only whether there was one. Raises NotThere, PastUnknown."""
    return await _at(tx, "device", device, at)


async def category_at(tx: Tx, category: Category, at: datetime) -> Category:
    """The category of labels at that moment. Raises NotThere, PastUnknown."""
    return await _at(tx, "label_category", category, at)


async def label_at(tx: Tx, label: Label, at: datetime) -> Label:
    """The label at that moment. Raises NotThere, PastUnknown."""
    then = await _at(tx, "label", label, at)
    if then.category_id == label.category_id:
        return then
    return msgspec.structs.replace(then, category_number=await store.category_number(tx, then.category_id))


async def org_label_at(tx: Tx, label: OrgLabel, at: datetime) -> OrgLabel:
    """The label of an organisation at that moment. Raises NotThere, PastUnknown."""
    return await _at(tx, "label", label, at)


async def labels_at(tx: Tx, subject_id: UUID, at: datetime) -> list[LabelId]:
    """The labels that somebody or something had at that moment; those that are deleted now are left out.

    Raises PastUnknown.
    """
    held: list[LabelId] = (await labels.of(tx, [subject_id])).get(subject_id, [])
    for entry in await audit.since(tx, subject_id, at, [f"{kind}.labelled" for kind in Subject], _MOST):
        held = msgspec.convert(entry.changes, dict[str, list[list[LabelId]]])["labels"][0]
    alive = await store.live_labels(tx, held) if held else set[LabelId]()
    return [each for each in held if each in alive]


async def revisions(tx: Tx, noun: str, subject_id: UUID, limit: int = 1000) -> list[Revision]:
    """The steps in the life of something, newest first, as far as the trail reaches.

    `noun` is user, role, device, label or label_category.
    """
    steps = await audit.steps(tx, subject_id, rewinding.steps_of(noun), limit)
    found: list[Revision] = []
    deleted = False
    for entry in reversed(steps):
        deleted = entry.action.endswith(".deleted") or (deleted and not entry.action.endswith(".restored"))
        found.append(Revision(entry.at, entry.actor_id, entry.device_id, deleted))
    return found[::-1]


async def _at(tx: Tx, noun: str, now: T, at: datetime) -> T:
    steps = rewinding.steps_of(noun)
    if noun == "role":
        steps.remove("role.deleted")  # which is the end of a row, not a step in its life
    later = await audit.since(tx, now.id, at, steps, _MOST)
    if len(later) == _MOST:
        raise PastUnknown
    last = await audit.last(tx, now.id, at, steps)
    reach = await audit.reach(tx) if last is None else None
    state = rewinding.rewind(msgspec.to_builtins(now), later, last, at=at, reach=reach)
    return msgspec.convert(state, type(now), strict=False)
