r"""Regular expressions of callers, in the common subset that PostgreSQL runs without going back in the text.

Taken are literals, `.`, `^`, `$`, `\b`, classes, groups, alternation and repeats, with the escapes that all dialects
share (`\d \w \s`, their opposites, `\t \n \r \f \v`, `\xHH`, `\uHHHH`, and any sign that is not a letter or a digit).
`\d`, `\w` and `\s` are about ASCII, as in JavaScript. Whether a repeat is greedy makes no difference here. What needs
memory of the text (back references, look-around, atomic groups) and what grows when it is compiled (counted repeats of
counted repeats) is refused. Nothing of the caller's own text is passed on: the expression is written anew.

PostgreSQL runs such an expression as an automaton, so a text costs at most its length times the expression's size. The
size is bounded here, and what many rows take together by a time-out where the statement is run. Expressions that are
known to stop other engines take no longer than others then: `^(a+)+$` on 100,000 names 0.03 s, `(.*a){20}` 0.05 s. What
is slow, several seconds, are counted repeats of what is optional, such as `(a?){100}`, so these count four times.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from roster.kit.text import fold
from roster.kit.values import WrongValue, storable

LONGEST: Final = 256
"""Characters of an expression."""
_LARGEST: Final = 256
"""Signs of an expression when every counted repeat is written out."""
_DEEPEST: Final = 20
_EDGE: Final = 16
"""What the edge of a word counts for: it is an expression of its own to PostgreSQL."""
_REPEATED: Final = 4
"""How much more what holds repeats counts for when it is itself repeated by a count."""
_LAST: Final = 0x10FFFF
_COUNT: Final = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_HEX: Final = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")

_Ranges = tuple[tuple[int, int], ...]
_DIGITS: Final[_Ranges] = ((48, 57),)
_WORD: Final[_Ranges] = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Final[_Ranges] = ((9, 13), (32, 32), (0xA0, 0xA0), (0x2028, 0x2029), (0xFEFF, 0xFEFF))
_SIGNS: Final[Mapping[str, str]] = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}


class Pattern(msgspec.Struct, frozen=True):
    """An expression for PostgreSQL's `~`, and what every text it matches has in it: at its start, or anywhere."""

    sql: str
    start: str
    part: str


class _Piece(msgspec.Struct, frozen=True):
    """A part of an expression. `text` is all that it matches, when that is one text; `part` is in all that it does."""

    sql: str
    size: int
    text: str | None = None
    part: str = ""
    start: str = ""
    repeatable: bool = True
    repeats: bool = False


@lru_cache(1024)
def read(text: str, *, folded: bool) -> Pattern:
    """The expression, for texts as they are or for folded ones (`kit.text.fold`). Raises WrongValue."""
    if len(text) > LONGEST:
        raise WrongValue(f"An expression has at most {LONGEST} characters.")
    if not storable(text):
        raise WrongValue("The text has characters that cannot be stored.")
    whole = _Reader(unicodedata.normalize("NFC", text), folded=folded).whole()
    return Pattern(whole.sql, whole.start, whole.part)


def is_plain(text: str) -> bool:
    """Whether an expression is a text that matches nothing but itself, so that looking for that text says the same."""
    return len(text) <= LONGEST and text.isalnum() and unicodedata.is_normalized("NFC", text)


