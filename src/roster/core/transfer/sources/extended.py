"""Documents of MongoDB in its extended JSON, as plain JSON: times as texts, numbers as numbers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

_NUMBERS: Final = {"$numberLong": int, "$numberInt": int, "$numberDouble": float, "$numberDecimal": float}
_ISO: Final = re.compile(r"(.*[+-]\d\d)(\d\d)")


def read(text: bytes) -> dict[str, Any]:
    """One document. Raises ValueError, TypeError, OverflowError, OSError, RecursionError for what is none."""
    return cast("dict[str, Any]", _plain(msgspec.json.decode(text, type=dict[str, Any])))


def _plain(value: Any) -> Any:
    """Extended JSON of MongoDB as JSON: times as texts, numbers as numbers."""
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    known = cast("Mapping[str, Any]", value)
    if len(known) == 1:
        name, inner = next(iter(known.items()))
        if name == "$date":
            return _time(_plain(inner))
        if name == "$oid":
            return inner
        if name in _NUMBERS:
            return _NUMBERS[name](inner)
    return {name: _plain(inner) for name, inner in known.items()}


def _time(value: Any) -> str:
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat()
    found = _ISO.fullmatch(value)
    return f"{found[1]}:{found[2]}" if found else str(value)
