"""Reading everybody, page by page.

Each page is a statement of its own behind the last id: a slow reader of an export holds neither a connection nor an old
snapshot of the tables, as it would with a cursor of the server. Everybody is written as they are at their turn.
"""

from typing import Final
from uuid import UUID

import msgspec

from roster.core.credentials import seeds
from roster.core.transfer.exporting import store
from roster.core.transfer.exporting.forms import Form, Ndjson, Table
from roster.core.transfer.exporting.record import FIELDS, ON_REQUEST, SECRETS, Record
from roster.core.transfer.models import ExportOptions
from roster.core.users import search
from roster.kit import filters
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import Sort
from roster.kit.pages import Page
from roster.storage import listing
from roster.storage.tx import Tx

_PEOPLE: Final = 1000


class Written(msgspec.Struct, frozen=True):
    """A page as it goes into the file; `after` is where the next one begins, None behind the last."""

    content: bytes
    people: int
    after: str | None


def checked_fields(options: ExportOptions) -> tuple[str, ...]:
    """The fields that are written. Raises InvalidInput for one that there is not."""
    secrets = SECRETS if options.secrets else ()
    for name in options.fields:
        if name not in FIELDS and name not in ON_REQUEST and name not in secrets:
            raise InvalidInput.of("fields", "unknown_field", f"There is no field {name[:100]!r} to export.")
    return tuple(dict.fromkeys(options.fields or (*FIELDS, *secrets)))


def require_secrets(tx: Tx, options: ExportOptions) -> None:
    """Password hashes are only for those who may do everything."""
    if options.secrets and not tx.actor.may("*"):
        raise Forbidden("Only who may do everything may export password hashes.")


async def check_filter(tx: Tx, options: ExportOptions) -> None:
    """Raise InvalidFilter when it cannot be asked."""
    if options.where is not None:
        filters.check(options.where, await search.fields(tx), may_see_private=True)


async def columns(tx: Tx, form: str) -> list[str]:
    """The custom fields that a table has columns for; none for other forms."""
    return await store.attribute_names(tx) if form == "csv" else []


def form_of(form: str, options: ExportOptions, attributes: list[str]) -> Form:
    """What writes the file."""
    fields = checked_fields(options)
    return Table(fields, attributes) if form == "csv" else Ndjson(fields)


async def page(tx: Tx, form: Form, options: ExportOptions, after: str | None) -> Written:
    """The people behind `after`, the first ones with None. Raises InvalidFilter."""
    found = await listing.fetch(
        tx,
        store.PEOPLE,
        Record,
        fields=await search.fields(tx),
        where=options.where,
        sorts=[Sort("id")],
        page=Page(_PEOPLE, cursor=after),
        may_see_private=True,
        about=("export",),
    )
    secrets = await _secrets(tx, found.items) if options.secrets else {}
    return Written(form.lines(found.items, secrets), len(found.items), found.next)


async def _secrets(tx: Tx, people: list[Record]) -> dict[UUID, dict[str, str]]:
    found: dict[UUID, dict[str, str]] = {}
    for each in await store.secrets_of(tx, people):
        if each.kind == "password" and each.hash is not None:
            found.setdefault(each.user_id, {})["password_hash"] = each.hash
        elif each.sealed is not None:
            seed = seeds.unseal(tx.runtime.keyring, tx.realm_id, each.id, each.sealed)
            if seed is not None:
                found.setdefault(each.user_id, {})["totp"] = seed
    return found
