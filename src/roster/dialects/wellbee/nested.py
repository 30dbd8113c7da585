"""Query parameters with brackets as objects (notes, section 9).

`a[b]=1&c=2&c=3` is `{a: {b: "1"}, c: ["2", "3"]}`; members that are numbered, or have no name, are a list.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from roster.kit.errors import InvalidInput

_DEEPEST: Final = 8


def of(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The parameters as an object. Raises InvalidInput when one is nested too deep, or is a value and an object."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        first, _, rest = name.partition("[")
        steps = [first, *(each.rstrip("]") for each in rest.split("[") if rest)]
        if len(steps) > _DEEPEST:
            raise InvalidInput.of(first[:100], "too_deep", "A condition is nested too deep.")
        _put(found, steps, value)
    return {name: _listed(value) for name, value in found.items()}


def _put(into: dict[str, Any], steps: list[str], value: str) -> None:
    *before, last = steps
    for step in before:
        below = into.setdefault(step, {})
        if not isinstance(below, dict):
            raise InvalidInput.of(steps[0][:100], "ambiguous", f"{steps[0][:100]} is both a value and more than one.")
        into = cast("dict[str, Any]", below)
    held = into.get(last)
    if held is None:
        into[last] = value
    else:
        into[last] = [*(cast("list[object]", held) if isinstance(held, list) else [held]), value]


def _listed(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    members = {name: _listed(each) for name, each in cast("Mapping[str, object]", value).items()}
    if members and all(name == "" or name.isdigit() for name in members):
        return [
            one
            for each in members.values()
            for one in (cast("list[object]", each) if isinstance(each, list) else [each])
        ]
    return members
