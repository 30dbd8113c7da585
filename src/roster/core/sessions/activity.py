"""When sessions and keys were last used: noted in memory on the way, written together now and then.

A minute's precision is enough for people who look at the list, and costs one statement a minute instead of one a
request. What a killed process has not written is lost; nothing depends on it.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from roster.core.credentials import service as credentials
from roster.core.orgs import tokens as org_tokens
from roster.core.sessions import store
from roster.kit.errors import Unavailable
from roster.kit.ids import CredentialId, RealmId, SessionId
from roster.storage.runtime import Runtime

PRECISION: Final = timedelta(minutes=1)
_EVERY: Final = 15.0

_Used = dict[tuple[RealmId, SessionId], datetime]
_UsedKeys = dict[tuple[RealmId, CredentialId], datetime]


def touch(runtime: Runtime, realm_id: RealmId, session_id: SessionId, now: datetime) -> None:
    """Note that a session is used now; whoever calls knows that the stored time is not recent enough."""
    _sessions(runtime)[realm_id, session_id] = now


def touch_key(
    runtime: Runtime, realm_id: RealmId, credential_id: CredentialId, last: datetime | None, now: datetime
) -> None:
    """Note that a credential is used now, unless the stored time `last` is recent enough."""
    if last is None or now - last >= PRECISION:
        _keys(runtime)[realm_id, credential_id] = now


def touch_org_token(runtime: Runtime, realm_id: RealmId, token_id: UUID, last: datetime | None, now: datetime) -> None:
    """Note that an organisation's token is used now, unless the stored time `last` is recent enough."""
    if last is None or now - last >= PRECISION:
        _org_tokens(runtime)[realm_id, token_id] = now


async def flush(runtime: Runtime) -> None:
    """Write what was noted."""
    used, used_keys, used_tokens = _sessions(runtime).copy(), _keys(runtime).copy(), _org_tokens(runtime).copy()
    _sessions(runtime).clear()
    _keys(runtime).clear()
    _org_tokens(runtime).clear()
    async with runtime.lease() as tx:
        if used:
            await store.touch(tx, sorted((*key, at) for key, at in used.items()))
        if used_keys:
            await credentials.touch(tx, sorted((*key, at) for key, at in used_keys.items()))
        if used_tokens:
            await org_tokens.touch(tx, sorted((*key, at) for key, at in used_tokens.items()))


async def run(runtime: Runtime) -> None:
    """Flush for ever; cancelled when the server stops, after which `flush` is called once more."""
    while True:
        await asyncio.sleep(_EVERY)
        with suppress(Unavailable):
            await flush(runtime)


def _sessions(runtime: Runtime) -> _Used:
    return runtime.memo.setdefault("used sessions", {})


def _org_tokens(runtime: Runtime) -> dict[tuple[RealmId, UUID], datetime]:
    return runtime.memo.setdefault("used tokens of organisations", {})


def _keys(runtime: Runtime) -> _UsedKeys:
    return runtime.memo.setdefault("used keys", {})
