"""A directory of many people in several realms, with a few who are signed in, written straight into the tables."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec

from bench import rows
from bench.people import FACILITIES, person
from roster import app
from roster.core.access import assigning
from roster.core.access import service as access
from roster.core.access.contexts import Contexts
from roster.core.access.models import RoleDraft
from roster.core.credentials import hashing
from roster.core.credentials import service as credentials
from roster.core.flows import provision
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Opening
from roster.core.tokens import service as tokens
from roster.core.users import service as users
from roster.core.users.models import UserDraft
from roster.kit.actor import Actor, system
from roster.kit.ids import RealmId, UserId, uuid7
from roster.settings import Settings
from roster.storage import pool
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who do not exist
SIGNED_IN = 80
"""Sessions of the realm's administrator, each with a token of its own: enough for every connection of every round."""
WITH_PASSWORD = 100
"""People of all over the realm who can sign in with PASSWORD."""

_READER = ["users.read", "fulfillmenttools:USERS_READ", "fulfillmenttools:CURRENT_USER_READ"]


class Realm(msgspec.Struct, frozen=True):
    """A realm full of people."""

    slug: str
    id: UUID
    size: int
    tokens: list[str]
    refresh_tokens: list[str]
    limited_tokens: list[str] = []
    """Sessions of somebody who sees the people of three facilities only."""
    burdened_tokens: list[str] = []
    """Sessions of somebody who has fifty assignments."""
    first_new: int = 0
    """Nobody has made the person of this number or a later one."""

    def person_id(self, number: int) -> UUID:
        """The id of one of its people."""
        return rows.id_of(person(number, self.size))

    def some(self, count: int = 2_000) -> list[int]:
        """Numbers of so many people of all over the realm."""
        return list(range(0, self.size, max(1, self.size // count)))[:count]

    def changing(self, count: int) -> list[int]:
        """The same of those who may change: lists and searches are compared by the first ones."""
        first = self.size // 10
        return list(range(first, self.size, max(1, (self.size - first) // count)))[:count]

    def signing_in(self) -> list[int]:
        """Numbers of those who have PASSWORD."""
        active = [number for number in self.some(2 * WITH_PASSWORD) if person(number, self.size).status == "active"]
        return active[:WITH_PASSWORD]


async def build(settings: Settings, dsn: str, sizes: Mapping[str, int]) -> dict[str, Realm]:
    """Migrate the database and fill a realm of each size, unless they are there; the keys of `sizes` are the slugs."""
    await app.prepare(settings, dsn)
    runtime = app.runtime_of(settings, dsn)
    try:
        made = {slug: await _realm(runtime, slug, size) for slug, size in sizes.items()}
    finally:
        await runtime.close()
    if not await _is_filled(dsn):
        await _fill(dsn, list(made.values()))
    runtime = app.runtime_of(settings, dsn)
    try:
        for realm in made.values():
            await _give_passwords(runtime, realm)
    finally:
        await runtime.close()
    return {slug: await _numbered(dsn, realm) for slug, realm in made.items()}


async def _realm(runtime: Runtime, slug: str, size: int) -> Realm:
    outside = system(RealmId(uuid7()), slug, "bench")
    async with runtime.write(outside) as tx:
        with tx.acting(await _inside(tx, outside, slug)):
            name = f"{slug}-administrator"
            user = await users.find_by_identifier(tx, name)
            user = user or await provision.create_administrator(tx, UserDraft(username=name))
            signed_in = [await _sign_in(tx, UserId(user.id)) for _ in range(SIGNED_IN)]
            limited = await _with_role(tx, "limited", [{"facility": FACILITIES[:3]}])
            burdened = await _with_role(tx, "burdened", [{"facility": [name]} for name in FACILITIES[:50]])
            realm_id = tx.realm_id
    rows.require_same_rows(realm_id)
    access_tokens, refresh_tokens = [text for text, _ in signed_in], [refresh for _, refresh in signed_in]
    return Realm(slug, realm_id, size, access_tokens, refresh_tokens, limited, burdened)


async def _with_role(tx: Tx, name: str, places: Sequence[Contexts]) -> list[str]:
    """Tokens of a person of this name, who sees the people of these places."""
    user = await users.find_by_identifier(tx, f"{name}-reader")
    if user is None:
        user = await users.create(tx, UserDraft(username=f"{name}-reader"))
        role = await access.create_role(tx, RoleDraft(name=name, permissions=_READER))
        for contexts in places:
            await assigning.assign(tx, role.id, UserId(user.id), contexts)
    return [(await _sign_in(tx, UserId(user.id)))[0] for _ in range(SIGNED_IN)]


async def _inside(tx: Tx, actor: Actor, slug: str) -> Actor:
    try:
        realm = await realms.by_slug(tx, slug)
    except RealmNotFound:
        realm = await provision.create_realm(tx, slug)
    return realms.inside(actor, realm)


async def _sign_in(tx: Tx, user_id: UserId) -> tuple[str, str]:
    session = await sessions.open(tx, Opening(user_id, ("password",)))
    issued = await tokens.issue_access(tx, session)
    return issued.text, sessions.refresh_token(tx, session)


async def _give_passwords(runtime: Runtime, realm: Realm) -> None:
    hashed = await runtime.workers.run(hashing.hash_secret, PASSWORD)
    outside = system(RealmId(realm.id), realm.slug, "bench")
    async with runtime.write(outside) as tx:
        for number in realm.signing_in():
            await credentials.replace_password(tx, UserId(realm.person_id(number)), hashed)


async def _is_filled(dsn: str) -> bool:
    connection = await pool.connect(dsn)
    try:
        return await connection.fetchval("SELECT EXISTS (SELECT FROM users OFFSET 100)")
    finally:
        await connection.close()


async def _numbered(dsn: str, realm: Realm) -> Realm:
    """Whoever was made later has a number in the table that is greater than theirs here."""
    connection = await pool.connect(dsn)
    try:
        last = await connection.fetchval("SELECT max(number) FROM users WHERE realm_id = $1", realm.id)
    finally:
        await connection.close()
    return msgspec.structs.replace(realm, first_new=max(last, realm.size) + 1)


async def _fill(dsn: str, made: list[Realm]) -> None:
    """COPY without the secondary indexes, which are built afterwards: three times as fast as the other way round."""
    connection = await pool.connect(dsn)
    try:
        indexes = await _drop_indexes(connection)
        for realm in made:
            await _copy(connection, realm)
        for statement in indexes:
            await connection.execute(statement, timeout=3600)
        await connection.execute("VACUUM (ANALYZE) users, assignments, roles", timeout=3600)
    finally:
        await connection.close()


async def _copy(connection: asyncpg.Connection, realm: Realm) -> None:
    """Everybody has a role in one facility; what the database would note about that for each is noted here for all."""
    role_id = await connection.fetchval("SELECT id FROM roles WHERE realm_id = $1 AND name = 'burdened'", realm.id)
    await connection.copy_records_to_table(
        "users", columns=rows.PLACED, records=rows.placed(realm.id, realm.size, role_id), timeout=3600
    )
    await connection.execute("ALTER TABLE assignments DISABLE TRIGGER USER")
    await connection.copy_records_to_table(
        "assignments", columns=rows.ASSIGNED, records=rows.assigned(realm.id, realm.size, role_id), timeout=3600
    )
    await connection.execute("ALTER TABLE assignments ENABLE TRIGGER USER")


async def _drop_indexes(connection: asyncpg.Connection) -> list[str]:
    found = await connection.fetch(
        "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = 'users'::regclass AND NOT i.indisprimary"
    )
    for name, _ in found:
        await connection.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]
