"""The past of people, roles, labels and devices.

Whoever asks has been let see the thing as it is now: each function takes it as it was read for this actor.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from roster.core.access.models import Role
from roster.core.audit import service as audit
from roster.core.devices.models import Device
from roster.core.history import rewinding, store
from roster.core.history.errors import PastUnknown
from roster.core.history.models import Revision
from roster.core.history.store import About
from roster.core.labels import service as labels
from roster.core.labels.models import Category, Label, Subject
from roster.core.users.models import User, View
from roster.kit.errors import Forbidden
from roster.kit.ids import LabelId, RoleId, UserId
from roster.storage.tx import Tx

T = TypeVar("T", User, Role, Device, Label, Category)


class _Said(msgspec.Struct, frozen=True):
    """What an entry about roles says."""

    name: list[str | None] | None = None
    role: list[str | None] | None = None
    contexts: list[dict[str, list[str]] | None] | None = None
    roles: list[list[RoleId]] | None = None
    members: list[list[UserId]] | None = None


_MOST: Final = 10_000
"""Entries that are undone at most; whoever changes something more often has no history that far back."""


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


async def labels_at(tx: Tx, subject_id: UUID, at: datetime) -> list[LabelId]:
    """The labels that somebody or something had at that moment; those that are deleted now are left out.

    Raises PastUnknown.
    """
    held: list[LabelId] = (await labels.of(tx, [subject_id])).get(subject_id, [])
    for entry in await audit.since(tx, subject_id, at, [f"{kind}.labelled" for kind in Subject], _MOST):
        held = msgspec.convert(entry.changes, dict[str, list[list[LabelId]]])["labels"][0]
    alive = await store.live_labels(tx, held) if held else set[LabelId]()
    return [each for each in held if each in alive]


async def roles_at(tx: Tx, user_id: UserId, at: datetime) -> set[RoleId]:
    """The roles that a person had without limits at that moment, those that are deleted now included.

    As exact as the trail, which does not say who had a role when it was deleted.
    """
    names = await store.role_names(tx)
    held = set(await store.roles_of(tx, user_id))
    for entry in await store.about_roles(tx, user_id, at, _MOST):
        _undo_role(held, names, user_id, entry)
    return held


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
    later = await audit.since(tx, now.id, at, steps, _MOST)
    if len(later) == _MOST:
        raise PastUnknown
    last = await audit.last(tx, now.id, at, steps)
    reach = await audit.reach(tx) if last is None else None
    state = rewinding.rewind(msgspec.to_builtins(now), later, last, at=at, reach=reach)
    return msgspec.convert(state, type(now), strict=False)


def _undo_role(held: set[RoleId], names: dict[RoleId, str], user_id: UserId, entry: About) -> None:
    """Names stand in entries of people, ids in those of roles: a rename is undone on the way."""
    said = msgspec.convert(entry.changes, _Said)
    role_id = RoleId(entry.subject_id) if entry.subject_id is not None else None
    if entry.action in ("role.changed", "role.deleted") and role_id is not None and said.name is not None:
        names[role_id] = said.name[0] or ""
    elif entry.action == "role.members_changed" and role_id is not None and said.members is not None:
        left, came = said.members
        held.difference_update({role_id} if user_id in came else ())
        held.update({role_id} if user_id in left else ())
    elif said.roles is not None:
        held.difference_update(said.roles[1])
    elif said.role is not None and said.contexts is None:
        _undo_assignment(held, names, said.role)


def _undo_assignment(held: set[RoleId], names: dict[RoleId, str], given: Sequence[str | None]) -> None:
    by_name = {name: role_id for role_id, name in names.items()}
    before, after = (by_name.get(each or "") for each in given)
    if after is not None:
        held.discard(after)
    if before is not None:
        held.add(before)
