"""A process that imports a file and says how far it is: `python -m ... DSN FOLDER REALM_ID SLUG FILE`. To be killed."""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from roster import app
from roster.core.transfer import files
from roster.core.transfer.models import Transfer
from roster.kit.actor import system
from roster.kit.ids import RealmId
from tests import factories


def _say(transfer: Transfer) -> None:
    print(transfer.checkpoint, flush=True)  # noqa: T201 - this is how the test follows it


async def main(dsn: str, folder: Path, actor_id: UUID, slug: str, file: Path) -> None:
    """Import, resuming if the file was begun before."""
    runtime = app.runtime_of(factories.settings(folder), dsn)
    actor = system(RealmId(actor_id), slug, "test")
    done = await files.run_file(runtime, actor, file, form="roster", watch=_say)
    print(done.state, flush=True)  # noqa: T201 - as above
    await runtime.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), UUID(sys.argv[3]), sys.argv[4], Path(sys.argv[5])))
