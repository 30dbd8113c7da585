"""`roster import-sessions`: people stay signed in who came from a Fruster installation."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from roster.cli import opened, output
from roster.core.flows import adopting
from roster.core.flows.adopting import Counts
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime

File = Annotated[
    Path,
    typer.Argument(
        help="The collection of sessions as mongoexport writes it.", exists=True, dir_okay=False, readable=True
    ),
]


def import_sessions(
    file: File,
    *,
    realm: opened.Realm = "main",
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,
) -> None:
    """Take over the sessions of a Fruster installation, after its people.

    Their tokens and cookies are good in the Wellbee API once `dialects.wellbee.legacy_jwt_secret` says what signed
    them.
    """

    async def work(runtime: Runtime, actor: Actor) -> Counts:
        with file.open("rb") as lines:
            return await adopting.sessions(runtime, actor, lines, dialect="wellbee")

    output.row(msgspec.to_builtins(opened.run(data, database_url, realm, work)), as_json=json)


app = opened.command(import_sessions)
