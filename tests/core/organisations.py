"""What the tests of organisations need again and again."""

from roster.core.access import org_roles, within
from roster.core.access.models import Role, RoleDraft
from roster.core.flows import organisations
from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org, OrgDraft
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.ids import OrgId, RoleId
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories


async def founded(
    runtime: Runtime, realm: Realm, user: User, *, below: OrgId | None = None, name: str = "Medics"
) -> Org:
    """An organisation that this person has founded."""
    actor = await factories.acting_as(runtime, realm, user)
    async with runtime.write(actor) as tx:
        return await organisations.found(tx, OrgDraft(name, parent_id=below))


async def joined(runtime: Runtime, realm: Realm, org: Org, *roles: str) -> User:
    """A new person who is a member, with these roles of the organisation besides."""
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.add(tx, org.id, user.id)
        for role in roles:
            await within.give_built_in(tx, org, role, user.id)
    return user


async def role_of(runtime: Runtime, realm: Realm, org: Org, name: str) -> Role:
    """A role of the organisation by its name."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        return next(role for role in await org_roles.roles_of(tx, org.id) if role.name == name)


async def a_role(
    runtime: Runtime, actor: Actor, org: Org, name: str, *permissions: str, inheritable: bool = False
) -> RoleId:
    """A role of the organisation, made by the actor."""
    async with runtime.write(actor) as tx:
        made = await org_roles.create_role(
            tx, org.id, RoleDraft(name, permissions=list(permissions)), inheritable=inheritable
        )
        return made.id


async def members_of(runtime: Runtime, realm: Realm, org: Org) -> set[str]:
    """Names of everybody who belongs to it."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        return {each.person.username for each in (await memberships.search(tx, org.id, None, (), Page(100))).items}


async def owners_of(runtime: Runtime, realm: Realm, org: Org) -> set[str]:
    """Names of its owners."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        return {each.username for each in (await orgs.owners_of(tx, [org])).get(org.id, [])}
