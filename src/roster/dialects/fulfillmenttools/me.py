"""The caller's own account (contract, /api/users/me)."""

from typing import Final

from roster.core.access import service as access
from roster.core.access import vocabulary
from roster.core.credentials.errors import WrongPassword
from roster.core.flows import accounts
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken
from roster.dialects.fulfillmenttools import people
from roster.dialects.fulfillmenttools.errors import AddressTaken
from roster.dialects.fulfillmenttools.mapping import people as mapping
from roster.dialects.fulfillmenttools.wire import users as wire
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="User Management (Core)")


@ops.patch("/api/users/me", id="updateMe", needs="CURRENT_USER_MODIFY", errors=(InvalidInput,))
async def update_me(tx: Tx, body: wire.ModifyUserPersonalData) -> wire.User:
    """Change one's own data, in the old form."""
    return await people.one(tx, await users.change(tx, _me(tx.actor), mapping.own_change(body)))


@ops.post(
    "/api/users/me/actions",
    id="executeMeAction",
    needs="CURRENT_USER_MODIFY",
    errors=(InvalidInput, WrongPassword, AddressTaken, Forbidden),
)
async def execute_me_action(runtime: Runtime, actor: Actor, body: wire.ModifyMe | wire.ModifyCredentials) -> wire.User:
    """Change one's own data, or with the present password one's password and address.

    With new credentials all other sessions end, and refresh tokens are no longer good; the token of this call still is.
    """
    if isinstance(body, wire.ModifyCredentials):
        return await _with_credentials(runtime, actor, body)
    async with runtime.write(actor) as tx:
        return await people.one(tx, await users.change(tx, _me(actor), mapping.own_change(body)))


async def _with_credentials(runtime: Runtime, actor: Actor, body: wire.ModifyCredentials) -> wire.User:
    _me(actor)
    try:
        user = await accounts.change_own_credentials(
            runtime, actor, body.current_password, password=body.password or None, email=body.email or None
        )
    except EmailTaken:
        raise AddressTaken from None
    async with runtime.read(actor) as tx:
        return await people.one(tx, user)


@ops.get("/api/users/me/effectivepermissions", id="getEffectivePermissions", needs="CURRENT_USER_READ")
async def get_effective_permissions(tx: Tx) -> wire.EffectivePermissions:
    """Read what one may do, role by role."""
    me = _me(tx.actor)
    found = await access.effective(tx, me)
    roles = mapping.effective_out(found, vocabulary.of(tx.runtime))
    return wire.EffectivePermissions(user_id=str(me), roles=roles)


def _me(actor: Actor) -> UserId:
    """The caller, who is a person of this tenant. Raises Forbidden."""
    if actor.user_id is None or not actor.is_user(actor.user_id):
        raise Forbidden
    return actor.user_id
