"""Turning one's own second factor on and off with a code, for front doors that ask for one at each of these steps.

Codes are guesses here as they are at sign-in, and counted together with those.
"""

from roster.core.flows import guesses
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import NotActive, WrongCode
from roster.kit.actor import Actor
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime


async def enable(runtime: Runtime, actor: Actor, user_id: UserId, code: str, *, recently: bool = True) -> None:
    """Turn on what is prepared. Raises as `mfa.activate_prepared` does, and TooMany."""
    await _spend(runtime, actor, user_id)
    async with runtime.write(actor) as tx:
        await mfa.activate_prepared(tx, user_id, code, recently=recently)
    await _settle(runtime, actor, user_id)


async def disable(runtime: Runtime, actor: Actor, user_id: UserId, code: str, *, recently: bool = True) -> None:
    """Turn it off with a code of the authenticator or a backup code. Raises NotActive, WrongCode, TooMany."""
    await _spend(runtime, actor, user_id)
    async with runtime.write(actor) as tx:
        if not await mfa.is_active(tx, user_id):
            raise NotActive
        if await mfa.check(tx, user_id, code) is None:
            raise WrongCode.of("code", "wrong_code", WrongCode.text)
        await mfa.remove(tx, user_id, recently=recently)
    await _settle(runtime, actor, user_id)


async def _spend(runtime: Runtime, actor: Actor, user_id: UserId) -> None:
    async with runtime.read(actor) as tx:
        await guesses.spend(tx, str(user_id))


async def _settle(runtime: Runtime, actor: Actor, user_id: UserId) -> None:
    async with runtime.read(actor) as tx:
        await guesses.succeeded(tx, user_id)
