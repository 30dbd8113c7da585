"""Where the bus is, and what an address must have: whoever can publish there is believed, so nobody gets in unasked."""

import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from roster.kit.errors import RosterError

_PORT: Final = 4222
_KNOWN: Final = frozenset({
    "", "admin", "changeme", "derek", "guest", "local", "mysecret", "nats", "pass", "password", "roster", "ruser",
    "s3cr3t", "secret", "t0ps3cr3t", "test", "token", "user",
})  # fmt: skip
"""Passwords and tokens of examples and manuals; everybody tries them first."""


class BusRefused(RosterError):
    """The address of the bus is not one that Roster uses; the text says why, without the address."""

    code = "bus_refused"


class Address(msgspec.Struct, frozen=True):
    """Servers of one bus, without what stands before the `@` in their URLs, and with what to sign in with.

    Without a user, `password` is a token.
    """

    servers: tuple[str, ...]
    user: str | None
    password: str
    encrypted: bool

    def __repr__(self) -> str:
        return f"<Address of {', '.join(self.servers)}>"


def read(text: str, *, allow_plain: bool = False) -> Address:
    """The address in a URL, or in several of the same bus separated by commas: `nats://user:password@host:4222`.

    Raises BusRefused: for what is no such URL or has no credentials or well-known ones, and, unless `allow_plain`, for
    other machines without TLS (`tls://`).
    """
    urls = [_split(part.strip()) for part in text.split(",") if part.strip()]
    if not urls:
        raise BusRefused("The address of the bus is empty.")
    schemes = {url.scheme for url in urls}
    if len(schemes) != 1 or not schemes <= {"nats", "tls"}:
        raise BusRefused("The address of the bus is a URL that begins with nats:// or tls://, as do all of several.")
    credentials = {_credentials(url) for url in urls}
    if len(credentials) != 1:
        raise BusRefused("All servers of the bus take the same credentials, or their URLs cannot stand together.")
    encrypted = schemes == {"tls"}
    if not (encrypted or allow_plain) and not all(_is_here(url) for url in urls):
        raise BusRefused(
            "The bus is on another machine and its address has no TLS: use tls://, or set bus.allow_plain where the"
            " network itself is private."
        )
    return Address(tuple(_servers(urls)), *credentials.pop(), encrypted)


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError as error:
        raise BusRefused("The address of the bus is no URL.") from error
    if not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise BusRefused("The address of the bus is a URL of host and port, with credentials before them.")
    return url


def _credentials(url: SplitResult) -> tuple[str | None, str]:
    user = unquote(url.username or "")
    if not user and not url.password:
        raise BusRefused("The address of the bus has no credentials; a bus that lets anybody in is not used.")
    password = unquote(url.password) if url.password is not None else user
    if password.lower() in _KNOWN:
        raise BusRefused("The credentials of the bus are well known; choose others.")
    return (user, password) if url.password is not None else (None, password)


def _is_here(url: SplitResult) -> bool:
    host = url.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _servers(urls: list[SplitResult]) -> Iterator[str]:
    for url in urls:
        host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        yield f"{url.scheme}://{host}:{url.port or _PORT}"
