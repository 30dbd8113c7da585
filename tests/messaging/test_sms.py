"""Text messages, over a real HTTPS gateway on this machine."""

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from roster import app
from roster.core.messages import service as messages
from roster.core.realms.models import Realm
from roster.messaging import delivery, mailbox
from roster.storage.runtime import Runtime
from tests import certificates, factories
from tests.federation import provider
from tests.federation.provider import StandIn

VALUES = {"link": "https://x/y?token=t", "username": "eva", "display_name": None, "realm": "R", "expires_in": 900}


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A gateway whose certificate this process trusts."""
    tls, certificate = certificates.self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with provider.running(tls) as standing:
        standing.says("/sms", {"id": "s1"})
        yield standing


@pytest.fixture
async def own_runtime(own_dsn: str, tmp_path: Path, gateway: StandIn) -> AsyncIterator[Runtime]:
    """A server that sends text messages and no mail."""
    flags = {"url": f"{gateway.address}/sms", "user": "u1", "password": "s3cret", "from": "Example"}
    settings = factories.settings(tmp_path / "data", **{f"sms.{name}": value for name, value in flags.items()})
    runtime = app.runtime_of(settings, own_dsn)
    yield runtime
    await runtime.close()


@pytest.fixture
async def own_realm(own_runtime: Runtime) -> Realm:
    return await factories.a_realm(own_runtime)


async def queue(runtime: Runtime, realm: Realm, recipient: str = "+46701234567", channel: Any = "sms") -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await messages.send(tx, "verify_email", VALUES, user_id=None, recipient=recipient, locale="sv", channel=channel)


async def stored(runtime: Runtime, realm: Realm) -> list[Any]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return list(await mailbox.page(tx))


async def test_a_text_message_goes_to_the_gateway_as_a_form(own_runtime: Runtime, own_realm: Realm, gateway: StandIn):
    await queue(own_runtime, own_realm)

    assert await delivery.deliver(own_runtime) == 1
    assert await delivery.deliver(own_runtime) == 0

    (asked,) = gateway.asked
    message = "Bekräfta din e-postadress för R https://x/y?token=t"
    assert asked.form == {"from": "Example", "to": "+46701234567", "message": message}
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(b"u1:s3cret").decode()
    (row,) = await stored(own_runtime, own_realm)
    assert (row.state, row.sealed, row.error) == ("sent", None, None)


@pytest.mark.parametrize(
    ("status", "state"),
    [(400, "failed"), (422, "failed"), (401, "queued"), (429, "queued"), (500, "queued"), (302, "queued")],
)
async def test_what_the_gateway_says_decides_whether_it_is_tried_again(
    own_runtime: Runtime, own_realm: Realm, gateway: StandIn, status: int, state: str
):
    gateway.says("/sms", {"error": "s3cret details"}, status=status, Location=f"{gateway.address}/elsewhere")
    await queue(own_runtime, own_realm)

    await delivery.deliver(own_runtime)

    (row,) = await stored(own_runtime, own_realm)
    assert (row.state, row.error) == (state, f"The gateway answers {status}.")
    assert len(gateway.asked) == 1


async def test_a_gateway_that_nobody_vouches_for_gets_nothing(
    own_runtime: Runtime, own_realm: Realm, gateway: StandIn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    await queue(own_runtime, own_realm)

    await delivery.deliver(own_runtime)

    (row,) = await stored(own_runtime, own_realm)
    assert row.state == "queued"
    assert "CERTIFICATE_VERIFY_FAILED" in row.error
    assert gateway.asked == []


async def test_mail_stays_in_the_mailbox_while_only_text_messages_go_out(
    own_runtime: Runtime, own_realm: Realm, gateway: StandIn
):
    await queue(own_runtime, own_realm, "eva@example.com", "mail")
    await queue(own_runtime, own_realm)

    await delivery.deliver(own_runtime)

    assert {row.channel: row.state for row in await stored(own_runtime, own_realm)} == {"mail": "queued", "sms": "sent"}
    async with own_runtime.read(factories.roster_in(own_realm)) as tx:
        shown = {each.channel: (await mailbox.read(tx, each.id))[1] for each in await mailbox.page(tx)}
    assert shown["mail"] is not None
    assert shown["sms"] is None


async def test_without_a_gateway_text_messages_wait_and_can_be_read(runtime: Runtime, realm: Realm):
    await queue(runtime, realm)

    assert await delivery.deliver(runtime) == 0

    async with runtime.read(factories.roster_in(realm)) as tx:
        (listed,) = await mailbox.page(tx)
        message, text = await mailbox.read(tx, listed.id)
    assert (message.state, message.channel) == ("queued", "sms")
    assert text is not None
    assert text.short == "Bekräfta din e-postadress för R https://x/y?token=t"
