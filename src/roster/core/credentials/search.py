"""Finding among one person's credentials."""

from collections.abc import Sequence

from roster.core.credentials import service, store
from roster.core.credentials.fields import FIELDS
from roster.core.credentials.models import Credential
from roster.kit.filters import Filter, Sort
from roster.kit.ids import UserId
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.tx import Tx


async def search(
    tx: Tx, user_id: UserId, kinds: Sequence[str], *, where: Filter | None, sorts: Sequence[Sort], page: Page
) -> Slice[Credential]:
    """A page of a person's credentials of these kinds. Needs `credentials.read`, or being that person.

    Raises CredentialNotFound when the actor may see none, InvalidFilter, InvalidCursor.
    """
    await service.require_read(tx, user_id)
    return await listing.fetch(
        tx,
        store.OF_PERSON,
        Credential,
        fields=FIELDS,
        where=where,
        sorts=sorts,
        page=page,
        may_see_private=True,
        args=(user_id, list(kinds)),
        about=(user_id, *kinds),
    )


async def count(tx: Tx, user_id: UserId, kinds: Sequence[str], *, where: Filter | None) -> int:
    """How many there are. Raises as `search` does."""
    await service.require_read(tx, user_id)
    args = (user_id, list(kinds))
    return await listing.count(tx, store.OF_PERSON, fields=FIELDS, where=where, may_see_private=True, args=args)
