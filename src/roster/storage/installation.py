"""What belongs to the installation as a whole: the check that its secret key is the right one."""

from functools import partial

from roster.kit.errors import RosterError
from roster.storage import migrate
from roster.storage.tx import Tx


class NotReady(RosterError):
    """The database lacks what this release needs. Only a server brings it: a command beside an older one must not."""

    code = "not_ready"
    text = "The database is not set up for this release of Roster yet: start `roster serve` once."


class WrongKey(RosterError):
    """The secret key is not the one this database was set up with."""

    code = "wrong_secret_key"
    text = (
        "The secret key does not belong to this database. Every server of one database needs the same key:"
        " give it as security.secret_key or secret.key in the data folder."
    )


async def check(tx: Tx) -> None:
    """Whether a command can work with this database. Raises NotReady, SchemaTooNew, SchemaChanged, WrongKey."""
    if await tx.with_connection(partial(migrate.pending, phases=("pre",))):
        raise NotReady
    await check_key(tx)


async def check_key(tx: Tx) -> None:
    """Note the key's fingerprint at the first start, compare it ever after. Raises WrongKey."""
    mine = tx.runtime.keyring.fingerprint()
    known = await tx.value(
        "INSERT INTO installation AS i (key_fingerprint, created_at) VALUES ($1, $2)"
        " ON CONFLICT (only_row) DO UPDATE SET key_fingerprint = i.key_fingerprint RETURNING key_fingerprint",
        mine,
        tx.now,
    )
    if known != mine:
        raise WrongKey
