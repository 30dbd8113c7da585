"""Another e-mail address, while the old one stays valid until whoever reads the new one says that it is theirs.

Whether an address is taken shows only to those who can read its mail: the request answers the same for every address.
"""

from typing import Final

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.flows import guesses, passwords
from roster.core.flows.errors import CodeRequired, NoEmailChange
from roster.core.flows.models import EmailChange
from roster.core.limits import service as limits
from roster.core.memberships import service as memberships
from roster.core.messages import service as messages
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import WrongCode
from roster.core.realms import service as realms
from roster.core.recovery import service as recovery
from roster.core.tokens import proofs
from roster.core.tokens.models import Proof, Purpose
from roster.core.users import normal
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken, Problem
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_SECONDS: Final = 86_400
_LONGEST: Final = 320


async def request(
    runtime: Runtime,
    actor: Actor,
    user_id: UserId,
    email: str,
    link: str,
    *,
    code: str | None = None,
    password: str | None = None,
) -> EmailChange:
    """Mail the new address a link that puts it in force; an earlier wish is replaced. `link` as in `recovery.request`.

    One's own with a second factor takes a code of it, else a recent sign-in or the present password. That of others
    takes `users.write` and `credentials.write`; or, for people without any address or way to sign in who belong to one
    organisation only, `members.write` there. Raises UserNotFound, Forbidden, Escalation, InvalidInput, CodeRequired,
    WrongCode, WrongPassword, StepUpRequired, TooMany, Unavailable.
    """
    shown = _checked(email)
    has_proved = False
    if actor.is_in_person(user_id):
        has_proved = await _prove(runtime, actor, user_id, code)
        if password is not None and not has_proved:
            actor = await passwords.confirm(runtime, actor, password)
    async with runtime.read(actor) as tx:
        user = await _addressable(tx, user_id, has_proved=has_proved)
        if user.email is not None and normal.is_same_mailbox(user.email, shown):
            raise InvalidInput.of("email", "unchanged", "This is the present address.")
        await limits.spend(tx, recovery.PER_PERSON, str(user_id))
    async with runtime.write(actor) as tx:
        await proofs.void_all(tx, user_id, Purpose.CHANGE_EMAIL)
        await _mail(tx, user, shown, link)
        await audit.record(tx, "email_change.requested", "user", user_id)
        return await _found(tx, user_id)


async def state(tx: Tx, user_id: UserId) -> EmailChange:
    """The open wish of a person: one's own, or as for `abort`. Raises NoEmailChange, UserNotFound, Forbidden."""
    await _require_say(tx, user_id)
    return await _found(tx, user_id)


async def abort(tx: Tx, user_id: UserId) -> None:
    """Drop the open wish; its link is good for nothing then. One's own, or with `users.write` over the person.

    Raises NoEmailChange, UserNotFound, Forbidden.
    """
    await _require_say(tx, user_id)
    if not await proofs.void_all(tx, user_id, Purpose.CHANGE_EMAIL):
        raise NoEmailChange
    await audit.record(tx, "email_change.aborted", "user", user_id)


async def confirm(runtime: Runtime, actor: Actor, token: str) -> User:
    """Put the new address in force; whoever has the token has the mailbox. Works once; the old address is told.

    Sessions and keys stay. Raises InvalidToken, and EmailTaken when the address has become somebody else's.
    """
    async with runtime.write(actor) as tx:
        proof = await proofs.read(tx, token, Purpose.CHANGE_EMAIL)
        user = await users.tx_maybe(tx, proof.user_id)
        last = await proofs.newest(tx, proof.user_id, Purpose.CHANGE_EMAIL)
        if user is None or user.status == "disabled" or last is None or last.id != proof.id:
            raise InvalidToken
        await proofs.spend(tx, proof.id, Purpose.CHANGE_EMAIL)
        await proofs.void_all(tx, proof.user_id, Purpose.CHANGE_EMAIL)  # of wishes at once, the others ended with this
        return await users.readdress(tx, user.id, str(proof.data["email"]))


def _checked(email: str) -> str:
    if len(email) > _LONGEST:
        raise InvalidInput.of("email", "too_long", f"Use at most {_LONGEST} characters.")
    found = normal.email(email)
    if isinstance(found, Problem):
        raise InvalidInput([found])
    return found[0]


async def _prove(runtime: Runtime, actor: Actor, user_id: UserId, code: str | None) -> bool:
    """Whether a second factor was shown; those who have one must. A code counts as a guess before it is looked at."""
    async with runtime.read(actor) as tx:
        if not await mfa.is_active(tx, user_id):
            return False
        if code is None:
            raise CodeRequired.of("code", "code_required", CodeRequired.text)
        await guesses.spend(tx, str(user_id))
    async with runtime.write(actor) as tx:
        factor = await mfa.check(tx, user_id, code)
    if factor is None:
        raise WrongCode.of("code", "wrong_code", WrongCode.text)
    async with runtime.read(actor) as tx:
        await guesses.succeeded(tx, user_id)
    return True


async def _addressable(tx: Tx, user_id: UserId, *, has_proved: bool) -> User:
    if await _is_looked_after(tx, user_id):
        user = await users.tx_maybe(tx, user_id)
        if user is None:
            raise UserNotFound
        await access.require_not_above(tx, user_id)
        return user
    return await users.require_addressable(tx, user_id, has_proved=has_proved)


async def _require_say(tx: Tx, user_id: UserId) -> None:
    if tx.actor.is_user(user_id) or await _is_looked_after(tx, user_id):
        return
    await users.get(tx, user_id)
    await access.require_over(tx, "users.write", user_id)


async def _is_looked_after(tx: Tx, user_id: UserId) -> bool:
    """Somebody without an account of their own to speak of, whom an organisation of the actor's keeps."""
    return not tx.actor.is_user(user_id) and await memberships.is_looked_after(tx, user_id)


async def _found(tx: Tx, user_id: UserId) -> EmailChange:
    proof = await proofs.newest(tx, user_id, Purpose.CHANGE_EMAIL)
    if proof is None:
        raise NoEmailChange
    return _change_of(proof)


def _change_of(proof: Proof) -> EmailChange:
    return EmailChange(proof.user_id, str(proof.data["email"]), proof.created_at, proof.expires_at)


async def _mail(tx: Tx, user: User, email: str, link: str) -> None:
    realm = await realms.current(tx)
    token = await proofs.issue(tx, Purpose.CHANGE_EMAIL, user.id, {"email": email}, _SECONDS)
    path = link.replace("{token}", token).replace("{user_id}", str(user.id))
    values = {
        "link": tx.runtime.settings.server.public_url + path,
        "username": user.username,
        "display_name": user.display_name,
        "realm": realm.display_name or realm.slug,
        "expires_in": _SECONDS,
    }
    locale = user.locale or realm.settings.default_locale
    await messages.send(tx, Purpose.CHANGE_EMAIL.value, values, user_id=user.id, recipient=email, locale=locale)
