"""For each operation one call that succeeds, and what it takes: the table behind the tests that walk all operations."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from pyotp.totp import TOTP

from roster.core.access import org_roles
from roster.core.access import service as access
from roster.core.access.models import WITHIN_ORGANISATIONS, RoleDraft
from roster.core.attributes import service as attributes
from roster.core.attributes.models import DefinitionDraft
from roster.core.availability import service as availability
from roster.core.availability.models import WeeklyDraft
from roster.core.credentials import hashing
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.devices import service as devices
from roster.core.devices.models import DeviceDraft
from roster.core.flows import granting
from roster.core.invitations import service as invitations
from roster.core.invitations.models import Invitee
from roster.core.labels import categories, org_labels
from roster.core.labels import service as labels
from roster.core.labels.models import CategoryDraft, LabelDraft, OrgLabelDraft, Subject
from roster.core.memberships import labels as member_labels
from roster.core.memberships import roles as memberships
from roster.core.memberships import service as members
from roster.core.memberships.errors import AlreadyMember
from roster.core.messages import service as messages
from roster.core.mfa import service as mfa
from roster.core.orgs import tokens as org_tokens
from roster.core.orgs.models import OrgTokenDraft
from roster.core.places import service as places
from roster.core.places.models import PlaceDraft
from roster.core.realms.models import Realm
from roster.core.sessions.models import Opening
from roster.core.tokens import proofs
from roster.core.tokens.models import Purpose
from roster.core.transfer import service as transfers
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import NotFound
from roster.kit.ids import LabelId, OrgId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import organisations, people
from tests.dialects.conftest import Person, signed_in

PASSWORD = "correct horse battery"
NEW_PASSWORD = "staple of another kind"


@cache
def password_hash() -> str:
    """One hash for all tests; hashing is what takes time."""
    return hashing.hash_secret(PASSWORD)


class World(msgspec.Struct):
    """A realm with somebody and something of everything. `ids` are what paths and bodies name."""

    runtime: Runtime
    realm: Realm
    target: Person
    ids: dict[str, str]

    @property
    def actor(self) -> Actor:
        """Roster itself in this realm."""
        return factories.roster_in(self.realm)


async def a_world(runtime: Runtime, realm: Realm) -> World:
    """A person with password, session, key, role and message; a deleted person; a role; a custom field; a place."""
    actor = factories.roster_in(realm)
    name = f"target-{factories.uuid4().hex[:8]}"
    target = await factories.a_person(runtime, realm, name, email=f"{name}@example.com")
    gone = await factories.a_person(runtime, realm)
    await factories.a_role(runtime, realm, "helpers", "users.read_basic")
    key = await credentials.create(runtime, actor, target.id, CredentialDraft(Kind.API_KEY, label="robot"))
    async with runtime.write(actor) as tx:
        await credentials.replace_password(tx, target.id, password_hash())
        role = await access.find_role(tx, "helpers")
        assignment = await access.assign(tx, role.id, target.id)
        await attributes.define(tx, "shoe", DefinitionDraft("integer"))
        await places.put(tx, "facility", f"of-{name}", PlaceDraft("Somewhere"))
        await users.delete(tx, gone.id)
        values = {"link": "http://127.0.0.1/x", "username": name, "display_name": None, "realm": "R", "expires_in": 900}
        message = await messages.send(
            tx, "verify_email", values, user_id=target.id, recipient=f"{name}@example.com", locale="en"
        )
        things = await _things(tx, target)
    things |= await _organisation(runtime, realm, target)
    person = await signed_in(runtime, realm, target)
    async with runtime.read(actor) as tx:
        (session,) = await tx.rows("SELECT id FROM sessions WHERE realm_id = $1 AND user_id = $2", realm.id, target.id)
    ids = {
        "target": target.id,
        "gone": gone.id,
        "role": role.id,
        "assignment": assignment.id,
        "session": session[0],
        "key": key.credential.id,
        "message": message,
        "name": name,
        "slug": realm.slug,
        "attribute": "shoe",
        "place": f"of-{name}",
        "email": f"{name}@example.com",
        **things,
    }
    return World(runtime, realm, person, {name: str(value) for name, value in ids.items()})


async def _things(tx: Tx, target: User) -> dict[str, object]:
    """A device with a key, a label that the person has, its category, and one without labels."""
    device = await devices.create(tx, DeviceDraft(name="Till", external_id="till-1"))
    await devices.set_key(tx, device.id)
    category = await categories.create(tx, CategoryDraft(name="Colours"))
    empty = await categories.create(tx, CategoryDraft(name="Sizes"))
    label = await labels.create(tx, LabelDraft(name="Red", category_id=category.id))
    await labels.attach(tx, Subject.USER, target.id, [label.id])
    return {"device": device.id, "category": category.id, "empty": empty.id, "label": label.id}


async def _organisation(runtime: Runtime, realm: Realm, founder: User) -> dict[str, object]:
    """An organisation with a member, a role, a label and a token, and somebody outside of it."""
    org = await organisations.founded(runtime, realm, founder)
    member = await organisations.joined(runtime, realm, org)
    outsider = await factories.a_person(runtime, realm)
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        role = await org_roles.create_role(tx, org.id, RoleDraft("medics", permissions=["orgs.read"]))
        await memberships.assign(tx, org.id, role.id, member.id)
        label = await org_labels.create(tx, org.id, OrgLabelDraft("Drivers"))
        await member_labels.give(tx, org.id, label.id, member.id)
        token = (await org_tokens.create(tx, org.id, OrgTokenDraft("machine"))).token
        batch = await invitations.invite_later(tx, org.id, [Invitee("many@example.com")], link="/{token}")
    named = {"org": org, "member": member, "outsider": outsider, "org_role": role, "org_token": token, "batch": batch}
    return {**{name: each.id for name, each in named.items()}, "org_label": label.id}


Prepare = Callable[[World, User], Awaitable[dict[str, str]]]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`needs` are the permissions that suffice; `also` others that would do instead of the first.

    Texts `$name` in path and json stand for what the world, or `prepare`, calls so. `platform`: for administrators of
    the main realm. `anonymous`: whoever is signed in is somebody else than the one meant.
    """

    needs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    path: dict[str, str] = {}
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    query: dict[str, str] = {}
    content: bytes | None = None
    prepare: Prepare | None = None
    platform: bool = False
    anonymous: bool = False
    streams: bool = False


