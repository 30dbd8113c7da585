"""Push messages, handed over to a stand-in for Google on this machine."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import RSAKey

from roster import app
from roster.core.push import service as push
from roster.core.push.models import Push
from roster.core.realms.models import Realm
from roster.kit import clock
from roster.kit.actor import Actor
from roster.messaging import delivery, fcm, mailbox
from roster.storage.runtime import Runtime
from tests import certificates, factories
from tests.federation import provider
from tests.federation.provider import Answer, Asked, StandIn

SEND = "/v1/projects/our-project/messages:send"
GONE = {"error": {"code": 404, "status": "NOT_FOUND", "details": [{"@type": "…FcmError", "errorCode": "UNREGISTERED"}]}}


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Google's two addresses, with a certificate that this process trusts."""
    tls, certificate = certificates.self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    fcm._tls.cache_clear()
    with provider.running(tls) as standing:
        standing.says("/token", {"access_token": "let me in", "expires_in": 3600, "token_type": "Bearer"})
        standing.says(SEND, {"name": "projects/our-project/messages/1"})
        yield standing
    fcm._tls.cache_clear()


@pytest.fixture
def account(tmp_path: Path, google: StandIn) -> Path:
    """The file of a service account."""
    key, _ = certificates.signer()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "account.json"
    known = {
        "type": "service_account",
        "project_id": "our-project",
        "private_key_id": "k1",
        "private_key": private.decode(),
        "client_email": "sender@our-project.example",
        "token_uri": f"{google.address}/token",
    }
    file.write_bytes(msgspec.json.encode(known))
    return file


@pytest.fixture
async def own_runtime(own_dsn: str, tmp_path: Path, google: StandIn, account: Path) -> AsyncIterator[Runtime]:
    """A server that sends push messages."""
    flags = {"push.service_account": str(account), "push.url": google.address}
    runtime = app.runtime_of(factories.settings(tmp_path / "data", **flags), own_dsn)
    yield runtime
    await runtime.close()


@pytest.fixture
async def own_realm(own_runtime: Runtime) -> Realm:
    return await factories.a_realm(own_runtime)


@pytest.fixture
async def ann(own_runtime: Runtime, own_realm: Realm) -> Actor:
    """Somebody with one device."""
    actor = await factories.acting_as(own_runtime, own_realm, await factories.a_person(own_runtime, own_realm))
    async with own_runtime.write(actor) as tx:
        await push.register(tx, "token:one", device="telephone")
    return actor


async def send(runtime: Runtime, realm: Realm, actor: Actor, **known: Any) -> None:
    assert actor.user_id is not None
    message = msgspec.convert({"title": "Hello", "body": "A visit was moved.", **known}, Push)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await push.send(tx, [actor.user_id], message)


async def states(runtime: Runtime, realm: Realm) -> list[tuple[str, str | None]]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return [(each.state, each.error) for each in await mailbox.page(tx)]


def sent(google: StandIn) -> list[Asked]:
    return [each for each in google.asked if each.path == SEND]


async def again(runtime: Runtime) -> None:
    """As if the time to wait were over."""
    async with runtime.lease() as tx:
        await tx.run("UPDATE messages SET due_at = now()")
    await delivery.deliver(runtime)


async def test_a_message_is_handed_over_for_the_token(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn
):
    await send(own_runtime, own_realm, ann, sound="bell", badge=3, data={"visit": "7"})

    assert await delivery.deliver(own_runtime) == 1

    asked = sent(google)[0]
    assert asked.headers["Authorization"] == "Bearer let me in"
    assert msgspec.json.decode(asked.body) == {
        "message": {
            "token": "token:one",
            "notification": {"title": "Hello", "body": "A visit was moved."},
            "data": {"visit": "7"},
            "android": {"priority": "HIGH", "notification": {"sound": "bell"}},
            "apns": {
                "headers": {"apns-priority": "10", "apns-push-type": "alert"},
                "payload": {"aps": {"sound": "bell", "badge": 3}},
            },
        }
    }
    assert await states(own_runtime, own_realm) == [("sent", None)]


async def test_a_silent_message_shows_nothing(own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn):
    await send(own_runtime, own_realm, ann, silent=True, sound="bell", data={"sync": "now"})
    await delivery.deliver(own_runtime)

    message = msgspec.json.decode(sent(google)[0].body)["message"]
    assert "notification" not in message
    assert message["apns"]["payload"] == {"aps": {"content-available": 1}}
    assert message["apns"]["headers"] == {"apns-priority": "5", "apns-push-type": "background"}


