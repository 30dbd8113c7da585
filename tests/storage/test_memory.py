"""What a process remembers: the latest of use, up to a number."""

from types import SimpleNamespace
from typing import Any

import pytest

from roster.storage.memory import Memory


@pytest.fixture
def runtime() -> Any:
    return SimpleNamespace(memo={})


def test_what_was_longest_of_no_use_makes_room(runtime: Any):
    known = Memory[str, int]("numbers", 2)
    known.keep(runtime, "one", 1)
    known.keep(runtime, "two", 2)
    assert known.recall(runtime, "one") == 1

    assert known.keep(runtime, "three", 3) == 3

    assert known.recall(runtime, "two") is None
    assert known.recall(runtime, "one") == 1


def test_what_is_kept_anew_is_of_use_again(runtime: Any):
    known = Memory[str, int]("numbers", 2)
    known.keep(runtime, "one", 1)
    known.keep(runtime, "two", 2)
    known.keep(runtime, "one", 11)

    known.keep(runtime, "three", 3)

    assert known.recall(runtime, "one") == 11
    assert known.recall(runtime, "two") is None


def test_nothing_is_left_of_what_is_forgotten(runtime: Any):
    known = Memory[str, int]("numbers", 2)
    known.keep(runtime, "one", 1)

    known.forget(runtime, "one")
    known.forget(runtime, "two")

    assert known.recall(runtime, "one") is None


def test_runtimes_and_kinds_share_nothing(runtime: Any):
    known = Memory[str, int]("numbers", 2)
    known.keep(runtime, "one", 1)

    assert known.recall(SimpleNamespace(memo={}), "one") is None  # type: ignore[arg-type]
    assert Memory[str, int]("others", 2).recall(runtime, "one") is None
