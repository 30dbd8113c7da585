"""An order at an electronic identification."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from roster.kit.ids import UserId

Provider = Literal["bankid", "freja"]
Purpose = Literal["login", "sign"]


class Hidden(msgspec.Struct, frozen=True):
    """What stays on the server: the provider's own reference, token and secret of the moving code, and what it brought.

    `number` is the personal number of whoever answered, `brought` all that the provider said of them.
    """

    reference: str
    token: str = ""
    secret: str = ""
    number: str | None = None
    brought: dict[str, object] = {}


class Order(msgspec.Struct, frozen=True):
    """Where an order stands. `user_id` began it, or was signed in by it."""

    id: UUID
    provider: str
    purpose: str
    holder: bytes
    user_id: UserId | None
    sealed: bytes
    state: str
    hint: str
    started_at: datetime
    bound_at: datetime | None


class Begun(msgspec.Struct, frozen=True):
    """A new order. `reference` names it; `proof` is to be shown with that by whoever had no session to be known by."""

    order: Order
    reference: str
    proof: str | None
