"""Verifying addresses, and what depends on it (notes, section 16)."""

from roster.core.users.models import User
from roster.dialects.wellbee import documents
from roster.dialects.wellbee.signing_in import EmailNotVerified
from roster.storage.tx import Tx


def is_waiting(user: User) -> bool:
    """Whether the person was asked to verify their address, and has not."""
    return documents.is_verified(user) is False


def require_verified(tx: Tx, user: User) -> None:
    """Raise EmailNotVerified for somebody who has to verify their address before they may sign in."""
    if tx.runtime.settings.dialects.wellbee.require_email_verification and is_waiting(user):
        raise EmailNotVerified
