"""Comparing texts: the folded form that ignores letter case, and trigrams for finding a part of a text."""

import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import cast
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
    """Hashes of all trigrams of the folded texts, distinct and in no order, as signed 32-bit numbers.

    The realm is part of each hash, because the index over them cannot lead with the realm.
    """
    seed = _number(realm_id.bytes)
    trigrams = {folded[at : at + 3] for folded in map(fold, texts) for at in range(len(folded) - 2)}
    return list({number ^ seed for number in map(_gram, trigrams)})


def pairs(realm_id: UUID, values: Mapping[str, object]) -> list[int]:
    """Hashes of everything plain in these JSON values, each with the names on the way to it; of lists, the elements.

    They stand among the trigrams, and are as good for finding what has a value somewhere.
    """
    seed = _number(realm_id.bytes)
    return [_pair(path, value) ^ seed for path, value in _leaves((), values)]


def pair(realm_id: UUID, path: tuple[str, ...], value: object) -> int:
    """One of them. Numbers that are equal have one hash, however they are written."""
    return _pair(path, value) ^ _number(realm_id.bytes)


def _pair(path: tuple[str, ...], value: object) -> int:
    if type(value) is str:  # most are
        spelled = "str " + value
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        spelled = f"{exact.normalize() + 0}"
    else:
        spelled = f"{type(value).__name__} {value}"
    return _signed(crc32("\0".join((*path, spelled)).encode("utf-8", "surrogatepass")))


def _leaves(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    if type(value) is str:
        yield path, value
    elif isinstance(value, Mapping):
        for name, member in cast("Mapping[str, object]", value).items():
            yield from _leaves((*path, name), member)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _leaves(path, each)
    elif value is not None:
        yield path, value


@lru_cache(1 << 14)
def _gram(text: str) -> int:
    """Remembered: names and addresses are made of few trigrams."""
    return _number(text.encode("utf-8", "surrogatepass"))


@lru_cache(1 << 10)
def _number(data: bytes) -> int:
    return _signed(crc32(data))


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number
