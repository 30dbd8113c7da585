"""Taking one huge JSON object apart while it arrives: its members, and of long arrays each element on its own.

Only the structure is looked at: strings, brackets, commas. Whoever decodes the parts finds what is wrong inside them.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from roster.core.transfer.errors import MalformedSource

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],:]', re.DOTALL)
_INSIDE: Final = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_QUOTE: Final = b'"'
_SPACE: Final = b" \t\r\n"
_OPENING: Final = b"{["
_BOM: Final = b"\xef\xbb\xbf"


class Part(msgspec.Struct, frozen=True):
    """A member of the object, or an element of a member that is an array; `raw` is None when it was too long."""

    key: str
    raw: bytes | None
    is_element: bool


class Members:
    """Parts of a JSON object, in the order of the file.

    Members named in `lists` come element by element, those in `wanted` whole, others not at all.
    """

    def __init__(self, *, lists: Collection[str], wanted: Collection[str], longest: int, longest_member: int) -> None:
        self._lists, self._wanted = lists, wanted
        self._longest, self._longest_member = longest, longest_member
        self._buffer = b""
        self._at = 0  # what was looked at
        self._from = 0  # where the part begins that is being read
        self._before = 0  # bytes of the file in front of the buffer
        self._depth = 0
        self._level = 1  # depth at which parts end: 1 for members, 2 for elements
        self._key: str | None = None
        self._is_value = False
        self._is_dropped = False
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[Part]:
        """The parts that this piece completes. Raises MalformedSource."""
        self._buffer += data
        while self._pass_inside():
            found = _TOKEN.search(self._buffer, self._at)
            if found is None:
                self._at = len(self._buffer)
                break
            if found[0] == _QUOTE:
                self._at = found.start()
                break
            self._at = found.end()
            yield from self._take(found[0], found.start(), found.end())
        self._shorten()

    def _pass_inside(self) -> bool:
        """Go to where the part ends that is being read, from bracket to bracket; False when that is not here yet."""
        buffer, at, depth = self._buffer, self._at, self._depth
        while depth > self._level:
            inside = _INSIDE.match(buffer, at)
            at = inside.end() if inside else at
            if at >= len(buffer) or buffer[at] == _QUOTE[0]:
                break
            depth += 1 if buffer[at] in _OPENING else -1
            at += 1
        self._at, self._depth = at, depth
        return depth <= self._level

    def finish(self) -> None:
        """Raise MalformedSource when the object has not ended."""
        if not self._is_over:
            raise MalformedSource.because("The file ends in the middle of the JSON object, or holds none.")

    def _take(self, token: bytes, start: int, end: int) -> Iterator[Part]:
        if self._is_over or (self._depth == 0 and token != b"{"):
            raise self._broken(start)
        if token in _OPENING:
            self._open(token, end)
        elif token in b"}]":
            yield from self._close(start, end)
        elif self._depth == self._level and token == b",":
            yield from self._end_of_part(start)
            self._from = end
            self._is_value = self._level == 2
        elif self._depth == 1 and not self._is_value:
            self._member(token, start, end)

    def _open(self, token: bytes, end: int) -> None:
        is_preceded = self._depth == 0 and self._buffer[: end - 1].strip(_SPACE + _BOM)
        if is_preceded or (self._depth == 1 and not self._is_value):
            raise self._broken(end - 1)
        self._depth += 1
        if self._depth == 2 and token == b"[" and self._key in self._lists:
            self._level, self._from = 2, end
        elif self._depth == 1:
            self._from = end

    def _close(self, start: int, end: int) -> Iterator[Part]:
        if self._depth == self._level:
            yield from self._end_of_part(start)
            if self._level == 2:
                self._level, self._key, self._is_value, self._from = 1, None, True, end
            else:
                self._is_over = True
        self._depth -= 1

    def _member(self, token: bytes, start: int, end: int) -> None:
        """At depth 1 a string and a colon come before each value."""
        if token == b":" and self._key is not None:
            self._is_value, self._from = True, end
        elif token[:1] == b'"' and self._key is None:
            self._key = _decoded(token)
        else:
            raise self._broken(start)

    def _end_of_part(self, start: int) -> Iterator[Part]:
        raw = self._buffer[self._from : start].strip(_SPACE)
        key, dropped = self._key, self._is_dropped
        self._is_dropped = False
        if self._level == 2:
            if raw or dropped:
                yield Part(key or "", None if dropped or len(raw) > self._longest else raw, True)
            return
        self._key = None
        if key is not None and key in self._wanted:
            yield Part(key, raw, False)

    def _shorten(self) -> None:
        """Forget what is done with, and what is too long to be kept."""
        keep = self._from
        if self._level == 2 and len(self._buffer) - keep > self._longest:
            self._is_dropped, keep = True, self._at
        elif self._level == 1 and self._key not in self._wanted:
            keep = self._at
        keep = min(keep, self._at)
        if len(self._buffer) - keep > self._longest_member:
            raise MalformedSource.because("The file holds a text that is too long.")
        self._from = max(self._from, keep) - keep
        self._at -= keep
        self._before += keep
        self._buffer = self._buffer[keep:]

    def _broken(self, at: int) -> MalformedSource:
        return MalformedSource.because(f"The file is not one JSON object (byte {self._before + at + 1}).")


def _decoded(token: bytes) -> str:
    try:
        return msgspec.json.decode(token, type=str)
    except ValueError:
        raise MalformedSource.because("A name in the JSON object is not valid text.") from None
