"""What was read is believed until the database says otherwise: the marks, and what the database tells."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit import clock
from roster.kit.ids import uuid7
from roster.storage import pool
from roster.storage.pool import Connection
from roster.storage.runtime import Runtime
from roster.storage.voids import EVERYTHING, Voids
from tests import factories, listening_to
from tests.listening_to import Told

# the marks


@pytest.fixture
def voids(tmp_path: Path) -> Voids:
    """Marks of a folder of their own, trusted."""
    made = Voids(tmp_path)
    made.trust(made.now())
    return made


def test_what_was_read_is_believed_until_one_of_its_names_is_void(voids: Voids):
    one, other, third = uuid7(), uuid7(), uuid7()
    for name in (str(one), str(other), EVERYTHING, "no name at all"):
        marks, apart = voids.marks(one, other), voids.marks(third)
        assert voids.hold(marks)

        voids.void([name])

        assert not voids.hold(marks), name
        assert voids.hold(apart) == (name in (str(one), str(other)))


def test_processes_of_one_folder_share_their_marks(voids: Voids, tmp_path: Path):
    one = uuid7()
    marks = voids.marks(one)

    Voids(tmp_path).void([str(one)])

    assert not voids.hold(marks)


def test_nothing_is_believed_by_those_who_may_miss_something(voids: Voids, tmp_path: Path):
    marks = voids.marks(uuid7())

    assert not Voids(tmp_path).hold(marks)
    voids.trust(voids.now() - 2)
    assert not voids.hold(marks)
    voids.trust(voids.now())
    assert voids.hold(marks)
    voids.distrust()
    assert not voids.hold(marks)


@pytest.mark.parametrize("folder", [None, Path("/nowhere/at/all")])
def test_nothing_is_believed_without_a_folder_to_share(folder: Path | None):
    voids = Voids(folder)
    voids.trust(voids.now())

    assert not voids.hold(voids.marks(uuid7()))


def test_the_file_lies_in_the_folder_and_nobody_else_reads_it(voids: Voids, tmp_path: Path):
    file = tmp_path / "voids"

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_blocks * 512 >= file.stat().st_size > 0


# what the database tells


QUIET = {
    "realms": {"number", "created_at", "updated_at"},
    "users": {
        *("number", "email_key", "email_unique", "phone", "phone_key", "phone_verified_at", "display_name"),
        *("display_key", "given_name", "given_key", "family_name", "family_key", "personal_number", "picture"),
        *("attributes", "facets", "tags", "grams", "sketch", "version", "places", "held", "last_sign_in_at"),
        *("created_at", "created_by", "created_from", "updated_at", "updated_by", "updated_from", "deleted_by"),
        *("deleted_from", "erased_at"),
    },
    "sessions": {
        *("number", "credential_id", "dialect", "label", "user_agent", "address", "created_at", "last_used_at"),
        *("end_reason", "generation", "refreshed_at"),
    },
    "credentials": {
        *("number", "label", "hash", "data", "created_at", "created_by", "updated_at", "updated_by", "updated_from"),
        "last_used_at",
    },
    "devices": {
        *("number", "name", "name_key", "kind", "description", "external_id", "sealed", "facets", "tags", "version"),
        *("created_at", "created_by", "created_from", "updated_at", "updated_by", "updated_from", "deleted_by"),
        "deleted_from",
    },
}
"""Columns of which nothing is remembered with whoever asks."""
TOLD = {
    "realms": {"id": None, "slug": "slug || 'x'", "display_name": "'another'", "status": "'disabled'",
               "settings": """'{"retention_days": 7}'""", "version": "version + 1",
               "access_version": "access_version + 1"},
    "users": {"realm_id": None, "id": None, "username": "username || 'x'", "username_key": "username_key || 'x'",
              "email": "'unverified@example.com'", "email_verified_at": None, "locale": "'sv-SE'",
              "status": "'disabled'", "access_version": "access_version + 1", "deleted_at": "now()"},
    "sessions": {"realm_id": None, "id": "gen_random_uuid()", "user_id": None, "factors": "'{pin}'",
                 "authenticated_at": "now() - interval '1 day'", "expires_at": "expires_at - interval '1 second'",
                 "ended_at": "now()", "device_id": "gen_random_uuid()"},
    "credentials": {"realm_id": None, "id": "gen_random_uuid()", "user_id": None, "kind": "'personal'",
                    "state": "'used'", "lookup": "'x'", "sealed": "'x'", "version": "version + 1",
                    "expires_at": "now()"},
    "devices": {"realm_id": None, "id": "gen_random_uuid()", "status": "'disabled'", "deleted_at": "now()"},
}  # fmt: skip
"""Columns of which something is, and how to change them; None where no statement can by itself."""
CHANGES = [(table, name, to) for table, columns in TOLD.items() for name, to in columns.items() if to]


class Rows:
    """One row of each of these tables, and who may be told."""

    def __init__(self, connection: Connection, realm: Realm, user: User, device_id: UUID) -> None:
        self.connection = connection
        self.of = {"realms": realm.id, "users": user.id, "sessions": user.id, "credentials": user.id}
        self.of["devices"] = device_id  # type: ignore[assignment]
        self.realm_id = realm.id

    async def change(self, table: str, settings: str) -> None:
        """Change the row of this table."""
        condition = "id = $1" if table == "realms" else "realm_id = $1"
        await self.connection.execute(f"UPDATE {table} SET {settings} WHERE {condition}", self.realm_id)


@pytest.fixture
async def rows(runtime: Runtime, realm: Realm, dsn: str) -> AsyncIterator[Rows]:
    user = await factories.a_person(runtime, realm)
    device_id = uuid7()
    connection = await pool.connect(dsn)
    known = (realm.id, user.id, uuid7(), clock.now())
    await connection.execute(
        "INSERT INTO sessions (realm_id, user_id, id, created_at, last_used_at, authenticated_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $4, $4, $4)",
        *known,
    )
    await connection.execute(
        "INSERT INTO credentials (realm_id, user_id, id, kind, created_at, updated_at)"
        " VALUES ($1, $2, $3, 'api_key', $4, $4)",
        *known,
    )
    await connection.execute(
        "INSERT INTO devices (realm_id, id, name, name_key, created_at, updated_at) VALUES ($1, $2, '', '', $3, $3)",
        realm.id,
        device_id,
        clock.now(),
    )
    yield Rows(connection, realm, user, device_id)
    await connection.close()


@pytest.fixture
async def told(dsn: str, rows: Rows) -> AsyncIterator[Told]:
    rows.connection.voided.clear()
    async with listening_to.told(dsn) as found:
        yield found


@pytest.mark.parametrize(("table", "column", "to"), CHANGES)
async def test_a_change_of_what_is_remembered_is_told_to_all(rows: Rows, told: Told, table: str, column: str, to: str):
    await rows.change(table, f"{column} = {to}")

    assert await told.names() == [str(rows.of[table])]
    assert rows.connection.voided == {str(rows.of[table])}


@pytest.mark.parametrize("table", ["sessions", "credentials", "devices", "users"])
async def test_what_is_gone_is_told(rows: Rows, told: Told, table: str):
    await rows.connection.execute(f"DELETE FROM {table} WHERE realm_id = $1", rows.realm_id)

    assert set(await told.names()) == rows.connection.voided == {str(rows.of[table])}


@pytest.mark.parametrize("table", TOLD)
async def test_a_table_that_is_emptied_voids_everything(own_dsn: str, table: str):
    connection = await pool.connect(own_dsn)
    async with listening_to.told(own_dsn) as told:
        await connection.execute(f"TRUNCATE {table} CASCADE")

        assert EVERYTHING in await told.names()
    assert EVERYTHING in connection.voided
    await connection.close()


@pytest.mark.parametrize("table", TOLD)
async def test_every_column_is_told_of_or_does_not_matter(rows: Rows, table: str):
    columns = await rows.connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1", table
    )

    assert {row["column_name"] for row in columns} == QUIET[table] | set(TOLD[table])
    assert not QUIET[table] & set(TOLD[table])


async def test_nobody_is_told_of_what_does_not_matter(rows: Rows, told: Told):
    later = "generation = generation + 1, refreshed_at = now(), last_used_at = now(), expires_at = now() + '1 day'"
    await rows.change("sessions", later)
    await rows.change("credentials", "last_used_at = now(), hash = 'x', data = '{\"last_step\": 1}'")
    await rows.change("users", "last_sign_in_at = now(), display_name = 'x', version = version + 1, tags = '{x}'")
    await rows.change("users", "email = 'x@example.com', email_verified_at = now()")
    await rows.change("devices", "name = 'x', version = version + 1")
    await rows.change("realms", "updated_at = now()")
    await rows.change("users", "status = status, locale = locale")

    assert await told.names() == []
    assert rows.connection.voided == set()


async def test_what_is_taken_back_is_told_to_nobody_else(rows: Rows, told: Told):
    await rows.connection.execute("BEGIN")
    await rows.change("users", "status = 'disabled'")
    assert await told.names() == []
    await rows.connection.execute("ROLLBACK")

    assert await told.names() == []


async def test_a_change_of_many_people_voids_their_realm(runtime: Runtime, realm: Realm, rows: Rows, told: Told):
    other = await factories.a_realm(runtime)
    somebody = await factories.a_person(runtime, other)
    await rows.connection.execute(
        "INSERT INTO users (realm_id, id, username, username_key, created_at, updated_at)"
        " SELECT $1, gen_random_uuid(), n, n, now(), now() FROM generate_series(1, 500) n",
        realm.id,
    )  # fmt: skip
    await told.names()
    async with rows.connection.transaction():
        await rows.change("users", "status = 'disabled'")
        await rows.connection.execute("UPDATE users SET status = 'disabled' WHERE realm_id = $1", other.id)

    names = await told.names()
    assert len(names) == 102
    assert names[-2:] == [str(realm.id), str(other.id)]
    assert set(names) == rows.connection.voided
    assert str(somebody.id) not in names


async def test_the_pool_marks_what_its_connections_have_changed(
    runtime: Runtime, realm: Realm, dsn: str, tmp_path: Path
):
    deaf = Runtime.open(factories.settings(tmp_path), dsn)
    user = await factories.a_person(runtime, realm)
    marks = deaf.voids.marks(user.id).values
    async with deaf.write(factories.roster_in(realm)) as tx:
        await tx.run("UPDATE users SET status = 'disabled' WHERE realm_id = $1", realm.id)
        assert deaf.voids.marks(user.id).values == marks

    assert deaf.voids.marks(user.id).values != marks
    await deaf.close()