class _Reader:
    """Reads one expression by recursive descent; the depth is bounded."""

    def __init__(self, text: str, *, folded: bool) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._folded: Callable[[str], str] = fold if folded else str

    def whole(self) -> _Piece:
        if self._text.startswith("(?i)"):  # whether case counts is for the field to say
            self._at = 4
        found = self._choice()
        if self._at < len(self._text):
            raise WrongValue("A closing parenthesis has no opening one.")
        return found

    def _choice(self) -> _Piece:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        size, repeats = sum(each.size for each in branches), any(each.repeats for each in branches)
        return _sized(_Piece("|".join(each.sql for each in branches), size, repeats=repeats))

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            pieces.append(self._repeated())
        return _joined(pieces)

    def _repeated(self) -> _Piece:
        piece = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return piece
        self._take("?")
        if self._peek() in ("*", "+", "?") or self._count():
            raise WrongValue("A repeat cannot be repeated.")
        if not piece.repeatable:
            raise WrongValue("A place in the text cannot be repeated.")
        least, most, sign = bounds
        times = max(1, most if most is not None else least)
        size = piece.size * times * (_REPEATED if piece.repeats and times > 1 else 1)
        part = (piece.text or piece.part) if least else ""
        return _sized(_Piece(_group(piece) + sign, size, part=part, repeats=True))

    def _bounds(self) -> tuple[int, int | None, str] | None:
        """Least, most and spelling of a repeat; None where nothing is repeated."""
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                return least, most, sign
        found = self._count()
        if found is None:
            return None
        self._at = found.end()
        least = int(found[1])
        most = None if found[2] and found[3] is None else int(found[3] or least)
        if max(least, most or 0) > 100 or (most is not None and most < least):
            raise WrongValue("A count is at most 100, and its second number not below its first.")
        return least, most, "{" + str(least) + ("" if most == least else f",{'' if most is None else most}") + "}"

    def _count(self) -> re.Match[str] | None:
        return _COUNT.match(self._text, self._at)

    def _atom(self) -> _Piece:
        sign = self._next()
        match sign:
            case "(":
                return self._nested()
            case "[":
                return self._class()
            case ".":
                return _Piece(".", 1)
            case "^" | "$":
                return _Piece(sign, 0, repeatable=False)
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise WrongValue("There is nothing to repeat.")
            case "{" if _COUNT.match(self._text, self._at - 1):
                raise WrongValue("There is nothing to repeat.")
            case _:
                return self._literal(sign)

    def _nested(self) -> _Piece:
        if self._take("?") and not self._take(":"):
            raise WrongValue("Look-around, names and options of groups are not supported.")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise WrongValue(f"Groups are nested at most {_DEEPEST} deep.")
        inner = self._choice()
        if not self._take(")"):
            raise WrongValue("An opening parenthesis has no closing one.")
        self._depth -= 1
        return msgspec.structs.replace(inner, sql="(?:" + inner.sql + ")")

    def _escape(self) -> _Piece:
        if self._peek() in ("b", "B"):
            return _Piece("\\y" if self._next() == "b" else "\\Y", _EDGE, repeatable=False)
        found = self._shorthand()
        return self._literal(self._escaped()) if found is None else _Piece("[" + _spelled(found) + "]", 1)

    def _shorthand(self) -> _Ranges | None:
        sign = self._peek()
        known = {"d": _DIGITS, "w": _WORD, "s": _SPACE}.get(sign.lower())
        if known is None:
            return None
        self._at += 1
        return known if sign.islower() else _others(known)

    def _escaped(self) -> str:
        found = _HEX.match(self._text, self._at)
        if found:
            self._at = found.end()
            sign = chr(int(found[1] or found[2], 16))
            if not storable(sign):
                raise WrongValue("The text has characters that cannot be stored.")
            return sign
        sign = self._next()
        if sign in _SIGNS:
            return _SIGNS[sign]
        if sign.isalnum():
            raise WrongValue(f"The escape \\{sign} is not supported.")
        return sign

    def _literal(self, sign: str) -> _Piece:
        text = self._folded(sign)
        sure = text if all(each.isascii() or each == each.lower() for each in text) else None
        return _Piece("".join(map(_plain, text)), len(text), text=sure)

    def _class(self) -> _Piece:
        negated = self._take("^")
        members: list[tuple[int, int]] = []
        while not self._take("]"):
            members += self._member()
        if not members:
            raise WrongValue("A class has at least one member.")
        if self._folded is fold:
            members += list(_folds(members))
        return _Piece("[" + ("^" if negated else "") + _spelled(members) + "]", 1)

    def _member(self) -> Iterable[tuple[int, int]]:
        first = self._sign()
        if not isinstance(first, str):
            return first
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return [(ord(first), ord(first))]
        self._at += 1
        last = self._sign()
        if not isinstance(last, str) or last < first:
            raise WrongValue("A range in a class goes from one sign to a later one.")
        return [(ord(first), ord(last))]

    def _sign(self) -> str | _Ranges:
        sign = self._next()
        if sign == "[" and self._peek() in (":", ".", "="):
            raise WrongValue("Named classes are not supported.")
        if sign != "\\":
            return sign
        found = self._shorthand()
        return self._escaped() if found is None else found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _next(self) -> str:
        sign = self._peek()
        if not sign:
            raise WrongValue("The expression ends too early.")
        self._at += 1
        return sign


def _sized(piece: _Piece) -> _Piece:
    if piece.size > _LARGEST:
        raise WrongValue("The expression is too large when its counts are written out.")
    return piece


def _joined(pieces: list[_Piece]) -> _Piece:
    """One after the other: neighbouring texts are one text."""
    runs, parts = [""], [""]
    for piece in pieces:
        if piece.text is None:
            runs.append("")
            parts.append(piece.part)
        else:
            runs[-1] += piece.text
    anchored = bool(pieces) and pieces[0].sql == "^"
    start = runs[1] if anchored else pieces[0].start if pieces else ""
    text = runs[0] if len(runs) == 1 else None
    sql, size = "".join(each.sql for each in pieces), sum(each.size for each in pieces)
    repeats = any(each.repeats for each in pieces)
    return _sized(_Piece(sql, size, text=text, part=max([*runs, *parts], key=len), start=start, repeats=repeats))


def _group(piece: _Piece) -> str:
    return piece.sql if piece.size <= 1 or piece.sql.startswith("(?:") else "(?:" + piece.sql + ")"


def _plain(sign: str) -> str:
    """A sign that stands for itself, inside a class too."""
    return sign if sign.isalnum() or not sign.isascii() else "\\" + sign


def _spelled(members: Iterable[tuple[int, int]]) -> str:
    return "".join(
        _plain(chr(first)) + ("" if first == last else "-" + _plain(chr(last))) for first, last in _merged(members)
    )


def _merged(members: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first = last = -2
    for start, end in sorted(members):
        if start <= last + 1:
            last = max(last, end)
            continue
        if last >= 0:
            yield first, last
        first, last = start, end
    yield first, last


def _others(members: _Ranges) -> _Ranges:
    """All signs but these; there is no NUL."""
    edges = [0, *(edge for first, last in members for edge in (first, last)), _LAST + 1]
    return tuple((edges[at] + 1, edges[at + 1] - 1) for at in range(0, len(edges), 2))


def _folds(members: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """How the signs are spelled in folded texts; of long ranges only what ASCII has in them."""
    for first, last in members:
        for code in range(first, (last if last - first < 1000 else min(last, 127)) + 1):
            folded = fold(chr(code)) if not 0xD800 <= code <= 0xDFFF else ""
            if len(folded) == 1:
                yield ord(folded), ord(folded)
