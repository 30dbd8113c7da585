"""Messages with one-time links, and what the links do. A lost password is replaced by the flow `passwords`."""

from html import escape
from typing import Final

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.messages import service as messages
from roster.core.realms import service as realms
from roster.core.recovery.models import USUAL, Style, Words
from roster.core.tokens import proofs
from roster.core.tokens.models import Proof, Purpose
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken, TooMany
from roster.kit.ids import UserId, uuid7
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

PER_PERSON: Final = Policy("messages:user", 5, 3600)
PER_ADDRESS: Final = Policy("messages:address", 30, 3600)
_NOBODY_EMAIL: Final = "nobody@localhost"
_OWN_WORDS: Final = "letter"


async def request(runtime: Runtime, actor: Actor, identifier: str, link: str, *, style: Style = USUAL) -> None:
    """Mail a link for setting a new password. Nothing tells whether there is such a person, or whether mail went out.

    `link` is the path of a page or an operation with `{token}` and perhaps `{user_id}` in it; it is put behind the
    configured public address, unless it is a whole address itself. Raises TooMany by network address only.
    """
    async with runtime.read(actor) as tx:
        await _spend_address(tx)
        user = await style.find(tx, identifier)
        key = str(user.id) if user else limits.key_of(fold(identifier.strip()))
        flooded = await limits.try_spend(tx, [(PER_PERSON, key)])
    mailed = user if user and user.status == "active" and user.email and not flooded else None
    async with runtime.write(actor) as tx:
        settings = (await realms.current(tx)).settings
        if style.short:
            await proofs.void_all(tx, mailed.id if mailed else UserId(uuid7()), Purpose.RECOVER_PASSWORD)
        await _mail(tx, Purpose.RECOVER_PASSWORD, mailed, link, settings.recovery_for, style=style)
        await audit.record(tx, "recovery.requested", "user", mailed.id if mailed else None)


async def request_again(runtime: Runtime, actor: Actor, email: str, link: str, *, style: Style = USUAL) -> None:
    """Mail the link that verifies an address again, to whom it belongs and has not verified it.

    Nothing tells whether there is such a person. Raises TooMany by network address only.
    """
    async with runtime.read(actor) as tx:
        await _spend_address(tx)
        user = await style.find(tx, email)
        key = str(user.id) if user else limits.key_of(fold(email.strip()))
        flooded = await limits.try_spend(tx, [(PER_PERSON, key)])
    waits = user is not None and user.status != "disabled" and user.email_verified_at is None
    mailed = user if user and waits and user.email and not flooded else None
    async with runtime.write(actor) as tx:
        settings = (await realms.current(tx)).settings
        await proofs.void_all(tx, mailed.id if mailed else UserId(uuid7()), Purpose.VERIFY_EMAIL)
        await _mail(tx, Purpose.VERIFY_EMAIL, mailed, link, settings.verification_for, style=style)
        await audit.record(tx, "verification.requested", "user", mailed.id if mailed else None)


async def issue(tx: Tx, user: User, seconds: int) -> str:
    """A short token for setting a new password that a trusted program hands on; earlier ones are void.

    Needs `credentials.write`, and no fewer permissions than the person has. Raises Forbidden, Escalation, and
    InvalidInput for somebody without an address, which is what such a token proves.
    """
    await access.require_over(tx, "credentials.write", user.id)
    await access.require_not_above(tx, user.id)
    if user.email is None:
        raise InvalidInput.of("email", "required", "There is no e-mail address.")
    await proofs.void_all(tx, user.id, Purpose.RECOVER_PASSWORD)
    await audit.record(tx, "recovery.requested", "user", user.id)
    data = {"email": user.email.lower()}
    return await proofs.issue(tx, Purpose.RECOVER_PASSWORD, user.id, data, seconds, short=True)


async def is_open(tx: Tx, token: str) -> bool:
    """Whether a token for setting a new password still works."""
    try:
        proof = await proofs.read(tx, token, Purpose.RECOVER_PASSWORD)
        return (await still_addressed(tx, proof)).status == "active"
    except InvalidToken:
        return False


