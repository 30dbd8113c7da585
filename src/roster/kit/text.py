"""Comparing texts: the folded form that ignores letter case, and trigrams for finding a part of a text."""

import unicodedata
from functools import lru_cache
from struct import pack, unpack
from uuid import UUID
from zlib import crc32


def fold(text: str) -> str:
    """The form in which texts are compared: NFKC and case folded, so that look-alike spellings are one.

    Folding can undo normal form, hence the second round (Unicode 16, definition 145, "canonical caseless").
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def grams(realm_id: UUID, *texts: str) -> list[int]:
    """Hashes of all trigrams of the folded texts, distinct and sorted, as signed 32-bit numbers.

    The realm is part of each hash, because the index over them cannot lead with the realm.
    """
    seed = _seed(realm_id)
    kept: list[str] = []
    for folded in sorted(map(fold, texts), key=len, reverse=True):
        if not any(folded in longer for longer in kept):  # names often repeat in addresses
            kept.append(folded)
    parts = {part for folded in kept for part in _parts(folded)}
    found = {crc32(part, seed) for part in parts}
    return sorted(unpack(f"{len(found)}i", pack(f"{len(found)}I", *found)))


def _parts(folded: str) -> list[bytes]:
    """All trigrams; slices of bytes where a byte is a character."""
    places = range(len(folded) - 2)
    if folded.isascii():
        data = folded.encode()
        return [data[at : at + 3] for at in places]
    return [folded[at : at + 3].encode("utf-8", "surrogatepass") for at in places]


@lru_cache(10_000)
def _seed(realm_id: UUID) -> int:
    return crc32(realm_id.bytes)
