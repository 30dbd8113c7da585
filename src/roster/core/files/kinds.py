"""What a file is, by how it begins: its name and what its sender says are not believed."""

from collections.abc import Sequence
from typing import Final

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """A media type with the ending of its object names, and the bytes that stand at a place in every such file."""

    media_type: str
    ending: str
    marks: tuple[tuple[int, bytes], ...]


KINDS: Final = (
    Kind("image/png", "png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    Kind("image/jpeg", "jpg", ((0, b"\xff\xd8\xff"),)),
    Kind("image/gif", "gif", ((0, b"GIF87a"),)),
    Kind("image/gif", "gif", ((0, b"GIF89a"),)),
    Kind("image/webp", "webp", ((0, b"RIFF"), (8, b"WEBP"))),
    Kind("application/pdf", "pdf", ((0, b"%PDF-"),)),
    Kind("video/mp4", "mp4", ((4, b"ftyp"),)),
    Kind("video/webm", "webm", ((0, b"\x1a\x45\xdf\xa3"),)),
    Kind("audio/mpeg", "mp3", ((0, b"ID3"),)),
    Kind("audio/ogg", "ogg", ((0, b"OggS"),)),
)
PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
LONGEST_MARK: Final = 16
"""Bytes of a file that tell its kind."""


def of(head: bytes, allowed: Sequence[str]) -> Kind | None:
    """The kind that a file beginning so is; None for one that is not allowed. `image/*` allows all pictures."""
    for kind in KINDS:
        is_allowed = kind.media_type in allowed or kind.media_type.partition("/")[0] + "/*" in allowed
        if is_allowed and all(head[at : at + len(mark)] == mark for at, mark in kind.marks):
            return kind
    return None
