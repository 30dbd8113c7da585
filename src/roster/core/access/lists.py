"""Permission lists: ordered records over people, roles and patterns; the first record that matches decides.

The rule is the one of the AcceleratXR family (acceleratxr-notes, section 8): a list may have a parent to which
undecided questions go, `full` beats the other rights, and no record at all means no.
"""

from collections.abc import Iterable, Mapping

import re2

from roster.core.access.models import AccessList, Rights
from roster.kit.actor import Actor, Kind

MAX_PARENTS = 8
_PATTERN_SIGNS = frozenset("\\^$.|?*+()[]{}")
_NOBODY = frozenset({"anonymous"})
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


def is_valid_pattern(text: str) -> bool:
    """Whether a record's `who` is a plain name or an expression the linear-time engine can run."""
    if len(text) > 200:
        return False
    try:
        re2.compile(text, _OPTIONS)
    except re2.error:
        return False
    return True


def would_add(actor: Actor, names: Iterable[str], whos: Iterable[str]) -> bool:
    """Whether a record about one of these is about a role or a person of such a name, but not about the actor."""
    own, gained = _names(actor), frozenset(names)
    return any(_matches(who, gained) and not _matches(who, own) for who in whos)


def decide(actor: Actor, right: str, name: str, lists: Mapping[str, AccessList]) -> bool:
    """Whether the list called `name`, or else its parents, give the right to the actor."""
    return ask(actor, right, name, lists) or False


def ask(actor: Actor, right: str, name: str, lists: Mapping[str, AccessList]) -> bool | None:
    """The same, or None when the question ends at a list that is not among these: whoever knows it must answer."""
    names = _names(actor)
    current: str | None = name
    for _ in range(MAX_PARENTS):
        if current is None:
            return False
        found = lists.get(current)
        if found is None:
            return None
        answer = _first(found.records, names, right)
        if answer is not None:
            return answer
        current = found.parent
    return False


def _first(records: Iterable[Rights], names: frozenset[str], right: str) -> bool | None:
    """The answer of the first record for one of these names; None when it leaves the question open."""
    for record in records:
        if _matches(record.who, names):
            return True if record.full else getattr(record, right)
    return None


def _matches(who: str, names: frozenset[str]) -> bool:
    if who in names:
        return True
    if not _PATTERN_SIGNS.intersection(who) or names == _NOBODY:
        return False
    pattern = re2.compile(who, _OPTIONS)
    return any(pattern.fullmatch(name) for name in names)


def _names(actor: Actor) -> frozenset[str]:
    """Lists know no places, so a role that somebody has in some places only does not count."""
    if actor.kind is Kind.ANONYMOUS or actor.person_id is None:
        return _NOBODY
    return frozenset({str(actor.person_id), *actor.grants.unlimited})
