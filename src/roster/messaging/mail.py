"""A rendered message as an e-mail, and handing it to the configured server."""

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from types import TracebackType
from typing import Self

import aiosmtplib

from roster.kit import clock
from roster.messaging.carriers import NotNow, Refused
from roster.messaging.texts import Text
from roster.settings import Mail

_TIMEOUT = 20.0
"""Seconds that one step of the conversation with the server may take."""


class Server:
    """One conversation with the mail server, over which several messages go."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.user,
            password=settings.password,
            use_tls=settings.tls == "implicit",
            start_tls=settings.tls == "starttls",
            timeout=_TIMEOUT,
        )

    async def __aenter__(self) -> Self:
        try:
            await self._client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotNow(_said(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    async def send(self, recipient: str, text: Text) -> None:
        """Hand over one message. Raises Refused, NotNow."""
        message = compose(text.sender or self._settings.sender, self.instead_of(recipient), text)
        try:
            await self._client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _sorted(error.recipients[0]) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _sorted(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotNow(_said(error)) from error

    def instead_of(self, recipient: str) -> str:
        """Who gets the message: on a system for tests only those of some domains do."""
        kept = recipient.rpartition("@")[2].lower() in self._settings.catch_all_except
        return recipient if self._settings.catch_all is None or kept else self._settings.catch_all


def compose(sender: str, recipient: str, text: Text) -> EmailMessage:
    """The e-mail. Raises Refused for a recipient that is no address; no value can end a header line."""
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP)
    try:
        message["To"] = Address(addr_spec=recipient)
        message["From"] = Address(name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError) as error:
        raise Refused("This is not an e-mail address.") from error
    message["Subject"] = " ".join(text.subject.split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.text)
    message.add_alternative(text.html, subtype="html")
    return message


def _sorted(error: aiosmtplib.SMTPResponseException) -> Exception:
    """By the reply code: 5yz is final (RFC 5321, section 4.2.1)."""
    said = f"{error.code} {error.message}"[:300]
    return Refused(said) if 500 <= error.code < 600 else NotNow(said)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