async def invite(tx: Tx, user: User, link: str, *, style: Style) -> None:
    """Mail somebody who was just made the link for setting their first password; part of larger use cases."""
    if user.email is None:
        return
    settings = (await realms.current(tx)).settings
    await _mail(tx, Purpose.RECOVER_PASSWORD, user, link, settings.recovery_for, style=style)
    await audit.record(tx, "recovery.requested", "user", user.id)


async def request_verification(runtime: Runtime, actor: Actor, user_id: UserId, link: str) -> None:
    """Mail the link that verifies the person's present address, again. Own one, or with `users.write`.

    `link` as in `request`. Raises UserNotFound, Forbidden, TooMany; InvalidInput when there is no address.
    """
    async with runtime.read(actor) as tx:
        if not tx.actor.is_user(user_id):
            await access.require_over(tx, "users.write", user_id)
        user = await users.tx_maybe(tx, user_id)
        if user is None:
            raise UserNotFound
        if user.email is None:
            raise InvalidInput.of("email", "required", "There is no e-mail address to verify.")
        await limits.spend(tx, PER_PERSON, str(user_id))
    async with runtime.write(actor) as tx:
        await send_verification(tx, user, link)


async def send_verification(tx: Tx, user: User, link: str, *, style: Style = USUAL) -> None:
    """Mail the link that verifies the person's present address; part of larger use cases. Nothing without one."""
    if user.email is None:
        return
    settings = (await realms.current(tx)).settings
    await _mail(tx, Purpose.VERIFY_EMAIL, user, link, settings.verification_for, style=style)
    await audit.record(tx, "verification.requested", "user", user.id)


async def verify_email(runtime: Runtime, actor: Actor, token: str, *, of: UserId | None = None) -> User:
    """Take the token of a verification message; whoever has it has the mailbox. Works once.

    Raises InvalidToken, also when the person has another address by now; UserNotFound when it is not the one meant.
    """
    async with runtime.write(actor) as tx:
        proof = await proofs.read(tx, token, Purpose.VERIFY_EMAIL)
        user = await still_addressed(tx, proof)
        if user.status == "disabled":
            raise InvalidToken
        if of not in (None, user.id):
            raise UserNotFound
        await proofs.spend(tx, proof.id, Purpose.VERIFY_EMAIL)
        return await users.mark_verified(tx, user, "email")


async def still_addressed(tx: Tx, proof: Proof) -> User:
    """The person of a proof, if the address it was mailed to is still theirs. Raises InvalidToken."""
    user = await users.tx_maybe(tx, proof.user_id)
    if user is None or user.email is None or user.email.lower() != proof.data.get("email"):
        raise InvalidToken
    return user


async def _mail(tx: Tx, purpose: Purpose, user: User | None, link: str, seconds: int, *, style: Style = USUAL) -> None:
    """For nobody the same work is done, and nothing stored."""
    realm = await realms.current(tx)
    seconds = style.seconds or seconds
    user_id = user.id if user else UserId(uuid7())
    email = (user.email if user else None) or _NOBODY_EMAIL
    token = await proofs.issue(tx, purpose, user_id, {"email": email.lower()}, seconds, short=style.short)
    path = link.replace("{token}", token).replace("{user_id}", str(user_id))
    address = path if "://" in path else tx.runtime.settings.server.public_url + path
    values: dict[str, object] = {
        "link": address,
        "username": user.username if user else "",
        "display_name": user.display_name if user else None,
        "realm": realm.display_name or realm.slug,
        "expires_in": seconds,
    }
    template = purpose.value
    words = style.words(user) if style.words is not None and user is not None else None
    if words is not None:
        template, values = _OWN_WORDS, _filled(words, token, address)
    locale = (user.locale if user else None) or realm.settings.default_locale
    await messages.send(tx, template, values, user_id=user_id, recipient=email, locale=locale)


def _filled(words: Words, token: str, address: str) -> dict[str, object]:
    html = words.html.replace(":token:", token).replace(":link:", escape(address))
    return {"subject": words.subject, "html": html, "sender": words.sender}


async def _spend_address(tx: Tx) -> None:
    address = limits.network(tx.actor.origin.address)
    wait = await limits.try_spend(tx, [(PER_ADDRESS, address)]) if address else 0
    if wait:
        raise TooMany(wait)
