"""Whom a text names, as a part of larger statements (`storage/joint.py`)."""

from collections.abc import Sequence
from typing import Any, LiteralString

from roster.core.realms import service as realms
from roster.core.users import normal, store
from roster.core.users.models import User
from roster.kit import ids
from roster.kit.ids import UserId
from roster.kit.text import fold
from roster.storage.joint import Part
from roster.storage.tx import Tx


async def asked(tx: Tx, text: str) -> tuple[LiteralString, Part]:
    """Asks for the person (`of_rows`) whom `service.find_by_identifier` finds.

    Parts behind it find the id of who is meant in `meant`, which has no row when that is nobody.
    """
    user_id = ids.parse(text)
    if user_id is not None:
        return "person", store.with_id(tx, UserId(user_id))
    realm = await realms.current(tx)
    key, phone = fold(text.strip()), normal.phone(text, realm.settings.default_region)
    if not key.isprintable() or not key:
        return "person", store.with_id(tx, None)
    return "person", store.named(tx, key, phone[1] if isinstance(phone, tuple) else "")


def known(user: User | None) -> tuple[LiteralString, Part]:
    """Says who is `meant`, to parts behind it."""
    return "meant", store.meant(user.id if user else None)


def of_rows(rows: Sequence[Sequence[Any]]) -> User | None:
    """The person whom the rows of what was `asked` are."""
    return User(*rows[0]) if rows else None