async def test_the_account_proves_itself_once_for_many_messages(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn, account: Path
):
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)

    asked = [each for each in google.asked if each.path == "/token"]
    assert len(asked) == 1
    assert asked[0].form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    key = RSAKey.import_key(msgspec.json.decode(account.read_bytes())["private_key"])
    found = jws.deserialize_compact(asked[0].form["assertion"], key, algorithms=["RS256"])
    claims = msgspec.json.decode(found.payload)
    assert found.headers()["kid"] == "k1"
    assert claims["iss"] == "sender@our-project.example"
    assert claims["aud"] == f"{google.address}/token"
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert 0 < claims["exp"] - clock.now().timestamp() <= 3600


async def test_a_token_that_is_gone_is_forgotten(own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn):
    google.says(SEND, GONE, status=404)
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)

    assert await states(own_runtime, own_realm) == [("failed", "The app is gone from the device.")]
    assert ann.user_id is not None
    async with own_runtime.read(ann) as tx:
        assert await push.list_of(tx, ann.user_id) == []


async def test_a_device_that_was_unregistered_meanwhile_is_not_reached(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn
):
    await send(own_runtime, own_realm, ann)
    async with own_runtime.write(ann) as tx:
        await push.unregister(tx, "token:one")
    await delivery.deliver(own_runtime)

    assert sent(google) == []
    assert (await states(own_runtime, own_realm))[0][0] == "failed"


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (400, {"error": {"status": "INVALID_ARGUMENT"}}, "failed"),
        (403, {"error": {"details": [{"errorCode": "SENDER_ID_MISMATCH"}]}}, "failed"),
        (403, {"error": {"status": "PERMISSION_DENIED"}}, "queued"),
        (404, {"error": {"status": "NOT_FOUND"}}, "failed"),
        (429, {"error": {"details": [{"errorCode": "QUOTA_EXCEEDED"}]}}, "queued"),
        (500, "no JSON", "queued"),
        (503, {"error": {"details": [{"errorCode": "UNAVAILABLE"}]}}, "queued"),
        (302, {}, "queued"),
        (200, {}, "sent"),
    ],
)
async def test_what_can_be_better_later_is_tried_again(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn, status: int, body: Any, state: str
):
    google.says(SEND, body, status=status)
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)

    assert [found for found, _ in await states(own_runtime, own_realm)] == [state]
    assert ann.user_id is not None
    async with own_runtime.read(ann) as tx:
        assert len(await push.list_of(tx, ann.user_id)) == 1


async def test_an_access_token_that_is_refused_is_fetched_anew(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn
):
    google.answers[SEND] = lambda asked: Answer({}, 200 if asked.headers["Authorization"] == "Bearer second" else 401)
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)
    google.says("/token", {"access_token": "second", "expires_in": 3600})
    await again(own_runtime)

    assert [found for found, _ in await states(own_runtime, own_realm)] == ["sent"]


@pytest.mark.parametrize(
    "answer", [({"error": "invalid_grant"}, 400), ("no JSON", 200), ({"access_token": ""}, 200), ({}, 503)]
)
async def test_an_account_that_is_not_let_in_sends_later(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn, answer: Any
):
    google.says("/token", answer[0], status=answer[1])
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)

    assert sent(google) == []
    assert [found for found, _ in await states(own_runtime, own_realm)] == ["queued"]


@pytest.mark.parametrize("content", ["", "[]", '{"project_id": "../x"}', "key"])
async def test_a_file_that_is_no_account_sends_later(
    own_runtime: Runtime, own_realm: Realm, ann: Actor, google: StandIn, account: Path, content: str
):
    known = msgspec.json.decode(account.read_bytes())
    broken = msgspec.json.encode({**known, "private_key": "none"}) if content == "key" else content.encode()
    account.write_bytes(broken)
    await send(own_runtime, own_realm, ann)
    await delivery.deliver(own_runtime)

    assert google.asked == []
    assert [found for found, _ in await states(own_runtime, own_realm)] == ["queued"]


async def test_without_an_account_messages_stay_in_the_mailbox(runtime: Runtime, realm: Realm):
    actor = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))
    async with runtime.write(actor) as tx:
        await push.register(tx, "token:one")
    await send(runtime, realm, actor)

    async with runtime.read(factories.roster_in(realm)) as tx:
        message, text = await mailbox.read(tx, (await mailbox.page(tx))[0].id)
    assert message.state == "queued"
    assert text is not None
    assert text.data["title"] == "Hello"
