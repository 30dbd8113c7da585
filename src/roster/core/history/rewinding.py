"""Undoing what the trail says, newest entry first; pure.

Exact as long as every change of a row writes one entry with the values before, which the features that are walked here
do: fields that were changed stand in the entry, a deletion and a restoration are entries, and the version grows by one
with each of these. Not in the trail, because they are no changes of the thing itself: versions of grants, and when a
person last signed in.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from roster.core.audit.models import Entry
from roster.core.history.errors import NotThere, PastUnknown

State = dict[str, Any]

_STEPS: Final = ("created", "changed", "deleted", "restored", "verified", "key_set", "key_removed")


def steps_of(noun: str) -> list[str]:
    """The actions that change the row of such a thing."""
    return [f"{noun}.{verb}" for verb in _STEPS]


def rewind(now: State, later: Sequence[Entry], last: Entry | None, *, at: datetime, reach: datetime | None) -> State:
    """The state at the moment `at`; `later` are the steps after it, newest first, `last` is the one before them.

    Without one, `reach` is the time of the realm's oldest entry. Raises NotThere when the thing was made later,
    PastUnknown when the trail no longer has what came before.
    """
    created_at = msgspec.convert(now["created_at"], datetime)
    if created_at > at:
        raise NotThere
    if last is None and (reach is None or created_at < reach):
        raise PastUnknown
    state = dict(now)
    for place, entry in enumerate(later):
        _undo(state, entry, [*later[place + 1 :], *([last] if last else [])])
    state["version"] -= len(later)
    state.update(updated_at=last.at if last else now["created_at"], updated_by=_by(last, now))
    if "updated_from" in state:
        state["updated_from"] = last.device_id if last else now["created_from"]
    return state


def _by(last: Entry | None, now: State) -> object:
    """What Roster itself makes, such as a realm's first role, has no entry of its own."""
    return last.actor_id if last else now["created_by"]


def _undo(state: State, entry: Entry, before: Sequence[Entry]) -> None:
    verb = entry.action.partition(".")[2]
    if verb == "deleted":
        state.update(deleted_at=None, deleted_by=None, deleted_from=None)
    elif verb == "restored":
        _delete_again(state, before)
    elif verb == "verified":
        _unverify(state, entry)
    else:
        state.update({name: values[0] for name, values in _values(entry).items() if name in state})


def _values(entry: Entry) -> Mapping[str, Sequence[object]]:
    return msgspec.convert(entry.changes, dict[str, list[Any]])


def _delete_again(state: State, before: Sequence[Entry]) -> None:
    """The entry of the deletion that was undone has the very time that the row had."""
    deletion = next((each for each in before if each.action.endswith(".deleted")), None)
    if deletion is None:
        raise PastUnknown
    state.update(deleted_at=deletion.at, deleted_by=deletion.actor_id, deleted_from=deletion.device_id)


def _unverify(state: State, entry: Entry) -> None:
    """An address that was verified already keeps its first time; else the time is that of the entry."""
    for field in _values(entry):
        name = f"{field}_verified_at"
        if state.get(name) is not None and msgspec.convert(state[name], datetime) == entry.at:
            state[name] = None
