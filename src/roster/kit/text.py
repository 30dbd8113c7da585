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
    seed = _number(realm_id.bytes)
    trigrams = [folded[at : at + 3] for folded in map(fold, texts) for at in range(len(folded) - 2)]
    return sorted([number ^ seed for number in set(map(_gram, trigrams))])


@lru_cache(1 << 14)
def _gram(text: str) -> int:
    """Remembered: names and addresses are made of few trigrams."""
    return _number(text.encode("utf-8", "surrogatepass"))


@lru_cache(1 << 10)
def _number(data: bytes) -> int:
    number = crc32(data)
    return number - (1 << 32) if number >= 1 << 31 else number
