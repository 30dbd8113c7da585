"""Members of an organisation, and people who log in with a second factor, added to the realm of all people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from pyotp.totp import TOTP

from bench import processes
from bench.dataset import PASSWORD, Realm
from bench.stage import Stage
from roster import app
from roster.core.credentials import hashing
from roster.core.credentials import service as credentials
from roster.core.mfa import service as mfa
from roster.core.users import service as users
from roster.core.users.models import UserDraft
from roster.kit import clock
from roster.kit.actor import Actor, system
from roster.kit.ids import RealmId, UserId, uuid7
from roster.storage import pool
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_STEP = 30
_AT_ONCE = 10_000
"""As many new rows as the triggers that count them can keep in memory."""
_JOINING = (
    "INSERT INTO memberships (realm_id, id, org_id, user_id, state, created_at, joined_at)"
    " SELECT $1, gen_random_uuid(), o.id, u.user_id, 'active', now(), now() FROM orgs o, unnest($3::uuid[]) u (user_id)"
    " WHERE o.realm_id = $1 AND o.number = $2"
)
"""Members as the directory has them, without the role that each would get; lists do not ask for it."""


class Account(msgspec.Struct, frozen=True):
    """Somebody with PASSWORD; `seed` is of their second factor, where they have one."""

    email: str
    seed: str | None


async def join(stage: Stage, org: int, people: Sequence[UUID]) -> None:
    """Make people members of the organisation of this number."""
    connection = await pool.connect(stage.dsn)
    try:
        for start in range(0, len(people), _AT_ONCE):
            some = list(people[start : start + _AT_ONCE])
            await connection.execute(_JOINING, stage.main.id, org, some, timeout=600)
        await connection.execute("VACUUM (ANALYZE) memberships", timeout=600)
    finally:
        await connection.close()


async def invited(stage: Stage) -> tuple[int, float] | None:
    """How many the last job has invited, and in how many seconds from when it was asked for; None while it runs."""
    connection = await pool.connect(stage.dsn)
    try:
        row = await connection.fetchrow(
            "SELECT invited, created_at, finished_at, error FROM invitation_batches ORDER BY created_at DESC LIMIT 1"
        )
    finally:
        await connection.close()
    if row is None or row["error"]:
        raise processes.Failed(f"The job failed: {row and row['error']}")
    if row["finished_at"] is None:
        return None
    asked: datetime = row["created_at"]
    return row["invited"], (row["finished_at"] - asked).total_seconds()


async def accounts(stage: Stage, count: int, *, second_factor: bool) -> list[Account]:
    """People who can log in, made by the directory itself."""
    runtime = app.runtime_of(processes.settings_of(stage.data), stage.dsn)
    try:
        hashed = await runtime.workers.run(hashing.hash_secret, PASSWORD)
        return [await _account(runtime, stage.main, hashed, second_factor=second_factor) for _ in range(count)]
    finally:
        await runtime.close()


def code(seed: str) -> str:
    """What an authenticator shows now."""
    return TOTP(seed).generate_otp(int(clock.now().timestamp()) // _STEP)


async def _account(runtime: Runtime, realm: Realm, hashed: str, *, second_factor: bool) -> Account:
    actor: Actor = system(RealmId(realm.id), realm.slug, "bench")
    email = f"{uuid7().hex}@login.example.org"
    async with runtime.write(actor) as tx:
        user = await users.create(tx, UserDraft(username=email, email=email, email_verified=True))
        await credentials.replace_password(tx, UserId(user.id), hashed)
        return Account(email, await _enrolled(tx, UserId(user.id)) if second_factor else None)


async def _enrolled(tx: Tx, user_id: UserId) -> str:
    """The code that switches it on is that of the step before, so that the present one is left."""
    seed = (await mfa.enrol(tx, user_id)).secret
    earlier = TOTP(seed).generate_otp(int(tx.now.timestamp()) // _STEP - 1)
    await mfa.activate_prepared(tx, user_id, earlier)
    return seed
