"""What is wrong with an input, in the words of the validator that the platform's clients know (notes, section 4)."""

import re
from collections.abc import Mapping
from typing import Final

from roster.kit.errors import Problem

_EXPECTED: Final = re.compile(r"Expected (\w+)(?: (<=|>=|<|>) (-?\d+(?:\.\d+)?))?")
_KINDS: Final[Mapping[str, str]] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "array": "array",
    "object": "object",
}


def of(problem: Problem) -> str:
    """One sentence. `data` stands for the whole, members and elements follow it."""
    whole = "data" if problem.field in ("", "body") else f"data.{problem.field}"
    within, _, name = whole.rpartition(".")
    if problem.code == "required":
        return f"{within} should have required property '{name}'"
    if problem.code == "unknown_field":
        return f"should NOT have additional properties: {name}"
    if problem.code == "not_allowed":
        return f"{whole} should be equal to one of the allowed values"
    return f"{whole} {_said(problem)}"


def _said(problem: Problem) -> str:
    found = _EXPECTED.match(problem.text)
    if found is None:
        return problem.text
    kind, sign, bound = found.groups()
    if sign and problem.code == "out_of_range":
        return f"should be {sign} {bound.removesuffix('.0')}"
    return f"should be {_KINDS.get(kind, kind)}"
