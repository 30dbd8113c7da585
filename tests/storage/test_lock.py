"""One server for each data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roster.storage import lock

HOLD = Path(__file__).with_name("hold.py")


def test_a_second_server_is_told_in_one_line_who_runs(tmp_path: Path) -> None:
    with lock.serving(tmp_path), pytest.raises(lock.AlreadyRunning) as refused, lock.serving(tmp_path):
        pass

    assert refused.value.pid == os.getpid()
    assert refused.value.message == f"A server already runs on the data folder {tmp_path} (process {os.getpid()})."


def test_a_server_that_ended_makes_room(tmp_path: Path) -> None:
    with lock.serving(tmp_path):
        pass

    with lock.serving(tmp_path):
        pass


def test_a_killed_server_makes_room(tmp_path: Path) -> None:
    command = [sys.executable, str(HOLD), "serve", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "serving\n"
        with pytest.raises(lock.AlreadyRunning) as refused, lock.serving(tmp_path):
            pass
        assert refused.value.pid == server.pid
        server.kill()
        server.wait()

        with lock.serving(tmp_path):
            pass


def test_a_lock_is_shared_until_someone_takes_it_alone(tmp_path: Path) -> None:
    first, second, third = (lock.FolderLock(tmp_path / "lock") for _ in range(3))
    first.share()
    second.share()

    assert not third.try_take()
    first.release()
    second.release()
    assert third.try_take()
    for each in (first, second, third):
        each.close()
