"""The load generator: a process of its own that sends ready-made requests and times the answers.

It reads one job a line on standard input and writes one result a line, both JSON. Closed loop: each connection sends
its next request when the last is answered. Open loop: requests are sent at a fixed rate whatever happens, and waiting
for a free connection counts as latency, so a server that stalls cannot hide it.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle, islice
from typing import cast
from urllib.parse import urlencode

import msgspec
import uvloop

LOOPBACK = "127.0.0.1"
_CHUNKED = -1
_LAST_CHUNK = b"\r\n0\r\n\r\n"
"""JSON has no line breaks of this kind inside, so nothing else ends like this."""


class Call(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: object = None
    form: dict[str, str] | None = None

    def payload(self) -> bytes:
        """The body, as JSON or as a form."""
        if self.form is not None:
            return urlencode(self.form).encode()
        return b"" if self.body is None else msgspec.json.encode(self.body)

    def described(self) -> dict[str, str]:
        """The headers, with the type of the body where there is one."""
        if self.body is None and self.form is None:
            return self.headers
        kind = "application/json" if self.form is None else "application/x-www-form-urlencoded"
        return {**self.headers, "Content-Type": kind}

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        body = self.payload()
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {LOOPBACK}"]
        lines += [f"{name}: {value}" for name, value in self.described().items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def with_carried(self, name: str, value: str) -> "Call":
        """The same with a member of the answer before."""
        if self.form is None:
            return msgspec.structs.replace(self, body={name: value})
        return msgspec.structs.replace(self, form={**self.form, name: value})


class Job(msgspec.Struct, frozen=True):
    """Which requests to send, over how many connections, how many or for how long, and at what rate (None: at once).

    `carry` names a member of each answer that becomes the whole next body on the same connection, or takes its place
    in the next form.
    """

    port: int
    calls: list[Call]
    connections: int = 1
    count: int | None = None
    seconds: float | None = None
    rate: float | None = None
    carry: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came back. `latencies` in seconds, in the order of the answers; `wrong` is the first answer that failed."""

    seconds: float
    latencies: list[float]
    statuses: dict[int, int]
    wrong: str | None = None


class _Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time. Answers have a length, or come in chunks, which are kept."""

    def __init__(self) -> None:
        self._got = b""
        self._end = 0
        self._body = 0
        self._answer: asyncio.Future[bytes] | None = None
        self._transport = cast("asyncio.Transport", None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._got = self._got + data if self._got else data
        if not self._end and not self._read_head():
            return
        if self._end == _CHUNKED:
            if self._got.endswith(_LAST_CHUNK) and self._answer is not None:
                self._answer.set_result(self._got)
        elif len(self._got) >= self._end and self._answer is not None:
            self._answer.set_result(self._got[: self._end])

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self._got, self._end = b"", 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        whole = await self._answer
        return int(whole[9:12]), whole[self._body :]

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _read_head(self) -> bool:
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._got[:end].lower()
        at = head.find(b"content-length:")
        length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        chunked = at < 0 and b"transfer-encoding: chunked" in head
        self._body, self._end = end + 4, _CHUNKED if chunked else end + 4 + length
        return True


class _Run:
    """One job being done."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._next: Iterator[Call] = islice(cycle(job.calls), job.count)
        self._ready: Iterator[bytes] = islice(cycle([call.encoded() for call in job.calls]), job.count)
        self._latencies: list[float] = []
        self._statuses: dict[int, int] = {}
        self._wrong: str | None = None
        self._stop_at = float("inf")

    async def outcome(self) -> Outcome:
        loop = asyncio.get_running_loop()
        address = (LOOPBACK, self._job.port)
        connections = [(await loop.create_connection(_Connection, *address))[1] for _ in range(self._job.connections)]
        started = time.perf_counter()
        if self._job.seconds is not None:
            self._stop_at = started + self._job.seconds
        if self._job.rate is not None:
            await self._at_rate(deque(connections), self._job.rate, started)
        else:
            walk = self._chain if self._job.carry else self._loop
            await asyncio.gather(*(walk(connection) for connection in connections))
        seconds = time.perf_counter() - started
        for connection in connections:
            connection.close()
        return Outcome(seconds, self._latencies, self._statuses, self._wrong)

    async def _loop(self, connection: _Connection) -> None:
        for request in self._ready:
            started = time.perf_counter()
            self._note(started, *await connection.ask(request))
            if time.perf_counter() >= self._stop_at:
                return

    async def _chain(self, connection: _Connection) -> None:
        """Each answer makes the next request; every connection begins with a call of its own."""
        name = self._job.carry or ""
        call = next(self._next)
        for _ in range((self._job.count or 1 << 40) // self._job.connections):
            started = time.perf_counter()
            status, body = await connection.ask(call.encoded())
            self._note(started, status, body)
            if status >= 400 or time.perf_counter() >= self._stop_at:
                return
            call = call.with_carried(name, msgspec.json.decode(body)[name])

    async def _at_rate(self, idle: deque[_Connection], rate: float, started: float) -> None:
        """The n-th request is due n/rate seconds after the start; its latency counts from then."""
        free = asyncio.Semaphore(len(idle))
        running: set[asyncio.Task[None]] = set()
        for number, request in enumerate(self._ready):
            due = started + number / rate
            if due >= self._stop_at:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(self._once(idle, free, request, due))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def _once(self, idle: deque[_Connection], free: asyncio.Semaphore, request: bytes, due: float) -> None:
        async with free:
            connection = idle.pop()
            self._note(due, *await connection.ask(request))
            idle.append(connection)

    def _note(self, started: float, status: int, body: bytes) -> None:
        self._latencies.append(time.perf_counter() - started)
        self._statuses[status] = self._statuses.get(status, 0) + 1
        if status >= 400 and self._wrong is None:
            self._wrong = f"{status} {body[:500].decode(errors='replace')}"


async def run(job: Job) -> Outcome:
    """Do one job."""
    return await _Run(job).outcome()


def main() -> None:
    """Serve jobs until standard input ends."""
    decode = msgspec.json.Decoder(Job).decode
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(msgspec.json.encode(runner.run(run(decode(line)))) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
