"""From the numbers of the wire to organisations, people and roles of the directory."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from roster.core.availability import service as availability
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.memberships.models import Member
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.core.users import numbers
from roster.core.users.errors import UserNotFound
from roster.dialects.groupalarm import catalogue, mapping, wire_organizations
from roster.kit.errors import Forbidden
from roster.kit.ids import OrgId, UserId
from roster.storage.tx import Tx

Number = Annotated[int, Meta(ge=1)]


class InOrganization(msgspec.Struct, frozen=True):
    """In the name of which organisation something is asked."""

    organization: Number


class OfOrganization(msgspec.Struct, frozen=True):
    """The same as role-based access control spells it."""

    organization_id: Number


async def org(tx: Tx, number: int) -> Org:
    """The organisation with this number. Raises OrgNotFound, also for those the actor may not know of."""
    return await orgs.get_by_number(tx, number)


async def member_id(tx: Tx, number: int) -> UserId:
    """Whose number this is. Raises NotAMember, so that numbers of strangers look like those that nobody has."""
    try:
        return await numbers.id_of(tx, number)
    except UserNotFound:
        raise NotAMember from None


def need(tx: Tx, key: str, org: Org) -> None:
    """Raise Forbidden unless the actor has this service and method there; the directory's own checks come besides.

    Keys are finer than the permissions that they mean.
    """
    if not rights.holds(tx, catalogue.permission(key), org):
        raise Forbidden


async def org_of(tx: Tx, number: int, user_id: UserId) -> Org:
    """The same for what is about one person: invited people know of the organisation too. Raises OrgNotFound."""
    if not tx.actor.is_user(user_id):
        return await org(tx, number)
    invited = [each.org_id for each in await memberships.of_user(tx, user_id)]
    known = (await orgs.with_ids(tx, invited)).values()
    return next((each for each in known if each.number == number), None) or await org(tx, number)


async def member(tx: Tx, org_id: OrgId, number: int) -> Member:
    """The member with this number. Raises NotAMember, Forbidden."""
    return await memberships.numbered(tx, org_id, number)


async def shown(tx: Tx, found: Sequence[Org]) -> list[wire_organizations.Organization]:
    """Organisations as the wire shows them; owners, parents, children and counts are read once for all."""
    owners = await orgs.owners_of(tx, found)
    parents = await parent_numbers(tx, found)
    with_parts = await orgs.with_parts(tx, found)
    counts = await availability.counts(tx, found)
    return [
        mapping.organization_out(
            each,
            owners=[owner.number for owner in owners.get(each.id, [])],
            parent=parents.get(each.id, 0),
            has_children=each.id in with_parts,
            counts=counts.get(each.id),
        )
        for each in found
    ]


async def one(tx: Tx, found: Org) -> wire_organizations.Organization:
    """One of these."""
    return (await shown(tx, [found]))[0]


async def parent_numbers(tx: Tx, found: Sequence[Org]) -> Mapping[OrgId, int]:
    """The number of the organisation directly above each that has one."""
    above = {each.parent_id for each in found if each.parent_id is not None}
    known = await orgs.with_ids(tx, sorted(above))
    return {
        each.id: known[each.parent_id].number
        for each in found
        if each.parent_id is not None and each.parent_id in known
    }
