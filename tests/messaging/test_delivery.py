"""Sending what is due, over a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from roster import app
from roster.core.messages import service as messages
from roster.core.realms.models import Realm
from roster.messaging import delivery, mailbox, store
from roster.storage.runtime import Runtime
from tests import factories


class Mailbox:
    """What the server took; `refusal` is what it says instead of yes."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.refusal: str | None = None

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
async def smtp() -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server and its port."""
    taken = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taken), "127.0.0.1", 0)
    yield taken, server.sockets[0].getsockname()[1]
    server.close()


def sending(own_dsn: str, folder: Path, port: int) -> Runtime:
    flags = {"mail.host": "127.0.0.1", "mail.port": port, "mail.tls": "none", "mail.from": "Roster <id@example.com>"}
    return app.runtime_of(factories.settings(folder, **flags), own_dsn)


@pytest.fixture
async def own_runtime(own_dsn: str, tmp_path: Path, smtp: tuple[Mailbox, int]) -> AsyncIterator[Runtime]:
    """A server that sends mail, on a database of its own."""
    runtime = sending(own_dsn, tmp_path, smtp[1])
    yield runtime
    await runtime.close()


@pytest.fixture
async def own_realm(own_runtime: Runtime) -> Realm:
    return await factories.a_realm(own_runtime)


async def queue(
    runtime: Runtime, realm: Realm, recipient: str = "eva@example.com", template: str = "verify_email"
) -> None:
    values = {"link": "http://x/y?token=t", "username": "eva", "display_name": "Eva", "realm": "R", "expires_in": 900}
    async with runtime.write(factories.roster_in(realm)) as tx:
        await messages.send(tx, template, values, user_id=None, recipient=recipient, locale="en")


async def stored(runtime: Runtime, realm: Realm) -> list[Any]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return list(await mailbox.page(tx))


async def make_due(runtime: Runtime) -> None:
    """As if the wait were over."""
    async with runtime.lease() as tx:
        await tx.run("UPDATE messages SET due_at = now() - interval '1 second'")


async def test_a_queued_message_is_sent_and_its_links_are_forgotten(
    own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int]
):
    await queue(own_runtime, own_realm)

    assert await delivery.deliver(own_runtime) == 1
    assert await delivery.deliver(own_runtime) == 0

    (envelope,) = smtp[0].taken
    message = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("id@example.com", ["eva@example.com"])
    assert "http://x/y?token=t" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (row,) = await stored(own_runtime, own_realm)
    assert (row.state, row.sealed, row.attempts, row.error) == ("sent", None, 1, None)
    assert row.sent_at is not None


async def test_a_final_no_of_the_server_ends_it(own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int]):
    smtp[0].refusal = "550 No such mailbox"
    await queue(own_runtime, own_realm)

    await delivery.deliver(own_runtime)

    (row,) = await stored(own_runtime, own_realm)
    assert (row.state, row.sealed, row.error) == ("failed", None, "550 No such mailbox")


async def test_a_no_for_now_is_tried_again_with_longer_and_longer_waits_and_then_given_up(
    own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int]
):
    smtp[0].refusal = "451 Come back later"
    await queue(own_runtime, own_realm)
    waits: list[timedelta] = []
    for _ in delivery.WAITS:
        (before,) = await stored(own_runtime, own_realm)
        assert await delivery.deliver(own_runtime) == 1
        (row,) = await stored(own_runtime, own_realm)
        assert (row.state, row.error, row.attempts) == ("queued", "451 Come back later", before.attempts + 1)
        assert await delivery.deliver(own_runtime) == 0
        async with own_runtime.lease() as tx:
            waits.append(row.due_at - tx.now)
        await make_due(own_runtime)

    await delivery.deliver(own_runtime)

    (row,) = await stored(own_runtime, own_realm)
    assert (row.state, row.sealed) == ("failed", None)
    assert waits == sorted(waits)
    assert waits[0] > timedelta(seconds=50)


async def test_a_server_that_is_away_costs_nothing_but_time(own_dsn: str, tmp_path: Path, smtp: tuple[Mailbox, int]):
    away = sending(own_dsn, tmp_path, 1)
    realm = await factories.a_realm(away)
    await queue(away, realm)
    await delivery.deliver(away)
    (row,) = await stored(away, realm)
    await away.close()
    back = sending(own_dsn, tmp_path, smtp[1])
    await make_due(back)

    await delivery.deliver(back)

    assert row.state == "queued"
    assert "Connect" in row.error
    assert len(smtp[0].taken) == 1
    await back.close()


@pytest.mark.parametrize(("recipient", "named"), [("no address", "verify_email"), ("eva@example.com", "unknown")])
async def test_what_cannot_be_written_fails_and_holds_up_nothing(
    own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int], recipient: str, named: str
):
    await queue(own_runtime, own_realm, recipient, named)
    await queue(own_runtime, own_realm)

    await delivery.deliver(own_runtime)

    assert sorted(row.state for row in await stored(own_runtime, own_realm)) == ["failed", "sent"]
    assert len(smtp[0].taken) == 1


async def test_several_senders_send_each_message_once(
    own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int]
):
    for number in range(50):
        await queue(own_runtime, own_realm, f"p{number}@example.com")

    taken = await asyncio.gather(*(delivery.deliver(own_runtime) for _ in range(4)))

    assert sum(taken) == 50
    assert sorted(envelope.rcpt_tos[0] for envelope in smtp[0].taken) == sorted(
        f"p{number}@example.com" for number in range(50)
    )


async def test_a_sender_that_was_killed_is_followed_by_another(
    own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int]
):
    """Taking a message only postpones it, so what was taken and not settled comes back."""
    await queue(own_runtime, own_realm)
    async with own_runtime.lease() as tx, tx.transaction():
        assert len(await store.take_due(tx, delivery.WAITS, 10)) == 1
    await make_due(own_runtime)

    await delivery.deliver(own_runtime)

    assert len(smtp[0].taken) == 1


async def test_the_loop_sends_what_comes_until_it_is_stopped(
    own_runtime: Runtime, own_realm: Realm, smtp: tuple[Mailbox, int]
):
    loop = asyncio.ensure_future(delivery.run(own_runtime, every=0.01))
    await queue(own_runtime, own_realm)
    while not smtp[0].taken:
        await asyncio.sleep(0)

    loop.cancel()
    await asyncio.wait([loop])

    assert loop.cancelled()


async def test_without_a_mail_server_messages_wait_and_can_be_read(runtime: Runtime, realm: Realm):
    await delivery.run(runtime)
    await queue(runtime, realm)

    async with runtime.read(factories.roster_in(realm)) as tx:
        (listed,) = await mailbox.page(tx)
        message, text = await mailbox.read(tx, listed.id)

    assert (message.state, message.attempts) == ("queued", 0)
    assert text is not None
    assert "http://x/y?token=t" in text.text


async def test_with_a_mail_server_nobody_reads_the_texts(own_runtime: Runtime, own_realm: Realm):
    await queue(own_runtime, own_realm)

    async with own_runtime.read(factories.roster_in(own_realm)) as tx:
        (listed,) = await mailbox.page(tx)
        _, text = await mailbox.read(tx, listed.id)

    assert text is None


async def test_settled_messages_are_swept_after_a_while(own_runtime: Runtime, own_realm: Realm):
    for _ in range(2):
        await queue(own_runtime, own_realm)
    await delivery.deliver(own_runtime)
    await queue(own_runtime, own_realm)

    kept = await delivery.sweep(own_runtime)
    swept = await delivery.sweep(own_runtime, keep_for=timedelta(seconds=-1), batch=1)

    assert (kept, swept) == (0, 2)
    assert [row.state for row in await stored(own_runtime, own_realm)] == ["queued"]
