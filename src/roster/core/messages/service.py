"""Queueing messages. The values of a template hold one-time links, so they are stored sealed."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec

from roster.core.messages import store
from roster.kit.ids import RealmId, UserId, uuid7
from roster.kit.secrets import Keyring
from roster.storage.tx import Tx

Channel = Literal["mail", "sms", "push"]
_PURPOSE: Final = "message"


class Letter(msgspec.Struct, frozen=True):
    """One of many messages that share a template."""

    values: Mapping[str, object]
    user_id: UserId
    recipient: str
    locale: str | None


async def send_many(tx: Tx, template: str, letters: Sequence[Letter], *, channel: Channel = "mail") -> None:
    """Queue messages to people who exist, in one statement; each goes out only if the transaction commits."""
    rows: list[Sequence[object]] = []
    for letter in letters:
        message_id = uuid7()
        sealed = tx.runtime.keyring.seal(_PURPOSE, msgspec.json.encode(letter.values), _row(tx.realm_id, message_id))
        rows.append((message_id, letter.user_id, letter.recipient, letter.locale, sealed))
    if rows:
        await store.insert_many(tx, template, channel, rows)


async def send(
    tx: Tx,
    template: str,
    values: Mapping[str, object],
    *,
    user_id: UserId | None,
    recipient: str,
    locale: str | None,
    channel: Channel = "mail",
) -> UUID:
    """Queue a message in the caller's transaction; its id. It goes out only if that commits."""
    message_id = uuid7()
    sealed = tx.runtime.keyring.seal(_PURPOSE, msgspec.json.encode(values), _row(tx.realm_id, message_id))
    await store.insert(
        tx,
        message_id,
        user_id=user_id,
        channel=channel,
        recipient=recipient,
        template=template,
        locale=locale,
        sealed=sealed,
    )
    return message_id


def values_of(keyring: Keyring, realm_id: RealmId, message_id: UUID, sealed: bytes) -> dict[str, object] | None:
    """What `send` was given, for the job that renders the template; None when it cannot be opened."""
    opened = keyring.open(_PURPOSE, sealed, _row(realm_id, message_id))
    return None if opened is None else msgspec.json.decode(opened, type=dict[str, object])


def _row(realm_id: RealmId, message_id: UUID) -> bytes:
    return realm_id.bytes + message_id.bytes
