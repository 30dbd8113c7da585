"""PINs and passwords of those who have lost them (contract, tag Credentials)."""

from typing import Final

import msgspec

from roster.core.flows import pins
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.recovery import service as recovery
from roster.dialects.onslip360 import auth, pages, reading, wire
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StepUpRequired, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops = Operations(tag="Credentials")

_RESET: Final = "/password-reset-challenge"


@ops.post(
    "/~{realm}/pin-reset",
    id="pinReset",
    status=204,
    needs="use-pin-reset",
    errors=(InvalidInput, Forbidden, StepUpRequired),
)
async def pin_reset(tx: Tx, body: wire.PinReset) -> None:
    """Set the PIN of the calling user.

    Whoever acts in the name of another sets nobody's.
    """
    auth.require(tx, "use-pin-reset")
    if tx.actor.user_id is None or tx.actor.acting_for is not None:
        raise Forbidden
    await pins.set_key(tx, tx.actor.user_id, reading.key(body.pin, "pin"))


@ops.post(_RESET, id="passwordResetChallenge", status=204, public=True, errors=(InvalidInput, TooMany))
async def password_reset(runtime: Runtime, actor: Actor, request: Request, body: wire.ResetChallenge) -> None:
    """Ask for a password reset mail.

    The answer is the same whether there is such a realm, and such a user, or not.
    """
    async with runtime.lease() as tx:
        try:
            realm = await realms.by_slug(tx, body.company)
        except RealmNotFound:
            return
    inside = msgspec.structs.replace(actor, realm_id=realm.id, realm_slug=realm.slug, realm_version=realm.version)
    await recovery.request(runtime, inside, body.user, pages.reset_link(request, realm.slug))
