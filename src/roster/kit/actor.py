"""Who acts. Built once per request by the front door's credential check, then passed down in `tx.actor`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from roster.kit.ids import DeviceId, OrgId, RealmId, SessionId, UserId


class Kind(StrEnum):
    """What sort of principal."""

    USER = "user"
    SERVICE = "service"
    ORGANISATION = "organisation"
    DEVICE = "device"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


class Origin(msgspec.Struct, frozen=True):
    """Where a request came from; for the audit trail, limits and sessions, never for decisions about rights."""

    dialect: str = ""
    request_id: str = ""
    address: str = ""
    user_agent: str = ""
    device_id: DeviceId | None = None


class Scope(msgspec.Struct, frozen=True):
    """What one assignment gives within its limits: per kind (facility, zone …) the values that it reaches.

    A kind that is not named is not limited. Facilities and groups of facilities are one limit together: the facilities
    of the groups are among `facility` here, as the organisations of a tree are among `organisation`. `user_role` holds
    folded names.
    """

    permissions: frozenset[str]
    limits: tuple[tuple[str, frozenset[str]], ...]

    def gives(self, permission: str) -> bool:
        """Whether the permission is held within these limits."""
        return permission in self.permissions or "*" in self.permissions

    @property
    def is_about_organisations(self) -> bool:
        """Whether organisations are all that limits it."""
        return bool(self.limits) and all(kind in ("organisation", "organisation_tree") for kind, _ in self.limits)

    def limit(self, kind: str) -> frozenset[str] | None:
        """The values of this kind; None when it is not limited."""
        return next((values for limited, values in self.limits if limited == kind), None)


class Grants(msgspec.Struct, frozen=True):
    """Permissions as the store knows them now.

    `everywhere` holds without limits; each scope of `within` comes from one assignment and is judged on its own:
    limits of different roles are never merged. `roles` names all roles, `unlimited` those that were given without
    naming a place.
    """

    everywhere: frozenset[str] = frozenset()
    within: tuple[Scope, ...] = ()
    roles: tuple[str, ...] = ()
    unlimited: tuple[str, ...] = ()

    def allows(self, permission: str) -> bool:
        """Whether the permission is held without limits."""
        return permission in self.everywhere or "*" in self.everywhere

    def holds(self, permission: str) -> bool:
        """Whether the permission is held at all, be it within limits; what organisations give counts in them only."""
        return self.allows(permission) or bool(self.scopes(permission))

    @property
    def is_limited(self) -> bool:
        """Whether all that roles give, and there are some, is given in some places only or in none at all."""
        if self.everywhere:
            return False
        in_places = any(scope.limit("facility") is not None for scope in self.within)
        return in_places or bool(self.roles and not self.unlimited)

    def scopes(self, permission: str) -> tuple[Scope, ...]:
        """The scopes within which the permission is held, one per assignment, but those within organisations."""
        return tuple(scope for scope in self.within if scope.gives(permission) and scope.limit("organisation") is None)

    def organisations(self, permission: str) -> frozenset[str]:
        """The ids of the organisations within which the permission is held: limited by them, and by nothing else."""
        alone = (scope for scope in self.within if scope.is_about_organisations and scope.gives(permission))
        return frozenset[str]().union(*(scope.limit("organisation") or () for scope in alone))


NOTHING = Grants()
EVERYTHING = Grants(everywhere=frozenset({"*"}))


class Actor(msgspec.Struct, frozen=True):
    """A principal in a realm.

    `realm_id` is the realm acted in; `home_id` the one the principal belongs to. They differ only for a platform
    administrator of the main realm. `authenticated_at` is the time of the sign-in behind the session, for operations
    that ask for a recent one; `factors` are the means used then. `platform` says that the home is the main realm.
    `realm_version` and `access_version` are the realm's stored ones, when they were read with the principal.
    `proof` is the purpose of a one-time token when that, and nothing more, is what was presented.
    `locale` is the language that a person has chosen; `is_confirmed` says that their address, if any, is verified.
    `by_consent` says that an application acts, with a key that the person let it have.
    """

    kind: Kind
    realm_id: RealmId
    realm_slug: str
    origin: Origin = Origin()
    home_id: RealmId | None = None
    user_id: UserId | None = None
    org_id: OrgId | None = None
    name: str = ""
    grants: Grants = NOTHING
    session_id: SessionId | None = None
    credential_id: UUID | None = None
    authenticated_at: datetime | None = None
    factors: tuple[str, ...] = ()
    acting_for: UserId | None = None
    realm_version: int | None = None
    access_version: int | None = None
    platform: bool = False
    proof: str | None = None
    locale: str | None = None
    is_confirmed: bool = True
    by_consent: bool = False

    @property
    def is_known(self) -> bool:
        """Whether somebody proved who they are."""
        return self.kind is not Kind.ANONYMOUS

    @property
    def person_id(self) -> UserId | None:
        """Whose own affairs are the actor's: of the person in whose name somebody acts, else of that somebody.

        Nobody's for programs and one-time tokens, which act for a person without being one.
        """
        return None if self.user_id is None else self.acting_for or self.user_id

    @property
    def writer(self) -> UUID | None:
        """Who has written what the actor writes: a person, with all their sessions and keys together, or a key.

        None for programs that have no name of their own, for whomever they act, and for strangers.
        """
        return self.user_id or self.org_id or self.credential_id or self.origin.device_id

    def is_user(self, user_id: UUID) -> bool:
        """Whether what is this person's own is the actor's: theirs in their own realm, or in whose name they act."""
        if self.acting_for is not None:
            return self.person_id == user_id
        return self.user_id == user_id and self.home_id in (None, self.realm_id)

    def is_in_person(self, user_id: UUID) -> bool:
        """Whether this is that person themself. Who acts in somebody's name proves nothing of them by signing in.

        Nor does an application that they let act for them. What decides about credentials asks this, all else
        `is_user`.
        """
        return self.acting_for is None and not self.by_consent and self.is_user(user_id)

    @property
    def is_platform(self) -> bool:
        """Whether this is Roster itself or an administrator of the main realm, who runs all realms."""
        return self.kind is Kind.SYSTEM or (self.platform and self.grants.allows("*"))

    def may(self, permission: str) -> bool:
        """Whether the permission is held without limits."""
        return self.grants.allows(permission)


def anonymous(realm_id: RealmId, realm_slug: str, origin: Origin) -> Actor:
    """Nobody in particular."""
    return Actor(Kind.ANONYMOUS, realm_id, realm_slug, origin)


def system(realm_id: RealmId, realm_slug: str, name: str = "system") -> Actor:
    """Roster itself: the command line, jobs and sweeps."""
    return Actor(
        Kind.SYSTEM,
        realm_id,
        realm_slug,
        Origin(dialect=name),
        name=name,
        grants=EVERYTHING,
    )
