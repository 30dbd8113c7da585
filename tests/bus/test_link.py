"""The link over NATS: messages, queues, and what becomes of both when the server goes and comes."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from roster.bus import address, server
from roster.bus.link import Arrival, NotConnected, TooLong
from roster.bus.nats import NatsLink
from roster.bus.server import BusServer, Credentials
from tests import buses, processes


class Heard:
    """What came."""

    def __init__(self) -> None:
        self.arrivals: asyncio.Queue[Arrival] = asyncio.Queue()

    async def take(self, arrival: Arrival) -> None:
        await self.arrivals.put(arrival)

    async def next(self) -> Arrival:
        async with asyncio.timeout(processes.PATIENCE):
            return await self.arrivals.get()


@pytest.fixture
def bus() -> Iterator[BusServer]:
    """A server that may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    with server.using(folder):
        yield BusServer(folder)
    shutil.rmtree(folder)


def credentials(bus: BusServer) -> Credentials:
    found = bus.credentials()
    assert found is not None
    return found


async def test_a_message_comes_with_subject_and_reply(joined: Credentials):
    heard = Heard()
    async with buses.linked(joined) as link:
        subscription = await link.subscribe("test.link.*", heard.take)
        await link.publish("test.link.one", b"data", reply="test.reply")
        assert await heard.next() == Arrival("test.link.one", "test.reply", b"data")
        await subscription.end()
        await link.publish("test.link.two", b"")
        await link.flush()
    assert heard.arrivals.empty()


async def test_of_a_queue_one_gets_each_message(joined: Credentials):
    heard = Heard()
    async with buses.linked(joined) as one, buses.linked(joined) as other:
        for link in (one, other):
            await link.subscribe("test.queue", heard.take, queue="workers")
            await link.flush()
        for number in range(20):
            await one.publish("test.queue", b"%d" % number)
        found = {(await heard.next()).data for _ in range(20)}
        await one.flush()
        await other.flush()
    assert len(found) == 20
    assert heard.arrivals.empty()


async def test_a_message_that_is_too_long_is_refused_and_the_link_lives(joined: Credentials):
    heard = Heard()
    async with buses.linked(joined) as link:
        await link.subscribe("test.long", heard.take)
        with pytest.raises(TooLong):
            await link.publish("test.long", b"x" * (link.max_payload + 1))
        await link.publish("test.long", b"x" * link.max_payload)
        assert len((await heard.next()).data) == link.max_payload


async def test_whoever_fails_to_take_a_message_gets_the_next_one(joined: Credentials):
    heard = Heard()

    async def take(arrival: Arrival) -> None:
        if arrival.data == b"bad":
            raise ValueError(arrival.data)
        await heard.take(arrival)

    async with buses.linked(joined) as link:
        await link.subscribe("test.bad", take)
        for data in (b"bad", b"good"):
            await link.publish("test.bad", data)
        assert (await heard.next()).data == b"good"


async def test_subscriptions_outlive_a_server_that_is_killed(bus: BusServer):
    heard = Heard()
    async with buses.linked(credentials(bus)) as link:
        await link.subscribe("test.again", heard.take)
        for number in range(3):
            pid = bus.pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            while link.is_connected:
                await asyncio.sleep(0)
            with pytest.raises(NotConnected):
                await link.publish("test.again", b"lost")
            with pytest.raises(NotConnected):
                await link.flush()
            await asyncio.to_thread(server.keep, bus.data)
            async with asyncio.timeout(processes.PATIENCE):
                await link.connected()
            await link.publish("test.again", b"%d" % number)
            assert (await heard.next()).data == b"%d" % number
    assert heard.arrivals.empty()


async def test_a_flush_that_the_server_did_not_answer_is_no_acknowledgement(bus: BusServer):
    async with buses.linked(credentials(bus)) as link:
        pid = bus.pid()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # takes everything, says nothing
        await link.publish("test.stopped", b"data")
        flushing = asyncio.create_task(link.flush())
        while not link.is_connected:
            await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(NotConnected):
            await flushing


async def test_a_subscription_that_is_made_while_there_is_no_server_counts_later(bus: BusServer):
    heard = Heard()
    joined = credentials(bus)
    bus.stop()
    link = NatsLink(lambda: address.read(joined.url), name="test")
    running = asyncio.create_task(link.run())
    await link.subscribe("test.early", heard.take)
    assert not link.is_connected
    await asyncio.to_thread(bus.start)
    async with asyncio.timeout(processes.PATIENCE):
        await link.connected()
    await link.publish("test.early", b"data")
    assert (await heard.next()).data == b"data"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_credentials_are_not_told_to_a_server_that_has_lost_its_tls():
    said = bytearray()
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.10.0","max_payload":1048576,"auth_required":true}\r\n')
        said.extend(await reader.read(4096))
        writer.close()
        over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        link = NatsLink(lambda: address.read(f"tls://user:sesame-4711@127.0.0.1:{port}"), name="test")
        running = asyncio.create_task(link.run())
        await over.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not link.is_connected
    assert said == b""
