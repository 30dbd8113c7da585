"""Many mails of one kind become few: the first goes out at once, the next are held, level by level.

At each level mails to one recipient are held until there are as many as it says, or its time since the last one went
out is over; then one goes out, which says how many it stands for, and the next level begins. When a level's time passes
without any mail, the kind begins anew (notes of `mail-service.send-grouped-mail`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from roster.core.letters import service as letters
from roster.core.letters import store
from roster.core.letters.models import Group, Letter, Level
from roster.kit.errors import InvalidInput
from roster.kit.ids import RealmId, uuid7
from roster.storage.tx import Tx

_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_PURPOSE: Final = "held letter"
_BATCH: Final = 200
_LONGEST_KEY: Final = 200


async def send(tx: Tx, key: str, letter: Letter, recipients: Sequence[str]) -> None:
    """Send the letter of this kind to each recipient, or hold it. Raises InvalidInput. Needs `messages.write`."""
    letters.require_few(recipients)
    if not 0 < len(key) <= _LONGEST_KEY:
        raise InvalidInput.of("key", "length", f"A kind of mail has at most {_LONGEST_KEY} characters.")
    for recipient in sorted(set(recipients)):  # in one order, so that two of these never wait for each other
        await _send(tx, key, letter, recipient)


async def flush(tx: Tx) -> int:
    """Send what was held for long enough in this realm; how many groups were looked at. Needs `messages.write`."""
    due = await store.due_groups(tx, _latest(tx), _BATCH)
    for group in due:
        letter = _opened(tx, group)
        if letter is None:
            await store.drop_group(tx, group.id)
        else:
            await _send_held(tx, group, letter, group.held)
    return len(due)


async def realms_waiting(tx: Tx) -> list[RealmId]:
    """Realms in which something was held for long enough."""
    return [RealmId(each) for each in await store.realms_with_due(tx, _latest(tx))]


async def _send(tx: Tx, key: str, letter: Letter, recipient: str) -> None:
    group, is_new = await store.lock_group(tx, uuid7(), key, recipient)
    held = group.held + 1
    levels = _levels(tx)
    level = levels[min(group.level, len(levels) - 1)]
    if held >= level.count:
        await _send_held(tx, group, letter, held)
        return
    began = is_new or group.held == 0
    due_at = tx.now + timedelta(seconds=level.seconds) if began else group.due_at
    sealed = _sealed(tx, group, letter)
    await store.set_group(tx, msgspec.structs.replace(group, held=held, sealed=sealed, due_at=due_at))


async def _send_held(tx: Tx, group: Group, letter: Letter, held: int) -> None:
    """One for all of them; the next ones are held at the next level."""
    said = msgspec.structs.replace(letter, arguments={**letter.arguments, "n": held})
    await letters.send(tx, said, [group.recipient])
    levels = _levels(tx)
    level = min(group.level + 1, len(levels) - 1)
    due_at = tx.now + timedelta(seconds=levels[level].seconds)
    await store.set_group(tx, msgspec.structs.replace(group, level=level, held=0, sealed=None, due_at=due_at))


def _sealed(tx: Tx, group: Group, letter: Letter) -> bytes:
    return tx.runtime.keyring.seal(_PURPOSE, msgspec.json.encode(letter), tx.realm_id.bytes + group.id.bytes)


def _opened(tx: Tx, group: Group) -> Letter | None:
    if group.sealed is None:
        return None
    opened = tx.runtime.keyring.open(_PURPOSE, group.sealed, tx.realm_id.bytes + group.id.bytes)
    return None if opened is None else msgspec.json.decode(opened, type=Letter)


def _latest(tx: Tx) -> datetime:
    """Whatever is held for longer was held while a clock was ahead; right ones may be a minute apart."""
    return tx.now + timedelta(minutes=1, seconds=max(level.seconds for level in _levels(tx)))


def _levels(tx: Tx) -> list[Level]:
    """As the setting `mail.grouped` says: `1,0m;5,2m;30,5m` is one at once, then five or two minutes, and so on."""
    parts = (each.partition(",") for each in tx.runtime.settings.mail.grouped.split(";"))
    return [Level(int(count), int(time[:-1]) * _UNITS[time[-1]]) for count, _, time in parts]
