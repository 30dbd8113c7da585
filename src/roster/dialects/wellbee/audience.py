"""The open websockets of a process, and what is sent to them: `ws.out.<user>.<label>` and `ws.out.public.<label>`."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import Final, cast
from uuid import UUID

import msgspec

from roster.dialects.wellbee import auth, frame
from roster.kit.actor import Origin
from roster.kit.errors import RosterError, Unavailable
from roster.storage.runtime import Runtime
from roster.storage.voids import Marks
from roster.web.sockets import Socket

_MOST_WAITING: Final = 256
"""Messages that may wait for a client that does not take them; then it has to come again."""
_EVERYBODY: Final = "*"
_PUBLIC: Final = "public"
_DISCONNECTED: Final = (1011, "USER_DISCONNECTED")
_TOO_SLOW: Final = (1013, "TOO_SLOW")


class Listener:
    """An open socket and whose it is: the id of a person, or `public-…` without a token.

    `address` is where it comes from, `about` the realm and the person whose changes may end it.
    """

    __slots__ = ("_sender", "_waiting", "about", "address", "checked_at", "marks", "realm", "socket", "token", "user")

    def __init__(
        self,
        socket: Socket,
        realm: str,
        user: str,
        token: str | None = None,
        *,
        address: str = "",
        about: tuple[UUID, ...] = (),
    ) -> None:
        self.socket = socket
        self.realm = realm
        self.user = user
        self.token = token
        self.address = address
        self.about = about
        self.checked_at = time.monotonic()
        self.marks: Marks | None = None
        self._waiting: deque[bytes] | None = None
        self._sender: asyncio.Task[None] | None = None

    def send(self, text: bytes) -> None:
        """Send without waiting for this client, in order; one that takes nothing is disconnected."""
        if self._waiting is None:
            self._waiting = deque((text,))
            self._sender = asyncio.get_running_loop().create_task(self._send_all())
        elif len(self._waiting) < _MOST_WAITING:
            self._waiting.append(text)
        else:
            self._waiting.clear()
            self.close(*_TOO_SLOW)

    async def sent(self) -> None:
        """Returns when all that was to be sent has been, or cannot be any more."""
        if self._sender is not None:
            await asyncio.wait((self._sender,))

    def close(self, code: int, reason: str) -> None:
        """Disconnect, saying why."""
        if self.socket.is_open:
            _keep(asyncio.get_running_loop().create_task(self.socket.close(code, reason)))

    async def _send_all(self) -> None:
        waiting = cast("deque[bytes]", self._waiting)
        try:
            while waiting:
                await self.socket.send(waiting.popleft())
        finally:
            self._waiting = self._sender = None


_tasks: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    """The loop itself only holds tasks weakly."""
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


class _Addressed(msgspec.Struct, frozen=True):
    """What a message says of its receivers."""

    to: list[str] | None = None


class Audience:
    """All sockets of a process, by whose they are.

    Before something is sent to a person's socket, its session is asked for anew unless that was done in the last
    `check_every` seconds and the database has said of no change since.
    """

    def __init__(self, runtime: Runtime, *, check_every: float = 10.0) -> None:
        self._runtime = runtime
        self._check_every = check_every
        self._by_user: dict[tuple[str, str], set[Listener]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_user.values()))

    def add(self, listener: Listener) -> None:
        """From now on it hears what is meant for it."""
        self._by_user.setdefault((listener.realm, listener.user), set()).add(listener)

    def remove(self, listener: Listener) -> None:
        """It hears nothing any more."""
        listeners = self._by_user.get((listener.realm, listener.user), set())
        listeners.discard(listener)
        if not listeners:
            self._by_user.pop((listener.realm, listener.user), None)

    async def send(self, realm: str, subject: str, message: bytes) -> None:
        """Hand on a message of the bus, a JSON object, to those that its subject, or `to` in it, names.

        Raises ValueError for what is no such subject or message.
        """
        user, _, label = subject.removeprefix("ws.out.").partition(".")
        addressed = _decoded(message)
        if not label or addressed is None:
            raise ValueError(subject)
        if user == _PUBLIC:
            text = frame.with_subject(message, subject)
            for listener in self._of(realm):
                listener.send(text)
            return
        for listener in self._receivers(realm, user.lower(), addressed.to):
            if await self._is_welcome(listener):
                own = subject if user != _EVERYBODY else f"ws.out.{listener.user}.{label}"
                listener.send(frame.with_subject(message, own))

    def disconnect(self, realm: str, *, user: str | None = None, token: str | None = None) -> None:
        """Close the sockets of a person, or those of one token."""
        for listener in self._of(realm):
            if (user is not None and listener.user == user.lower()) or (token is not None and listener.token == token):
                listener.close(*_DISCONNECTED)

    def _receivers(self, realm: str, user: str, to: Iterable[str] | None) -> list[Listener]:
        if user != _EVERYBODY:
            return list(self._by_user.get((realm, user), ()))
        if to is None:
            return self._of(realm)
        named = dict.fromkeys(each.lower() for each in to)
        return [listener for each in named for listener in self._by_user.get((realm, each), ())]

    def _of(self, realm: str) -> list[Listener]:
        return [each for (known, _), listeners in self._by_user.items() if known == realm for each in listeners]

    async def _is_welcome(self, listener: Listener) -> bool:
        """Whether the session behind the socket still lasts; asked anew when that was long ago. Else it is closed."""
        now = time.monotonic()
        if listener.token is None or self._is_believed(listener, now):
            return True
        marks = self._runtime.voids.marks(*listener.about)
        try:
            async with self._runtime.lease() as tx:
                await auth.by_token(tx, listener.realm, listener.token, Origin(dialect="wellbee"))
        except Unavailable:
            return False
        except RosterError:
            listener.close(*_DISCONNECTED)
            return False
        listener.checked_at, listener.marks = now, marks
        return True

    def _is_believed(self, listener: Listener, now: float) -> bool:
        is_new = now - listener.checked_at < self._check_every
        return is_new and listener.marks is not None and self._runtime.voids.hold(listener.marks)


def of(runtime: Runtime) -> Audience:
    """The one audience of this process."""
    return runtime.memo.setdefault("wellbee.audience", Audience(runtime))


def _decoded(message: bytes) -> _Addressed | None:
    try:
        return msgspec.json.decode(message, type=_Addressed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
