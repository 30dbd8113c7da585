"""Organisations: owners, members, roles, tokens."""

from collections.abc import Iterable
from typing import cast

import msgspec

from roster.core.access.models import Role, RoleChange, RoleDraft
from roster.core.memberships.models import Member, Membership, MembershipChange
from roster.core.orgs.models import Issued, Org, OrgChange, OrgDraft, OrgToken, OrgTokenDraft, Owner
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.wire import organisations as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.ids import OrgId


def org_out(org: Org) -> wire.Organisation:
    """An organisation."""
    return wire.Organisation(
        id=org.id,
        number=org.number,
        parent_id=org.parent_id,
        path=list(org.path),
        name=org.name,
        description=org.description,
        language=org.language,
        timezone=org.timezone,
        enforces_mfa=org.enforces_mfa,
        invitation_text=org.invitation_text,
        version=org.version,
        created_at=instant(org.created_at),
        created_by=org.created_by,
        updated_at=instant(org.updated_at),
        updated_by=org.updated_by,
    )


def org_draft(body: wire.OrganisationCreate) -> OrgDraft:
    """An organisation to be made."""
    return OrgDraft(
        body.name,
        None if body.parent_id is None else OrgId(body.parent_id),
        body.description,
        body.language,
        body.timezone,
        body.enforces_mfa,
        number=body.number,
    )


def org_change(body: wire.OrganisationPatch) -> OrgChange:
    """What the caller named."""
    return OrgChange(body.name, body.description, body.language, body.timezone, body.enforces_mfa, body.invitation_text)


def owners_out(owners: Iterable[Owner]) -> Listing[wire.Owner]:
    """Everybody whose it is."""
    return Listing(
        items=[
            wire.Owner(
                user_id=each.user_id,
                number=each.number,
                username=each.username,
                display_name=each.display_name,
                created_at=instant(each.created_at),
            )
            for each in owners
        ]
    )


def membership_out(membership: Membership) -> wire.Membership:
    """A membership."""
    return wire.Membership(
        organisation_id=membership.org_id,
        user_id=membership.user_id,
        state=membership.state,
        external_id=membership.external_id,
        version=membership.version,
        created_at=instant(membership.created_at),
        joined_at=maybe(membership.joined_at),
    )


def member_out(member: Member) -> wire.Member:
    """A member."""
    person = member.person
    return wire.Member(
        **msgspec.structs.asdict(membership_out(member.membership)),
        number=person.number,
        username=person.username,
        email=person.email,
        phone=person.phone,
        display_name=person.display_name,
        given_name=person.given_name,
        family_name=person.family_name,
        locale=person.locale,
        picture=person.picture,
        status=person.status,
    )


def membership_change(body: wire.MemberPatch) -> MembershipChange:
    """What the caller named."""
    return MembershipChange(body.external_id)


def role_out(role: Role) -> wire.OrgRole:
    """A role of an organisation."""
    return wire.OrgRole(
        id=role.id,
        number=role.number,
        organisation_id=cast("OrgId", role.org_id),
        name=role.name,
        display_name=role.display_name,
        description=role.description,
        permissions=role.permissions,
        inheritable=role.is_inheritable,
        built_in=role.built_in,
        version=role.version,
        created_at=instant(role.created_at),
        created_by=role.created_by,
        updated_at=instant(role.updated_at),
        updated_by=role.updated_by,
    )


def roles_out(roles: Iterable[Role]) -> Listing[wire.OrgRole]:
    """Roles of an organisation."""
    return Listing(items=[role_out(role) for role in roles])


def role_draft(body: wire.OrgRoleCreate) -> RoleDraft:
    """A role to be made."""
    return RoleDraft(body.name, body.description, body.permissions, display_name=body.display_name)


def role_change(body: wire.OrgRolePatch) -> RoleChange:
    """What the caller named."""
    return RoleChange(body.name, body.description, body.permissions, display_name=body.display_name)


def token_out(token: OrgToken) -> wire.OrgToken:
    """A token."""
    return wire.OrgToken(
        id=token.id,
        number=token.number,
        name=token.name,
        created_at=instant(token.created_at),
        created_by=token.created_by,
        last_used_at=maybe(token.last_used_at),
        expires_at=maybe(token.expires_at),
    )


def issued_out(issued: Issued) -> wire.OrgTokenIssued:
    """A new token with its text."""
    return wire.OrgTokenIssued(**msgspec.structs.asdict(token_out(issued.token)), token=issued.text)


def token_draft(body: wire.OrgTokenCreate) -> OrgTokenDraft:
    """A token to be made."""
    return OrgTokenDraft(body.name, body.expires_at)
