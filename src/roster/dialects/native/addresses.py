"""Another e-mail address, which counts from the moment when its holder confirms it."""

from typing import Final

from roster.core.access.errors import Escalation
from roster.core.credentials.errors import WrongPassword
from roster.core.flows import addresses
from roster.core.flows.errors import CodeRequired, NoEmailChange
from roster.core.flows.models import EmailChange
from roster.core.mfa.errors import WrongCode
from roster.core.users.errors import EmailTaken, UserNotFound
from roster.dialects.native import auth, pages
from roster.dialects.native.caller import own_id
from roster.dialects.native.mapping.base import instant
from roster.dialects.native.wire import addresses as wire
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, StepUpRequired, TooMany
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="E-mail addresses")


@ops.post(
    "/me/email-change",
    id="changeMyEmail",
    status=202,
    errors=(UserNotFound, Forbidden, CodeRequired, WrongCode, WrongPassword, StepUpRequired, TooMany),
)
async def change_own(runtime: Runtime, actor: Actor, request: Request, body: wire.OwnEmailChange) -> wire.EmailChange:
    """Ask for another e-mail address: a link goes there, and the present address stays in force until it is followed.

    The answer is the same for an address that somebody else has.
    """
    link = pages.change_link(request)
    return _out(
        await addresses.request(runtime, actor, own_id(actor), body.email, link, code=body.code, password=body.password)
    )


@ops.get("/me/email-change", id="getMyEmailChange", errors=(UserNotFound, NoEmailChange, Forbidden))
async def get_own(tx: Tx) -> wire.EmailChange:
    """One's new address that waits to be confirmed."""
    return _out(await addresses.state(tx, own_id(tx.actor)))


@ops.delete("/me/email-change", id="abortMyEmailChange", status=204, errors=(UserNotFound, NoEmailChange, Forbidden))
async def abort_own(tx: Tx) -> None:
    """Keep the present address; the link that was mailed is good for nothing any more."""
    await addresses.abort(tx, own_id(tx.actor))


@ops.post(
    "/users/{user_id}/email-change",
    id="changeUserEmail",
    status=202,
    needs="users.write and credentials.write",
    errors=(UserNotFound, Forbidden, Escalation, StepUpRequired, TooMany),
)
async def change_of_user(
    runtime: Runtime, actor: Actor, user_id: UserId, request: Request, body: wire.UserEmailChange
) -> wire.EmailChange:
    """Ask somebody to confirm another e-mail address of theirs.

    Organisations ask people of theirs who have no address and cannot sign in with `members.write`.
    """
    return _out(await addresses.request(runtime, actor, user_id, body.email, pages.change_link(request)))


@ops.get(
    "/users/{user_id}/email-change",
    id="getUserEmailChange",
    needs="users.write",
    errors=(UserNotFound, NoEmailChange, Forbidden),
)
async def get_of_user(tx: Tx, user_id: UserId) -> wire.EmailChange:
    """Somebody's new address that waits to be confirmed."""
    return _out(await addresses.state(tx, user_id))


@ops.delete(
    "/users/{user_id}/email-change",
    id="abortUserEmailChange",
    status=204,
    needs="users.write",
    errors=(UserNotFound, NoEmailChange, Forbidden),
)
async def abort_of_user(tx: Tx, user_id: UserId) -> None:
    """Have somebody keep the present address."""
    await addresses.abort(tx, user_id)


@ops.post("/email-change/confirm", id="confirmEmailChange", public=True, status=204, errors=(InvalidToken, EmailTaken))
async def confirm(runtime: Runtime, actor: Actor, request: Request, body: wire.ConfirmEmail) -> None:
    """Put the new address in force with the token of the message. Sessions and keys stay."""
    actor = await auth.nobody_with(runtime, request, actor, body.token)
    await addresses.confirm(runtime, actor, body.token)


def _out(found: EmailChange) -> wire.EmailChange:
    return wire.EmailChange(
        user_id=found.user_id,
        email=found.email,
        created_at=instant(found.created_at),
        expires_at=instant(found.expires_at),
    )
