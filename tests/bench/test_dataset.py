"""Which people a run asks about."""

from uuid import UUID

import pytest

from bench.dataset import WITH_PASSWORD, Realm
from bench.people import person


def realm(size: int) -> Realm:
    return Realm("main", UUID(int=1), size, tokens=[], refresh_tokens=[])


@pytest.mark.parametrize("size", [10_000, 100_000, 1_000_000])
def test_people_are_asked_for_all_over_the_realm(size: int):
    some = realm(size).some()

    assert len(some) == len(set(some)) == 2_000
    assert all(0 <= number < size for number in some)
    assert max(some) > 0.99 * size


@pytest.mark.parametrize("size", [10_000, 100_000, 1_000_000])
def test_who_is_changed_is_none_of_those_that_lists_are_compared_by(size: int):
    changing = realm(size).changing(1_000)

    assert len(set(changing)) == 1_000
    assert min(changing) >= size // 10
    assert max(changing) > 0.99 * size


def test_everybody_who_signs_in_may():
    signing_in = realm(10_000).signing_in()

    assert len(set(signing_in)) == WITH_PASSWORD
    assert {person(number, 10_000).status for number in signing_in} == {"active"}
