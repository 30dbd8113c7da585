"""What carries messages: one carrier for each channel, all with this face."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from roster.messaging.texts import Text
from roster.settings import Settings


class Refused(Exception):
    """The message will never be taken."""


class Gone(Refused):
    """Nobody can be reached there any more; what is known of the recipient can be forgotten."""


class NotNow(Exception):
    """The carrier cannot be reached, or says to come back."""


class Carrier(Protocol):
    """Somebody who takes messages for one channel, for as long as a conversation with them lasts."""

    async def send(self, recipient: str, text: Text) -> None:
        """Hand over one message. Raises Refused, NotNow."""
        ...


Open = Callable[[], AbstractAsyncContextManager[Carrier]]
"""Begins a conversation. Raises NotNow."""


def configured(settings: Settings) -> Mapping[str, Open]:
    """The carriers that the settings name, by channel. Messages of other channels stay in the development mailbox.

    What the others would need is not even imported: their libraries take ten megabytes.
    """
    return {name: carrier for name, find in _KINDS.items() if (carrier := find(settings)) is not None}


def _mail(settings: Settings) -> Open | None:
    if settings.mail.host is None:
        return None
    from roster.messaging import mail

    return lambda: mail.Server(settings.mail)


def _sms(settings: Settings) -> Open | None:
    if settings.sms.url is None:
        return None
    from roster.messaging import sms

    return lambda: sms.Gateway(settings.sms)


def _push(settings: Settings) -> Open | None:
    if settings.push.service_account is None:
        return None
    from roster.messaging import fcm

    return lambda: fcm.Messenger(settings.push)


_KINDS: Final[Mapping[str, Callable[[Settings], Open | None]]] = {"mail": _mail, "sms": _sms, "push": _push}
