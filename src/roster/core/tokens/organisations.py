"""Programs of organisations: principals without any person, who may do within theirs what its administrators may.

They are let in by front doors that ask for it, since elsewhere everybody who asks is somebody.
"""

from typing import Final

from roster.core.access import within
from roster.core.orgs import tokens as org_tokens
from roster.core.sessions import activity
from roster.core.tokens import store
from roster.kit import actor as actors
from roster.kit import secrets
from roster.kit.actor import Actor, Kind, Origin
from roster.kit.errors import InvalidToken
from roster.storage.tx import Tx

FACTOR: Final = "organisation"


def is_one(text: str) -> bool:
    """Whether a text looks like a token of an organisation."""
    return text.startswith(org_tokens.PREFIX)


async def authenticate(tx: Tx, realm_slug: str, text: str, origin: Origin) -> Actor:
    """The organisation whose token this is, in this realm. Raises InvalidToken, for whatever reason.

    Also leaves the actor in `tx.actor`.
    """
    named = org_tokens.read(text)
    found = await store.org_principal(tx, realm_slug, *named) if named and realm_slug.isprintable() else None
    if found is None or not secrets.same(found.lookup, secrets.digest(text)):
        raise InvalidToken
    activity.touch_org_token(tx.runtime, found.realm_id, found.token_id, found.last_used_at, tx.now)
    tx.actor = actors.anonymous(found.realm_id, realm_slug, origin)
    tx.actor = Actor(
        Kind.ORGANISATION,
        found.realm_id,
        realm_slug,
        origin,
        home_id=found.realm_id,
        org_id=found.org_id,
        name=found.name,
        grants=await within.grants_of(tx, found.org_id, found.realm_access_version),
        credential_id=found.token_id,
        factors=(FACTOR,),
        realm_version=found.realm_version,
        access_version=found.realm_access_version,
    )
    return tx.actor
