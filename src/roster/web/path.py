"""Path patterns and percent-encoding.

A segment is literal, or one parameter with an optional literal around it: `users`, `{id}`, `~{realm}`, `{id}.json`.
"""

import re
from urllib.parse import unquote_to_bytes

import msgspec

_SEGMENT = re.compile(r"([^{}]*)(?:\{([A-Za-z_][A-Za-z0-9_]*)\}([^{}]*))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Segment(msgspec.Struct, frozen=True):
    """One part of a pattern. `name` is empty for a literal, which is then all in `before`."""

    before: str
    name: str = ""
    after: str = ""


class Pattern:
    """`/users/{id}.json` taken apart. Raises ValueError when it is no pattern."""

    def __init__(self, text: str) -> None:
        if not text.startswith("/"):
            raise ValueError(f"a path starts with a slash: {text!r}")
        self.text = text
        self.segments = tuple(_segment(part, text) for part in text[1:].split("/"))
        self.names = tuple(segment.name for segment in self.segments if segment.name)
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"a parameter occurs twice: {text!r}")


def _segment(part: str, text: str) -> Segment:
    found = _SEGMENT.fullmatch(part)
    if found is None:
        raise ValueError(f"a segment holds at most one parameter: {text!r}")
    return Segment(found[1], found[2] or "", found[3] or "")


def decode(text: str) -> str | None:
    """Percent-decoded text (RFC 3986, 2.1); None when an escape is broken, or the bytes are no UTF-8 or hold NUL."""
    if "%" not in text and text.isascii():
        return None if "\0" in text else text
    if _BAD_ESCAPE.search(text):
        return None
    try:
        decoded = unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeError:
        return None
    return None if "\0" in decoded else decoded


def split(raw: str) -> list[str] | None:
    """Decoded segments of a raw path; an encoded slash stays inside its segment. None when one cannot be decoded."""
    if "%" not in raw and raw.isascii() and "\0" not in raw:
        return raw.split("/")[1:]
    parts = [decode(part) for part in raw.split("/")[1:]]
    return None if None in parts else [part for part in parts if part is not None]
