"""Entries that other programs write into the trail: what they did with somebody's data.

Their actions are words in capitals (`MESSAGE_SEND`), which none of the directory's own are. They are no events: nothing
of the directory has changed.
"""

import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from roster.core.audit import notes_store as store
from roster.core.audit.models import Entry
from roster.kit.errors import Forbidden, InvalidInput, Problem
from roster.kit.values import storable
from roster.storage.tx import Tx

_ACTION: Final = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_LONGEST_MESSAGE: Final = 4000
_LARGEST_PAYLOAD: Final = 16_384
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


async def write(
    tx: Tx,
    user_id: UUID,
    action: str,
    *,
    message: str | None = None,
    payload: dict[str, object] | None = None,
    at: datetime | None = None,
) -> Entry:
    """Write one entry about a person, now or at a time that has passed. Needs `audit.write`.

    Raises Forbidden, InvalidInput.
    """
    if not tx.actor.may("audit.write"):
        raise Forbidden
    problems = _problems(action, message, payload)
    if at is not None and (at.tzinfo is None or at > tx.now + _CLOCKS_DIFFER):
        problems.append(Problem("timestamp", "wrong_value", "This time is not over, or has no zone."))
    if problems:
        raise InvalidInput(problems)
    changes = {"message": [None, message], "payload": [None, payload]}
    return await store.insert(
        tx, user_id, action, at or tx.now, {name: each for name, each in changes.items() if each[1]}
    )


def is_note(entry: Entry) -> bool:
    """Whether another program has written this entry."""
    return _ACTION.fullmatch(entry.action) is not None


def message_of(entry: Entry) -> str | None:
    """What the program has said; None for the directory's own entries."""
    found = _new(entry, "message")
    return found if isinstance(found, str) else None


def payload_of(entry: Entry) -> dict[str, object] | None:
    """The same for what it has added."""
    found = _new(entry, "payload")
    return msgspec.convert(found, dict[str, object]) if isinstance(found, dict) else None


def _new(entry: Entry, name: str) -> object:
    change = entry.changes.get(name) if is_note(entry) else None
    return msgspec.convert(change, list[object])[-1] if isinstance(change, list) and change else None


def _problems(action: str, message: str | None, payload: dict[str, object] | None) -> list[Problem]:
    problems: list[Problem] = []
    if _ACTION.fullmatch(action) is None:
        problems.append(Problem("action", "invalid_text", "An action is a word in capitals, such as MESSAGE_SEND."))
    if message is not None and len(message) > _LONGEST_MESSAGE:
        problems.append(Problem("message", "too_long", f"A message has at most {_LONGEST_MESSAGE} characters."))
    if payload is not None and len(msgspec.json.encode(payload)) > _LARGEST_PAYLOAD:
        problems.append(Problem("payload", "too_large", f"A payload takes at most {_LARGEST_PAYLOAD} bytes."))
    if not (storable(message or "") and _is_storable(payload)):
        problems.append(Problem("payload", "invalid_text", "Texts have characters that cannot be stored."))
    return problems


def _is_storable(value: object) -> bool:
    """Whether all texts in it can be stored, names of members too."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        members = msgspec.convert(value, dict[str, object])
        return all(storable(name) and _is_storable(each) for name, each in members.items())
    if isinstance(value, list):
        return all(map(_is_storable, msgspec.convert(value, list[object])))
    return True
