"""A run of random cases: compare each in every way, count what was covered, keep what differed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from .compare import Difference, compare
from .coverage import Coverage
from .generate import Sizes, generate
from .paths import Contest, reading_once
from .vocabulary import Draw

# Requests of each case that are decided once more by the reference, watched.
WATCHED = 16


@dataclass
class Run:
    """What came of some seeds; `found` has the seed of each difference."""

    coverage: Coverage = field(default_factory=Coverage)
    found: list[tuple[int, Difference]] = field(default_factory=list)
    in_tables: int = 0
    with_schema: int = 0
    contexts: int = 0


def run(seeds: Iterable[int], sizes: Sizes, percent: int = 100, watched: int = WATCHED) -> Run:
    """Compare the cases of these seeds; the dearer ways only in `percent` of them."""
    result = Run()
    for seed in seeds:
        source = random.Random(seed)
        case = generate(source, sizes)
        draw = Draw(source)
        outcome = compare(case, draw, percent)
        result.coverage.count(outcome.answers)
        result.found += [(seed, each) for each in outcome.differences]
        result.in_tables += outcome.requests_in_tables
        result.with_schema += len(case.requests) if case.schema else 0
        result.contexts += len(list(outcome.contest.distinct()))
        watch(outcome.contest.first(watched), result.coverage)
    return result


def watch(contest: Contest, coverage: Coverage) -> None:
    for request in contest.requests:
        with coverage.watching() as seen, reading_once(contest.read):
            contest.model.authorize(
                request.principal, request.action, request.resource, request.context
            )
        coverage.watched += 1
        coverage.operators.update(seen)


def described(seed: int, difference: Difference, sizes: Sizes) -> str:
    """A difference with all that is needed to see it again."""
    case = generate(random.Random(seed), sizes)
    request = case.requests[difference.number]
    return "\n".join(
        [
            f"seed {seed}, {difference.way}, request {difference.number}",
            f"  expected {difference.expected}",
            f"  found    {difference.found}",
            f"  request  {request.json()}",
            f"  links    {[(link.template, link.link_id, link.slots()) for link in case.links]}",
            f"  schema   {case.schema}",
            case.policies,
        ]
    )
