"""Inviting people to an organisation, few at once or many by a job; sending again; what is open for oneself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from roster.core.audit import service as audit
from roster.core.invitations import inviting, store
from roster.core.invitations.errors import BatchNotFound, InvitationExpired, InvitationNotFound
from roster.core.invitations.inviting import Guest
from roster.core.invitations.models import MOST, SET, Batch, Invitee, Open, Options, Outcome, Own, Result, Shown
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.memberships import service as memberships
from roster.core.messages import service as messages
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import SecondFactorRequired
from roster.core.orgs.models import Org
from roster.core.realms import service as realms
from roster.core.tokens import acting
from roster.core.tokens import inviting as texts
from roster.core.users import many
from roster.core.users import service as users
from roster.jobs import queue
from roster.kit.actor import Actor, system
from roster.kit.errors import Forbidden, Internal, InvalidInput, RosterError, Unavailable
from roster.kit.ids import OrgId, RealmId, UserId, uuid7
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

RUN: Final = "invitations.send"
"""The job's name; its arguments are `realm_id` and `batch_id`."""
_DONE: Final = "invitations_sent"
_KEPT: Final = timedelta(days=30)
_AGAIN: Final = Policy("invitations:user", 5, 3600)
_PURPOSES: Final = (Result.INVITED, Result.UPDATED, Result.SKIPPED, Result.FAILED)
_ORDINARY: Final = Options()

_log = structlog.get_logger("roster.invitations")


async def invite(
    tx: Tx, org_id: OrgId, invitees: Sequence[Invitee], *, link: str, options: Options = _ORDINARY
) -> list[Outcome]:
    """Invite people, at most `SET`, and mail them; what became of each, in their order.

    `link` is the path of a page with `{token}` in it, put behind the configured public address. Needs `members.write`
    in the organisation, and `roles.assign` with all they give for roles. What is wrong with one person is
    their outcome. Raises OrgNotFound, Forbidden, RoleNotFound, Escalation, OwnersOnly, InvalidInput.
    """
    if len(invitees) > SET:
        raise InvalidInput.of("people", "too_many", f"Invite at most {SET} people at once.")
    return await inviting.invite(tx, org_id, invitees, link, options)


async def invite_later(
    tx: Tx, org_id: OrgId, invitees: Sequence[Invitee], *, link: str, options: Options = _ORDINARY
) -> Batch:
    """The same for as many as `MOST`, by a job, which mails the caller when it is done. Raises as `invite`."""
    if not 0 < len(invitees) <= MOST:
        raise InvalidInput.of("people", "too_many", f"Invite between 1 and {MOST} people at once.")
    org = await orgs.get(tx, org_id)
    await inviting.require(tx, org, invitees)
    batch_id = uuid7()
    sets = [invitees[at : at + SET] for at in range(0, len(invitees), SET)]
    kept = acting.kept(tx.actor)
    await store.insert_batch(tx, batch_id, org_id, sets, options=options, link=link, actor=kept)
    await audit.record(tx, "invitations.asked", "org", org_id, {"people": [None, len(invitees)]})
    args = {"realm_id": str(tx.realm_id), "batch_id": str(batch_id)}
    await queue.defer(tx, RUN, args, lock=f"invitations:{org_id}")
    return await store.find_batch(tx, org_id, batch_id)


async def batch(tx: Tx, org_id: OrgId, batch_id: UUID) -> Batch:
    """How far a job is. Needs `members.write`. Raises OrgNotFound, Forbidden, BatchNotFound."""
    await rights.require(tx, "members.write", await orgs.get(tx, org_id))
    return await store.find_batch(tx, org_id, batch_id)


async def outcomes(tx: Tx, org_id: OrgId, batch_id: UUID, number: int) -> list[Outcome] | None:
    """What became of the people of one set of `SET`, in their order; None when it was not tried yet, or is none."""
    await batch(tx, org_id, batch_id)
    return await store.outcomes(tx, batch_id, number)


async def run(runtime: Runtime, args: Mapping[str, Any]) -> None:
    """The job: invite set after set, each in a transaction that also says that it is done, so that none is lost or
    invited twice when the server is killed. Raises Unavailable to be called again.
    """
    roster, batch_id = system(RealmId(UUID(args["realm_id"])), "", "jobs"), UUID(args["batch_id"])
    try:
        async with runtime.write(roster) as tx:
            found = await store.lock_batch(tx, batch_id)
        actor = await acting.restored(runtime, roster.realm_id, found.actor)
        while await _invite_set(runtime, actor, batch_id):
            pass
    except Unavailable:
        raise
    except BatchNotFound:
        _log.info("invitations.gone", batch=str(batch_id))
    except RosterError as error:
        await _fail(runtime, roster, batch_id, error.message)
    except Exception:
        await _fail(runtime, roster, batch_id, Internal.text)
        raise


async def resend(tx: Tx, org_id: OrgId, user_ids: Sequence[UserId], *, link: str) -> list[UserId]:
    """Mail invitations again to those of these people who have not answered; they are good for the whole time again.

    To whom they went: nobody gets more than a few an hour. Earlier mails keep working. Needs `members.write`.
    Raises OrgNotFound, Forbidden, InvalidInput.
    """
    if len(user_ids) > SET:
        raise InvalidInput.of("people", "too_many", f"Send at most {SET} invitations at once.")
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "members.write", org)
    members = await memberships.among(tx, org, list(dict.fromkeys(user_ids)))
    pending = {user_id: each.id for user_id, each in members.items() if each.state == "pending"}
    people = await many.with_ids(tx, list(pending))
    guests = [
        Guest(Invitee(), user=user, user_id=user_id)
        for user_id, user in people.items()
        if not await limits.try_spend(tx, [(_AGAIN, str(user_id))])
    ]
    sent = [guest.user_id for guest in guests if guest.user_id is not None]
    if sent:
        await inviting.mail(tx, org, guests, {user_id: pending[user_id] for user_id in sent}, link)
        changes = {"organisation": [str(org_id), str(org_id)]}
        await audit.record_each(tx, "member.invited_again", "user", dict.fromkeys(sent, changes))
    return sent


