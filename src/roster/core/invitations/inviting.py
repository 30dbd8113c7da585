"""Inviting a set of people in a few statements: who they are, accounts for the new ones, memberships, mail."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import within
from roster.core.invitations import store
from roster.core.invitations.models import Invitee, Options, Outcome, Result
from roster.core.labels import org_labels
from roster.core.memberships import labels as members_labels
from roster.core.memberships import roles as members_roles
from roster.core.memberships import service as memberships
from roster.core.memberships.models import Membership, MembershipChange
from roster.core.messages import service as messages
from roster.core.messages.service import Letter
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.core.realms import service as realms
from roster.core.tokens import inviting
from roster.core.users import many, normal
from roster.core.users.models import User, UserDraft
from roster.kit.errors import Conflict, Forbidden, InvalidInput, Problem
from roster.kit.ids import LabelId, OrgId, UserId
from roster.kit.text import fold
from roster.storage.tx import Tx

TEMPLATE: Final = "invitation"


class Guest(msgspec.Struct):
    """One of those to invite, and what is known of them so far. `key` is the folded address."""

    invitee: Invitee
    address: str | None = None
    key: str | None = None
    user: User | None = None
    user_id: UserId | None = None
    labels: list[LabelId] = []
    outcome: Outcome | None = None

    @property
    def is_new(self) -> bool:
        """Whether an account was made for them."""
        return self.user is None and self.user_id is not None

    def end(self, result: Result, problem: str | None = None) -> None:
        """This became of them."""
        email = self.address or self.invitee.email
        self.outcome = Outcome(result, email, self.user_id, self.is_new, problem)


async def invite(tx: Tx, org_id: OrgId, invitees: Sequence[Invitee], link: str, options: Options) -> list[Outcome]:
    """Invite these people; what became of each, in their order. Raises what `service.invite` raises."""
    org = await orgs.lock(tx, org_id)
    await require(tx, org, invitees)
    guests = [_known(each) for each in invitees]
    await _label(tx, org, guests, options)
    await _find(tx, org, guests)
    await _make(tx, guests)
    _once(guests)
    members = await memberships.among(tx, org, [each.user_id for each in _going_on(guests) if each.user_id])
    await _already(tx, org, guests, members, options)
    await _pend(tx, org, guests, members, link)
    return [each.outcome for each in guests if each.outcome is not None]


async def require(tx: Tx, org: Org, invitees: Sequence[Invitee]) -> None:
    """Raise unless the actor may invite to the organisation, and give the roles and labels that are to come with it."""
    await rights.require(tx, "members.write", org)
    await within.givable(tx, org, list(dict.fromkeys(role for each in invitees for role in each.roles)))
    if any(each.labels or each.label_names for each in invitees):
        await rights.require(tx, "labels.write", org)


async def mail(tx: Tx, org: Org, guests: Sequence[Guest], members: Mapping[UserId, UUID], link: str) -> None:
    """Put invitations of pending members in force from now on, and mail them to those who have an address."""
    realm = await realms.current(tx)
    lasting = realm.settings.invitation_for
    generations = await store.put(tx, list(members.values()), tx.now + timedelta(seconds=lasting))
    letters: list[Letter] = []
    for guest in guests:
        address = guest.user.email if guest.user else guest.address
        if guest.user_id is None or address is None:
            continue
        membership_id = members[guest.user_id]
        text = inviting.write(tx.runtime.keyring, tx.realm_id, membership_id, generations[membership_id], fold(address))
        path = link.replace("{token}", text).replace("{user_id}", str(guest.user_id))
        values = {
            "link": tx.runtime.settings.server.public_url + path,
            "username": guest.user.username if guest.user else address,
            "display_name": _greeting(guest),
            "realm": realm.display_name or realm.slug,
            "organisation": org.name,
            "note": org.invitation_text,
            "expires_in": lasting,
        }
        spoken = guest.user.locale if guest.user else guest.invitee.locale
        locale = spoken or org.language or realm.settings.default_locale
        letters.append(Letter(values, guest.user_id, address, locale))
    await messages.send_many(tx, TEMPLATE, letters)


def _greeting(guest: Guest) -> str:
    user = guest.user
    if user is not None and user.display_name:
        return user.display_name
    names = (user.given_name, user.family_name) if user else (guest.invitee.given_name, guest.invitee.family_name)
    return " ".join(name for name in names if name)


def _known(invitee: Invitee) -> Guest:
    """What can be said without looking anything up."""
    guest = Guest(invitee)
    if not invitee.email and invitee.user_id is None:
        guest.end(Result.FAILED, "required")
        return guest
    found = normal.email(invitee.email[:321]) if invitee.email else None
    if isinstance(found, Problem):
        guest.end(Result.FAILED, found.code)
    elif found is not None:
        guest.address, guest.key = found
    try:
        memberships.check(invitee.external_id, invitee.facets)
    except InvalidInput as error:
        guest.end(Result.FAILED, error.problems[0].code)
    return guest


def _going_on(guests: Iterable[Guest]) -> list[Guest]:
    return [each for each in guests if each.outcome is None]


async def _label(tx: Tx, org: Org, guests: Sequence[Guest], options: Options) -> None:
    """Which labels everybody shall carry; whoever was to carry one that is not there is not invited."""
    going = _going_on(guests)
    wanted = {each for guest in going for each in guest.invitee.labels}
    names = list(dict.fromkeys(each for guest in going for each in guest.invitee.label_names))
    known = await org_labels.known(tx, org, wanted)
    named = await org_labels.named(tx, org, names, create=options.create_labels)
    for guest in going:
        found = [named.get(fold(each)) for each in guest.invitee.label_names]
        guest.labels = [*guest.invitee.labels, *[each for each in found if each is not None]]
        if None in found or not known.issuperset(guest.invitee.labels):
            guest.end(Result.FAILED, "unknown_label")


async def _find(tx: Tx, org: Org, guests: Sequence[Guest]) -> None:
    """Who is here already: by id those whom the actor may know, the others by address."""
    named = [each for each in _going_on(guests) if each.invitee.user_id is not None]
    people = await many.with_ids(tx, [each.invitee.user_id for each in named if each.invitee.user_id])
    for guest in named:
        user = people.get(guest.invitee.user_id) if guest.invitee.user_id else None
        if user is None or not await _may_name(tx, org, guest, user):
            guest.end(Result.FAILED, "unknown_user")
        else:
            _settle(guest, [user])
    await _address(tx, [each for each in _going_on(guests) if each.user_id is None])


async def _may_name(tx: Tx, org: Org, guest: Guest, user: User) -> bool:
    """Whoever says the address too knows the person; ids alone may be guessed."""
    if guest.key is not None:
        return user.email is not None and normal.is_same_mailbox(user.email, guest.address)
    if await memberships.may_know(tx, user.id):
        return True
    owners = await orgs.owners_of(tx, [org])
    return any(owner.user_id == user.id for each in owners.values() for owner in each)


async def _address(tx: Tx, guests: Sequence[Guest]) -> None:
    holders: dict[str, list[User]] = {}
    for user in await many.addressed(tx, [each.key for each in guests if each.key is not None]):
        holders.setdefault(fold(user.email or ""), []).append(user)
    for guest in guests:
        found = holders.get(guest.key or "")
        if found:
            _settle(guest, found)
            if guest.user is not None and not normal.is_same_mailbox(guest.user.email, guest.address):
                guest.end(Result.FAILED, "not_possible")


def _settle(guest: Guest, found: Sequence[User]) -> None:
    """People who are deleted or switched off, or who share an address, cannot be invited; nobody is told which.

    Nor can whoever has an address that is only compared as the same.
    """
    if len(found) > 1 or found[0].deleted_at is not None or found[0].status == "disabled":
        guest.end(Result.FAILED, "not_possible")
        return
    guest.user, guest.user_id = found[0], found[0].id


async def _make(tx: Tx, guests: Sequence[Guest]) -> None:
    """Accounts for the addresses that nobody has; the same address twice makes one."""
    strangers: dict[str, Guest] = {}
    for guest in _going_on(guests):
        if guest.user_id is None and guest.key is not None:
            strangers.setdefault(guest.key, guest)
    made = await many.create_pending(tx, [_draft(each) for each in strangers.values()])
    again: list[Guest] = []
    for guest, found in zip(strangers.values(), made, strict=True):
        if isinstance(found, Problem):
            guest.end(Result.FAILED, found.code)
        elif found is None:
            again.append(guest)
        else:
            guest.user_id = found
    await _address(tx, again)
    for guest in again:
        if guest.user_id is None and guest.outcome is None:
            guest.end(Result.FAILED, "not_possible")


def _draft(guest: Guest) -> UserDraft:
    address = guest.address or ""
    invitee = guest.invitee
    return UserDraft(
        username=normal.name_for(address),
        email=address,
        given_name=invitee.given_name,
        family_name=invitee.family_name,
        locale=invitee.locale,
        status="pending",
    )


def _once(guests: Sequence[Guest]) -> None:
    """Whoever is named a second time is left out, be it by address or by id."""
    met: set[object] = set()
    for guest in _going_on(guests):
        names = {each for each in (guest.user_id, guest.key) if each is not None}
        if met & names or guest.user_id is None:
            guest.end(Result.SKIPPED, "named_twice")
        met |= names


async def _already(
    tx: Tx, org: Org, guests: Sequence[Guest], members: Mapping[UserId, Membership], options: Options
) -> None:
    """Members are left out, or what is said about them is put in force; an invitation that has expired is made anew."""
    pending = [each.id for each in members.values() if each.state == "pending"]
    live = await store.live(tx, pending) if pending else set[UUID]()
    updated: list[tuple[Membership, list[LabelId]]] = []
    for guest in _going_on(guests):
        member = members.get(guest.user_id) if guest.user_id else None
        if member is None:
            continue
        if options.update:
            if await _update(tx, org, guest, member, options):
                updated.append((member, guest.labels))
        elif member.state == "active" or member.id in live:
            guest.end(Result.SKIPPED, "already_member" if member.state == "active" else "already_invited")
    await members_labels.attach(tx, org, updated, replace=options.replace)


async def _update(tx: Tx, org: Org, guest: Guest, member: Membership, options: Options) -> bool:
    """Whether it was possible."""
    invitee = guest.invitee
    external_id = invitee.external_id if options.replace or invitee.external_id is not None else member.external_id
    gone: dict[str, dict[str, object]] = {name: {} for name in member.facets} if options.replace else {}
    facets = {**gone, **invitee.facets}
    try:
        async with tx.transaction():
            await memberships.change(tx, org.id, member.user_id, MembershipChange(external_id, facets))
            if options.replace:
                await members_roles.set_roles(tx, org.id, member.user_id, invitee.roles)
            for role_id in () if options.replace else invitee.roles:
                await members_roles.assign(tx, org.id, role_id, member.user_id)
    except (Conflict, Forbidden, InvalidInput) as error:
        guest.end(Result.FAILED, error.code)
        return False
    guest.end(Result.UPDATED)
    return True


async def _pend(tx: Tx, org: Org, guests: Sequence[Guest], members: Mapping[UserId, Membership], link: str) -> None:
    going = {each.user_id: each for each in _going_on(guests) if each.user_id is not None}
    new = [user_id for user_id in going if user_id not in members]
    roles = {user_id: guest.invitee.roles for user_id, guest in going.items()}
    labels = {user_id: guest.labels for user_id, guest in going.items()}
    made = await memberships.pend(tx, org, new, roles=roles, labels=labels)
    again = [(members[user_id], guest.labels) for user_id, guest in going.items() if user_id in members]
    await members_labels.attach(tx, org, again)
    pending = {**{each: members[each] for each in going if each in members}, **made}
    told = {
        pending[user_id].id: (guest.invitee.external_id, guest.invitee.facets)
        for user_id, guest in going.items()
        if user_id in pending and (guest.invitee.external_id is not None or guest.invitee.facets)
    }
    await memberships.describe(tx, told)
    there = [guest for user_id, guest in going.items() if user_id in pending]
    await mail(tx, org, there, {user_id: each.id for user_id, each in pending.items()}, link)
    for user_id, guest in going.items():
        if user_id in pending:
            guest.end(Result.INVITED)
        else:
            guest.end(Result.FAILED, "not_possible")
