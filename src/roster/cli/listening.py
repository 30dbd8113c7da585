"""The socket that a server listens on."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from roster.kit.errors import RosterError

BACKLOG = 2048


class CannotListen(RosterError):
    """The address is not ours, or something else listens there."""

    code = "cannot_listen"


@contextmanager
def to(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address, before anything slow begins; nobody can connect until `listen` is called.

    Raises CannotListen.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        yield bound


def url_of(bound: socket.socket) -> str:
    """Where it is reached."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
