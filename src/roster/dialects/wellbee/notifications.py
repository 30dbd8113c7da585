"""Push messages: devices that take them, and sending (contract, groups notifications and push-service)."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from roster.core.push import service as push
from roster.core.push.models import Push
from roster.dialects.wellbee.subjects import Services
from roster.kit import ids
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="notifications")
services: Final = Services(tag="push-service")


class Device(msgspec.Struct, frozen=True, rename="camel"):
    """A device of whoever asks; members beyond these are not looked at."""

    registration_token: str
    device_id: str = ""
    platform: Literal["ios", "android", "web"] | None = None


class Leaving(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One device by its token, or all devices of whoever asks."""

    registration_token: str | None = None
    user_id: str | None = None


class Notification(msgspec.Struct, frozen=True):
    """What is shown."""

    title: str = ""
    body: str = ""
    sound: str | None = None
    badge: int | None = None


class Sending(msgspec.Struct, frozen=True, rename="camel"):
    """A message to somebody, or to several."""

    user_id: str | Annotated[list[str], Meta(max_length=push.AT_ONCE)]
    notification: Notification = Notification()
    data: dict[str, str] = {}
    silent: bool = False


class OfUser(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A person."""

    user_id: str


@ops.post("/notifications/register", id="notifications-register", errors=(InvalidInput,))
async def register(tx: Tx, body: Device) -> None:
    """Have messages go to this device too; a token that was somebody else's moves along."""
    await push.register(tx, body.registration_token, device=body.device_id, platform=body.platform or "")


@ops.post("/notifications/unregister", id="notifications-unregister", errors=(InvalidInput, Forbidden))
async def unregister(tx: Tx, body: Leaving) -> None:
    """Have no more messages go to a device, or to any of one's own."""
    if body.registration_token is None and body.user_id is None:
        raise InvalidInput.of("registrationToken", "required", "This member is required.")
    if body.user_id is not None:
        user_id = ids.parse(body.user_id)
        if user_id is None or not tx.actor.is_user(user_id):
            raise Forbidden("These are not your own devices.")
        await push.unregister_all(tx, UserId(user_id))
    if body.registration_token is not None:
        await push.unregister(tx, body.registration_token)


async def send_to_users(tx: Tx, body: Sending) -> None:
    """Send a message to all devices of these people; those whom nobody knows have none."""
    named = [body.user_id] if isinstance(body.user_id, str) else body.user_id
    known = {UserId(found) for found in map(ids.parse, named) if found is not None}
    shown = body.notification
    message = Push(
        title=shown.title,
        body=shown.body,
        sound=shown.sound,
        badge=shown.badge,
        data=body.data,
        silent=body.silent,
    )
    await push.send(tx, sorted(known), message)


services.serve("push-service.send-to-users", id="svc-push-send-to-users", errors=(InvalidInput,))(send_to_users)
services.serve("push-service.send", id="svc-push-send", errors=(InvalidInput,))(send_to_users)


@services.serve("push-service.unregister-user", id="svc-push-unregister-user", errors=(InvalidInput,))
async def unregister_user(tx: Tx, body: OfUser) -> None:
    """Have no more messages go to any device of somebody."""
    user_id = ids.parse(body.user_id)
    if user_id is not None:
        await push.unregister_all(tx, UserId(user_id))
