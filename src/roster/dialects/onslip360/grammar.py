"""The filter language `q`: text → terms (notes, section 5). What the members mean is `query`'s business. Pure.

    name:oberg AND (updated>"2026-05-01T00:00:00.000Z" OR NOT roles:3) -- "å b" asa

    any   = all { "OR" all }
    all   = not { [ "AND" ] not }
    not   = "NOT" not | "(" any ")" | member operator value | value
    operator: =  :  !=  <  <=  >  >=

Values are bare or in double quotes; a backslash takes the special meaning from the character behind it. Where a value
is expected, a bare one may hold colons, so that times need no quotes.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from roster.dialects.onslip360.errors import BadQuery
from roster.kit.filters import All, AnyOf, Filter, Not

LONGEST: Final = 4096
DEEPEST: Final = 6
"""Parentheses and NOTs inside each other."""
MOST_TERMS: Final = 50

_TOKEN: Final = re.compile(
    r'(?P<space>\s+)|(?P<open>\()|(?P<close>\))|(?P<operator>!=|<=|>=|[=:<>])|"(?P<quoted>(?:[^"\\]|\\.)*+)"'
    r'|(?P<bare>(?:[^\s()"=:\[\]<>\\!]|\\.|!(?!=))++)',
    re.DOTALL,
)
_BARE_VALUE: Final = re.compile(r'(?:[^\s()"=\[\]<>\\!]|\\.|!(?!=))++', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

Term = Callable[[str, str, str], Filter]
"""From member, operator and value to a condition; for a word alone member and operator are empty."""


class _Token(NamedTuple):
    kind: str
    text: str
    end: int


def parse(text: str, term: Term) -> Filter | None:
    """The condition that a text says; None for an empty one. Raises BadQuery, and what `term` raises."""
    if not text.strip():
        return None
    if len(text) > LONGEST:
        raise bad(f"A query has at most {LONGEST} characters.")
    reader = _Reader(text, term)
    found = reader.any_of(0)
    if reader.token.kind != "end":
        raise bad(f"There is something unexpected at character {reader.at + 1}.")
    return found


def bad(sentence: str) -> BadQuery:
    """The error for a query."""
    return BadQuery(text=sentence)


class _Reader:
    """Goes through the text once, one token ahead."""

    def __init__(self, text: str, term: Term) -> None:
        self._text = text
        self._term = term
        self._terms = 0
        self.at = 0
        self.token = self._read(0)

    def any_of(self, depth: int) -> Filter:
        parts = [self._all_of(depth)]
        while self._is_word("OR"):
            self._advance()
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all_of(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self.token.kind not in ("end", "close") and not self._is_word("OR"):
            if self._is_word("AND"):
                self._advance()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise bad(f"A query is nested at most {DEEPEST} levels deep.")
        if self._is_word("NOT"):
            self._advance()
            return Not(self._one(depth + 1))
        if self.token.kind == "open":
            self._advance()
            found = self.any_of(depth + 1)
            self._expect("close")
            return found
        return self._comparison()

    def _comparison(self) -> Filter:
        if self._is_word("AND") or self._is_word("OR"):
            raise bad(f"A condition is missing before character {self.at + 1}.")
        word = self._expect("bare", "quoted")
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise bad(f"A query has at most {MOST_TERMS} conditions.")
        if self.token.kind != "operator":
            return self._term("", "", _plain(word.text))
        operator = self.token.text
        if word.kind != "bare":
            raise bad("What stands before an operator is the name of a member.")
        return self._term(_plain(word.text), operator, self._value())

    def _value(self) -> str:
        """What stands behind an operator."""
        start = self.token.end
        while start < len(self._text) and self._text[start].isspace():
            start += 1
        bare = _BARE_VALUE.match(self._text, start)
        if bare is not None:
            self.at, self.token = bare.end(), self._read(bare.end())
            return _plain(bare[0])
        self._advance()
        return _plain(self._expect("quoted").text)

    def _expect(self, *kinds: str) -> _Token:
        token = self.token
        if token.kind not in kinds:
            raise bad(f"There is something unexpected at character {self.at + 1}.")
        self._advance()
        return token

    def _is_word(self, word: str) -> bool:
        return self.token.kind == "bare" and self.token.text == word

    def _advance(self) -> None:
        self.at = self.token.end
        self.token = self._read(self.at)

    def _read(self, at: int) -> _Token:
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise bad(f"Character {at + 1} cannot stand there.")
            if found.lastgroup != "space":
                kind = found.lastgroup or ""
                return _Token(kind, found[kind], found.end())
            at = found.end()
        return _Token("end", "", len(self._text))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
