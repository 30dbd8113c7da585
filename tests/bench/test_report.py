"""How figures become lines, how lines are judged, and what is said of a run beside an earlier one."""

from pathlib import Path

import msgspec
import pytest

from bench import document, judging, report, trial
from bench.load import Outcome
from bench.meter import Usage
from bench.report import Line, Report
from bench.trial import Window


def window(server_us: float, database_us: float, *, latencies: tuple[float, ...] = (0.001, 0.002)) -> Window:
    """A window in which each request cost so much."""
    count = len(latencies)
    usage = Usage(server_us * count / 1e6, database_us * count / 1e6)
    return Window(Outcome(seconds=1.0, latencies=list(latencies), statuses={200: count}), usage)


def run(*lines: Line) -> Report:
    return Report(conditions={"run": "quick, 100,000 people"}, parts={"reads": list(lines)})


def test_a_path_costs_the_median_of_its_rounds_over_the_other_side_s():
    ours = [window(100, 100), window(900, 100), window(200, 100)]
    theirs = [window(50, 50), window(50, 50), window(50, 50)]

    line = judging.over("GET", ours, theirs, called="the limit", most=2.5)

    assert line.figure == pytest.approx(3)
    assert (line.low, line.high) == (pytest.approx(2), pytest.approx(10))
    assert line.verdict == "MISSED"
    assert line.costs[""].server_us == pytest.approx(200)
    assert line.costs["the limit"].database_us == pytest.approx(50)


def test_what_a_line_compares_can_be_one_process_alone():
    ours, theirs = [window(100, 900)], [window(50, 900)]

    assert judging.over("GET", ours, theirs, called="x", by=judging.SERVER).figure == pytest.approx(2)
    assert judging.over("GET", ours, theirs, called="x", by=judging.DATABASE).figure == pytest.approx(1)


def test_a_core_does_as_many_as_fit_into_its_second():
    line = judging.per_core("GET", [window(300, 200)], least=2_000)

    assert line.figure == pytest.approx(2_000)
    assert judging.per_core("GET", [window(300, 300)], least=2_000).verdict == "MISSED"


def test_the_slow_ones_are_compared_round_by_round():
    quick, slow = [window(1, 1, latencies=(0.001,) * 20)], [window(1, 1, latencies=(0.001,) * 18 + (0.004,) * 2)]

    assert judging.slow_over("list", slow, quick, called="few", most=3).verdict == "MISSED"
    assert judging.slow_over("list", quick, quick, called="few", most=3).figure == pytest.approx(1)


def test_sides_take_turns_and_the_first_round_does_not_count():
    asked: list[str] = []

    def side(name: str) -> Window:
        asked.append(name)
        return window(1, 1)

    found = trial.in_turns(2, lambda: side("a"), lambda: side("b"))

    assert asked == ["b", "a", "a", "b", "b", "a"]
    assert [len(each) for each in found] == [2, 2]


def test_a_change_is_told_when_it_lies_outside_of_both_runs():
    before = Line(name="GET", figure=2.0, low=1.9, high=2.2)
    within = Line(name="GET", figure=2.3, low=2.1, high=2.5)
    apart = Line(name="GET", figure=3.0, low=2.5, high=3.5)

    assert report.changes(run(before), run(within)) == []
    assert report.changes(run(before), run(apart)) == ["GET: 2.00 x -> 3.00 x"]
    assert report.changes(run(before), run(msgspec.structs.replace(apart, name="POST"))) == []


def test_a_figure_without_rounds_has_changed_when_it_is_a_tenth_off():
    before = Line(name="memory", figure=100.0, unit="MB")

    assert report.changes(run(before), run(Line(name="memory", figure=108.0, unit="MB"))) == []
    assert report.changes(run(before), run(Line(name="memory", figure=120.0, unit="MB"))) != []


def test_a_report_can_be_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report, "OUT", tmp_path)
    made = run(judging.over("GET", [window(1, 2)], [window(2, 1)], called="the limit"))

    file = report.write(made)

    assert file.name == "quick.json"
    assert report.read(file) == made


def test_the_page_holds_every_line_and_cells_stay_whole():
    page = document.page(run(Line(name="GET", figure=1.0, most=2, note="a || b")))

    assert "| GET | 1.00 x | ≤ 2.00 x | met |  | a \\|\\| b |" in page
    assert "## Reading one person" in page
