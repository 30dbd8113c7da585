"""Roles, assignments, permission lists."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import AssignmentId, OrgId, RoleId, UserId

ADMINISTRATOR = "admin"
"""Name of the built-in role that may do everything in its realm."""

PERMISSIONS: dict[str, str] = {
    "*": "Everything in the realm",
    "users.read": "See all of everybody's data",
    "users.read_basic": "See that people exist: id, username and times",
    "users.create": "Create people",
    "users.write": "Change people, disable them, restore deleted ones",
    "users.delete": "Delete people (they can be restored)",
    "users.erase": "Erase people for ever, export one person's data",
    "roles.read": "See roles and who has them",
    "roles.create": "Create roles",
    "roles.write": "Create, change and delete roles",
    "roles.assign": "Give roles to people and take them away",
    "credentials.read": "See which credentials people have",
    "credentials.own": "Change one's own password, and the address it is recovered by, with a key that signs requests",
    "credentials.write": "Set and remove other people's credentials, and change the addresses they recover them by",
    "sessions.read": "See other people's sessions",
    "sessions.write": "End other people's sessions",
    "audit.read": "Read the audit trail",
    "audit.write": "Write entries into the audit trail about what other programs did",
    "events.read": "Follow events",
    "messages.read": "Read outgoing messages that were not sent yet",
    "push.send": "Send push messages to people's devices",
    "messages.write": "Write and change templates of messages, and send messages",
    "files.read": "See which files are stored",
    "files.write": "Store files without being a person, and remove them",
    "timers.write": "Have requests made to other services at certain times",
    "transfers.write": "Import and export people; what changes about those who exist takes the permission for that too",
    "orgs.read": "See organisations",
    "orgs.create": "Found organisations; in realms where everybody may, this is not needed",
    "orgs.write": "Change organisations, and make others below them",
    "orgs.administer": "Run organisations, and make tokens for them; an organisation keeps one member who may",
    "members.read": "See who is in organisations",
    "members.write": "Invite people to organisations, change what these say of them, and remove them",
    "places.read": "See registered places and groups of them",
    "places.write": "Register places, and say which facilities are in a group",
    "devices.read": "See trusted devices, such as tills",
    "devices.write": "Register trusted devices, change and delete them, give them keys",
    "devices.bind": "Tie registered devices to their hardware: identifiers and keys, where there are none yet",
    "devices.annotate": "Change what only one API knows of devices, such as their configuration",
    "labels.read": "See labels and their categories; within an organisation, its labels",
    "labels.write": "Make, change and delete labels and their categories; within an organisation give them too",
    "integrations.read": "See registered integrations",
    "integrations.write": "Register integrations that people may let act for them",
    "realm.read": "See the realm's settings",
    "realm.write": "Change the realm's settings and custom fields",
}
"""The directory's own vocabulary: key and meaning. Dialects map their keys to these."""

WITHIN_ORGANISATIONS = frozenset(
    {
        *("orgs.read", "orgs.write", "orgs.administer", "members.read", "members.write"),
        *("roles.read", "roles.create", "roles.write", "roles.assign", "labels.read", "labels.write"),
    }
)
"""Those of the directory's permissions that a role of an organisation may hold: what they mean within one."""
ORG_OWNER = "owner"
ORG_ADMINISTRATOR = "administrator"
ORG_PARTICIPANT = "participant"
"""Names of the built-in roles of every organisation."""

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Role(msgspec.Struct, frozen=True):
    """A named set of permissions.

    `ceiling` lists, per kind of context, all that an assignment may name; `requires` are the kinds that it must name.
    `display_name` is what people read, if that is not the name; `facets` what only one dialect knows, by dialect name.
    A role with an `org_id` belongs to that organisation: its ceiling is the organisation, or the organisation with all
    below it.
    """

    id: RoleId
    number: int
    name: str
    display_name: str
    description: str
    permissions: list[str]
    ceiling: dict[str, list[str]]
    requires: list[str]
    built_in: bool
    facets: dict[str, object]
    version: int
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    updated_by: UUID | None
    org_id: OrgId | None = None

    @property
    def is_inheritable(self) -> bool:
        """Whether a role of an organisation holds in all organisations below it too."""
        return "organisation_tree" in self.ceiling


class RoleDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role to be made."""

    name: Name
    description: Annotated[str, Meta(max_length=2000)] = ""
    permissions: list[str] = []
    ceiling: dict[str, list[str]] = {}
    requires: list[str] = []
    display_name: Annotated[str, Meta(max_length=200)] = ""
    facets: dict[str, object] = {}


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a role; what is not named stays, as do facets of dialects that are not named."""

    name: Name | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    permissions: list[str] | UnsetType = UNSET
    ceiling: dict[str, list[str]] | UnsetType = UNSET
    requires: list[str] | UnsetType = UNSET
    display_name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    facets: dict[str, object] | UnsetType = UNSET


class Assignment(msgspec.Struct, frozen=True):
    """A role given to a person. `contexts` has, per kind, the values it is limited to; an empty list is nothing."""

    id: AssignmentId
    role_id: RoleId
    role_name: str
    user_id: UserId
    is_owner: bool
    contexts: dict[str, list[str]]
    created_at: datetime
    created_by: UUID | None


class Wanted(msgspec.Struct, frozen=True):
    """A role, by its name, as a person shall have it."""

    role: str
    contexts: dict[str, list[str]] = {}


class EffectiveRole(msgspec.Struct, frozen=True):
    """What one assignment gives now: every permission, those of front doors too, within what role and assignment name.

    `facilities` are those reached, groups resolved; None when neither facilities nor groups of them are limited.
    """

    assignment_id: AssignmentId
    role_name: str
    permissions: list[str]
    limits: dict[str, list[str]]
    facilities: list[str] | None


class Reason(msgspec.Struct, frozen=True):
    """What one assignment has to do with a permission.

    With `gives` it gives the permission, within `limits` when there are any. Without, its role has the permission, but
    `limits` has a kind without values. `withheld` are the values that it names and the role's ceiling does not reach.
    """

    assignment: Assignment
    gives: bool
    limits: dict[str, list[str]] | None
    withheld: dict[str, list[str]]


class Members(msgspec.Struct, frozen=True):
    """Everybody who has a role without limits; owners apart, although they count as members too."""

    members: frozenset[UserId]
    owners: frozenset[UserId]


class MembersChange(msgspec.Struct, frozen=True):
    """Who shall have a role; None leaves them, members or owners, as they are when it is changed."""

    members: frozenset[UserId] | None = None
    owners: frozenset[UserId] | None = None


class Rights(msgspec.Struct, frozen=True, rename={"who": "userOrRoleId"}):
    """What one principal may do with an object; None leaves the answer to the parent list.

    `who` is the id of a person, the name of a role, `anonymous`, or a regular expression over these.
    """

    who: str
    create: bool | None = None
    read: bool | None = None
    update: bool | None = None
    delete: bool | None = None
    special: bool | None = None
    full: bool | None = None


class AccessList(msgspec.Struct, frozen=True):
    """An ordered permission list; the first matching record decides, else the parent list."""

    object: str
    parent: str | None
    records: list[Rights]
    version: int
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ObjectClass(msgspec.Struct, frozen=True):
    """A kind of object with a permission list of its own, as a front door brings it along.

    `default` is the list until somebody changes it. `grants` says which permissions of the directory it gives: to those
    who have all of the rights named with it.
    """

    default: AccessList
    grants: Mapping[str, tuple[str, ...]]