def filled(value: Any, known: dict[str, str]) -> Any:
    """The same with `$name` replaced."""
    if isinstance(value, dict):
        return {name: filled(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    return known[value[1:]] if isinstance(value, str) and value.startswith("$") else value


async def _second_step(world: World, _caller: User) -> dict[str, str]:
    codes = await _codes_of(world, world.target.user)
    async with world.runtime.write(world.actor) as tx:
        step = await granting.ask_for_second_factor(tx, Opening(world.target.user.id, ("password",)), ("totp",))
    return {"proof": step.proof, "code": codes[0]}


async def _codes_of(world: World, user: User) -> list[str]:
    """Turn on a second factor; the backup codes."""
    async with world.runtime.write(world.actor) as tx:
        enrolment = await mfa.enrol(tx, user.id)
        code = TOTP(enrolment.secret).at(tx.now)
        return (await mfa.activate(tx, user.id, enrolment.credential.id, code)).codes


async def _second_factor(world: World, caller: User) -> dict[str, str]:
    await _codes_of(world, caller)
    return {}


async def _pending_seed(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        enrolment = await mfa.enrol(tx, caller.id)
        return {"code": TOTP(enrolment.secret).at(tx.now)}


def _proof(purpose: Purpose) -> Prepare:
    async def prepare(world: World, _caller: User) -> dict[str, str]:
        async with world.runtime.write(world.actor) as tx:
            data = {"email": world.ids["email"]}
            return {"proof": await proofs.issue(tx, purpose, world.target.user.id, data, 900)}

    return prepare


async def _new_address(world: World, _caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        data = {"email": f"new-{factories.uuid4().hex[:8]}@example.com"}
        return {"proof": await proofs.issue(tx, Purpose.CHANGE_EMAIL, world.target.user.id, data, 900)}


async def _target_change(world: World, _caller: User) -> dict[str, str]:
    return await _new_address(world, world.target.user)


async def _own_change(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        await proofs.issue(tx, Purpose.CHANGE_EMAIL, caller.id, {"email": "new@example.com"}, 900)
    return {}


async def _invited(world: World, _caller: User) -> dict[str, str]:
    org_id, email = OrgId(UUID(world.ids["org"])), f"{factories.uuid4().hex}@example.com"
    async with world.runtime.write(world.actor) as tx:
        await invitations.invite(tx, org_id, [Invitee(email)], link="/?token={token}")
    return {"token": await people.mailed_token(world.runtime, world.realm, "invitation")}


async def _own_session(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.read(world.actor) as tx:
        rows = await tx.rows(
            "SELECT id FROM sessions WHERE realm_id = $1 AND user_id = $2 ORDER BY created_at",
            world.realm.id,
            caller.id,
        )
    return {"own": str(rows[0][0])}


async def _own_key(world: World, caller: User) -> dict[str, str]:
    issued = await credentials.create(world.runtime, world.actor, caller.id, CredentialDraft(Kind.API_KEY))
    return {"own": str(issued.credential.id)}


async def _own_password(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        await credentials.replace_password(tx, caller.id, password_hash())
    return {}


async def _own_email(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        await users.change(tx, caller.id, UserChange(email=f"{factories.uuid4().hex}@example.com"))
    return {}


async def _another_realm(world: World, _caller: User) -> dict[str, str]:
    realm = await factories.a_realm(world.runtime)
    return {"other_slug": realm.slug, "new_slug": f"new-{factories.uuid4().hex[:12]}"}


async def _import(world: World, _caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        return {"import": str((await transfers.start_import(tx, "roster")).id)}


async def _joined(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        with suppress(AlreadyMember):
            await members.add(tx, OrgId(UUID(world.ids["org"])), caller.id)
    return {}


async def _weekly(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(await factories.acting_as(world.runtime, world.realm, caller)) as tx:
        return {"own": str((await availability.add_weekly(tx, WeeklyDraft(1, 3600, available=False))).id)}


async def _planned(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(await factories.acting_as(world.runtime, world.realm, caller)) as tx:
        return {"own": str((await availability.plan(tx, tx.now + timedelta(days=3), available=False)).id)}


async def _absent(world: World, caller: User) -> dict[str, str]:
    async with world.runtime.write(await factories.acting_as(world.runtime, world.realm, caller)) as tx:
        await availability.be_absent(tx, tx.now + timedelta(days=1), 3600)
    return {}


async def _deleted_org_label(world: World, _caller: User) -> dict[str, str]:
    async with world.runtime.write(world.actor) as tx:
        with suppress(NotFound):
            await org_labels.delete(tx, OrgId(UUID(world.ids["org"])), LabelId(UUID(world.ids["org_label"])))
    return {}


def _deleted(name: str, delete: Callable[[Tx, Any], Awaitable[None]]) -> Prepare:
    async def prepare(world: World, _caller: User) -> dict[str, str]:
        async with world.runtime.write(world.actor) as tx:
            with suppress(NotFound):
                await delete(tx, UUID(world.ids[name]))
        return {}

    return prepare


_TARGET = {"user_id": "$target"}
_ROLE = {"role_id": "$role"}
_PLACE = {"kind": "facility", "key": "$place"}
_ORG = {"org_id": "$org"}
_MEMBER = {**_ORG, "user_id": "$member"}
_ORG_ROLE = {**_ORG, "role_id": "$org_role"}
_ORG_LABEL = {**_ORG, "label_id": "$org_label"}
_DEVICE = {"device_id": "$device"}
_CATEGORY = {"category_id": "$category"}
_LABEL = {"label_id": "$label"}

CASES: dict[str, Case] = {
    "signIn": Case(json={"username": "$name", "password": PASSWORD, "realm": "$slug"}),
    "signInWithSecondFactor": Case(json={"mfa_token": "$proof", "code": "$code"}, prepare=_second_step),
    "refresh": Case(json={"refresh_token": "$refresh_token"}),
    "signOut": Case(),
    "signUp": Case(json={"username": "newcomer", "password": PASSWORD, "realm": "$slug"}),
    "recover": Case(json={"identifier": "$name", "realm": "$slug"}),
    "confirmRecovery": Case(
        json={"token": "$proof", "password": NEW_PASSWORD}, prepare=_proof(Purpose.RECOVER_PASSWORD)
    ),
    "verifyEmail": Case(json={"token": "$proof"}, prepare=_proof(Purpose.VERIFY_EMAIL)),
    "getJwks": Case(),
    "getMe": Case(),
    "patchMe": Case(json={"display_name": "Eva"}),
    "deleteMe": Case(),
    "setMyPassword": Case(json={"password": NEW_PASSWORD, "current_password": PASSWORD}, prepare=_own_password),
    "sendMyVerification": Case(prepare=_own_email),
    "changeMyEmail": Case(json={"email": "new@example.com", "password": PASSWORD}, prepare=_own_password),
    "getMyEmailChange": Case(prepare=_own_change),
    "abortMyEmailChange": Case(prepare=_own_change),
    "changeUserEmail": Case(
        needs=("users.write", "credentials.write", "users.read_basic"), path=_TARGET, json={"email": "new@example.com"}
    ),
    "getUserEmailChange": Case(needs=("users.write", "users.read_basic"), path=_TARGET, prepare=_target_change),
    "abortUserEmailChange": Case(needs=("users.write", "users.read_basic"), path=_TARGET, prepare=_target_change),
    "confirmEmailChange": Case(json={"token": "$proof"}, prepare=_new_address),
    "listMySessions": Case(),
    "endMyOtherSessions": Case(),
    "endMySession": Case(path={"session_id": "$own"}, prepare=_own_session),
    "listMyCredentials": Case(),
    "deleteMyCredential": Case(path={"credential_id": "$own"}, prepare=_own_key),
    "enrolTotp": Case(),
    "confirmTotp": Case(json={"code": "$code"}, prepare=_pending_seed),
    "removeTotp": Case(prepare=_second_factor),
    "renewBackupCodes": Case(prepare=_second_factor),
    "listUsers": Case(needs=("users.read",), also=("users.read_basic",), query={"q": "target", "total": "true"}),
    "createUser": Case(needs=("users.create",), json={"username": "newcomer"}),
    "getUser": Case(needs=("users.read",), also=("users.read_basic",), path=_TARGET),
    "patchUser": Case(needs=("users.write", "users.read_basic"), path=_TARGET, json={"display_name": "Eva"}),
    "deleteUser": Case(needs=("users.delete", "users.read_basic"), path=_TARGET),
    "restoreUser": Case(needs=("users.write",), path={"user_id": "$gone"}),
    "eraseUser": Case(needs=("users.erase", "users.read_basic"), path=_TARGET),
    "exportUser": Case(needs=("users.erase", "users.read_basic"), path=_TARGET),
    "sendVerification": Case(needs=("users.write",), path=_TARGET),
    "listUserSessions": Case(needs=("sessions.read", "users.read"), also=("users.read_basic",), path=_TARGET),
    "endUserSessions": Case(needs=("sessions.write", "users.read"), also=("users.read_basic",), path=_TARGET),
    "endUserSession": Case(
        needs=("sessions.write", "sessions.read"), path={"user_id": "$target", "session_id": "$session"}
    ),
    "listUserCredentials": Case(
        needs=("credentials.read", "users.read"), also=("users.read_basic", "credentials.write"), path=_TARGET
    ),
    "setUserPassword": Case(
        needs=("credentials.write", "users.read_basic"), path=_TARGET, json={"password": NEW_PASSWORD}
    ),
    "deleteUserCredential": Case(
        needs=("credentials.write", "users.read_basic"), path={"user_id": "$target", "credential_id": "$key"}
    ),
    "listUserAssignments": Case(needs=("roles.read", "users.read"), also=("users.read_basic",), path=_TARGET),
    "assignRole": Case(
        needs=("roles.assign", "roles.read", "users.read", "users.read_basic"),
        path=_TARGET,
        json={"role": "helpers", "contexts": [{"kind": "facility", "value": "7"}]},
    ),
    "unassignRole": Case(
        needs=("roles.assign", "users.read_basic"), path={"user_id": "$target", "assignment_id": "$assignment"}
    ),
    "getUserPermissions": Case(
        needs=("roles.read", "users.read"),
        also=("users.read_basic",),
        path=_TARGET,
        query={"explain": "users.read_basic"},
    ),
    "listRoles": Case(),
    "createRole": Case(needs=("roles.create",), also=("roles.write",), json={"name": "newcomers"}),
    "getRole": Case(needs=("roles.read",), path=_ROLE),
    "patchRole": Case(needs=("roles.write", "users.read_basic"), path=_ROLE, json={"description": "They help"}),
    "deleteRole": Case(needs=("roles.write", "users.read_basic"), path=_ROLE),
    "listRoleMembers": Case(needs=("roles.read",), path=_ROLE),
    "setRoleMembers": Case(needs=("roles.write", "users.read_basic"), path=_ROLE, json={"members": ["$target"]}),
    "listPermissions": Case(),
    "listPlaces": Case(needs=("places.read",), query={"filter": 'kind eq "facility"', "total": "true"}),
    "getPlace": Case(needs=("places.read",), path=_PLACE),
    "putPlace": Case(needs=("places.write",), path={"kind": "zone", "key": "z-1"}, json={"name": "North"}),
    "deletePlace": Case(needs=("places.write",), path=_PLACE),
    "listOrganisations": Case(query={"filter": 'name sw "m"', "total": "true"}),
    "createOrganisation": Case(json={"name": "Fire brigade"}),
    "getOrganisation": Case(needs=("orgs.read",), path=_ORG),
    "patchOrganisation": Case(needs=("orgs.write",), path=_ORG, json={"timezone": "Europe/Stockholm"}),
    "deleteOrganisation": Case(needs=("*",), path=_ORG),
    "listOrganisationParts": Case(needs=("orgs.read",), path=_ORG),
    "moveOrganisation": Case(needs=("*",), path=_ORG, json={"parent_id": None}),
    "listOwners": Case(needs=("orgs.read",), path=_ORG),
    "addOwner": Case(needs=("*",), path=_MEMBER),
    "removeOwner": Case(needs=("*",), path=_MEMBER),
    "listMyOrganisations": Case(),
    "listMembers": Case(needs=("members.read", "orgs.read"), path=_ORG, query={"filter": 'state eq "active"'}),
    "addMember": Case(needs=("members.write", "users.write"), path=_ORG, json={"user_id": "$outsider"}),
    "getMember": Case(needs=("members.read", "orgs.read"), path=_MEMBER),
    "patchMember": Case(needs=("members.write",), path=_MEMBER, json={"external_id": "7"}),
    "removeMember": Case(needs=("members.write",), path=_MEMBER),
    "invitePeople": Case(needs=("members.write",), path=_ORG, json={"people": [{"email": "new@example.com"}]}),
    "inviteMany": Case(
        needs=("members.write", "orgs.read"), path=_ORG, json={"people": [{"email": "new@example.com"}]}
    ),
    "getInvitationBatch": Case(needs=("members.write", "orgs.read"), path={**_ORG, "batch_id": "$batch"}),
    "resendInvitations": Case(needs=("members.write",), path=_ORG, json={"user_ids": ["$outsider"]}),
    "listMyInvitations": Case(),
    "listMyAvailability": Case(),
    "setMyAvailability": Case(json={"available": False}),
    "setMyAvailabilityInOrganisation": Case(path=_ORG, json={"available": False}, prepare=_joined),
    "followMyAvailability": Case(path=_ORG, prepare=_joined),
    "listMyWeeklyChanges": Case(query={"organisation_id": "$org"}),
    "createMyWeeklyChange": Case(
        json={"day": 1, "second": 3600, "available": False, "organisation_id": "$org"}, prepare=_joined
    ),
    "replaceMyWeeklyChange": Case(
        path={"change_id": "$own"}, json={"day": 2, "second": 0, "available": True}, prepare=_weekly
    ),
    "deleteMyWeeklyChange": Case(path={"change_id": "$own"}, prepare=_weekly),
    "listMyPlannedChanges": Case(prepare=_planned),
    "createMyPlannedChange": Case(json={"at": "2099-01-01T00:00:00Z", "available": False}),
    "deleteMyPlannedChange": Case(path={"change_id": "$own"}, prepare=_planned),
    "getMyAbsence": Case(prepare=_absent),
    "setMyAbsence": Case(json={"starts_at": "2099-01-01T00:00:00Z", "seconds": 3600}),
    "deleteMyAbsence": Case(prepare=_absent),
    "countAvailability": Case(needs=("members.read", "orgs.read"), path=_ORG),
    "listMemberAvailability": Case(
        needs=("members.read", "orgs.read"), path=_ORG, query={"filter": 'state eq "active"', "total": "true"}
    ),
    "getMemberAvailability": Case(needs=("members.read", "orgs.read"), path=_MEMBER),
    "listOrganisationLabels": Case(needs=("labels.read", "orgs.read"), path=_ORG),
    "createOrganisationLabel": Case(needs=("labels.write",), path=_ORG, json={"name": "Pilots", "tags": ["air"]}),
    "getOrganisationLabel": Case(needs=("labels.read", "orgs.read"), path=_ORG_LABEL),
    "patchOrganisationLabel": Case(needs=("labels.write",), path=_ORG_LABEL, json={"tags": ["road"]}),
    "deleteOrganisationLabel": Case(needs=("labels.write",), path=_ORG_LABEL),
    "restoreOrganisationLabel": Case(needs=("labels.write",), path=_ORG_LABEL, prepare=_deleted_org_label),
    "listLabelCarriers": Case(needs=("labels.read", "orgs.read"), path=_ORG_LABEL),
    "listMemberLabels": Case(needs=("labels.read", "members.read", "orgs.read"), path=_MEMBER),
    "giveMemberLabel": Case(needs=("labels.write",), path={**_MEMBER, **_ORG_LABEL}),
    "takeMemberLabel": Case(needs=("labels.write",), path={**_MEMBER, **_ORG_LABEL}),
    "acceptInvitation": Case(anonymous=True, json={"token": "$token", "password": PASSWORD}, prepare=_invited),
    "declineInvitation": Case(anonymous=True, json={"token": "$token"}, prepare=_invited),
    "getInvitationPage": Case(query={"token": "$token"}, prepare=_invited),
    "sendInvitationPage": Case(form={"token": "$token", "password": PASSWORD}, prepare=_invited),
    "listMemberRoles": Case(needs=("members.read", "orgs.read"), path=_MEMBER),
    "assignMemberRole": Case(needs=("roles.assign", "orgs.read"), path={**_MEMBER, "role_id": "$org_role"}),
    "unassignMemberRole": Case(needs=("roles.assign", "orgs.read"), path={**_MEMBER, "role_id": "$org_role"}),
    "listOrganisationRoles": Case(needs=("roles.read", "orgs.read"), path=_ORG),
    "createOrganisationRole": Case(needs=("roles.create",), also=("roles.write",), path=_ORG, json={"name": "cooks"}),
    "getOrganisationRole": Case(needs=("roles.read", "orgs.read"), path=_ORG_ROLE),
    "patchOrganisationRole": Case(needs=("roles.write", "orgs.read"), path=_ORG_ROLE, json={"description": "Help"}),
    "deleteOrganisationRole": Case(needs=("roles.write", "orgs.read"), path=_ORG_ROLE),
    "listOrganisationTokens": Case(needs=("orgs.administer",), path=_ORG),
    "createOrganisationToken": Case(
        needs=("orgs.administer", *sorted(WITHIN_ORGANISATIONS - {"orgs.administer"})),
        path=_ORG,
        json={"name": "machine"},
    ),
    "revokeOrganisationToken": Case(needs=("orgs.administer",), path={**_ORG, "token_id": "$org_token"}),
    "listDevices": Case(needs=("devices.read",), query={"filter": 'status eq "enabled"'}),
    "createDevice": Case(needs=("devices.write",), json={"name": "Till"}),
    "getDevice": Case(needs=("devices.read",), path=_DEVICE),
    "patchDevice": Case(needs=("devices.write",), path=_DEVICE, json={"name": "Bar"}),
    "deleteDevice": Case(needs=("devices.write",), path=_DEVICE),
    "restoreDevice": Case(needs=("devices.write",), path=_DEVICE, prepare=_deleted("device", devices.delete)),
    "setDeviceKey": Case(needs=("devices.write", "devices.read"), path=_DEVICE),
    "removeDeviceKey": Case(needs=("devices.write",), path=_DEVICE),
    "listLabels": Case(
        needs=("labels.read",), query={"deleted": "true", "total": "true"}, prepare=_deleted("label", labels.delete)
    ),
    "createLabel": Case(needs=("labels.write",), json={"name": "Blue", "category_id": "$category"}),
    "getLabel": Case(needs=("labels.read",), path=_LABEL),
    "patchLabel": Case(needs=("labels.write",), path=_LABEL, json={"tags": ["warm"]}),
    "deleteLabel": Case(needs=("labels.write",), path=_LABEL),
    "restoreLabel": Case(needs=("labels.write",), path=_LABEL, prepare=_deleted("label", labels.delete)),
    "listUserLabels": Case(needs=("labels.read", "users.read"), path=_TARGET),
    "attachLabel": Case(needs=("users.write", "users.read_basic"), path={**_TARGET, **_LABEL}),
    "detachLabel": Case(needs=("users.write", "users.read_basic"), path={**_TARGET, **_LABEL}),
    "listLabelCategories": Case(needs=("labels.read",), query={"sort": "-name"}),
    "createLabelCategory": Case(needs=("labels.write",), json={"name": "Moods"}),
    "getLabelCategory": Case(needs=("labels.read",), path=_CATEGORY),
    "patchLabelCategory": Case(needs=("labels.write",), path=_CATEGORY, json={"name": "C"}),
    "deleteLabelCategory": Case(needs=("labels.write",), path={"category_id": "$empty"}),
    "restoreLabelCategory": Case(
        needs=("labels.write",), path={"category_id": "$empty"}, prepare=_deleted("empty", categories.delete)
    ),
    "listSessions": Case(needs=("sessions.read",), query={"total": "true"}),
    "getSession": Case(needs=("sessions.read",), path={"session_id": "$session"}),
    "endSession": Case(needs=("sessions.write",), path={"session_id": "$session"}),
    "listApiKeys": Case(needs=("credentials.read",), also=("credentials.write",), query={"user_id": "$target"}),
    "createApiKey": Case(
        needs=("credentials.write", "users.read_basic"), json={"user_id": "$target", "label": "robot"}
    ),
    "getApiKey": Case(needs=("credentials.read",), also=("credentials.write",), path={"credential_id": "$key"}),
    "deleteApiKey": Case(needs=("credentials.write", "users.read_basic"), path={"credential_id": "$key"}),
    "listRealms": Case(platform=True),
    "createRealm": Case(platform=True, json={"slug": "$new_slug"}, prepare=_another_realm),
    "getRealm": Case(platform=True, path={"slug": "$other_slug"}, prepare=_another_realm),
    "patchRealm": Case(
        platform=True, path={"slug": "$other_slug"}, json={"display_name": "Other"}, prepare=_another_realm
    ),
    "listAttributes": Case(needs=("realm.read",)),
    "putAttribute": Case(needs=("realm.write",), path={"name": "hat"}, json={"kind": "text"}),
    "deleteAttribute": Case(needs=("realm.write",), path={"name": "shoe"}),
    "listAudit": Case(needs=("audit.read",), query={"filter": 'action sw "user."', "total": "true"}),
    "followEvents": Case(needs=("events.read",), streams=True),
    "listMessages": Case(needs=("messages.read",)),
    "getMessage": Case(needs=("messages.read", "users.read_basic"), path={"message_id": "$message"}),
    "startImport": Case(needs=("transfers.write",), query={"format": "roster"}, content=b'{"username": "newcomer"}\n'),
    "listImports": Case(needs=("transfers.write",)),
    "getImport": Case(needs=("transfers.write",), path={"import_id": "$import"}, prepare=_import),
    "getImportReport": Case(needs=("transfers.write",), path={"import_id": "$import"}, prepare=_import),
    "cancelImport": Case(needs=("transfers.write",), path={"import_id": "$import"}, prepare=_import),
    "exportUsers": Case(needs=("transfers.write",)),
    "getVerifyPage": Case(query={"token": "anything"}),
    "sendVerifyPage": Case(form={"token": "$proof"}, prepare=_proof(Purpose.VERIFY_EMAIL)),
    "getChangeEmailPage": Case(query={"token": "anything"}),
    "sendChangeEmailPage": Case(form={"token": "$proof"}, prepare=_new_address),
    "getRecoverPage": Case(query={"token": "anything"}),
    "sendRecoverPage": Case(
        form={"token": "$proof", "password": NEW_PASSWORD}, prepare=_proof(Purpose.RECOVER_PASSWORD)
    ),
}
