"""Tokens of organisations: what their programs prove themselves with. Whoever presents one is no person."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from roster.core.audit import service as audit
from roster.core.orgs import rights, store, tokens_store
from roster.core.orgs.errors import OrgTokenNotFound, TooManyOrgTokens
from roster.core.orgs.models import Issued, Org, OrgToken, OrgTokenDraft
from roster.kit import secrets
from roster.kit.actor import Kind
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId, RealmId, uuid7
from roster.storage.tx import Tx

PREFIX: Final = "ro_"
_BYTES: Final = 16 + 16 + 32
_MOST: Final = 100
_LONGEST_NAME: Final = 200


async def list_of(tx: Tx, org_id: OrgId) -> list[OrgToken]:
    """An organisation's tokens, oldest first. Needs `orgs.administer` there. Raises OrgNotFound, Forbidden."""
    org = await store.find(tx, org_id)
    await rights.require(tx, "orgs.administer", org)
    return await tokens_store.of_org(tx, org_id)


async def find_numbered(tx: Tx, number: int) -> tuple[Org, OrgToken]:
    """A token of any organisation by its number. Needs `orgs.administer` there. Raises OrgTokenNotFound."""
    found = await tokens_store.find_numbered(tx, number)
    org = await store.find(tx, found.org_id)
    if not rights.holds(tx, "orgs.administer", org):
        raise OrgTokenNotFound
    return org, found


async def create(tx: Tx, org_id: OrgId, draft: OrgTokenDraft) -> Issued:
    """Make a token, part of the use case that has locked the organisation and seen that the actor may do so much.

    Raises InvalidInput, TooManyOrgTokens.
    """
    _check(draft, tx.now)
    if len(await tokens_store.of_org(tx, org_id)) >= _MOST:
        raise TooManyOrgTokens
    token_id = uuid7()
    text = PREFIX + secrets.encode(tx.realm_id.bytes + token_id.bytes + os.urandom(32))
    made = await tokens_store.insert(
        tx, token_id, org_id, draft.name, lookup=secrets.digest(text), expires_at=draft.expires_at
    )
    changes = {"name": [None, made.name], "token": [None, str(made.id)]}
    await audit.record(tx, "org_token.created", "org", org_id, changes)
    return Issued(made, text)


async def revoke(tx: Tx, org_id: OrgId, token_id: UUID) -> None:
    """End a token at once. Needs `orgs.administer` there. Raises OrgNotFound, Forbidden, OrgTokenNotFound."""
    org = await store.lock(tx, org_id)
    await require_person(tx, org)
    found = await tokens_store.delete(tx, org_id, token_id)
    if found is None:
        raise OrgTokenNotFound
    await audit.record(tx, "org_token.revoked", "org", org_id, {"name": [found, None], "token": [str(token_id), None]})


def read(text: str) -> tuple[RealmId, UUID] | None:
    """The realm and the token that a text names; None for one that is no token of an organisation."""
    if not text.startswith(PREFIX) or len(text) != len(PREFIX) + 86:
        return None
    data = secrets.decode(text[len(PREFIX) :])
    if data is None or len(data) != _BYTES:
        return None
    return RealmId(UUID(bytes=data[:16])), UUID(bytes=data[16:32])


async def touch(tx: Tx, used: Sequence[tuple[RealmId, UUID, datetime]]) -> None:
    """Write down when tokens were last used; of any realm."""
    await tokens_store.touch(tx, used)


async def require_person(tx: Tx, org: Org) -> None:
    """Raise unless a person with `orgs.administer` in the organisation acts, as for making tokens and ending them."""
    await rights.require(tx, "orgs.administer", org)
    if tx.actor.kind is Kind.ORGANISATION:
        raise Forbidden


def _check(draft: OrgTokenDraft, now: datetime) -> None:
    if len(draft.name) > _LONGEST_NAME or not draft.name.isprintable():
        raise InvalidInput.of("name", "invalid_name", f"Use at most {_LONGEST_NAME} characters, and no control signs.")
    if draft.expires_at is not None and (draft.expires_at.tzinfo is None or draft.expires_at <= now):
        raise InvalidInput.of("expires_at", "in_the_past", "The end of a token lies in the future, with a time zone.")
