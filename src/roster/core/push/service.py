"""Registering devices, and sending messages to them by the queue of messages.

A token reaches one app on one device, and whoever signs in there takes it along: it belongs to whom it was registered
for last.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.messages import service as messages
from roster.core.messages.service import Letter
from roster.core.push import store
from roster.core.push.models import Platform, Push, Registration
from roster.kit import secrets
from roster.kit.errors import InvalidInput, Unauthenticated
from roster.kit.ids import RealmId, UserId, uuid7
from roster.kit.secrets import Keyring
from roster.storage.tx import Tx

TEMPLATE: Final = "push"
MOST: Final = 50
"""Devices of one person; the one that was not seen for longest makes room."""
AT_ONCE: Final = 1000
"""People to whom one message may go."""
_LARGEST: Final = 4000
_LONGEST_TOKEN: Final = 4096
_LONGEST_NAME: Final = 200
_PURPOSE: Final = "push-token"


async def register(tx: Tx, token: str, *, device: str = "", platform: Platform = "") -> Registration:
    """Have messages to the actor, a person, go to this device too; a token that was somebody else's is theirs now.

    With `device` a token that this device had before goes. Raises InvalidInput, Unauthenticated.
    """
    user_id = tx.actor.person_id
    if user_id is None or not tx.actor.is_user(user_id):
        raise Unauthenticated
    _check(token, device)
    mark = secrets.digest(token)
    known = await store.touch(tx, user_id, mark, device=device, platform=platform)
    if known is None:
        await store.delete_marked(tx, mark)
        new = uuid7()
        sealed = tx.runtime.keyring.seal(_PURPOSE, token.encode(), tx.realm_id.bytes + new.bytes)
        known = await store.insert(tx, new, user_id, mark=mark, sealed=sealed, device=device, platform=platform)
    if device:
        await store.delete_others(tx, user_id, device, known.id)
    await store.make_room(tx, user_id, MOST)
    return known


async def unregister(tx: Tx, token: str) -> int:
    """No more messages to this device, for whomever; who knows its token holds the device. How many there were."""
    return await store.delete_marked(tx, secrets.digest(token))


async def unregister_all(tx: Tx, user_id: UserId) -> int:
    """No more messages to any device of this person: oneself, or with `users.write`. How many there were."""
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "users.write", user_id)
    removed = await store.delete_of(tx, user_id)
    if removed:
        await audit.record(tx, "push.unregistered", "user", user_id)
    return removed


async def list_of(tx: Tx, user_id: UserId) -> list[Registration]:
    """Devices of one person, the last seen first: oneself, or with `users.read`."""
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "users.read", user_id)
    return await store.list_of(tx, user_id)


async def send(tx: Tx, user_ids: Sequence[UserId], message: Push) -> int:
    """Send to all devices of these people who are active; to how many devices. Needs `push.send`.

    Raises InvalidInput.
    """
    access.require(tx, "push.send")
    if len(user_ids) > AT_ONCE:
        raise InvalidInput.of("userId", "too_many", f"A message goes to at most {AT_ONCE} people at once.")
    if not message.silent and not (message.title or message.body or message.data):
        raise InvalidInput.of("notification", "required", "There is nothing to be sent.")
    values = msgspec.to_builtins(message)
    if len(msgspec.json.encode(values)) > _LARGEST:
        raise InvalidInput.of("notification", "too_large", f"A push message takes at most {_LARGEST} bytes.")
    found = await store.reached(tx, user_ids)
    await messages.send_many(
        tx, TEMPLATE, [Letter(values, who, str(each), None) for each, who in found], channel="push"
    )
    return len(found)


# parts of delivery, which acts for all realms


async def token_of(tx: Tx, realm_id: RealmId, registration_id: UUID) -> str | None:
    """The token of a device; None when it is not registered any more."""
    sealed = await store.sealed(tx, realm_id, registration_id)
    return None if sealed is None else _open(tx.runtime.keyring, realm_id, registration_id, sealed)


async def drop(tx: Tx, realm_id: RealmId, registration_id: UUID) -> None:
    """The provider says that the app is gone from the device."""
    await store.delete(tx, realm_id, registration_id)


def _open(keyring: Keyring, realm_id: RealmId, registration_id: UUID, sealed: bytes) -> str | None:
    found = keyring.open(_PURPOSE, sealed, realm_id.bytes + registration_id.bytes)
    return None if found is None else found.decode()


def _check(token: str, device: str) -> None:
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise InvalidInput.of("registrationToken", "invalid_text", "This is no registration token.")
    if len(device) > _LONGEST_NAME or not device.isprintable():
        raise InvalidInput.of("deviceId", "invalid_text", "This is no identifier of a device.")
