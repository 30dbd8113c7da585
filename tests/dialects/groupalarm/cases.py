"""For each operation of the API one call that succeeds: the table behind the tests that walk all operations."""

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any

import msgspec

from roster.core.access import org_roles, within
from roster.core.access.models import RoleDraft
from roster.core.availability import service as availability
from roster.core.availability.models import WeeklyDraft
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import addresses, granting
from roster.core.invitations import service as invitations
from roster.core.invitations.models import Invitee
from roster.core.labels import org_labels
from roster.core.labels.models import OrgLabelDraft
from roster.core.memberships import labels as member_labels
from roster.core.memberships import service as memberships
from roster.core.mfa import service as mfa
from roster.core.orgs import service as orgs
from roster.core.orgs import tokens as org_tokens
from roster.core.orgs.models import OrgChange, OrgTokenDraft
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Opening
from roster.core.users.models import User
from roster.kit import clock
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations, people
from tests.core.people import HASH, PASSWORD, Person

NEW_PASSWORD = "a password of my own"


class World(msgspec.Struct, frozen=True):
    """An organisation that somebody has founded; `ids` are what addresses and bodies name."""

    runtime: Runtime
    realm: Realm
    founder: User
    ids: dict[str, Any]
    secrets: tuple[str, ...]


Prepare = Callable[[World], Awaitable[dict[str, Any]]]


class Case(msgspec.Struct, frozen=True):
    """A call by the founder. Texts may name ids as `{pat}`; a text of the body that is only `{pat}` becomes it."""

    path: str
    status: int = 200
    body: Any = None
    form: dict[str, str] | None = None
    prepare: Prepare | None = None

    async def filled(self, world: World) -> "Case":
        """With the ids of this world, and with what is made for this call only."""
        ids = {**world.ids, **(await self.prepare(world) if self.prepare else {})}
        return msgspec.structs.replace(
            self,
            path=_fill(self.path, ids),
            body=_fill(self.body, ids),
            form=_fill(self.form, ids),
            prepare=None,
        )


def _fill(value: Any, ids: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, ids) for each in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    return ids[value[1:-1]] if value[1:-1] in ids else value.format(**ids)


async def _activation(world: World) -> dict[str, Any]:
    una = await factories.a_person(world.runtime, world.realm, "una", email="una@example.org")
    roster = factories.roster_in(world.realm)
    await recovery.request_verification(world.runtime, roster, una.id, "/x/{token}")
    return {"token": await _mailed(world, "verify_email")}


async def _wish(world: World) -> dict[str, Any]:
    """The founder has asked for another address."""
    roster = factories.roster_in(world.realm)
    await addresses.request(world.runtime, roster, world.founder.id, "other@example.org", "/x/{token}")
    return {"token": await _mailed(world, "change_email")}


async def _enrolment(world: World) -> dict[str, Any]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        enrolment = await mfa.enrol(tx, world.founder.id)
    return {"code": people.code_of(enrolment.secret)}


async def _second_factor(world: World) -> dict[str, Any]:
    seed, _ = await people.with_second_factor(world.runtime, Person(world.realm, world.founder))
    return {"code": people.code_of(seed)}


async def _text(world: World) -> dict[str, Any]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        org = await orgs.get_by_number(tx, world.ids["org"])
        await orgs.change(tx, org.id, OrgChange(invitation_text="Welcome"))
    return {}


async def _soon(world: World) -> dict[str, Any]:
    del world
    return {"soon": (clock.now() + timedelta(days=2)).astimezone(UTC).isoformat()}


async def _plans(world: World) -> dict[str, Any]:
    """The founder will be away, and says so every week too."""
    actor = await factories.acting_as(world.runtime, world.realm, world.founder)
    async with world.runtime.write(actor) as tx:
        await availability.be_absent(tx, tx.now + timedelta(days=1), 3600)
        weekly = await availability.add_weekly(tx, WeeklyDraft(1, 3600, available=False))
        planned = await availability.plan(tx, tx.now + timedelta(days=3), available=False)
    return {"weekly": weekly.number, "planned": planned.number}


