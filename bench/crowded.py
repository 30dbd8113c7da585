"""The command `roster` with so many operations more in the native API: `python -m bench.crowded 500 serve …`."""

import sys

from roster.cli import main
from roster.dialects.native import dialect
from roster.kit.ids import UserId
from roster.web.operation import Operations


def crowd(count: int) -> None:
    """Add operations of which each shares a part of its path with those that are measured."""
    extra = Operations(tag="Crowd")
    for number in range(count):
        path = f"/users/{{user_id}}/crowd-{number}" if number % 2 else f"/crowd-{number}/{{user_id}}"
        extra.get(path, id=f"crowd{number}")(_nothing)
    dialect.operations.include(extra)


async def _nothing(user_id: UserId) -> str:
    return str(user_id)


if __name__ == "__main__":
    crowd(int(sys.argv.pop(1)))
    main()
