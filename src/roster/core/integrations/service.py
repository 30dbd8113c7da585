"""Use cases over applications. Each checks the actor, changes, and writes the trail in the caller's transaction."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from roster.core.access import service as access
from roster.core.access import vocabulary
from roster.core.audit import service as audit
from roster.core.integrations import store
from roster.core.integrations.errors import IntegrationNotFound
from roster.core.integrations.fields import FIELDS
from roster.core.integrations.models import Integration, IntegrationDraft
from roster.kit.errors import InvalidInput
from roster.kit.filters import Filter, Sort
from roster.kit.ids import IntegrationId, uuid7
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.tx import Tx

_REDIRECT: Final = re.compile(
    r"https://[^\s/?#@\\]+(?:[/?][^\s#\\]*)?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:[/?][^\s#\\]*)?"
)
"""Addresses on the person's own machine need no encryption (RFC 8252, section 8.3); no fragment (RFC 6749, 3.1.2)."""
_LARGEST_FACETS: Final = 65_536


async def search(tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Integration]:
    """A page of applications. Needs `integrations.read`. Raises Forbidden, InvalidFilter."""
    access.require(tx, "integrations.read")
    return await listing.fetch(
        tx, store.ALL, Integration, fields=FIELDS, where=where, sorts=sorts, page=page, may_see_private=True
    )


async def find_numbered(tx: Tx, number: int) -> Integration:
    """One application by number. Raises IntegrationNotFound. Needs `integrations.read`."""
    access.require(tx, "integrations.read", otherwise=IntegrationNotFound)
    return await store.find_numbered(tx, number)


async def create(tx: Tx, draft: IntegrationDraft) -> Integration:
    """Register an application. Raises InvalidInput, IntegrationAliasTaken. Needs `integrations.write`."""
    access.require(tx, "integrations.write")
    _check(tx, draft)
    made = await store.insert(tx, IntegrationId(uuid7()), draft)
    names = ("alias", "name", "permissions", "redirect_uris")
    changes = {name: [None, getattr(made, name)] for name in names}
    await audit.record(tx, "integration.created", "integration", made.id, changes)
    return made


async def meant(tx: Tx, *, number: int | None = None, alias: str = "") -> Integration:
    """The application that somebody is asked to let act for them; nothing is checked. Raises IntegrationNotFound."""
    found = await store.look_up(tx, alias) if number is None else await store.find_numbered(tx, number)
    if found is None:
        raise IntegrationNotFound
    return found


def _leads_somewhere(address: str) -> bool:
    """Addresses are ASCII (RFC 3986, section 2) and can be taken apart."""
    try:
        return address.isascii() and _REDIRECT.fullmatch(address) is not None and bool(urlsplit(address).hostname)
    except ValueError:
        return False


def _check(tx: Tx, draft: IntegrationDraft) -> None:
    if not draft.name.isprintable() or not draft.name.strip():
        raise InvalidInput.of("name", "invalid_name", "A name holds signs that can be seen.")
    bad = next((each for each in draft.redirect_uris if not _leads_somewhere(each)), None)
    if bad is not None or not draft.redirect_uris:
        text = "Redirects lead to https, or to the person's own machine, and have no fragment."
        raise InvalidInput.of("redirect_uris", "invalid_redirect", text)
    known = vocabulary.of(tx.runtime)
    unknown = next((each for each in draft.permissions if not known.knows(each)), None)
    if unknown is not None:
        raise InvalidInput.of("permissions", "unknown_permission", f"There is no permission {unknown[:100]!r}.")
    if len(msgspec.json.encode(draft.facets)) > _LARGEST_FACETS:
        raise InvalidInput.of("facets", "too_large", "What dialects know of an integration takes at most 64 KiB.")
