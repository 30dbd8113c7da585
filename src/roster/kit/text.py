"""Comparing texts: the folded form that ignores letter case, and trigrams for finding a part of a text."""

import unicodedata
from functools import lru_cache
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
    found = {
        crc32(folded[at : at + 3].encode("utf-8", "surrogatepass"), seed)
        for folded in map(fold, texts)
        for at in range(len(folded) - 2)
    }
    return sorted(number - (1 << 32) if number >= 1 << 31 else number for number in found)


@lru_cache(10_000)
def _seed(realm_id: UUID) -> int:
    return crc32(realm_id.bytes)
