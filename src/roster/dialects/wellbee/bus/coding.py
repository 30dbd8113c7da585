"""Long data: zlib in base64, which the bus calls `gzip`, and the parts it is cut into (notes, section 7)."""

import asyncio
import binascii
import zlib
from typing import Final

import msgspec

GZIP: Final = "gzip"
THRESHOLD: Final = 921_600
"""Bytes of data from which on it is compressed, and characters of the parts of what is compressed."""
LONGEST: Final = 16 * 1024 * 1024
"""Bytes of data, unpacked, that are taken."""
_IN_A_THREAD: Final = 65_536


class Corrupt(Exception):
    """What should be compressed data is none, or too much of it; the text says which."""


async def pack(data: bytes) -> str:
    """Compressed, as text."""
    return await asyncio.to_thread(_pack, data) if len(data) > _IN_A_THREAD else _pack(data)


async def unpack(text: str) -> bytes:
    """The data in it. Raises Corrupt, also for more than `LONGEST` bytes, which are never made."""
    return await asyncio.to_thread(_unpack, text) if len(text) > _IN_A_THREAD else _unpack(text)


def text(data: msgspec.Raw) -> str:
    """Compressed data as it stands in a message. Raises Corrupt."""
    try:
        return msgspec.json.decode(data, type=str)
    except msgspec.DecodeError as error:
        raise Corrupt("data should be a text, as its dataEncoding says") from error


def parts(text: str, size: int) -> list[str]:
    """The text in parts of at most that many characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def _pack(data: bytes) -> str:
    return binascii.b2a_base64(zlib.compress(data), newline=False).decode()


def _unpack(text: str) -> bytes:
    try:
        packed = binascii.a2b_base64(text)
        inflating = zlib.decompressobj()
        data = inflating.decompress(packed, LONGEST)
    except (ValueError, zlib.error) as error:
        raise Corrupt("data is not what its dataEncoding says") from error
    if not inflating.eof:
        whole = "data is incomplete"
        raise Corrupt("data is too large" if inflating.unconsumed_tail or len(data) >= LONGEST else whole)
    return data
