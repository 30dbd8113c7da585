"""Letting an application act for a person (OAuth 2.0 with PKCE, RFC 6749 and 7636): consent, a code, a key for it.

What the application gets is a key that signs requests, limited to what the person let it do. The code is a one-time
proof, and worthless without the verifier whose hash the application sent when it asked.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from roster.core.access import vocabulary
from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.credentials.errors import AliasTaken
from roster.core.credentials.models import SigningDraft, SigningKey
from roster.core.integrations import service as integrations
from roster.core.integrations.errors import IntegrationNotFound, InvalidGrant
from roster.core.integrations.models import Integration
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.tokens import proofs
from roster.core.tokens.models import Proof, Purpose
from roster.core.users import service as users
from roster.kit import actor as actors
from roster.kit import secrets
from roster.kit.actor import Actor, Kind
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_CODE_FOR: Final = 300
"""Seconds that a code may be exchanged in (RFC 6749, section 4.1.2, asks for at most ten minutes)."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


class Grant(msgspec.Struct, frozen=True):
    """What a person lets an application do: these permissions and no more, under this label of the key."""

    permissions: list[str]
    redirect_uri: str
    challenge: str
    label: str = ""
    facets: dict[str, dict[str, object]] = {}


class _Kept(msgspec.Struct, frozen=True):
    """What the proof remembers."""

    integration: str
    grant: Grant


async def authorize(tx: Tx, integration: Integration, grant: Grant) -> str:
    """The code for an application that the actor lets act for them.

    A key comes of it, so it takes what making a key of one's own takes. Raises InvalidInput, StepUpRequired, Forbidden.
    """
    if tx.actor.user_id is None or tx.actor.acting_for is not None:
        raise Forbidden
    await credentials.require_write(tx, tx.actor.user_id)
    _check(tx, integration, grant)
    kept = msgspec.to_builtins(_Kept(integration.alias, grant))
    text = await proofs.issue(tx, Purpose.CONSENT, tx.actor.user_id, kept, _CODE_FOR)
    return f"{tx.actor.realm_slug}.{text}"


async def exchange(
    runtime: Runtime, actor: Actor, code: str, *, alias: str, redirect_uri: str, verifier: str
) -> tuple[SigningKey, Grant]:
    """The key for a code, once. Raises InvalidGrant, whatever is wrong with it."""
    slug, _, text = code.partition(".")
    try:
        async with runtime.lease() as tx:
            realm = await realms.by_slug(tx, slug)
        inside = msgspec.structs.replace(actor, realm_id=realm.id, realm_slug=realm.slug, realm_version=realm.version)
        async with runtime.write(inside) as tx:
            return await _exchange(tx, text, alias=alias, redirect_uri=redirect_uri, verifier=verifier)
    except (RealmNotFound, InvalidToken, IntegrationNotFound):
        raise InvalidGrant from None


async def _exchange(tx: Tx, text: str, *, alias: str, redirect_uri: str, verifier: str) -> tuple[SigningKey, Grant]:
    proof = await proofs.read(tx, text, Purpose.CONSENT)
    kept = msgspec.convert(proof.data, _Kept)
    fits = kept.integration == alias and kept.grant.redirect_uri == redirect_uri
    if not fits or not _proves(verifier, kept.grant.challenge):
        raise InvalidGrant
    integration = await integrations.meant(tx, alias=alias)
    user = await users.tx_maybe(tx, proof.user_id)
    if user is None or user.status != "active":
        raise InvalidGrant
    await proofs.spend(tx, proof.id, Purpose.CONSENT)
    return await _make_key(tx, proof, integration, kept.grant), kept.grant


async def _make_key(tx: Tx, proof: Proof, integration: Integration, grant: Grant) -> SigningKey:
    """Made by the application for the person, who has consented; the trail has both."""
    by = actors.system(tx.realm_id, tx.actor.realm_slug, integration.alias)
    by = msgspec.structs.replace(
        by, kind=Kind.SYSTEM, origin=tx.actor.origin, acting_for=proof.user_id, realm_version=tx.actor.realm_version
    )
    draft = SigningDraft(
        alias=integration.alias,
        label=grant.label or integration.name,
        permissions=grant.permissions,
        facets=grant.facets,
    )
    with tx.acting(by):
        held = {each.data.get("alias") for each in await credentials.list_of(tx, proof.user_id)}
        if draft.alias in held:
            draft = msgspec.structs.replace(draft, alias=f"{integration.alias[:50]}-{proof.id.hex[-8:]}")
        try:
            return await signing.create(tx, proof.user_id, draft, printable=True, application=integration.alias)
        except AliasTaken:
            raise InvalidGrant from None


def redirects_to(integration: Integration, redirect_uri: str) -> bool:
    """Whether an application may be answered there: letter by letter one of those it has registered."""
    return redirect_uri in integration.redirect_uris


def _check(tx: Tx, integration: Integration, grant: Grant) -> None:
    if not redirects_to(integration, grant.redirect_uri):
        raise InvalidInput.of("redirect_uri", "unknown_redirect", "This integration has not registered this address.")
    if not _CHALLENGE.fullmatch(grant.challenge):
        raise InvalidInput.of("code_challenge", "wrong_value", "The challenge is the SHA-256 of a verifier (S256).")
    if not _covers(tx, integration.permissions, grant.permissions):
        raise InvalidInput.of("permissions", "not_asked_for", "The integration does not ask for so much.")


def _covers(tx: Tx, most: Sequence[str], wanted: Sequence[str]) -> bool:
    given = vocabulary.of(tx.runtime).expand(most)
    return "*" in given or given.issuperset(wanted)


def _proves(verifier: str, challenge: str) -> bool:
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return _VERIFIER.fullmatch(verifier) is not None and secrets.same(made, challenge.encode())
