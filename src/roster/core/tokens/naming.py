"""Which realm a token is for, read before anything is proved: for front doors that serve all realms at one address.

The answer decides only whose keys the token is then checked with.
"""

from typing import Final

import msgspec

from roster.core.credentials import marks
from roster.core.orgs import tokens as org_tokens
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.sessions import refreshing
from roster.core.tokens import inviting, jose, verdicts
from roster.kit import secrets
from roster.kit.ids import RealmId
from roster.storage.tx import Tx

_REALMS: Final = "/realms/"


class _Issued(msgspec.Struct, frozen=True):
    iss: str = ""


_DECODE: Final = msgspec.json.Decoder(_Issued).decode


async def realm_of(tx: Tx, text: str) -> str | None:
    """The slug of the realm that an access token, a proof, a key, a refresh token or an invitation says it is for."""
    if text.startswith("rk_"):
        named = marks.read_key(text)
        return await _slug(tx, named[0]) if named else None
    if text.startswith(org_tokens.PREFIX):
        held = org_tokens.read(text)
        return await _slug(tx, held[0]) if held else None
    if text.startswith("rr_"):
        presented = refreshing.read(tx.runtime.keyring, text)
        return await _slug(tx, presented.realm_id) if presented else None
    if text.startswith(inviting.PREFIX):
        invited = inviting.read(text)
        return await _slug(tx, invited.realm_id) if invited else None
    known = verdicts.recall(tx, text)
    return _issuer(text) if known is None else known.claims.realm


async def _slug(tx: Tx, realm_id: RealmId) -> str | None:
    try:
        return (await realms.by_id(tx, realm_id)).slug
    except RealmNotFound:
        return None


def _issuer(text: str) -> str | None:
    parts = text.split(".", 3)
    if len(parts) != 3 or len(text) > jose.LONGEST:
        return None
    payload = secrets.decode(parts[1])
    try:
        issued = _DECODE(payload or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    slug = issued.iss.rpartition(_REALMS)[2]
    return slug if slug.isprintable() and slug else None
