"""A thousand open websockets: what they hold in memory, and how long a message to all of them takes."""

import asyncio
import base64
import os
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
import nats

from bench import meter, processes
from bench.load import LOOPBACK
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage
from roster.bus.server import BusServer

_SOCKETS = 1_000
_FIRST = 50
"""Opened before, so that what the first ones alone need is there."""
_MEMORY_BAR = 20.0
_TIME_BAR = 2.0
_SETTLE = 1.0
_MESSAGES = 5
_PATIENCE = 60.0


def lines(stage: Stage, _server: Server) -> list[Line]:
    """On a server of its own that has a bus."""
    with stage.beside("sockets", "--bus") as server:
        port = server.port
        token = stage.main.tokens[0]
        with ExitStack() as opened:
            _open(opened, port, token, _FIRST)
            before = _memory(server)
            held = _open(opened, port, token, _SOCKETS)
            grown = _memory(server) - before
            taken = asyncio.run(_taken(BusServer(stage.folder / "sockets"), held))
    return [
        Line(name=f"{_SOCKETS:,} open websockets: memory (PSS)", figure=grown, unit="MB", most=_MEMORY_BAR),
        Line(
            name=f"a message to {_SOCKETS:,} websockets: until the last one has it",
            figure=sorted(taken)[len(taken) // 2],
            unit="s",
            low=min(taken),
            high=max(taken),
            most=_TIME_BAR,
            note="from the bus to clients on the same machine",
        ),
    ]


def _open(opened: ExitStack, port: int, token: str, count: int) -> list[socket.socket]:
    """So many websockets of one person."""
    found: list[socket.socket] = []
    for _ in range(count):
        held = opened.enter_context(socket.create_connection((LOOPBACK, port), _PATIENCE))
        key = base64.b64encode(os.urandom(16)).decode()
        asked = (
            f"GET /wellbee/events?token={token} HTTP/1.1\r\nHost: {LOOPBACK}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        held.sendall(asked.encode())
        if b" 101 " not in held.recv(4096):
            raise processes.Failed("A websocket was not opened.")
        found.append(held)
    return found


def _memory(server: Server) -> float:
    time.sleep(_SETTLE)
    return meter.pss_of(server.pid)


async def _taken(bus: BusServer, held: Sequence[socket.socket]) -> list[float]:
    """Seconds from the message on the bus until all have it, several times."""
    credentials = bus.credentials()
    if credentials is None:
        raise processes.Failed("There is no bus.")
    peer = await nats.connect(credentials.url)  # pyright: ignore[reportUnknownMemberType]
    taken: list[float] = []
    try:
        for number in range(_MESSAGES):
            message = msgspec.json.encode({"reqId": str(number), "data": {"text": "x" * 500}})
            began = time.perf_counter()
            await peer.publish("ws.out.*.news", message)
            await peer.flush()
            for each in held:
                each.recv(65_536)
            taken.append(time.perf_counter() - began)
    finally:
        await peer.close()
    return taken
