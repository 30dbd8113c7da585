"""The bounded pool of threads."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from roster.kit.errors import Unavailable
from roster.kit.workers import Workers


@pytest.fixture
def one() -> Iterator[Workers]:
    """One thread, and room for one who waits."""
    workers = Workers(threads=1, queue=1)
    yield workers
    workers.close()


def held(entered: threading.Event, leave: threading.Event) -> str:
    entered.set()
    leave.wait()
    return threading.current_thread().name


async def hold(workers: Workers) -> tuple["asyncio.Task[str]", threading.Event]:
    """Keep the only thread busy until the event is set."""
    entered, leave = threading.Event(), threading.Event()
    task = asyncio.create_task(workers.run(held, entered, leave))
    await asyncio.to_thread(entered.wait)
    return task, leave


async def wait_behind(workers: Workers) -> tuple["asyncio.Task[str]", threading.Event]:
    """Wait for the thread, and keep it busy then until the event is set."""
    leave = threading.Event()
    task = asyncio.create_task(workers.run(held, threading.Event(), leave))
    await asyncio.sleep(0)
    return task, leave


async def test_work_is_done_on_a_thread_that_yields_to_the_loop(one: Workers):
    def priority() -> tuple[str, int]:
        return threading.current_thread().name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    name, nice = await one.run(priority)

    assert name != threading.current_thread().name
    assert nice > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_server_that_yields_more_than_that_goes_on_yielding():
    """Without privileges nobody gives themselves more priority: the thread would end before it had done anything."""
    program = (
        "import asyncio, os, threading; from roster.kit.workers import Workers; os.nice(15); workers = Workers(1, 1);"
        "own = lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id());"
        "print(asyncio.run(workers.run(own)) == os.getpriority(os.PRIO_PROCESS, 0)); workers.close()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "True"


async def test_a_thread_that_could_not_be_had_is_asked_for_again(one: Workers, monkeypatch: pytest.MonkeyPatch):
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError):
            await one.run(int, "1")

    assert await one.run(int, "2") == 2


async def test_what_work_raises_is_raised_where_it_is_awaited_and_the_thread_goes_on(one: Workers):
    for number in (b"x", "7"):
        with pytest.raises(ZeroDivisionError if number == "7" else ValueError):
            await one.run(lambda text=number: 1 // (int(text) - 7))

    assert await one.run(int, "8") == 8


async def test_whoever_comes_beyond_the_queue_is_turned_away_at_once(one: Workers):
    running, leave = await hold(one)
    waiting = asyncio.create_task(one.run(int, "2"))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await one.run(int, "3")

    assert one.waiting == 2
    leave.set()
    assert await waiting == 2
    await running
    assert one.waiting == 0


async def test_work_that_nobody_waits_for_any_more_is_not_begun(one: Workers):
    running, leave = await hold(one)
    begun: list[int] = []
    waiting = asyncio.create_task(one.run(begun.append, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    leave.set()
    await running
    await one.run(begun.append, 2)

    assert begun == [2]


async def test_while_others_wait_for_the_thread_two_are_told_together_what_came_of_their_work():
    one, loop = Workers(threads=1, queue=3), asyncio.get_running_loop()
    first, leave = await hold(one)

    def was_told() -> bool:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()  # the loop has done all it was given before
        return first.done()

    second = asyncio.create_task(one.run(was_told))
    await asyncio.sleep(0)
    third, leave_again = await wait_behind(one)
    leave.set()

    assert not await second
    assert first.done()
    leave_again.set()
    await third
    one.close()


async def test_closing_lets_running_work_finish_and_drops_what_waits(one: Workers):
    running, leave = await hold(one)
    waiting = asyncio.create_task(one.run(int, "2"))
    await asyncio.sleep(0)

    closing = asyncio.create_task(asyncio.to_thread(one.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()

    await closing
    assert await running
    with pytest.raises(Unavailable):
        await one.run(int, "4")