async def with_addresses(tx: Tx, org_id: OrgId, addresses: Sequence[str]) -> list[UserId]:
    """Members, pending ones included, who have one of these addresses, for `resend`. Needs `members.write`."""
    org = await orgs.get(tx, org_id)
    await rights.require(tx, "members.write", org)
    keys = [fold(each.strip()) for each in addresses[:SET] if len(each) <= 320]
    found = [user.id for user in await many.addressed(tx, keys) if user.deleted_at is None]
    return list(await memberships.among(tx, org, found))


async def own(tx: Tx, user_id: UserId) -> list[Own]:
    """One's open invitations, each with the token that answers it. Raises Forbidden for everybody else.

    None while one's address is not verified: whoever had registered somebody's address would answer in their place.
    """
    if not tx.actor.is_user(user_id):
        raise Forbidden
    found = [each for each in await store.of_user(tx, user_id) if each.is_confirmed]
    known = await orgs.with_ids(tx, [each.org_id for each in found])
    return [_own(tx, each, known[each.org_id]) for each in found if each.org_id in known]


async def read(tx: Tx, token: str) -> Open:
    """The open invitation that a token answers; nothing is checked about who asks.

    Raises InvitationNotFound, InvitationExpired.
    """
    presented = texts.read(token)
    if presented is None or presented.realm_id != tx.realm_id:
        raise InvitationNotFound
    found = await store.look_up(tx, presented.invitation_id)
    address = fold(found.email or "") if found else ""
    if not texts.is_genuine(tx.runtime.keyring, presented, address):
        raise InvitationNotFound
    if found is None or found.generation != presented.generation or found.status == "disabled":
        raise InvitationNotFound
    if found.expires_at <= tx.now:
        raise InvitationExpired
    return found


async def show(tx: Tx, token: str) -> Shown:
    """What an invitation is about, for the page that answers it. Raises as `read`."""
    found = await read(tx, token)
    org = (await orgs.with_ids(tx, [found.org_id]))[found.org_id]
    needs = await _lacks_second_factor(tx, org, found.user_id)
    return Shown(org.id, org.name, found.email, needs_account(tx, found), needs, found.expires_at)


def needs_account(tx: Tx, found: Open) -> bool:
    """Whether the account becomes theirs only by the answer: it is not in use yet, or nobody has proved its address.

    Whoever is signed in to it, with the mail in hand, proves the address so.
    """
    return found.status == "pending" or not (found.is_confirmed or tx.actor.is_user(found.user_id))


async def spend(tx: Tx, found: Open) -> None:
    """Use an invitation up; part of the use case that answers it under the lock of the organisation."""
    await store.delete(tx, found.id)


async def sweep(tx: Tx) -> int:
    """Forget what jobs did a month ago; the number of jobs. Invitations stay until they are answered or withdrawn."""
    return await store.sweep_batches(tx, tx.now - _KEPT)


async def _lacks_second_factor(tx: Tx, org: Org, user_id: UserId) -> bool:
    try:
        await rights.require_second_factor(tx, org, user_id)
    except SecondFactorRequired:
        return True
    return False


def _own(tx: Tx, found: Open, org: Org) -> Own:
    address = fold(found.email or "")
    token = texts.write(tx.runtime.keyring, tx.realm_id, found.id, found.generation, address)
    return Own(org.id, org.number, org.name, token, found.sent_at, found.expires_at)


async def _invite_set(runtime: Runtime, actor: Actor, batch_id: UUID) -> bool:
    """Whether there may be more to do."""
    async with runtime.write(actor) as tx:
        found = await store.lock_batch(tx, batch_id)
        if found.state != "queued":
            return False
        waiting = await store.next_set(tx, batch_id)
        if waiting is None:
            await _finish(tx, found)
            return False
        number, invitees = waiting
        done = await inviting.invite(tx, found.org_id, invitees, found.link, msgspec.convert(found.options, Options))
        counted = Counter(each.result for each in done)
        await store.put_outcomes(tx, batch_id, number, done, [counted[each] for each in _PURPOSES])
        return True


async def _finish(tx: Tx, found: Batch) -> None:
    await store.end_batch(tx, found.id, "done")
    counts = {"invited": found.invited, "updated": found.updated, "skipped": found.skipped, "failed": found.failed}
    changes = {name: [None, count] for name, count in counts.items()}
    await audit.record(tx, "invitations.sent", "org", found.org_id, changes)
    user = await users.tx_maybe(tx, UserId(found.created_by)) if found.created_by else None
    if user is None or user.email is None or not tx.actor.is_user(user.id):
        return
    realm = await realms.current(tx)
    org = (await orgs.with_ids(tx, [found.org_id]))[found.org_id]
    values = {
        **counts,
        "invited": found.invited + found.updated,
        "username": user.username,
        "display_name": user.display_name,
        "realm": realm.display_name or realm.slug,
        "organisation": org.name,
    }
    locale = user.locale or realm.settings.default_locale
    await messages.send(tx, _DONE, values, user_id=user.id, recipient=user.email, locale=locale)


async def _fail(runtime: Runtime, roster: Actor, batch_id: UUID, text: str) -> None:
    async with runtime.write(roster) as tx:
        await store.end_batch(tx, batch_id, "failed", text)
