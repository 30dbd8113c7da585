"""Where an assignment holds: kinds of context and their values, what a role's ceiling leaves of them, what lies inside.

Everywhere in the core a kind that is not named is not limited, and a kind without values is limited to nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from roster.kit.errors import InvalidInput
from roster.kit.text import fold

FACILITY: Final = "facility"
GROUP: Final = "facility_group"
USER_ROLE: Final = "user_role"
ROLE: Final = "role"
"""Read as `user_role`."""
PLACES: Final = frozenset({FACILITY, GROUP})
"""One limit together: the facilities named, and those of the groups named."""
ORGANISATION: Final = "organisation"
TREE: Final = "organisation_tree"
"""An organisation with all below it."""
ORGANISATIONS: Final = frozenset({ORGANISATION, TREE})
"""One limit together too; values are ids of organisations."""

Contexts = Mapping[str, Sequence[str]]
Groups = Mapping[str, frozenset[str]]
"""Facilities by group, or organisations by the one above them."""
NO_GROUPS: Final[Groups] = MappingProxyType({})
Limits = dict[str, frozenset[str]]

_ABOUT_PEOPLE: Final = ("users.", "roles.", "credentials.", "sessions.")
_MOST_KINDS: Final = 50
_MOST_VALUES: Final = 1000
_LONGEST_KIND: Final = 64
_LONGEST: Final = 200


def normal(contexts: Contexts) -> dict[str, list[str]]:
    """The form in which contexts are stored and compared: kinds and values in order, none twice."""
    return {kind: sorted(set(contexts[kind])) for kind in sorted(contexts)}


def checked(contexts: Contexts, field: str) -> dict[str, list[str]]:
    """The normal form. Raises InvalidInput, naming the field, for names that cannot be, and for too many of them."""
    found = normal(contexts)
    if len(found) > _MOST_KINDS or any(len(values) > _MOST_VALUES for values in found.values()):
        text = f"Use at most {_MOST_KINDS} kinds with {_MOST_VALUES} values each."
        raise InvalidInput.of(field, "too_many", text)
    if not all(0 < len(kind) <= _LONGEST_KIND and kind.isprintable() for kind in found):
        raise InvalidInput.of(field, "invalid_kind", f"A kind has 1 to {_LONGEST_KIND} characters.")
    if not all(0 < len(each) <= _LONGEST and each.isprintable() for values in found.values() for each in values):
        raise InvalidInput.of(field, "invalid_value", f"A value has 1 to {_LONGEST} characters.")
    return found


def of_pairs(pairs: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """Contexts from a list of kind and value; no value says "nothing of this kind"."""
    found: dict[str, list[str]] = {}
    for kind, value in pairs:
        found.setdefault(kind, []).extend([] if value is None else [value])
    return normal(found)


def pairs(contexts: Contexts) -> list[tuple[str, str | None]]:
    """Contexts as a list of kind and value; a kind without values stands there once, without value."""
    return [(kind, value) for kind in sorted(contexts) for value in (sorted(contexts[kind]) or [None])]


def limits_of(contexts: Contexts, trees: Groups = NO_GROUPS) -> Limits:
    """What contexts name. Trees become the organisations in them, each of which is a smaller tree within."""
    found = {kind: frozenset(values) for kind, values in contexts.items()}
    if ORGANISATIONS.isdisjoint(found):
        return found
    inside = frozenset[str]().union(*(trees.get(root, frozenset[str]()) for root in found.get(TREE, ())))
    return {**found, ORGANISATION: found.get(ORGANISATION, frozenset()) | inside, TREE: inside}


def effective(ceiling: Contexts, contexts: Contexts, groups: Groups, trees: Groups = NO_GROUPS) -> Limits:
    """What role and assignment leave together, per kind: what both name, or what the only one that names it says.

    When one of them names facilities and the other groups of them, only facilities that both reach are left: an
    assignment never reaches beyond its role's ceiling.
    """
    found = _together(limits_of(ceiling, trees), limits_of(contexts, trees), groups)
    if not found.get(TREE, True):
        del found[TREE]
    return found


def together(ceiling: Contexts, contexts: Contexts, groups: Groups) -> Limits:
    """The same as they are written, trees by name: where somebody is. In the database `places_left` says so."""
    first, second = ({kind: frozenset(each[kind]) for kind in each} for each in (ceiling, contexts))
    return _together(first, second, groups)


def facilities(limits: Mapping[str, Iterable[str]], groups: Groups) -> frozenset[str] | None:
    """The facilities reached, those of groups included; None when they are not limited."""
    if PLACES.isdisjoint(limits):
        return None
    inside = (groups.get(group, frozenset[str]()) for group in limits.get(GROUP, ()))
    return frozenset(limits.get(FACILITY, ())).union(*inside)


def resolved(limits: Limits, groups: Groups) -> tuple[tuple[str, frozenset[str]], ...]:
    """Limits as `Scope` has them: facilities of groups among the facilities, `role` as `user_role`, in order."""
    found = dict(limits)
    reached = facilities(limits, groups)
    if reached is not None:
        found[FACILITY] = reached
    named = [frozenset(map(fold, found.pop(kind))) for kind in (USER_ROLE, ROLE) if kind in found]
    if named:
        found[USER_ROLE] = named[0].intersection(*named)
    return tuple(sorted(found.items()))


def relevant(limits: Mapping[str, frozenset[str]], permission: str) -> Limits:
    """The limits, as `resolved` gives them, that matter to the permission: whom a role is for only over people."""
    about_people = permission == "*" or permission.startswith(_ABOUT_PEOPLE)
    return {kind: values for kind, values in limits.items() if about_people or kind != USER_ROLE}


def is_nothing(limits: Mapping[str, Iterable[str]]) -> bool:
    """Whether nothing can be within these limits, because a kind is limited and has no values.

    Which people a role is for says nothing about what else it gives, so it does not count here: a role for no other
    people still gives what its permissions say about one's own account, and about what front doors keep.
    """
    named = {kind: bool(tuple(values)) for kind, values in limits.items() if kind not in (USER_ROLE, ROLE)}
    places = [named[kind] for kind in PLACES if kind in named]
    return (bool(places) and not any(places)) or not all(named[kind] for kind in named.keys() - PLACES)


def contains(outer: Mapping[str, frozenset[str]], inner: Mapping[str, frozenset[str]]) -> bool:
    """Whether everything within the inner limits is within the outer ones; both as `resolved` gives them."""
    if not PLACES.isdisjoint(outer):
        if PLACES.isdisjoint(inner):
            return False
        if any(inner.get(kind, frozenset()) - outer.get(kind, frozenset()) for kind in PLACES):
            return False
    if ORGANISATION in outer and inner.get(TREE, frozenset()) - outer.get(TREE, frozenset()):
        return False
    return all(kind in inner and inner[kind] <= outer[kind] for kind in outer.keys() - PLACES - {TREE})


def above(ceiling: Contexts, named: Contexts, groups: Groups, trees: Groups = NO_GROUPS) -> tuple[str, str] | None:
    """The first kind and value that contexts name and a ceiling does not reach."""
    limits = limits_of(ceiling, trees)
    reached = facilities(limits, groups)
    for kind, values in named.items():
        if kind not in limits and (kind not in PLACES or reached is None):
            continue
        for value in values:
            if not _reached(kind, value, limits, reached, groups):
                return kind, value
    return None


def missing(required: Sequence[str], named: Contexts) -> str | None:
    """The first kind that is required and has no value; a group of facilities will do for a facility, and so on."""
    given = {kind for kind, values in named.items() if values}
    given |= {inner for inner, outer in ((FACILITY, GROUP), (ORGANISATION, TREE)) if outer in given}
    return next((kind for kind in required if kind not in given), None)


def withheld(named: Contexts, limits: Limits, groups: Groups) -> dict[str, list[str]]:
    """What the contexts of an assignment name and these limits do not reach, per kind."""
    reached = facilities(limits, groups)
    found: dict[str, list[str]] = {}
    for kind in sorted(named):
        missing = {value for value in named[kind] if not _reached(kind, value, limits, reached, groups)}
        if missing:
            found[kind] = sorted(missing)
    return found


def _reached(kind: str, value: str, limits: Limits, reached: frozenset[str] | None, groups: Groups) -> bool:
    if kind == FACILITY:
        return reached is not None and value in reached
    members = groups.get(value, frozenset[str]()) if kind == GROUP else frozenset[str]()
    return value in limits.get(kind, ()) or (bool(members) and members <= (reached or frozenset()))


def _both(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str]:
    if first is None or second is None:
        return first or second or frozenset()
    return first & second


def _together(first: Limits, second: Limits, groups: Groups) -> Limits:
    kinds = (first.keys() | second.keys()) - PLACES
    found = {kind: _both(first.get(kind), second.get(kind)) for kind in kinds}
    return {**found, **_places(_only_places(first), _only_places(second), groups)}


def _only_places(limits: Limits) -> Limits:
    return {kind: values for kind, values in limits.items() if kind in PLACES}


def _places(first: Limits, second: Limits, groups: Groups) -> Limits:
    if not first or not second:
        return first or second
    found = {kind: first[kind] & second[kind] for kind in first.keys() & second.keys()}
    if first.keys() == second.keys():
        return found
    crossed = _crossing(first, second, groups) | _crossing(second, first, groups)
    if crossed or not found:
        found[FACILITY] = found.get(FACILITY, frozenset()) | crossed
    return found


def _crossing(named: Limits, other: Limits, groups: Groups) -> frozenset[str]:
    """The facilities that one side names and the other reaches by a group, or the other way round."""
    by_group = facilities({GROUP: other.get(GROUP, ())}, groups) or frozenset()
    return named.get(FACILITY, frozenset()) & by_group
