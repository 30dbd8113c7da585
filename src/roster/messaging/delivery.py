"""Sending what is due. Every worker may run this; each message is taken by one of them at a time.

A message goes out at least once: when the process dies between the carrier's yes and our note of it, it is sent
again after the wait of that attempt.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from roster.core.messages import service as messages
from roster.core.push import service as push
from roster.kit import clock
from roster.kit.errors import RosterError
from roster.messaging import carriers, store, texts
from roster.messaging.carriers import Carrier, Gone, NotNow, Open, Refused
from roster.messaging.models import Message
from roster.storage.runtime import Runtime
from roster.storage.trimming import trim_all

_log = structlog.get_logger("roster.messaging")

WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240))
"""Between attempts; after the last one the message is given up."""
_BATCH: Final = 20
_EVERY: Final = 2.0


async def run(runtime: Runtime, *, every: float = _EVERY) -> None:
    """Send for ever; returns at once when nothing is configured. Cancelled when the server stops."""
    if not carriers.configured(runtime.settings):
        return
    watch = clock.Watch()
    while True:
        taken = await _quietly(runtime, watch)
        _stop_if_cancelled()
        if taken < _BATCH:
            await asyncio.sleep(every)


async def deliver(runtime: Runtime) -> int:
    """Send one batch of what is due; how many messages were taken."""
    known = carriers.configured(runtime.settings)
    async with runtime.lease() as tx, tx.transaction():
        due = await store.take_due(tx, WAITS, _BATCH, list(known))
    for channel, carrier in known.items():
        await _send_all(runtime, carrier, [each for each in due if each.channel == channel])
    return len(due)


async def sweep(runtime: Runtime, *, keep_for: timedelta = timedelta(days=30), batch: int = 5000) -> int:
    """Remove messages that were sent or given up long ago, in transactions of so many; the number removed."""
    before = clock.now() - keep_for
    return await trim_all(runtime, lambda tx, portion: store.sweep(tx, before, portion), batch)


def _stop_if_cancelled() -> None:
    """Python 3.11 loses a cancellation that comes at the moment when the mail server's answer does."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _quietly(runtime: Runtime, watch: clock.Watch) -> int:
    try:
        if watch.was_set_back():
            await _bring_forward(runtime)
        watch.settle()
        return await deliver(runtime)
    except RosterError:
        return 0
    except Exception:  # noqa: BLE001 (the edge: mail goes on whatever happens)
        _log.exception("delivery.failed")
        return 0


async def _bring_forward(runtime: Runtime) -> None:
    async with runtime.lease() as tx, tx.transaction():
        brought = await store.bring_forward(tx, WAITS)
    if brought:
        _log.warning("delivery.brought_forward", messages=brought)


async def _send_all(runtime: Runtime, carrier: Open, due: Sequence[Message]) -> None:
    if not due:
        return
    try:
        async with carrier() as opened:
            for message in due:
                await _send(runtime, opened, message)
    except NotNow as error:
        _log.warning(f"{due[0].channel}.unreachable", error=str(error))
        for message in due:
            await _note(runtime, message, str(error))


async def _send(runtime: Runtime, carrier: Carrier, message: Message) -> None:
    text = rendered(runtime, message)
    recipient = await _recipient(runtime, message)
    if text is None or recipient is None:
        said = "The message cannot be rendered." if text is None else "The device is not registered any more."
        await _settle(runtime, message, "failed", said)
        return
    try:
        await carrier.send(recipient, text)
    except Gone as error:
        await _forget(runtime, message)
        await _settle(runtime, message, "failed", str(error))
    except Refused as error:
        await _settle(runtime, message, "failed", str(error))
    except NotNow as error:
        await _note(runtime, message, str(error))
    else:
        await _settle(runtime, message, "sent", None)


def rendered(runtime: Runtime, message: Message) -> texts.Text | None:
    """The message as its reader will see it; None when its values are gone or cannot be opened."""
    if message.sealed is None:
        return None
    values = messages.values_of(runtime.keyring, message.realm_id, message.id, message.sealed)
    if values is None:
        return None
    return texts.pushed(values) if message.channel == "push" else texts.render(message.template, message.locale, values)


async def _recipient(runtime: Runtime, message: Message) -> str | None:
    """Messages for devices name a registration, which may have gone, or moved to somebody else, meanwhile."""
    if message.channel != "push":
        return message.recipient
    async with runtime.lease() as tx:
        return await push.token_of(tx, message.realm_id, UUID(message.recipient))


async def _forget(runtime: Runtime, message: Message) -> None:
    if message.channel == "push":
        async with runtime.lease() as tx, tx.transaction():
            await push.drop(tx, message.realm_id, UUID(message.recipient))


async def _note(runtime: Runtime, message: Message, error: str) -> None:
    if message.attempts > len(WAITS):
        await _settle(runtime, message, "failed", error)
        return
    async with runtime.lease() as tx, tx.transaction():
        await store.note(tx, message, error)


async def _settle(runtime: Runtime, message: Message, state: str, error: str | None) -> None:
    _log.info(f"{message.channel}.{state}", message_id=str(message.id), template=message.template)
    async with runtime.lease() as tx, tx.transaction():
        await store.settle(tx, message, state, error)
