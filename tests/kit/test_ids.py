"""Identifiers that are ordered by the time at which they were made."""

import time
from uuid import UUID

import pytest

from roster.kit import ids


def _a_little_later() -> None:
    now = time.time_ns()
    while time.time_ns() < now + 1000:
        pass


def test_ids_made_one_after_another_are_in_order_also_within_a_millisecond() -> None:
    made = []
    for _ in range(2000):
        made.append(ids.uuid7())
        _a_little_later()

    assert made == sorted(made)
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}


def test_an_id_says_when_it_was_made_and_nothing_about_the_next_one() -> None:
    before = time.time_ns() // 1_000_000
    made = [ids.uuid7() for _ in range(1000)]

    assert all(before <= each.int >> 80 <= time.time_ns() // 1_000_000 for each in made)
    assert len({each.int & (1 << 62) - 1 for each in made}) == 1000


def test_only_the_canonical_form_is_an_identifier() -> None:
    text = "0bd98ad3-5528-4ecd-b9ec-611e130bb16f"

    assert ids.parse(text) == ids.parse(text.upper()) == UUID(text)
    assert type(ids.parse(text)) is UUID


@pytest.mark.parametrize("last", ["_", "g", " ", "+", "\0", "٣", "\ud800", "", "ff"])
def test_what_only_resembles_one_is_none(last: str) -> None:
    assert ids.parse("0bd98ad3-5528-4ecd-b9ec-611e130bb16" + last) is None
    assert ids.parse(f"{{0bd98ad3-5528-4ecd-b9ec-611e130bb1{last}}}") is None
