"""Which people a permission counts for that is held within limits only: for one person here, for many as SQL."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import LiteralString
from uuid import UUID

from roster.core.access import contexts, reach_store, store
from roster.core.access.contexts import FACILITY, GROUP, PLACES, USER_ROLE, Groups
from roster.core.access.reach_store import Reached
from roster.core.places import service as places
from roster.kit.actor import Scope
from roster.kit.ids import UserId
from roster.kit.text import fold
from roster.storage.tx import Tx


def admits(scope: Scope, held: Iterable[store.Held], groups: Groups) -> bool:
    """Whether somebody who has these roles is within the scope.

    In every kind that is limited, one of the roles must hold in a value of it, by what its ceiling and the assignment
    leave together; a group of facilities counts for the facilities in it. With `user_role` all roles must be among
    those named, and there must be one.
    """
    roles = [each for each in held if each.org_id is None]
    named = [contexts.resolved(contexts.together(each.ceiling, each.contexts, groups), groups) for each in roles]
    for kind, values in scope.limits:
        if kind == USER_ROLE:
            if not roles or not all(fold(each.role_name) in values for each in roles):
                return False
        elif kind not in PLACES and not any(values & dict(each).get(kind, frozenset()) for each in named):
            return False
    limited = {kind: values for kind, values in scope.limits if kind in PLACES}
    return not limited or any(
        values & dict(each).get(kind, frozenset()) for kind, values in limited.items() for each in named
    )


async def over(tx: Tx, permission: str, user_id: UserId) -> bool:
    """Whether the actor holds the permission for this person: without limits, or within a scope that they are in."""
    if tx.actor.may(permission):
        return True
    return bool(await admitting(tx, tx.actor.grants.scopes(permission), user_id))


async def admitting(tx: Tx, scopes: Sequence[Scope], user_id: UserId) -> tuple[Scope, ...]:
    """Those of the scopes that the person is within."""
    if not scopes:
        return ()
    held = await store.held_by(tx, user_id)
    if not held:
        return ()
    groups = await places.groups(tx)
    return tuple(scope for scope in scopes if admits(scope, held, groups))


async def condition(tx: Tx, permission: str, *, taken: int) -> Reached:
    """SQL that holds for the rows of `users` within the actor's scopes of this permission.

    $1 is the realm; the values are for the placeholders after the first `taken`. Without any scope it holds for nobody.
    """
    scopes = tx.actor.grants.scopes(permission)
    groups = (
        await places.groups(tx) if any(scope.limit(FACILITY) is not None for scope in scopes) else contexts.NO_GROUPS
    )
    return reach_store.compile_any([_searched(tx.realm_id, scope, groups) for scope in scopes], taken)


async def reaching(tx: Tx, facilities: Sequence[str], *, named_only: bool, taken: int) -> Reached:
    """SQL that holds for all rows of `users` whose roles reach one of these facilities, and that an index may answer.

    With `named_only` also for those whose assignments name one that the role's ceiling keeps from them. It may hold for
    others too: whoever asks tells them apart. Placeholders as in `condition`.
    """
    named = frozenset(facilities)
    holding = [group for group, members in (await places.groups(tx)).items() if not members.isdisjoint(named)]
    marks = _places(tx.realm_id, {FACILITY: named, GROUP: frozenset(holding)}, {})
    roles = await reach_store.with_ceiling(tx) if named_only else ()
    return reach_store.compile_reaching(sorted(marks), roles, taken)


def having(roles: Sequence[str], *, taken: int) -> Reached:
    """SQL that holds for the rows of `users` with one of these roles, be it limited. Placeholders as in `condition`."""
    return reach_store.compile_having([fold(role) for role in roles], taken)


def begun(marks: LiteralString) -> LiteralString:
    """What besides holds for those of them whose family name begins with some letters, as a listing takes it."""
    return reach_store.begun(marks)


def _searched(realm_id: UUID, scope: Scope, groups: Groups) -> reach_store.Within:
    limits = dict(scope.limits)
    roles = limits.pop(USER_ROLE, None)
    found: list[frozenset[UUID]] = []
    if not PLACES.isdisjoint(limits):
        found.append(_places(realm_id, limits, groups))
    others = sorted(limits.keys() - PLACES)
    found += [frozenset(mark(realm_id, kind, value) for value in limits[kind]) for kind in others]
    return reach_store.Within(tuple(found), roles)


def _places(realm_id: UUID, limits: Mapping[str, frozenset[str]], groups: Groups) -> frozenset[UUID]:
    reached = limits.get(FACILITY, frozenset[str]())
    holding = {group for group, members in groups.items() if not members.isdisjoint(reached)}
    named = holding | limits.get(GROUP, frozenset[str]())
    marks = {mark(realm_id, FACILITY, each) for each in reached} | {mark(realm_id, GROUP, each) for each in named}
    crossed = {mark(realm_id, FACILITY, each, group) for group in holding for each in groups[group] & reached}
    return frozenset(marks | crossed)


def mark(realm_id: UUID, kind: str, value: str, inside: str | None = None) -> UUID:
    """What stands for a place in the index of people, computed as `place_people` in the database does.

    A facility `inside` a group is one that role or assignment names while the other names the group.
    """
    kind = kind if inside is None else f"{kind}\x1f{inside}"
    digest = hashlib.sha256(realm_id.bytes + f"{kind}\x1f{value}".encode(errors="surrogatepass")).digest()
    return UUID(bytes=digest[:16])
