"""The link over NATS. The only module that knows the client library.

The library could come back by itself, but what it had sent and not yet heard of would then count as acknowledged by
whatever the next server says. So each connection is a client of its own, and what was under way on a lost one is lost.
"""

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import structlog
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Held

from roster.bus.address import Address
from roster.bus.link import Arrival, Link, NotConnected, Receive, TooLong
from roster.kit.errors import RosterError

T = TypeVar("T")

_log = structlog.get_logger("roster.bus")

_CONNECT_WITHIN: Final = 5.0
_LAST_WORDS: Final = 1.0
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0
_LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether a connection that has not said goodbye is still one."""
_FLUSH_WITHIN: Final = 10.0
_PING_EVERY: Final = 20
_NO_RESPONDERS: Final = "503"
_LONGEST_NAMES: Final = 3900
"""Bytes of the subjects, and of a queue, in one command; a server reads lines of 4096 unless told otherwise."""
_MOST_WAITING: Final = 4096
_MOST_BYTES_WAITING: Final = 64 * 1024 * 1024
"""Of each subscription; what comes beyond is dropped, as NATS does with slow consumers."""


class NatsLink(Link):
    """A link to the bus that `address` names, which is asked anew for each connection."""

    def __init__(self, address: Callable[[], Address], *, name: str) -> None:
        self._address = address
        self._name = name
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._up = asyncio.Event()
        self._subscriptions: list[_Subscription] = []
        self._trouble = ""
        self._cause: Exception | None = None
        self._generation = 0
        self._inbox = ""
        self._numbers = itertools.count()
        self._echoes: dict[int, asyncio.Future[None]] = {}

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            client = await self._attempt()
            if client is None:
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
                continue
            pause = _FIRST_PAUSE
            try:
                await self._use(client)
            finally:
                await self._leave(client)

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def max_payload(self) -> int:
        return self._client.max_payload if self._client is not None else 1_048_576

    async def connected(self) -> None:
        while not self.is_connected:
            self._up.clear()
            await self._up.wait()

    async def publish(self, subject: str, data: bytes, *, reply: str = "") -> None:
        client = self._present()
        _require_fitting(subject, reply)
        try:
            await _heeding(client.publish(subject, data, reply))
        except errors.MaxPayloadError as error:
            raise TooLong from error
        except (errors.Error, OSError) as error:
            raise NotConnected from error

    async def flush(self) -> None:
        """By a message to ourselves: the library's own ping overtakes what it has yet to send."""
        lost, number = self._lost, next(self._numbers)
        echo: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._echoes[number] = echo
        end = asyncio.ensure_future(lost.wait())
        try:
            await self.publish(self._inbox, b"%d" % number)
            await asyncio.wait((echo, end), timeout=_FLUSH_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            end.cancel()
            self._echoes.pop(number, None)
        if not echo.done():
            lost.set()
            raise NotConnected

    async def subscribe(self, subject: str, receive: Receive, *, queue: str = "") -> "_Subscription":
        _require_fitting(subject, queue)
        made = _Subscription(self._subscriptions, subject, queue, receive, flush=self.flush)
        self._subscriptions.append(made)
        if self._client is not None and self.is_connected:
            with suppress(errors.Error, OSError):  # the next connection takes it along
                await made.attach(self._client)
        return made

    # -- connections ---------------------------------------------------------------------------------------------------

    def _present(self) -> Client:
        if self._client is None or not self._client.is_connected:
            raise NotConnected
        return self._client

    async def _attempt(self) -> "_Client | None":
        """A new connection; one that is just being made when everything ends is let go in order, not torn off."""
        trying = asyncio.ensure_future(self._try())
        try:
            return await asyncio.shield(trying)
        except asyncio.CancelledError:
            await asyncio.wait((trying,), timeout=_LAST_WORDS)
            if trying.done() and not trying.cancelled() and (client := trying.result()) is not None:
                await client.abandon()
            trying.cancel()
            raise

    async def _try(self) -> "_Client | None":
        """A new connection with all subscriptions, or None."""
        client = _Client()
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                await self._connect(client, self._address())
                self._inbox = client.new_inbox()
                await _heeding(client.subscribe(self._inbox, cb=self._hear))  # pyright: ignore[reportUnknownMemberType]
                for each in list(self._subscriptions):
                    await each.attach(client)
        except (errors.Error, OSError, TimeoutError, RosterError) as error:
            self._say(self._cause or error)
            await client.abandon()
            return None
        except BaseException:
            await client.abandon()
            raise
        return client

    async def _connect(self, client: "_Client", address: Address) -> None:
        lost = self._lost = asyncio.Event()
        self._cause = None

        async def failed(error: Exception) -> None:
            if isinstance(error, errors.SlowConsumerError):
                _log.warning("bus.overrun", subject=error.subject)
            else:
                self._cause = error

        async def gone() -> None:
            lost.set()

        client.needs_tls = address.encrypted
        signing_in = {"token": address.password} if address.user is None else {
            "user": address.user, "password": address.password,
        }  # fmt: skip
        connecting = client.connect(
            list(address.servers),
            name=self._name,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=int(_CONNECT_WITHIN),
            ping_interval=_PING_EVERY,
            error_cb=failed,
            disconnected_cb=gone,
            closed_cb=gone,
            tls=ssl.create_default_context() if address.encrypted else None,
            **signing_in,  # type: ignore[arg-type]
        )
        await _heeding(connecting)

    async def _use(self, client: "_Client") -> None:
        """Until the connection is lost, in whatever way."""
        lost = self._lost
        self._client = client
        self._generation += 1
        for each in list(self._subscriptions):  # those made while it was connecting
            await each.attach(client)
        self._up.set()
        _log.info("bus.connected", server=client.connected_url.netloc if client.connected_url else "")
        self._trouble = ""
        while client.is_connected and not lost.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), _LOOK_EVERY)
        _log.warning("bus.lost")

    async def _hear(self, message: Msg) -> None:
        echo = self._echoes.get(int(message.data)) if message.data.isdigit() else None
        if echo is not None and not echo.done():
            echo.set_result(None)

    async def _leave(self, client: "_Client") -> None:
        self._client = None
        self._lost.set()
        await client.abandon()

    def _say(self, error: Exception) -> None:
        """Each trouble once, not with every attempt."""
        trouble = str(error).strip() or type(error).__name__
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("bus.unreachable", reason=trouble)


