"""External identities: who somebody is elsewhere, by provider and subject, as a way to sign in."""

from collections.abc import Sequence

import msgspec

from roster.core.access import recent
from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.credentials import marks, rules, store
from roster.core.credentials.models import Identity, Kind
from roster.kit.ids import CredentialId, UserId
from roster.storage.tx import Tx


class Attached(msgspec.Struct, frozen=True):
    """To whom an external identity belongs, and by which credential."""

    id: CredentialId
    user_id: UserId
    version: int


async def of_people(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[tuple[str, str]]]:
    """Provider and subject of people's external identities; the caller has checked that the actor may see them."""
    return await store.external_ids(tx, user_ids) if user_ids else {}


async def replace(tx: Tx, user_id: UserId, identities: Sequence[Identity]) -> None:
    """Make a person's external identities exactly these.

    Needs `credentials.write`; raises Escalation, and CredentialExists for one that somebody else has.
    """
    recent.require_no_application(tx, user_id)
    await access.require_over(tx, "credentials.write", user_id)
    await access.require_not_above(tx, user_id)
    wanted = {marks.external(each.provider, each.subject): each for each in identities}
    held = await store.external_marks(tx, user_id)
    for mark in held.keys() - wanted.keys():
        await store.delete(tx, held[mark])
        await audit.record(tx, "credential.deleted", "user", user_id, {"kind": [Kind.EXTERNAL.value, None]})
    for mark in wanted.keys() - held.keys():
        await _insert(tx, user_id, wanted[mark])


async def find(tx: Tx, identity: Identity) -> Attached | None:
    """Who has this external identity."""
    found = await store.external(tx, marks.external(identity.provider, identity.subject))
    return Attached(*found) if found else None


async def attach(tx: Tx, user_id: UserId, identity: Identity) -> Attached:
    """Give a person an external identity; whoever had it before loses it, with the sessions it opened."""
    known = await find(tx, identity)
    if known is not None and known.user_id == user_id:
        return known
    if known is not None:
        await store.delete(tx, known.id)
        await audit.record(tx, "credential.deleted", "user", known.user_id, {"kind": [Kind.EXTERNAL.value, None]})
    return await _insert(tx, user_id, identity)


async def _insert(tx: Tx, user_id: UserId, identity: Identity) -> Attached:
    rules.check_text(identity.provider, "provider", 64)
    rules.check_text(identity.subject, "subject", 255)
    made = await store.insert(
        tx,
        user_id,
        Kind.EXTERNAL,
        label=identity.provider,
        lookup=marks.external(identity.provider, identity.subject),
        data={"provider": identity.provider, "subject": identity.subject},
    )
    await audit.record(tx, "credential.created", "user", user_id, {"kind": [None, Kind.EXTERNAL.value]})
    return Attached(made.id, user_id, made.version)
