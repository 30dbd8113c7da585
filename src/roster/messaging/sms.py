"""Text messages through any gateway that takes them as an HTTPS form: `from`, `to` and `message`, with Basic auth.

That is the form of 46elks; others have a switch for it or are reached through a few lines in between.
"""

import ssl
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import httpx

from roster.messaging.carriers import NotNow, Refused
from roster.messaging.texts import Text
from roster.settings import Sms

_SECONDS: Final = 10.0
_SIGNS_TOLD: Final = 200
_NOT_FOREVER: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Answers that speak of us, or of now, rather than of the message: settings can be put right meanwhile."""


class Gateway:
    """One conversation with the gateway, over which several messages go."""

    def __init__(self, settings: Sms) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            timeout=_SECONDS,
            verify=ssl.create_default_context(),
            auth=(settings.user, settings.password or "") if settings.user is not None else None,
            trust_env=False,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, recipient: str, text: Text) -> None:
        """Hand over one message. Raises Refused, NotNow."""
        form = {"from": self._settings.sender, "to": recipient, "message": text.short}
        try:
            async with self._client.stream("POST", self._settings.url or "", data=form) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotNow(f"{type(error).__name__}: {error}"[:_SIGNS_TOLD]) from error
        if answer.is_success:
            return
        said = f"The gateway answers {status}."
        raise Refused(said) if 400 <= status < 500 and status not in _NOT_FOREVER else NotNow(said)
