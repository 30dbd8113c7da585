"""What gateways of the platform ask about answers before they pass them on (notes, section 11).

These operations get the whole message instead of its data, and answer with a whole message: the one that came, or
another in its place.
"""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import msgspec

from roster.core.audit import notes
from roster.core.mfa import bankid
from roster.core.mfa.errors import BankIdRequired
from roster.dialects.wellbee.subjects import WHOLE, Services
from roster.kit import ids
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web.reply import Reply
from roster.web.request import Request

services: Final = Services(tag="interceptor")

_WHOLE: Final = {WHOLE: True}
_SENT: Final = "MESSAGE_SEND"
_SENDERS: Final = ("userId", "senderId", "createdBy", "from")
_LONGEST: Final = 200


class Intercepted(msgspec.Struct, frozen=True):
    """An answer on its way, as far as it matters here."""

    status: int | None = None
    error: dict[str, Any] | None = None
    data: Any = None
    user: Any = None
    params: Any = None
    path: Any = None

    @property
    def is_success(self) -> bool:
        """Whether it says that something was done (notes, section 2)."""
        return (self.status or 200) < 400 and not self.error


@services.serve("interceptor.message-audit", id="interceptor-message-audit", returns=Any, extra=_WHOLE)
async def message_audit(tx: Tx, request: Request, body: Intercepted) -> Reply:
    """Write into the trail that somebody has sent a message; the answer goes on unchanged."""
    user_id = next(_senders(body), None)
    if body.is_success and user_id is not None:
        said = {"path": body.path, "messageId": _member(body.data, "id")}
        payload: dict[str, object] = {name: each[:_LONGEST] for name, each in said.items() if isinstance(each, str)}
        await notes.write(tx, user_id, _SENT, payload=payload or None)
    return Reply(body=request.body)


@services.serve(
    "wb-user-service.intercept-login",
    id="interceptor-login-bankid",
    writes=False,
    returns=Any,
    errors=(BankIdRequired, InvalidInput),
    extra=_WHOLE,
)
async def intercept_login(tx: Tx, request: Request, body: Intercepted) -> Reply:
    """Withhold a sign-in by password from whoever has to use BankID; every other answer goes on unchanged.

    Sign-ins at this installation are withheld before there is a session; this is for those that others answer.
    """
    if body.is_success:
        for user_id in _signed_in(tx, body):
            if await bankid.is_bound(tx, UserId(user_id)):
                raise BankIdRequired
    return Reply(body=request.body)


def _senders(body: Intercepted) -> Iterator[UUID]:
    """Who may have sent it, the surest first: whoever asked, then whom the data names, then whom the address does."""
    named = [_member(body.user, "id"), *(_member(body.data, each) for each in _SENDERS), _member(body.params, "userId")]
    return _ids(named)


def _signed_in(tx: Tx, body: Intercepted) -> Iterator[UUID]:
    """Whom the answer to a sign-in shows: itself for cookies, among tokens for programs."""
    inner = {"user", "profile", tx.runtime.settings.dialects.wellbee.user_data_key}
    return _ids([_member(body.data, "id"), *(_member(_member(body.data, each), "id") for each in sorted(inner))])


def _ids(named: list[object]) -> Iterator[UUID]:
    found = (ids.parse(each) for each in named if isinstance(each, str))
    return (each for each in found if each is not None)


def _member(of: object, name: str) -> object:
    return of.get(name) if isinstance(of, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
