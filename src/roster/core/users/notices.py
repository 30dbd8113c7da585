"""Telling people about changes that somebody else may have made in their name."""

from typing import Final

from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.messages import service as messages
from roster.core.realms import service as realms
from roster.core.users import normal
from roster.core.users.models import User
from roster.storage.tx import Tx

_UNVERIFIED: Final = Policy("notices:user", 5, 3600)
"""Addresses that nobody has verified may be anybody's; changing them again and again must not become a way to mail."""


async def email_changed(tx: Tx, before: User, after: User) -> None:
    """Mail the address that the person had until now, if it is theirs no longer."""
    if before.email is None or normal.is_same_mailbox(before.email, after.email):
        return
    if before.email_verified_at is None and await limits.try_spend(tx, [(_UNVERIFIED, str(before.id))]):
        return
    await _send(tx, before, before.email, "email_changed")


async def tell(tx: Tx, user: User, template: str) -> None:
    """Mail a person about a change of what they sign in with, which perhaps somebody else made."""
    if user.email is None or await limits.try_spend(tx, [(_UNVERIFIED, str(user.id))]):
        return
    await _send(tx, user, user.email, template)


async def _send(tx: Tx, user: User, recipient: str, template: str) -> None:
    realm = await realms.current(tx)
    values = {
        "username": user.username,
        "display_name": user.display_name,
        "realm": realm.display_name or realm.slug,
    }
    locale = user.locale or realm.settings.default_locale
    await messages.send(tx, template, values, user_id=user.id, recipient=recipient, locale=locale)