async def _owner(world: World) -> dict[str, Any]:
    """Pat owns the organisation too."""
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        await orgs.own(tx, await orgs.get_by_number(tx, world.ids["org"]), world.ids["pat_id"])
    return {}


async def _mailed(world: World, template: str) -> str:
    _, values = (await people.links(world.runtime, world.realm, template))[-1]
    return str(values["link"]).rpartition("/")[2]


ORG = {"name": "Fire brigade", "description": "Volunteers", "timezone": "Europe/Berlin", "tags": ["north"]}
PROFILE = {"id": 0, "name": "Adele", "surname": "Muster", "editable": True}
GUESTS = {"organization": {"id": "{org}"}, "users": [{"email": "bo@example.org", "roles": [{"id": "{role}"}]}]}
ACCESS = {"endpoints": ["user"], "methods": ["GET"]}
SETTINGS = {"checks": ["a"], "language": "de", "defaultOrganizationId": "{org}", "tableConfigurations": {}}
NOTICE = {"emails": ["duty@example.org"], "enabled": True, "notificationText": "On duty", "userID": "{founder}"}
WEEKLY = {"changeDay": 1, "changeStatus": "unavailable", "changeTime": "06:00:00", "organizationID": "{org}"}
CASES: dict[str, Case] = {
    "Login": Case("/auth/login", form={"email": "pat@example.org", "password": PASSWORD}),
    "Logout": Case("/auth/logout"),
    "ListUserSessions": Case("/auth/sessions"),
    "TerminateUserSession": Case("/auth/sessions/{session}"),
    "ResendActivation": Case("/auth/activation"),
    "ConfirmActivation": Case("/auth/activation/{token}", prepare=_activation),
    "ShowActivation": Case("/auth/activation/{token}", prepare=_activation),
    "EmailChangeCreate": Case("/auth/change-email", body={"newEmail": "new@example.org", "mfaCode": "", "userID": 0}),
    "EmailChangeFetch": Case("/auth/change-email", prepare=_wish),
    "EmailChangeAbort": Case("/auth/change-email", prepare=_wish),
    "EmailChangeConfirm": Case("/auth/change-email/{token}", prepare=_wish),
    "ShowEmailChange": Case("/auth/change-email/{token}", prepare=_wish),
    "MFAIsActive": Case("/mfa?user={pat}&organization={org}"),
    "MFACreate": Case("/mfa"),
    "MFAEnable": Case("/mfa?code={code}", prepare=_enrolment),
    "MFADisable": Case("/mfa?code={code}", prepare=_second_factor),
    "MFAGenerateBackupCodes": Case("/mfa/backup", prepare=_second_factor),
    "GetUser": Case("/user/"),
    "UpdateUser": Case("/user/", body={"user": PROFILE, "organizationId": 0}),
    "DeleteUser": Case("/user", 403),
    "GetSettings": Case("/user-settings"),
    "StoreSettings": Case("/user-settings", body=SETTINGS),
    "GetDeploymentNotification": Case("/user/{founder}/deployment-notification"),
    "UpsertDeploymentNotification": Case("/user/{founder}/deployment-notification", body=NOTICE),
    "PersonalAccessTokenList": Case("/rbac/personal-access-token"),
    "PersonalAccessTokenCreate": Case("/rbac/personal-access-token", 201, {"name": "script", "userID": 0}),
    "PersonalAccessTokenRegenerate": Case("/rbac/personal-access-token/{personal}"),
    "PersonalAccessTokenDelete": Case("/rbac/personal-access-token/{personal}"),
    "ListOrganizationsSlash": Case("/organizations/"),
    "GetOwnedOrganizations": Case("/organizations/owner"),
    "GetPaginatedOrganizations": Case("/organizations/paginated"),
    "CreateOrganization": Case("/organization", 201, {**ORG, "parentID": "{org}"}),
    "UpdateOrganization": Case("/organization", body={**ORG, "id": "{org}"}),
    "GetOrganization": Case("/organization/{org}"),
    "GetChildren": Case("/organization/{org}/children"),
    "GetOwnerInParentOrganization": Case("/organization/{below}/owner/{founder}"),
    "AddOwner": Case("/organization/{org}/owner/{pat}"),
    "RemoveOwner": Case("/organization/{org}/owner/{pat}", prepare=_owner),
    "GetUsersInOrganization": Case("/users?organization={org}"),
    "GetUsersInOrganizationPagination": Case("/users/pagination?organization={org}"),
    "GetSpecificUser": Case("/user/{pat}?organization={org}"),
    "DeleteUserFromOrganization": Case("/user/{pat}/{org}"),
    "GetInvitationText": Case("/invite/config/text/{org}", prepare=_text),
    "SetInvitationText": Case("/invite/config/text/{org}", body={"organization_id": "{org}", "text": "Welcome"}),
    "InviteUser": Case("/user/invite", body=GUESTS),
    "InviteOwner": Case("/user/invite/owner", body={"organizationID": "{org}", "ownerID": "{pat}"}, prepare=_owner),
    "ResendInvitation": Case(
        "/user/resend", body={"organization": {"id": "{org}"}, "users": [{"email": "gus@example.org"}]}
    ),
    "ListOrganizationInvitations": Case("/user/{founder}/invites"),
    "AcceptInvitation": Case("/invite/{invitation}", body={"name": "Gus", "surname": "Berg", "password": NEW_PASSWORD}),
    "ShowInvitation": Case("/invite/{invitation}"),
    "DeclineInvitation": Case("/invite/{invitation}"),
    "ServicesList": Case("/rbac/services"),
    "RoleList": Case("/rbac/roles?organization_id={org}"),
    "RoleCreate": Case("/rbac/roles", 201, {"name": "Scheduler", "description": "", "organizationID": "{org}"}),
    "RoleGet": Case("/rbac/roles/{role}"),
    "RoleUpdate": Case("/rbac/roles/{role}", body={"name": "Planner", "inheritable": True}),
    "RoleDelete": Case("/rbac/roles/{role}"),
    "RoleAccessList": Case("/rbac/roles/{role}/access"),
    "RoleAccessCreate": Case("/rbac/roles/{role}/access", 201, ACCESS),
    "RoleAccessUpdate": Case("/rbac/roles/{role}/access/1", body=ACCESS),
    "RoleAccessDelete": Case("/rbac/roles/{role}/access/1"),
    "UserRoleList": Case("/rbac/roles/{role}/user"),
    "UserRoleCreate": Case("/rbac/roles/{role}/user", 201, {"roleID": "{role}", "userID": "{pat}"}),
    "DeleteUserRole": Case("/rbac/roles/{role}/user/{pat}"),
    "GetUserRoles": Case("/rbac/user", body={}),
    "OrganizationTokenList": Case("/rbac/token?organization_id={org}"),
    "OrganizationTokenCreate": Case("/rbac/token", 201, {"organizationID": "{org}", "name": "gateway"}),
    "OrganizationTokenDelete": Case("/rbac/token/{gateway}"),
    "GetUserAvailability": Case("/user/availability"),
    "GetOrganizationAvailability": Case("/user/organization-availability"),
    "SetUserAvailability": Case("/user/availability", body={"preference": False, "organizationID": "{org}"}),
    "RemoveUserOrganizationAvailability": Case("/user/availability?organization_id={org}"),
    "GetUserAvailabilityChange": Case("/users/availability", prepare=_plans),
    "AddUserAvailabilityChange": Case(
        "/users/availability", 201, {"duration": 60, "start_time": "{soon}"}, prepare=_soon
    ),
    "ListRecurringAvailabilityChanges": Case("/users/recurring-availability", prepare=_plans),
    "CreateRecurringAvailabilityChange": Case("/users/recurring-availability", 201, WEEKLY),
    "UpdateRecurringAvailabilityChange": Case("/users/recurring-availability/{weekly}", body=WEEKLY, prepare=_plans),
    "DeleteRecurringAvailabilityChange": Case("/users/recurring-availability/{weekly}", prepare=_plans),
    "ListScheduledAvailabilityChanges": Case("/users/scheduled-availability", prepare=_plans),
    "CreateScheduledAvailabilityChange": Case(
        "/users/scheduled-availability", 201, {"changeStatus": "unavailable", "changeTime": "{soon}"}, prepare=_soon
    ),
    "DeleteScheduledAvailabilityChange": Case("/users/scheduled-availability/{planned}", prepare=_plans),
    "GetOrganizationAvailabilityCounts": Case("/organization/{org}/availability"),
    "CreateLabel": Case(
        "/label",
        201,
        {
            "organizationID": "{org}",
            "name": "Pilots",
            "color": "#D22B2B",
            "assignees": ["{pat}"],
            "substitute": {"id": "{label}"},
        },
    ),
    "GetOrganizationsWithLabels": Case("/label/organizations"),
    "GetLabel": Case("/label/{label}"),
    "UpdateLabel": Case("/label/{label}", body={"organizationID": "{org}", "name": "Pilots", "priority": 2}),
    "DeleteLabel": Case("/label/{label}"),
    "AssignLabel": Case("/label/{label}/assignees/{pat}"),
    "UnassignLabel": Case("/label/{label}/assignees/{founder}"),
    "GetLabels": Case("/labels?organization={org}"),
    "RefreshSession": Case("/auth/refresh", 401),
}
"""Refreshing takes the token of a login, and whoever owns an organisation cannot leave: those two are refused."""


