"""A connection to a message bus: what may be asked of it, whatever protocol it speaks underneath.

Delivery is at most once, as on any plain bus: who needs more repeats what was not acknowledged (`relay.py`).
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from roster.kit.errors import RosterError, Unavailable
from roster.storage.runtime import Runtime


class NotConnected(Unavailable):
    """The bus cannot be reached at this moment."""

    code = "bus_not_connected"
    text = "The message bus cannot be reached. Please try again in a moment."


class TooLong(RosterError):
    """The message is longer than the bus takes."""

    code = "message_too_long"
    text = "The message is too long for the bus."


class Arrival(msgspec.Struct, frozen=True):
    """A message as it came. `reply` is where an answer is waited for; empty when nobody waits.

    `nobody` says that it is no message but the bus's word that nobody listens where a request was sent.
    """

    subject: str
    reply: str
    data: bytes
    nobody: bool = False


Receive = Callable[[Arrival], Awaitable[None]]
"""Takes the messages of one subscription, one after another; whoever wants several at once starts tasks."""


class Subscription(Protocol):
    """Interest in a subject; it outlives lost connections."""

    async def end(self) -> None:
        """No more messages."""
        ...

    async def drain(self) -> None:
        """No more messages but those that are on their way; returns when all of them were received."""
        ...


class Link(Protocol):
    """A connection that is made again whenever it is lost, with all its subscriptions."""

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent now."""
        ...

    @property
    def max_payload(self) -> int:
        """The longest message, in bytes."""
        ...

    @property
    def generation(self) -> int:
        """Which connection this is: with each that is made anew it grows."""
        ...

    async def connected(self) -> None:
        """Returns once messages can be sent."""
        ...

    async def publish(self, subject: str, data: bytes, *, reply: str = "") -> None:
        """Send a message. Raises NotConnected, TooLong; without an error it is on its way, not more."""
        ...

    async def flush(self) -> None:
        """Returns when the bus has acknowledged all that was sent before on this connection.

        Raises NotConnected when that is not known.
        """
        ...

    async def subscribe(self, subject: str, receive: Receive, *, queue: str = "") -> Subscription:
        """Receive what is sent to a subject (`*` is one segment, `>` the rest); of a queue's members only one does.

        Raises TooLong for a subject that the bus does not take.
        """
        ...


def install(runtime: Runtime, link: Link) -> None:
    """Make it the process's one link."""
    runtime.memo["bus"] = link


def remove(runtime: Runtime) -> None:
    """The process has no link any more."""
    runtime.memo.pop("bus", None)


def of(runtime: Runtime) -> Link | None:
    """The process's link; None where there is no bus."""
    return runtime.memo.get("bus")
