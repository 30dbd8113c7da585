"""What docs/scale.md is calculated with."""

import pytest

from bench.scale import HASH, Load, everybody_again, show, size, wait


def test_ten_times_the_people_take_ten_times_as_much_of_everything_but_time():
    small, large = size(Load(people=1e7)), size(Load(people=1e8))

    for field in ("sign_ins", "hash_cores", "database_cores", "log_fresh", "directory", "trail", "transactions_day"):
        assert getattr(large, field) == pytest.approx(10 * getattr(small, field))
    assert large.remembered == pytest.approx(small.remembered / 10)


def test_sign_ins_take_the_cores_that_their_hashes_take():
    made = size(Load(people=3_600_000, sign_ins=1, failures=0, sign_in_peak=0.1, busy=0.5))

    assert made.sign_ins == pytest.approx(100)
    assert made.hash_cores == pytest.approx(100 * HASH / 0.5)


def test_the_trail_holds_an_entry_for_every_sign_in_and_change_for_as_long_as_it_is_kept():
    idle = Load(people=1_000, sign_ins=0, failures=0, creates=0, changes=0)

    assert size(idle).trail == 0
    assert size(Load(people=1_000, trail_days=200)).trail == pytest.approx(
        2 * size(Load(people=1_000, trail_days=100)).trail
    )


def test_whoever_comes_to_idle_cores_waits_for_nothing_but_the_hash():
    waited = wait(8, 0.05, count=5_000)

    assert waited.median == pytest.approx(HASH)
    assert waited.refused == 0


def test_a_full_queue_turns_away_what_the_cores_cannot_do_and_bounds_the_wait():
    waited = wait(2, 2.0, queue=64, count=20_000)

    assert waited.refused == pytest.approx(0.5, abs=0.02)
    assert waited.p99 < (64 / 2 + 2) * HASH


def test_when_all_sessions_end_at_once_twice_the_cores_take_half_the_time():
    load = Load(people=1e6)

    assert everybody_again(load, 20) == pytest.approx(everybody_again(load, 10) / 2)


def test_the_table_has_a_column_for_every_load():
    loads = [Load(people=1e7), Load(people=1e9)]
    lines = show([(load, size(load)) for load in loads]).splitlines()

    assert {line.count("|") for line in lines} == {4}
    assert "1,000 million people" in lines[0]
