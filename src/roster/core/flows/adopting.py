"""Taking sessions over from the Fruster platform, so that people stay signed in when its installation is replaced."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.sessions import texts
from roster.core.sessions.models import Adopted
from roster.core.transfer.sources import extended
from roster.kit.actor import Actor
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_BATCH: Final = 500
_LONGEST: Final = 64 * 1024
_INSTANT = Annotated[datetime, Meta(tz=True)]


class Counts(msgspec.Struct, frozen=True):
    """What became of the lines: taken over, over or of nobody here, and unreadable."""

    taken: int = 0
    left: int = 0
    refused: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.taken + other.taken, self.left + other.left, self.refused + other.refused)


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    version: str | None = None
    user_agent: str | None = None
    created: _INSTANT | None = None
    last_activity: _INSTANT | None = None


class _Line(msgspec.Struct, frozen=True, rename="camel"):
    id: Annotated[str, Meta(pattern="^[0-9a-f]{128}$")]
    user_id: UUID
    expires: _INSTANT
    session_details: _Details | None = None


async def sessions(runtime: Runtime, actor: Actor, lines: Iterable[bytes], *, dialect: str) -> Counts:
    """Take over sessions: a document a line, as `mongoexport` writes the collection. Doing it again changes nothing.

    Tokens of theirs are good for the front door that knows who signed them. Needs `transfers.write` and
    `sessions.write`.
    """
    counts, batch = Counts(), list[bytes]()
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            counts += await _taken(runtime, actor, batch, dialect)
            batch.clear()
    return counts + await _taken(runtime, actor, batch, dialect)


async def _taken(runtime: Runtime, actor: Actor, lines: Sequence[bytes], dialect: str) -> Counts:
    async with runtime.write(actor) as tx:
        access.require(tx, "transfers.write")
        access.require(tx, "sessions.write")
        counts = Counts()
        for line in lines:
            if line.strip():
                counts += await _one(tx, line, dialect)
        if counts.taken:
            await audit.record(tx, "session.imported", "realm", tx.realm_id, {"count": [None, counts.taken]})
        return counts


async def _one(tx: Tx, line: bytes, dialect: str) -> Counts:
    try:
        found = msgspec.convert(extended.read(line[:_LONGEST]), _Line)
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        return Counts(refused=1)
    known = found.session_details or _Details()
    created = min(known.created or tx.now, tx.now)
    adopted = Adopted(
        mark=found.id,
        user_id=UserId(found.user_id),
        created_at=created,
        last_used_at=max(created, min(known.last_activity or created, tx.now)),
        expires_at=found.expires,
        dialect=dialect,
        label=_line(known.version),
        user_agent=_line(known.user_agent),
    )
    return Counts(taken=1) if await texts.adopt(tx, adopted) else Counts(left=1)


def _line(text: str | None) -> str:
    return "".join(sign for sign in (text or "")[:500] if sign.isprintable())
