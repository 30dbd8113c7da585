"""What the database of a run says about its people."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from bench.stage import Stage
from roster.storage import pool

_PEOPLE = (
    "SELECT id, number, version, username, email, phone, family_name FROM users"
    " WHERE realm_id = $1 AND id = ANY($2) ORDER BY id"
)


class Stored(msgspec.Struct, frozen=True):
    """A person, as somebody must know them who changes them."""

    id: UUID
    number: int
    version: int
    username: str
    email: str
    phone: str
    family_name: str


async def people(stage: Stage, numbers: Sequence[int]) -> list[Stored]:
    """Those of the main realm that are called by these numbers here, in the order of their ids."""
    connection = await pool.connect(stage.dsn)
    try:
        rows = await connection.fetch(_PEOPLE, stage.main.id, [stage.main.person_id(number) for number in numbers])
    finally:
        await connection.close()
    return [Stored(*row) for row in rows]
