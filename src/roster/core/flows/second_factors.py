"""Turning one's own second factor on and off with a code, for front doors that ask for one at each of these steps.

Codes are guesses here as they are at sign-in, and counted together with those.
"""

from roster.core.flows import guesses, passwords
from roster.core.mfa import service as mfa
from roster.core.mfa import sms
from roster.core.mfa.errors import NotActive, WrongCode
from roster.core.users import notices
from roster.core.users import service as users
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


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


async def begin_texting(runtime: Runtime, actor: Actor, user_id: UserId, number: str) -> None:
    """Text a code that confirms a number; see `sms.begin`."""
    async with runtime.write(actor) as tx:
        await sms.begin(tx, user_id, number)


async def confirm_texting(runtime: Runtime, actor: Actor, user_id: UserId, code: str) -> None:
    """Ask for texted codes at sign-in from now on. One's own only. Raises WrongCode, Forbidden, TooMany."""
    if not actor.is_in_person(user_id):
        raise Forbidden
    await _spend(runtime, actor, user_id)
    async with runtime.read(actor) as tx:
        if not await sms.count_guess(tx, user_id, sms.Purpose.ENABLE):
            raise WrongCode.of("code", "wrong_code", WrongCode.text)
    async with runtime.write(actor) as tx:
        await sms.confirm(tx, user_id, code)
    await _settle(runtime, actor, user_id)


async def stop_texting(runtime: Runtime, actor: Actor, user_id: UserId, *, password: str | None = None) -> None:
    """Ask for texted codes no longer, which the person is told by mail.

    One's own with the present password or after a recent sign-in. Raises NotActive, WrongPassword, StepUpRequired,
    SecondFactorRequired, TooMany, Unavailable.
    """
    if password is not None:
        actor = await passwords.confirm(runtime, actor, password)
    async with runtime.write(actor) as tx:
        await sms.remove(tx, user_id)
        await _tell(tx, user_id)


async def _tell(tx: Tx, user_id: UserId) -> None:
    user = await users.tx_maybe(tx, user_id)
    if user is not None:
        await notices.tell(tx, user, "second_factor_removed")


async def _spend(runtime: Runtime, actor: Actor, user_id: UserId) -> None:
    async with runtime.read(actor) as tx:
        await guesses.spend(tx, str(user_id))


async def _settle(runtime: Runtime, actor: Actor, user_id: UserId) -> None:
    async with runtime.read(actor) as tx:
        await guesses.succeeded(tx, user_id)
