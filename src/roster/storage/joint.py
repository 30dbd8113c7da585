"""Several statements sent as one: one trip to the database, one snapshot, and one commit without a transaction around.

Every trip costs the server more than most statements do, and far more while all cores hash: whoever is woken for an
answer finds the processor's caches full of something else.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, LiteralString, cast

import msgspec

from roster.storage.tx import Tx

_PARAMETER: Final = re.compile(r"\$(\d+)")
_TEXTS: Final = 1000


class Part(msgspec.Struct, frozen=True):
    """Named statements as they stand behind WITH, and their parameters, counted from $1.

    Parts behind it may read by name what its statements return. All see the tables as they were before.
    """

    named: LiteralString
    args: tuple[object, ...]


def done(*parts: Part) -> tuple[LiteralString, list[object]]:
    """The parts as one statement with its parameters; its rows are those of the one named `done`."""
    return _joined(parts, "SELECT * FROM done"), _args(parts)


async def ask(tx: Tx, first: tuple[LiteralString, Part], *more: tuple[LiteralString, Part]) -> list[list[Any]]:
    """The rows of several statements, each under its name, which is also what its part calls it."""
    parts = [part for _, part in (first, *more)]
    wanted = ", ".join(f"(SELECT array_agg(whole_row) FROM {name} AS whole_row)" for name, _ in (first, *more))
    rows = await tx.rows(_joined(tuple(parts), f"SELECT {wanted}"), *_args(parts))
    return [found or [] for found in rows[0]]


def _joined(parts: Sequence[Part], last: LiteralString) -> LiteralString:
    return _text(tuple([(part.named, len(part.args)) for part in parts]), last)


def _args(parts: Sequence[Part]) -> list[object]:
    return [arg for part in parts for arg in part.args]


@lru_cache(_TEXTS)
def _text(parts: tuple[tuple[LiteralString, int], ...], last: LiteralString) -> LiteralString:
    shifted: list[str] = []
    before = 0
    for named, count in parts:
        shifted.append(_PARAMETER.sub(lambda found, by=before: f"${int(found[1]) + by}", named))
        before += count
    return cast("LiteralString", f"WITH {', '.join(shifted)} {last}")
