"""Engine = reference = Cedar, on random cases: a short run of what ``long_run.py`` does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from .compare import compare
from .coverage import Coverage
from .generate import SMALL, Case, Sizes, cases
from .runs import described, run
from .vocabulary import Draw

SIZES = Sizes(requests=16)
SEEDS_PER_TEST = 30
TESTS = 8
# A short run is few policies; the long one asks for 1 %.
OPERATOR_SHARE_MIN = 0.1


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return Coverage()


@pytest.mark.parametrize("block", range(TESTS))
def test_random_requests_are_answered_alike_in_every_way(block: int, coverage: Coverage) -> None:
    seeds = range(block * SEEDS_PER_TEST, (block + 1) * SEEDS_PER_TEST)
    result = run(seeds, SIZES)
    coverage.add(result.coverage)
    assert not result.found, described(*result.found[0], SIZES)
    assert result.in_tables > 0


def test_the_short_run_covers_every_operator_and_function(coverage: Coverage) -> None:
    if coverage.counts["requests"] < TESTS * SEEDS_PER_TEST * SIZES.requests:
        pytest.skip("needs the runs above: it counts what they covered")
    assert coverage.lacks(OPERATOR_SHARE_MIN) == []


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(SMALL), dress=strategies.randoms(use_true_random=False))
def test_a_case_that_differs_shrinks(case: Case, dress: object) -> None:
    """The same law on small cases whose every choice is Hypothesis's: failures come out small."""
    outcome = compare(case, Draw(dress))
    assert outcome.differences == []
