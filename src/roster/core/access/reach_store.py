"""SQL that finds people by the places and roles of their assignments."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.storage.sql.parameters import Parameters
from roster.storage.tx import Tx


class Within(msgspec.Struct, frozen=True):
    """A scope: of each set of marks the person has one, and no role but these (folded names)."""

    marks: tuple[frozenset[UUID], ...]
    roles: frozenset[str] | None


class Reached(msgspec.Struct, frozen=True):
    """A condition on rows of `users`, and what its placeholders stand for."""

    condition: LiteralString
    values: tuple[object, ...]
    marks: LiteralString = ""
    """The placeholder of marks of which everybody has one for whom it holds; empty where there is none."""


def compile_any(scopes: Sequence[Within], taken: int) -> Reached:
    """The condition that a person is within one of the scopes."""
    parameters = Parameters(taken)
    merged = _merged(scopes)
    marks: list[list[LiteralString]] = [
        [parameters.add(sorted(marks), "uuid[]") for marks in scope.marks] for scope in merged
    ]
    parts: list[LiteralString] = [
        _within(each, scope.roles, parameters) for each, scope in zip(marks, merged, strict=True)
    ]
    condition: LiteralString = "(" + " OR ".join(parts) + ")" if parts else "FALSE"
    return Reached(condition, parameters.values, marks[0][0] if len(merged) == 1 and marks[0] else "")


def begun(marks: LiteralString) -> LiteralString:
    """The condition that the index of places answers for who has one of the marks and a family name that begins so.

    It ends where the two letters and `)` belong, as `Listing.begun` says.
    """
    return "place_names(users.places, users.family_key) && place_names(" + marks + ", "


async def with_ceiling(tx: Tx) -> list[UUID]:
    """Roles whose ceiling names facilities: assignments may name others, which do not count."""
    rows = await tx.rows(
        "SELECT id FROM roles WHERE realm_id = $1 AND org_id IS NULL AND ceiling ?| '{facility,facility_group}'",
        tx.realm_id,
    )
    return [role_id for (role_id,) in rows]


def compile_reaching(marks: Sequence[UUID], roles: Sequence[UUID], taken: int) -> Reached:
    """The condition that a person has one of these marks or roles; an index answers it where there are no roles."""
    parameters = Parameters(taken)
    given = parameters.add(list(marks), "uuid[]")
    if not roles:
        return Reached(_placed(given), parameters.values, given)
    found = "(" + _placed(given) + " OR users.held && " + parameters.add(list(roles), "uuid[]") + ")"
    return Reached(found, parameters.values)


def compile_having(names: Sequence[str], taken: int) -> Reached:
    """The condition that a person has a role with one of these folded names."""
    parameters = Parameters(taken)
    found: LiteralString = (
        "users.id IN (SELECT a.user_id FROM assignments a WHERE a.realm_id = $1 AND a.role_id = ANY(ARRAY("
        "SELECT r.id FROM roles r WHERE r.realm_id = $1 AND r.org_id IS NULL AND r.name_key = ANY("
        + parameters.add(list(names), "text[]")
        + "))))"
    )
    return Reached(found, parameters.values)


def _merged(scopes: Sequence[Within]) -> list[Within]:
    """Scopes that differ in one set of places only are one search."""
    sets: dict[frozenset[str] | None, set[UUID]] = {}
    for scope in scopes:
        if len(scope.marks) == 1:
            sets.setdefault(scope.roles, set()).update(scope.marks[0])
    merged = [Within((frozenset(marks),), roles) for roles, marks in sets.items()]
    return merged + [scope for scope in scopes if len(scope.marks) != 1]


def _within(marks: Sequence[LiteralString], roles: frozenset[str] | None, parameters: Parameters) -> LiteralString:
    parts: list[LiteralString] = [_placed(each) for each in marks]
    if roles is not None:
        parts.append(_only_roles(parameters.add(sorted(roles), "text[]")))
    return "(" + " AND ".join(parts) + ")"


def _placed(marks: LiteralString) -> LiteralString:
    """The index knows only those who are somewhere, and so is used only where that is asked."""
    return "users.places <> '{}' AND users.places && " + marks


def _only_roles(names: LiteralString) -> LiteralString:
    return (
        "users.held <> '{}' AND users.held <@ ARRAY(SELECT r.id FROM roles r WHERE r.realm_id = $1 AND r.org_id IS NULL"
        " AND r.name_key = ANY(" + names + "))"
    )
