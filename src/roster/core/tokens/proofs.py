"""One-time proofs: signed texts that are good for one purpose, once, for a while, and for nothing else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from roster.core.realms import service as realms
from roster.core.tokens import jose, keys, short_proofs, store
from roster.core.tokens.models import Proof, ProofClaims, Purpose
from roster.core.tokens.service import issuer
from roster.kit import actor as actors
from roster.kit.actor import Actor, Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import ProofId, UserId, uuid7
from roster.storage.tx import Tx

TYP: Final = "proof+jwt"


async def issue(
    tx: Tx, purpose: Purpose, user_id: UserId, data: Mapping[str, object], seconds: int, *, short: bool = False
) -> str:
    """The text of a new proof; `short` as in `short_proofs`.

    For a person who does not exist it costs the same and is good for nothing.
    """
    proof_id = ProofId(uuid7())
    expires_at = tx.now + timedelta(seconds=seconds)
    if short:
        text = short_proofs.write(tx.runtime.keyring, tx.realm_id, proof_id)
    else:
        text = await _signed(tx, purpose, user_id, proof_id, int(expires_at.timestamp()))
    await store.insert_proof(tx, proof_id, purpose, user_id, data=data, expires_at=expires_at)
    return text


async def read(tx: Tx, text: str, purpose: Purpose) -> Proof:
    """The proof in either form, if it is good and was not used. Raises InvalidToken. Reading does not use it up."""
    named = short_proofs.read(tx.runtime.keyring, tx.realm_id, text)
    if named is not None:
        return await find(tx, named, purpose)
    claims = await _claims(tx, text)
    if claims.purpose != purpose or not claims.nbf <= tx.now.timestamp() < claims.exp:
        raise InvalidToken
    return await find(tx, ProofId(claims.jti), purpose, UserId(claims.sub))


async def find(tx: Tx, proof_id: ProofId, purpose: Purpose, user_id: UserId | None = None) -> Proof:
    """The stored proof, if it is still open. Raises InvalidToken."""
    proof = await store.look_up_proof(tx, proof_id, purpose, user_id)
    if proof is None:
        raise InvalidToken
    return proof


async def spend(tx: Tx, proof_id: ProofId, purpose: Purpose) -> None:
    """Use a proof up. Raises InvalidToken when somebody else just did."""
    if not await store.spend_proof(tx, proof_id, purpose):
        raise InvalidToken


async def void(tx: Tx, user_id: UserId) -> None:
    """Make all open proofs of a person useless, as after a change of password."""
    await store.void_proofs(tx, user_id)


async def newest(tx: Tx, user_id: UserId, purpose: Purpose) -> Proof | None:
    """The last open proof of a person for this purpose; the caller has checked that the actor may know."""
    return await store.newest_proof(tx, user_id, purpose)


async def void_all(tx: Tx, user_id: UserId, purpose: Purpose) -> int:
    """Make open proofs of a person for this purpose useless; how many there were."""
    return await store.void_proofs_for(tx, user_id, purpose)


async def sweep(tx: Tx) -> int:
    """Remove expired proofs; the number removed."""
    return await store.sweep_proofs(tx)


async def authenticate(tx: Tx, realm_slug: str, text: str, origin: Origin) -> Actor:
    """For front doors where a proof for recovery comes in the place of an access token. Raises InvalidToken.

    The actor is anonymous: the person is in `acting_for`, the proof in `proof` and `credential_id`, and setting the
    password of that person is all that it may do.
    """
    realm = await realms.by_slug(tx, realm_slug)
    tx.actor = await recovering(tx, actors.anonymous(realm.id, realm.slug, origin), text)
    return tx.actor


async def recovering(tx: Tx, actor: Actor, text: str) -> Actor:
    """The actor with this proof for recovery in hand. Raises InvalidToken."""
    with tx.acting(actor):
        proof = await read(tx, text, Purpose.RECOVER_PASSWORD)
    return msgspec.structs.replace(actor, acting_for=proof.user_id, credential_id=proof.id, proof=proof.purpose)


async def _signed(tx: Tx, purpose: Purpose, user_id: UserId, proof_id: ProofId, until: int) -> str:
    realm = await realms.current(tx)
    claims = {
        "iss": issuer(tx.runtime, realm.slug),
        "aud": issuer(tx.runtime, realm.slug),
        "sub": user_id,
        "purpose": purpose.value,
        "iat": int(tx.now.timestamp()),
        "exp": until,
        "jti": proof_id,
    }
    return jose.sign(await keys.signing(tx), TYP, claims)


async def _claims(tx: Tx, text: str) -> ProofClaims:
    realm = await realms.current(tx)
    header = jose.header_of(text)
    key = await keys.verifying(tx, realm.slug, header.kid) if header and header.typ == TYP else None
    if header is None or key is None or header.alg != key.algorithm or realm.status != "active":
        raise InvalidToken
    claims = jose.verified(text, key, ProofClaims)
    expected = issuer(tx.runtime, realm.slug)
    if claims is None or claims.iss != expected or claims.aud != expected:
        raise InvalidToken
    return claims
