"""A long run's report: going on is as if it had not stopped, merging as if it were one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from .generate import Sizes
from .long_run import tasks
from .reports import Report, ReportError, merged
from .runs import run

SIZES = Sizes(policies_max=2, depth_max=1, requests=4, contexts=2)


def report(first_seed: int, next_seed: int, sizes: Sizes = SIZES) -> Report:
    result = Report.start(first_seed, sizes)
    result.add(run(range(first_seed, next_seed), sizes), next_seed, [])
    return result


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    whole = report(1, 3)
    whole.write(path)
    assert Report.read(path) == whole
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_merging_two_halves_gives_the_whole() -> None:
    whole, halves = report(1, 5), [report(3, 5), report(1, 3)]
    total = merged(halves)
    assert total.counts == whole.counts
    assert total.operators == whole.operators
    assert total.lines()[:-1] == whole.lines()[:-1]
    assert total.counts["requests"] == 4 * SIZES.requests


def test_differences_are_kept_in_full() -> None:
    left, right = report(1, 2), report(2, 3)
    left.add(run([], SIZES), 2, ["seed 1, rows, request 0"])
    assert merged([right, left]).found == ["seed 1, rows, request 0"]


def test_seeds_that_would_count_twice_are_refused() -> None:
    with pytest.raises(ReportError, match="seeds from 2 are in two of the reports"):
        merged([report(1, 3), report(2, 4)])


def test_cases_of_other_sizes_do_not_merge() -> None:
    with pytest.raises(ReportError, match="different sizes"):
        merged([report(1, 2), report(2, 3, Sizes(requests=2))])


@pytest.mark.parametrize("text", ["", "{}", '{"first_seed": 1}', "[]"])
def test_what_is_no_report_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ReportError, match=r"run\.json: no report of a long run"):
        Report.read(path)


def test_the_long_run_leaves_out_no_seed() -> None:
    """One process; as many tasks as to need more than are kept waiting."""
    firsts = [
        first for first, *_ in tasks(6 * 4, 1, workers=1, sizes=Sizes(requests=1, policies_max=1))
    ]
    assert firsts == list(range(1, 25, 4))
