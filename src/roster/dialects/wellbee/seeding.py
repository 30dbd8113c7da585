"""The roles of the setting `role_scopes`, made where they are missing."""

from roster.core.access import service as access
from roster.core.access.errors import RoleNameTaken
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.dialects.wellbee import catalogue, roles, system_roles
from roster.kit.actor import system
from roster.kit.ids import RealmId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


async def seed(runtime: Runtime) -> None:
    """Make the roles that the dialect's realm does not have; several servers may do so at once."""
    settings = runtime.settings.dialects.wellbee
    if not settings.enabled:
        return
    async with runtime.lease() as tx:
        try:
            realm = await realms.by_slug(tx, settings.realm)
        except RealmNotFound:
            return
    try:
        async with runtime.write(realms.inside(system(RealmId(uuid7()), "", "seeding"), realm)) as tx:
            await make_missing(tx, settings.role_scopes)
    except RoleNameTaken:
        return


async def make_missing(tx: Tx, role_scopes: str) -> None:
    """The same within a unit of work in the realm. Raises InvalidInput for a text that cannot be read."""
    for name, given in roles.read(role_scopes).items():
        if not await access.roles_named(tx, [catalogue.stored_name(name)]):
            await system_roles.make(tx, name, given)
