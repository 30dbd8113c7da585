"""Access tokens: issuing them, and finding out on every request who asks.

A token says which session it belongs to; whether that session, its person and its realm are in order is for the store
to say (`standing.py`). So ending a session, disabling or deleting a person ends their tokens on the next request of
every worker. The verdict about a signature never changes.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from roster.core.access import service as access
from roster.core.credentials import marks
from roster.core.realms import service as realms
from roster.core.sessions import activity
from roster.core.sessions.models import Session
from roster.core.tokens import jose, keys, store, verdicts
from roster.core.tokens import standing as standings
from roster.core.tokens.models import AccessClaims, AccessToken, KeyPrincipal
from roster.core.tokens.verdicts import Verdict
from roster.kit import actor as actors
from roster.kit import secrets
from roster.kit.actor import Actor, Kind, Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import SessionId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

TYP: Final = "at+jwt"
NUMBERED: Final = "numbered"
"""Asked for like a claim: the token says its session's generation, and ends with the second refresh after it."""
_OWN_CLAIMS: Final = frozenset({*AccessClaims.__struct_fields__, "purpose"})

jwks = keys.jwks
replace_key = keys.replace


def issuer(runtime: Runtime, realm_slug: str) -> str:
    """Who signs for a realm; also the audience, since any API of the realm takes its tokens."""
    return f"{runtime.settings.server.public_url}/realms/{realm_slug}"


async def issue_access(tx: Tx, session: Session, claims: Mapping[str, object] | None = None) -> AccessToken:
    """An access token (RFC 9068) for a session of the realm acted in; further claims never replace ours."""
    realm = await realms.current(tx)
    now = int(tx.now.timestamp())
    until = min(now + realm.settings.access_token_for, int(session.expires_at.timestamp()))
    own = {
        "iss": issuer(tx.runtime, realm.slug),
        "aud": issuer(tx.runtime, realm.slug),
        "sub": session.user_id,
        "sid": session.id,
        "realm": realm.slug,
        "iat": now,
        "exp": until,
        "jti": uuid7(),
    }
    if claims is not None and NUMBERED in claims:
        own["seq"] = session.generation
    extra = {name: value for name, value in (claims or {}).items() if name not in _OWN_CLAIMS | {NUMBERED}}
    return AccessToken(jose.sign(await keys.signing(tx), TYP, {**extra, **own}), max(0, until - now))


async def authenticate(tx: Tx, realm_slug: str, text: str, origin: Origin) -> Actor:
    """Whoever presents this access token or API key to this realm. Raises InvalidToken, for whatever reason.

    Also leaves the actor in `tx.actor`.
    """
    if not realm_slug.isprintable():
        raise InvalidToken
    if text.startswith("rk_"):
        tx.actor = await _by_key(tx, realm_slug, text, origin)
    else:
        tx.actor = await _by_session(tx, realm_slug, text, origin)
    return tx.actor


def remembered(tx: Tx, text: str, origin: Origin) -> Actor | None:
    """Whoever presents this access token, when that is known and still true; for whatever realm it is."""
    verdict = verdicts.recall(tx, text)
    return None if verdict is None else standings.remembered(tx, verdict, origin)


async def numbered(tx: Tx, realm_slug: str, text: str) -> tuple[SessionId, int]:
    """Session and generation of a numbered token, however old it is: only its signature is checked.

    For front doors where it stands for the refresh token of its generation. Raises InvalidToken.
    """
    verdict = await _verified(tx, realm_slug, text)
    claims = verdict.claims
    realm = await realms.by_slug(tx, realm_slug)
    if claims.seq is None or not _in_order(claims, realm_slug, max(claims.nbf, claims.iat)):
        raise InvalidToken
    if not await keys.is_current(tx, realm_slug, verdict.kid, realm.version):
        raise InvalidToken
    return SessionId(claims.sid), claims.seq


async def of_session(tx: Tx, realm_slug: str, session_id: UUID, user_id: UUID, origin: Origin) -> Actor:
    """Whoever a live session belongs to, for front doors that have verified tokens of their own. Raises InvalidToken.

    Also leaves the actor in `tx.actor`.
    """
    tx.actor = await standings.of_session(tx, realm_slug, session_id, user_id, origin)
    return tx.actor


async def _by_session(tx: Tx, slug: str, text: str, origin: Origin) -> Actor:
    known = remembered(tx, text, origin)
    if known is not None and known.realm_slug == slug:
        return known
    verdict = verdicts.recall(tx, text) or await _verified(tx, slug, text)
    if not _in_order(verdict.claims, slug, tx.now.timestamp()):
        raise InvalidToken
    return await standings.looked_up(tx, verdict, origin)


async def _by_key(tx: Tx, slug: str, text: str, origin: Origin) -> Actor:
    named = marks.read_key(text)
    found = await store.key_principal(tx, slug, *named) if named else None
    if found is None or not secrets.same(found.lookup or b"", secrets.digest(text)):
        raise InvalidToken
    activity.touch_key(tx.runtime, found.realm_id, found.credential_id, found.last_used_at, tx.now)
    tx.actor = actors.anonymous(found.realm_id, slug, origin)
    return await _key_actor(tx, slug, found, origin)


async def _key_actor(tx: Tx, slug: str, found: KeyPrincipal, origin: Origin) -> Actor:
    return Actor(
        Kind.USER,
        found.realm_id,
        slug,
        origin,
        home_id=found.realm_id,
        user_id=found.user_id,
        name=found.username,
        grants=await access.grants_of(tx, found.user_id, (found.access_version, found.realm_access_version)),
        credential_id=found.credential_id,
        factors=(found.kind,),
        realm_version=found.realm_version,
        access_version=found.realm_access_version,
        platform=slug == realms.MAIN,
        locale=found.locale,
        is_confirmed=found.confirmed,
    )


def _in_order(claims: AccessClaims, slug: str, now: float) -> bool:
    return claims.realm == slug and claims.nbf <= now < claims.exp


async def _verified(tx: Tx, slug: str, text: str) -> Verdict:
    """What the token says, whose signature is good, and which we have issued for our own realms."""
    if len(text) > jose.LONGEST or not text.isascii():
        raise InvalidToken
    header = jose.header_of(text)
    if header is None or header.typ != TYP:
        raise InvalidToken
    key = await keys.verifying(tx, slug, header.kid)
    if key is None or header.alg != key.algorithm:
        raise InvalidToken
    claims = jose.verified(text, key, AccessClaims)
    if claims is None or not claims.iss == claims.aud == issuer(tx.runtime, slug):
        raise InvalidToken
    verdict = Verdict(key.kid, claims)
    verdicts.remember(tx, text, verdict)
    return verdict
