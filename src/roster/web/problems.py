"""All that is wrong with an input. msgspec stops at the first problem; this goes on, member by member, once it did."""

import math
import re
import types
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from typing import Any, Literal, Union, cast, get_args, get_origin

import msgspec

from roster.kit.errors import InvalidInput, Problem

_MOST = 50
_LONGEST = 200
"""Characters of a name from the input that are repeated in an answer."""
_WHERE = re.compile(r"^(.*?) - at `\$?(.*)`$", re.DOTALL)
_CODES = (
    ("missing required", "required"),
    ("unknown field", "unknown_field"),
    ("of length", "length"),
    ("matching regex", "pattern"),
    ("Invalid enum", "not_allowed"),
    ("Expected `int` >", "out_of_range"),
    ("Expected `int` <", "out_of_range"),
    ("Expected `float` >", "out_of_range"),
    ("Expected `float` <", "out_of_range"),
    ("out of range", "out_of_range"),
    ("Expected ", "wrong_type"),
)
_LISTS = (list, tuple, set, frozenset)


def of(value: object, kind: Any, error: Exception, *, strict: bool = True) -> InvalidInput:
    """Every problem of the plain `value` as a `kind`; `error` is what msgspec said first."""
    found: list[Problem] = []
    _Check(found, strict=strict).walk(value, kind, "")
    return InvalidInput(found or [problem(str(error), "")])


def problem(message: str, at: str) -> Problem:
    """What msgspec says, as a problem: path to the front, a code, a sentence."""
    located = _WHERE.match(message)
    if located:
        message, at = located[1], join(at, located[2])
    code = next((code for words, code in _CODES if words in message), "invalid")
    text = message.replace("`", "").rstrip(".") + "."
    return Problem(at or "body", code, text)


def join(at: str, rest: str) -> str:
    """Two parts of a dotted path."""
    rest = rest.removeprefix(".")
    return f"{at}.{rest}" if at and rest and not rest.startswith("[") else at + rest


class _Check:
    def __init__(self, found: list[Problem], *, strict: bool) -> None:
        self.found = found
        self.strict = strict

    def walk(self, value: object, kind: Any, at: str) -> None:
        if len(self.found) >= _MOST:
            return
        kind = _bare(kind, value)
        if _is_plain_struct(kind) and isinstance(value, dict):
            self._members(cast("dict[str, object]", value), kind, at)
        elif get_origin(kind) is list and isinstance(value, list):
            self._elements(cast("list[object]", value), get_args(kind)[0], at)
        else:
            self._whole(value, kind, at)

    def _members(self, value: dict[str, object], kind: type[msgspec.Struct], at: str) -> None:
        before = len(self.found)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for name, field in fields.items():
            if name in value:
                self.walk(value[name], field.type, join(at, name))
            elif field.required:
                self.found.append(Problem(join(at, name), "required", "This member is required."))
        if kind.__struct_config__.forbid_unknown_fields:
            for name in islice(value.keys() - fields.keys(), _MOST):
                self.found.append(Problem(join(at, name[:_LONGEST]), "unknown_field", "There is no such member."))
        if len(self.found) == before:
            self._whole(value, kind, at)

    def _elements(self, value: list[object], kind: Any, at: str) -> None:
        for index, element in enumerate(value):
            self.walk(element, kind, f"{at}[{index}]")

    def _whole(self, value: object, kind: Any, at: str) -> None:
        try:
            msgspec.convert(value, kind, strict=self.strict)
        except msgspec.ValidationError as error:
            self.found.append(problem(str(error), at))


def _bare(kind: Any, value: object) -> Any:
    """Without `None` and `UNSET` where only one other type is left, so that the walk can go into it."""
    if get_origin(kind) not in (Union, types.UnionType) or value is None:
        return kind
    members = [member for member in get_args(kind) if member not in (types.NoneType, msgspec.UnsetType)]
    return members[0] if len(members) == 1 else kind


def _is_plain_struct(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and not kind.__struct_config__.array_like
        and kind.__struct_config__.tag is None
    )


def from_json(value: object, kind: Any, error: Exception) -> Any:
    """The plain `value` as a `kind` after all, where whole numbers were only written as `1.0`; to JSON it is the same.

    Raises InvalidInput with every problem otherwise; `error` is what msgspec said first.
    """
    value = _whole_numbers(value)
    try:
        return msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError:
        raise of(value, kind, error) from error


def _whole_numbers(value: object) -> object:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, list):
        return [_whole_numbers(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _whole_numbers(each) for name, each in cast("dict[str, object]", value).items()}
    return value


class _Fields:
    """What must be known of a struct's fields to fill it from text; names are those on the wire."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        fields = msgspec.structs.fields(kind)
        self.several = frozenset(field.encode_name for field in fields if _has(field.type, _LISTS))
        self.single = frozenset(field.encode_name for field in fields) - self.several
        self.not_text = frozenset(field.encode_name for field in fields if not _has(field.type, (str, Any, object)))
        self.numbers = [(field.name, field.encode_name) for field in fields if _has(field.type, (int, float))]


def _has(kind: Any, wanted: tuple[Any, ...]) -> bool:
    """Whether the type is one of those wanted, or has one inside; texts of a list do not count as text."""
    if kind in wanted or get_origin(kind) in wanted:
        return True
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, str)):
        return False
    return any(_has(member, wanted) for member in get_args(kind))


@cache
def from_pairs(kind: type[msgspec.Struct]) -> Callable[[Iterable[tuple[str, str]]], Any]:
    """A function from name-value pairs (a query, a form) to the struct; text becomes numbers and booleans."""
    fields = _Fields(kind)

    def build(pairs: Iterable[tuple[str, str]]) -> Any:
        plain = _gathered(pairs, fields)
        try:
            built = msgspec.convert(plain, kind, strict=False)
        except msgspec.ValidationError as error:
            raise of(plain, kind, error, strict=False) from error
        _refuse_unstorable(built, fields.numbers)
        return built

    return build


def _gathered(pairs: Iterable[tuple[str, str]], fields: _Fields) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in pairs:
        if len(value) == 4 and value.lower() == "null" and name in fields.not_text:
            value += "?"  # noqa: PLW2901 (only JSON has a null; like this it is refused with everything else)
        if name in fields.several:
            plain.setdefault(name, []).append(value)
        elif name in plain and name in fields.single:
            raise InvalidInput.of(name, "repeated", "This parameter may be given only once.")
        else:
            plain[name] = value
    return plain


def _refuse_unstorable(built: msgspec.Struct, numeric: list[tuple[str, str]]) -> None:
    """Integers beyond 64 bits and floats that are no numbers convert well and are stored badly."""
    for name, shown in numeric:
        value = getattr(built, name)
        values = cast("Iterable[object]", value if isinstance(value, _LISTS) else (value,))
        if any(_is_unstorable(each) for each in values):
            raise InvalidInput.of(shown, "out_of_range", "The number is out of range.")


def _is_unstorable(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and not -(2**63) <= value < 2**63
