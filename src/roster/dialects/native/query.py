"""The native API's filters and sorts: text → `kit.filters`.

The syntax is that of SCIM (RFC 7644, section 3.4.2.2), with longer names for those who prefer to read them:

    status eq "active" and (email contains "example" or tags eq "vip") and not (phone pr)

- comparisons: `eq` `ne` `gt` `ge` `lt` `le`, `co` or `contains`, `sw` or `starts`, `ew` or `ends`, `matches`,
  `in ("a", "b")`, and `pr` or `exists`, which takes no value
- values are JSON: a text in double quotes, a number, `true`, `false`; `eq null` means "has no value"
- `not` binds tighter than `and`, and that tighter than `or`; keywords in any letter case
- custom fields are `attributes.<name>`
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from roster.kit import filters, ids
from roster.kit.errors import InvalidInput
from roster.kit.filters import All, AnyOf, Compare, Filter, Not, Op, Sort
from roster.kit.pages import InvalidCursor

MAX_LENGTH: Final = 2000
MAX_DEPTH: Final = 16
_REMEMBERED: Final = 200
"""Texts whose meaning a process keeps: programs ask the same again and again."""

_TOKEN: Final = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,3})?(?![\w.]))"
    r"|(?P<word>[A-Za-z_][\w.-]*)"
    r"|(?P<sign>[(),]))",
    re.ASCII | re.DOTALL,
)
_OPERATORS: Final[Mapping[str, Op]] = {
    **{op.value: op for op in Op if op is not Op.EXISTS},
    "co": Op.CONTAINS,
    "sw": Op.STARTS,
    "ew": Op.ENDS,
}
_PRESENT: Final = frozenset({"pr", "exists"})
_CONSTANTS: Final[Mapping[str, object]] = {"true": True, "false": False, "null": None}


class _Token:
    """A piece of the text: its kind, what it says, and where it starts (for messages)."""

    __slots__ = ("at", "kind", "text")

    def __init__(self, kind: str, text: str, at: int) -> None:
        self.kind = kind
        self.text = text
        self.at = at

    @property
    def word(self) -> str:
        """The keyword that this is; empty when it is none."""
        return self.text.lower() if self.kind == "word" else ""


@lru_cache(_REMEMBERED)
def parse_filter(text: str | None) -> Filter | None:
    """The filter that this text spells; None for none at all. Raises InvalidFilter, saying where it goes wrong."""
    if text is None or not text.strip():
        return None
    if len(text) > MAX_LENGTH:
        raise _wrong(f"A filter has at most {MAX_LENGTH} characters.", "too_long")
    return _Parser(_tokens(text)).whole()


@lru_cache(_REMEMBERED)
def parse_sort(text: str | None) -> tuple[Sort, ...]:
    """`-created_at,username` as keys of an order, descending after a hyphen. Raises InvalidFilter."""
    if text is None or not text.strip():
        return ()
    names = [name.strip() for name in text.split(",")]
    if not all(name.removeprefix("-") for name in names):
        raise filters.problem("sort", "malformed", "A sort is a list of field names, each with an optional hyphen.")
    return tuple(Sort(name.removeprefix("-"), descending=name.startswith("-")) for name in names)


def id_of(cursor: str | None) -> UUID | None:
    """The id at which a list in order of ids goes on. Raises InvalidCursor."""
    if cursor is None:
        return None
    found = ids.parse(cursor)
    if found is None:
        raise InvalidCursor.of("cursor", "invalid_cursor", InvalidCursor.text)
    return found


def matching(text: str | None, fields: tuple[str, ...]) -> Filter | None:
    """Every word of a simple search occurs in one of these fields."""
    words = (text or "").split()[:8]
    if not words:
        return None
    return All(tuple(AnyOf(tuple(Compare(name, Op.CONTAINS, word) for name in fields)) for word in words))


def both(*parts: Filter | None) -> Filter | None:
    """What all of these say together."""
    given = tuple(part for part in parts if part is not None)
    return given[0] if len(given) == 1 else All(given) if given else None


class _Parser:
    """Recursive descent; the depth is bounded, so that the text cannot use up the stack."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def whole(self) -> Filter:
        found = self._any(0)
        if self._peek().kind:
            raise _unexpected(self._peek())
        return found

    def _any(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise _wrong(f"A filter is nested at most {MAX_DEPTH} levels deep.", "too_deep")
        parts = [self._all(depth)]
        while self._take_word("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._take_word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Filter:
        negated = False
        while self._take_word("not"):
            negated = not negated
        found = self._group(depth) if self._take_sign("(") else self._comparison()
        return Not(found) if negated else found

    def _group(self, depth: int) -> Filter:
        found = self._any(depth + 1)
        self._expect_sign(")")
        return found

    def _comparison(self) -> Filter:
        field, operator = self._take(), self._take()
        if field.kind != "word":
            raise _unexpected(field)
        if operator.word in _PRESENT:
            return Compare(field.text, Op.EXISTS, value=True)
        op = _OPERATORS.get(operator.word)
        if op is None:
            raise _unexpected(operator)
        if op is Op.IN:
            return Compare(field.text, op, self._values())
        return _compare(field.text, op, self._value())

    def _values(self) -> list[object]:
        self._expect_sign("(")
        values = [self._value()]
        while self._take_sign(","):
            values.append(self._value())
        self._expect_sign(")")
        if None in values:
            raise _wrong("Only eq and ne compare with null.")
        return values

    def _value(self) -> object:
        token = self._take()
        if token.word in _CONSTANTS:
            return _CONSTANTS[token.word]
        if token.kind not in ("text", "number"):
            raise _unexpected(token)
        try:
            return msgspec.json.decode(token.text)
        except msgspec.DecodeError:
            raise _wrong(f"The value at {token.at} is not valid JSON.") from None

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if not token.kind:
            raise _unexpected(token)
        self._next += 1
        return token

    def _take_word(self, word: str) -> bool:
        found = self._peek().word == word
        self._next += found
        return found

    def _take_sign(self, sign: str) -> bool:
        token = self._peek()
        found = token.kind == "sign" and token.text == sign
        self._next += found
        return found

    def _expect_sign(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise _unexpected(self._peek())


def _compare(field: str, op: Op, value: object) -> Filter:
    """Comparisons with null ask whether there is a value; every other operator has nothing to compare with it."""
    if value is not None:
        return Compare(field, op, value)
    if op not in (Op.EQ, Op.NE):
        raise _wrong("Only eq and ne compare with null.")
    return Compare(field, Op.EXISTS, value=op is Op.NE)


def _tokens(text: str) -> list[_Token]:
    """The pieces, closed by one without kind."""
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"The filter cannot be read from position {at + 1} on.")
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*found, _Token("", "", end + 1)]


def _unexpected(token: _Token) -> InvalidInput:
    if not token.kind:
        return _wrong("The filter ends too early.")
    return _wrong(f"{token.text[:40]!r} is not expected at position {token.at}.")


def _wrong(text: str, code: str = "malformed") -> InvalidInput:
    return filters.problem("filter", code, text)