async def reach(address: Address) -> None:
    """Returns when the bus lets us in. Raises NotConnected."""
    link = NatsLink(lambda: address, name="roster doctor")
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(_CONNECT_WITHIN):
            await link.connected()
    except TimeoutError as error:
        raise NotConnected from error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class _Client(Client):
    """The library's client, which keeps to what we need of it where it does not by itself."""

    needs_tls = False
    """Then nothing is said of the credentials to a server that has lost its TLS."""

    async def abandon(self) -> None:
        """Let go of everything, also where closing breaks off because the connection is broken."""
        held = list(self._subs.values())
        try:
            with suppress(errors.Error, OSError, TimeoutError):
                await _heeding(self.close())
        finally:
            self._let_go(held)

    def _let_go(self, held: list[Held]) -> None:
        if self._transport is not None:
            self._transport.close()
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        for each in held:
            each._stop_processing()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def _connect_command(self) -> bytes:
        if self.needs_tls and not self._server_info.get("tls_required"):
            raise errors.Error("The server has no TLS.")
        return super()._connect_command()


class _Subscription:
    """One interest, on whatever client there is."""

    def __init__(
        self,
        every: "list[_Subscription]",
        subject: str,
        queue: str,
        receive: Receive,
        *,
        flush: Callable[[], Awaitable[None]],
    ) -> None:
        self._every = every
        self._flush = flush
        self._subject = subject
        self._queue = queue
        self._receive = receive
        self._client: Client | None = None
        self._held: Held | None = None

    async def attach(self, client: Client) -> None:
        if self._client is client:
            return
        self._client = client
        subscribing = client.subscribe(  # pyright: ignore[reportUnknownMemberType]
            self._subject,
            self._queue,
            cb=self._take,
            pending_msgs_limit=_MOST_WAITING,
            pending_bytes_limit=_MOST_BYTES_WAITING,
        )
        self._held = await _heeding(subscribing)

    async def end(self) -> None:
        if self in self._every:
            self._every.remove(self)
        if self._held is not None:
            with suppress(errors.Error, OSError):
                await _heeding(self._held.unsubscribe())

    async def drain(self) -> None:
        """Not by the library's own, whose ping overtakes what ends the interest, so that messages come too late."""
        if self in self._every:
            self._every.remove(self)
        if self._held is not None and self._client is not None:
            with suppress(errors.Error, OSError, NotConnected):
                await _heeding(self._client._send_unsubscribe(self._held._id))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                await self._flush()
                await self._held._pending_queue.join()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            await self.end()

    async def _take(self, message: Msg) -> None:
        try:
            nobody = not message.data and (message.headers or {}).get("Status") == _NO_RESPONDERS
            await self._receive(Arrival(message.subject, message.reply, message.data, nobody))
        except Exception:  # noqa: BLE001 (the edge: the subscription outlives whatever a message brings about)
            _log.exception("message.failed", subject=message.subject)


def _require_fitting(*names: str) -> None:
    """Raise TooLong for names that do not fit into the line which a server reads: it ends the connection then."""
    if sum(len(each.encode("utf-8", "surrogatepass")) for each in names) > _LONGEST_NAMES:
        raise TooLong


async def _heeding(asked: Awaitable[T]) -> T:
    """What the library was asked; it swallows cancellations here and there, and then nothing could be stopped."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    answer = await asked
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return answer
