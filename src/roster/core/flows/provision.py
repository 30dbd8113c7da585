"""A realm with its administrator role, and the first start of an installation."""

import msgspec

from roster.core.access import service as access
from roster.core.credentials import hashing, rules
from roster.core.credentials import service as credentials
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound, SlugTaken
from roster.core.realms.models import Realm, RealmSettings
from roster.core.users import service as users
from roster.core.users.models import User, UserDraft
from roster.kit import secrets
from roster.kit.actor import system
from roster.kit.ids import RealmId, uuid7
from roster.storage.runtime import NOBODY, Runtime
from roster.storage.tx import Tx

ADMIN = "admin"


class FirstAdministrator(msgspec.Struct, frozen=True):
    """Made at the first start; `password` is set when it was generated and must be shown once."""

    username: str
    password: str | None


async def create_realm(tx: Tx, slug: str, display_name: str = "", settings: dict[str, object] | None = None) -> Realm:
    """A realm with its built-in roles, which nobody has yet. Raises as `realms.create`."""
    realm = await realms.create(tx, slug, display_name, settings)
    with tx.acting(realms.inside(tx.actor, realm)):
        await access.create_administrator_role(tx)
        await access.keep_built_in_roles(tx)
    return realm


async def create_administrator(tx: Tx, draft: UserDraft) -> User:
    """A person who may do everything in the realm acted in."""
    user = await users.create(tx, draft)
    role = await access.find_role(tx, ADMIN)
    await access.assign(tx, role.id, user.id)
    return user


async def first_start(runtime: Runtime, password: str | None) -> FirstAdministrator | None:
    """Make the main realm and its administrator, unless they are there. Several servers may try at once.

    Raises InvalidInput for a password that the realm would not take, before anything is made.
    """
    async with runtime.lease() as tx:
        if await _exists(tx):
            return None
    if password:
        rules.check(password, RealmSettings().password_min_length, field="admin.password")
    secret = password or secrets.password()
    hashed = await runtime.workers.run(hashing.hash_secret, secret)
    try:
        async with runtime.write(system(RealmId(uuid7()), realms.MAIN)) as tx:
            realm = await create_realm(tx, realms.MAIN, "Main")
            with tx.acting(realms.inside(tx.actor, realm)):
                user = await create_administrator(tx, UserDraft(username=ADMIN))
                await credentials.replace_password(tx, user.id, hashed)
    except SlugTaken:
        return None
    return FirstAdministrator(ADMIN, None if password else secret)


async def _exists(tx: Tx) -> bool:
    tx.actor = NOBODY
    try:
        await realms.by_slug(tx, realms.MAIN)
    except RealmNotFound:
        return False
    return True
