"""Query parameters with brackets as objects: `a[b]=1&c=2&c=3` is `{a: {b: "1"}, c: ["2", "3"]}` (notes, section 9)."""

import re
from collections.abc import Iterable
from typing import Any, Final, cast

from roster.kit.errors import InvalidInput

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEEPEST: Final = 5


def of(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The parameters as an object. A name that is no such path stays as it is. Raises InvalidInput when too deep."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        _put(found, _path(name), value)
    return found


def _path(name: str) -> list[str]:
    read = _NAME.fullmatch(name)
    if read is None:
        return [name]
    inner = read[2][1:-1].split("][") if read[2] else []
    if len(inner) > _DEEPEST:
        raise InvalidInput.of(read[1][:100], "too_deep", "is nested too deep")
    return [read[1], *(part for part in inner if part)]


def _put(found: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        inner = found.get(name)
        if not isinstance(inner, dict):
            inner = found[name] = {}
        found = cast("dict[str, Any]", inner)
    last = path[-1]
    known = found.get(last)
    if known is None:
        found[last] = value
    elif isinstance(known, list):
        cast("list[str]", known).append(value)
    else:
        found[last] = [known, value]
