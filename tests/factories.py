"""Realms and people for tests. Each test makes its own realm, so nothing has to be cleaned up."""

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import msgspec

from roster import app
from roster.core.access import service as access
from roster.core.access.models import RoleDraft
from roster.core.flows import provision
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserDraft
from roster.kit.actor import Actor, Grants, Kind, Origin, system
from roster.kit.ids import RealmId, uuid7
from roster.settings import Settings, load
from roster.storage.runtime import Runtime

ORIGIN = Origin(dialect="test", request_id="test", address="192.0.2.1", user_agent="tests")


def settings(folder: Path, **flags: object) -> Settings:
    """Settings of an installation in this folder, untouched by the environment."""
    return load(flags, {}, folder)


def without_built_in(names: Iterable[str]) -> list[str]:
    """Names of roles but those that front doors bring along; `admin` stays."""
    built_in = {role.name for each in app.CATALOGUES for role in each.roles}
    return [name for name in names if name not in built_in]


def nowhere() -> Actor:
    """Roster itself, in no realm that exists."""
    return system(RealmId(uuid7()), "nowhere", "test")


async def a_realm(runtime: Runtime, **rules: object) -> Realm:
    """A fresh realm with its administrator role; `rules` are realm settings."""
    async with runtime.write(nowhere()) as tx:
        return await provision.create_realm(tx, f"test-{uuid4().hex[:12]}", "", dict(rules))


def roster_in(realm: Realm) -> Actor:
    """Roster itself acting in the realm, who remembers nothing of when the test began."""
    return msgspec.structs.replace(realms.inside(nowhere(), realm), access_version=None)


async def a_person(
    runtime: Runtime, realm: Realm, username: str = "", *, roles: tuple[str, ...] = (), **known: object
) -> User:
    """A person with the named roles, known only by what is given."""
    name = username or f"person-{uuid4().hex[:12]}"
    async with runtime.write(roster_in(realm)) as tx:
        user = await users.create(tx, UserDraft(username=name, **known))  # type: ignore[arg-type]
        for role in roles:
            await access.assign(tx, (await access.find_role(tx, role)).id, user.id)
        return user


async def a_role(runtime: Runtime, realm: Realm, name: str, *permissions: str) -> None:
    """A role with these permissions."""
    async with runtime.write(roster_in(realm)) as tx:
        await access.create_role(tx, RoleDraft(name=name, permissions=list(permissions)))


async def acting_as(runtime: Runtime, realm: Realm, user: User, **values: object) -> Actor:
    """The person as an actor with the grants the store knows now, freshly signed in."""
    async with runtime.read(roster_in(realm)) as tx:
        grants: Grants = await access.permissions_of(tx, user.id)
    return Actor(
        Kind.USER,
        realm.id,
        realm.slug,
        ORIGIN,
        user_id=user.id,
        name=user.username,
        grants=grants,
        **values,  # type: ignore[arg-type]
    )
