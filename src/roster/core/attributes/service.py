"""Defining custom fields, and checking people's values against the definitions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from roster.core.attributes import store
from roster.core.attributes.errors import DefinitionNotFound
from roster.core.attributes.models import Definition, DefinitionDraft, Name
from roster.core.audit import service as audit
from roster.core.realms import service as realms
from roster.kit.errors import Forbidden, InvalidInput, Problem
from roster.storage.tx import Tx

_MAX_BYTES = 16_384
Known = Mapping[str, Definition]
_Definitions = tuple[int, dict[str, Definition], frozenset[str]]


async def current(tx: Tx) -> Known:
    """The realm's definitions by name, remembered under the realm's version."""
    return (_remembered(tx) or await _asked(tx))[1]


async def unseen(tx: Tx) -> frozenset[str]:
    """Names of the fields that no front door shows to anybody."""
    return (_remembered(tx) or await _asked(tx))[2]


def _remembered(tx: Tx) -> _Definitions | None:
    """Those of the version that was read with whoever asks, so they are still true."""
    found = _memo(tx).get(tx.realm_id)
    return found if found is not None and found[0] == tx.actor.realm_version else None


async def _asked(tx: Tx) -> _Definitions:
    realm, memo = await realms.current(tx), _memo(tx)
    found = memo.get(realm.id)
    if found is None or found[0] != realm.version:
        definitions = {each.name: each for each in await store.all_of(tx)}
        hidden = frozenset(name for name, each in definitions.items() if each.visibility == "hidden")
        found = memo[realm.id] = (realm.version, definitions, hidden)
    return found


def _memo(tx: Tx) -> dict[UUID, _Definitions]:
    return tx.runtime.memo.setdefault("attributes", {})


async def define(tx: Tx, name: str, draft: DefinitionDraft) -> Definition:
    """Store a definition; values that people have already are not touched. Needs `realm.write`."""
    _require_write(tx)
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        text = "A name has letters, digits, _ and -, begins with a letter or _ and has at most 64 signs."
        raise InvalidInput.of("name", "invalid_name", text) from None
    definition = await store.put(tx, name, draft)
    await _changed(tx, "attribute.defined", name)
    return definition


async def undefine(tx: Tx, name: str) -> None:
    """Forget a definition; values stay. Raises DefinitionNotFound. Needs `realm.write`."""
    _require_write(tx)
    if not await store.delete(tx, name):
        raise DefinitionNotFound
    await _changed(tx, "attribute.undefined", name)


def check(values: Mapping[str, object], known: Known, *, changed: Mapping[str, object], by_self: bool) -> list[Problem]:
    """What is wrong with a person's custom fields after a change of some of them."""
    problems = [
        problem
        for name, value in changed.items()
        if (problem := _problem(name, value, known.get(name), by_self=by_self)) is not None
    ]
    missing = [each for each in known.values() if each.required and values.get(each.name) is None]
    if not by_self:
        problems += [Problem(f"attributes.{each.name}", "required", "This field is required.") for each in missing]
    if len(msgspec.json.encode(values)) > _MAX_BYTES:
        problems.append(Problem("attributes", "too_large", "Custom fields take at most 16 KiB together."))
    return problems


def _problem(name: str, value: object, definition: Definition | None, *, by_self: bool) -> Problem | None:
    where = f"attributes.{name[:64]}"
    if by_self and (definition is None or definition.writable_by != "self"):
        return Problem(where, "not_writable", "You may not change this field.")
    if not name or len(name) > 64 or "." in name:
        return Problem(where, "invalid_name", "A field's name has 1 to 64 signs and no dot.")
    if value is None or definition is None:
        return None
    if not _TYPES[definition.kind](value):
        return Problem(where, "wrong_type", f"This field takes a value of kind {definition.kind}.")
    if definition.choices is not None and value not in definition.choices:
        return Problem(where, "not_a_choice", "This is none of the field's choices.")
    return None


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and msgspec.convert(value, datetime).tzinfo is not None
    except msgspec.ValidationError:
        return False


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_integer(value)


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "text": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "instant": _is_instant,
    "list": lambda value: isinstance(value, list),
    "any": lambda _: True,
}


def _require_write(tx: Tx) -> None:
    if not tx.actor.may("realm.write"):
        raise Forbidden


async def _changed(tx: Tx, action: str, name: str) -> None:
    await store.raise_realm_version(tx)
    tx.memo.pop("realm", None)
    await audit.record(tx, action, "realm", tx.realm_id, {"name": [None, name]})