async def a_world(runtime: Runtime, realm: Realm, founder: User) -> World:
    """The founder's organisation with another below, Pat in it with a role, somebody invited, a label, and all tokens.

    What the founder has: an address, another session, and a personal token.
    """
    roster = factories.roster_in(realm)
    org = await organisations.founded(runtime, realm, founder)
    below = await organisations.founded(runtime, realm, founder, below=org.id, name="Medics north")
    pat = await factories.a_person(runtime, realm, "pat@example.org", email="pat@example.org", email_verified=True)
    actor = await factories.acting_as(runtime, realm, founder)
    async with runtime.write(actor) as tx:
        kept = {"access": [{"id": 1, "endpoints": ["user"], "methods": ["GET"]}], "last": 1}
        draft = RoleDraft("Helper", permissions=["groupalarm:user.read"], facets={"groupalarm": kept})
        role = await org_roles.create_role(tx, org.id, draft)
        gateway = await org_tokens.create(tx, org.id, OrgTokenDraft("relay"))
        label = await org_labels.create(tx, org.id, OrgLabelDraft("Drivers"))
        await member_labels.give(tx, org.id, label.id, founder.id)
        await invitations.invite(tx, org.id, [Invitee(email="gus@example.org")], link="/x/{token}")
    async with runtime.write(roster) as tx:
        await credentials.replace_password(tx, pat.id, HASH)
        await memberships.add(tx, org.id, pat.id)
        await within.give(tx, org, [role.id], pat.id)
        granted = await granting.grant(tx, founder, Opening(founder.id, ("password",)), None)
        session = (await sessions.all_of(tx, founder.id, limit=1, offset=0))[0][0]
    personal = await credentials.create(runtime, roster, founder.id, CredentialDraft(Kind.PERSONAL))
    _, values = (await people.links(runtime, realm, "invitation"))[-1]
    invitation = str(values["link"]).rpartition("/")[2]
    named = {
        "org": org,
        "below": below,
        "pat": pat,
        "founder": founder,
        "role": role,
        "session": session,
        "label": label,
    }
    ids: dict[str, Any] = {name: each.number for name, each in named.items()}
    ids |= {"gateway": gateway.token.number, "personal": personal.credential.number}
    ids |= {"invitation": invitation, "pat_id": pat.id}
    secrets = (gateway.text, personal.secret or "", invitation, granted.access_token, PASSWORD, NEW_PASSWORD)
    return World(runtime, realm, founder, ids, secrets)
