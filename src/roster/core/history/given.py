"""The roles that a person had, worked out from the trail: of assignments, imports, members of roles, deleted roles.

Entries of people name roles, those of roles have ids: names that roles had are followed on the way back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from roster.core.access import numbers
from roster.core.access.models import Role
from roster.core.access.numbers import Given
from roster.core.history import store
from roster.core.history.errors import PastUnknown
from roster.core.history.models import Held
from roster.core.history.store import About
from roster.kit.ids import RoleId, UserId
from roster.storage.tx import Tx

_MOST: Final = 10_000
_Places = dict[str, list[str]]
_Key = tuple[RoleId, str]


class _Said(msgspec.Struct, frozen=True):
    """What an entry about roles says: before and after."""

    name: list[str | None] | None = None
    role: list[str | None] | None = None
    contexts: list[_Places | None] | None = None
    roles: list[list[RoleId]] | None = None
    limited_roles: list[list[tuple[RoleId, _Places]]] | None = None
    members: list[list[UserId]] | None = None
    limited_members: list[list[tuple[UserId, _Places]]] | None = None


class _State:
    """What the person had, and what the roles were called, at the moment that the walk has come to."""

    def __init__(self, user_id: UserId, held: Iterable[Held], names: dict[RoleId, str]) -> None:
        self.user_id = user_id
        self.held = {_key(each.role_id, each.contexts) for each in held}
        self.names = names

    def named(self, name: str | None) -> RoleId | None:
        return next((role_id for role_id, known in self.names.items() if known == name), None)

    def replace(self, after: Iterable[_Key], before: Iterable[_Key]) -> None:
        self.held.difference_update(after)
        self.held.update(before)


async def roles_at(tx: Tx, user_id: UserId, at: datetime) -> set[RoleId]:
    """The roles that a person had without limits at that moment, those that are deleted now included.

    Raises PastUnknown.
    """
    return {each.role_id for each in await assignments_at(tx, user_id, at) if not each.contexts}


async def assignments_at(tx: Tx, user_id: UserId, at: datetime) -> list[Held]:
    """The same with all roles that were limited to places. Raises PastUnknown."""
    entries = await store.about_roles(tx, user_id, at, _MOST)
    if len(entries) >= _MOST:
        raise PastUnknown
    state = _State(user_id, await store.held_by(tx, user_id), await store.role_names(tx))
    for entry in entries:
        _undo(state, entry)
    return [Held(role_id, msgspec.json.decode(places, type=_Places)) for role_id, places in sorted(state.held)]


async def names_at(tx: Tx, user_id: UserId, at: datetime) -> list[Given]:
    """Number, name and whether it is built in, of the roles of `roles_at`, as they are now or last were.

    Nothing is checked.
    """
    wanted = await roles_at(tx, user_id, at)
    present = await store.present_roles(tx, wanted)
    gone = [_role(entry) for entry in await store.deletions_of_roles(tx, wanted - present)]
    past = [(role.number, role.name, role.built_in) for role in gone]
    return sorted([*await numbers.of(tx, present), *past])


def _role(entry: About) -> Role:
    values = msgspec.convert(entry.changes, dict[str, list[object]])
    return msgspec.convert({name: value[0] for name, value in values.items()}, Role)


def _undo(state: _State, entry: About) -> None:
    said = msgspec.convert(entry.changes, _Said)
    if entry.subject_kind == "role" and entry.subject_id is not None:
        _undo_role(state, entry.action, RoleId(entry.subject_id), said)
        return
    if said.role is not None:
        _undo_assignment(state, said.role, said.contexts or (None, None))
    for roles in (said.roles or (), said.limited_roles or ()):
        state.replace((_given(each) for each in roles[1]) if roles else (), ())


def _undo_role(state: _State, action: str, role_id: RoleId, said: _Said) -> None:
    if said.name is not None and said.name[0] is not None:
        state.names[role_id] = said.name[0]
    elif action == "role.created":
        state.names.pop(role_id, None)
    for everywhere in (said.members,) if said.members is not None else ():
        before, after = ([_key(role_id, {})] if state.user_id in people else [] for people in everywhere)
        state.replace(after, before)
    for people in said.limited_members or ():
        state.replace((), (_key(role_id, places) for user_id, places in people if user_id == state.user_id))


def _undo_assignment(state: _State, roles: Sequence[str | None], contexts: Sequence[_Places | None]) -> None:
    before, after = (
        [_key(role_id, places or {})] if (role_id := state.named(name)) is not None else []
        for name, places in zip(roles, contexts, strict=True)
    )
    state.replace(after, before)


def _given(each: RoleId | tuple[RoleId, _Places]) -> _Key:
    return _key(*each) if isinstance(each, tuple) else _key(each, {})


def _key(role_id: RoleId, contexts: _Places) -> _Key:
    return role_id, msgspec.json.encode(contexts, order="sorted").decode()
