"""How long do decisions take? Rounds of a yardstick, a batch and single calls, one after the other.

A machine is now faster, now slower, and another machine is another machine. So each round also
times a yardstick, a fixed piece of pure Python that does what programs do around a decision, and
what is compared between runs is the ratio of a round's times to the round's own yardstick, as
medians over the rounds.
"""

from __future__ import annotations

import gc
import random
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agentpdp import Engine
    from agentpdp.cli.formats.chunk import Request

# A round measures each thing at least so long, and so many single calls at most.
_ROUND_NS_MIN = 50_000_000
_SINGLE_CALLS_MAX = 20_000
_YARDSTICK_NAMES = 2_000


@dataclass(frozen=True)
class Round:
    """What one round measured, in nanoseconds."""

    yardstick_ns: float
    batch_ns: float | None
    single_median_ns: float
    single_p99_ns: float


@dataclass(frozen=True)
class Workload:
    """What is decided: requests one by one, and as a batch, if they can be one."""

    requests: Sequence[Request]
    batch: Any


def measure(
    engine: Engine,
    workload: Workload,
    *,
    rounds: int,
    seed: int,
    threads: int | None,
    tell: Callable[[int], None] = lambda done: None,
) -> list[Round]:
    """Measure so many rounds; one more, before them, warms up."""
    draw = random.Random(seed)
    found = []
    was_enabled = gc.isenabled()
    for number in range(rounds + 1):
        tell(number)
        requests = draw.sample(workload.requests, len(workload.requests))
        batch = shuffled(workload.batch, draw)
        gc.collect()
        gc.disable()
        try:
            found.append(_round(engine, requests[:_SINGLE_CALLS_MAX], batch, threads))
        finally:
            if was_enabled:
                gc.enable()
    return found[1:]


def _round(engine: Engine, requests: Sequence[Request], batch: Any, threads: int | None) -> Round:
    before = time_of(yardstick) / _YARDSTICK_NAMES
    batch_ns = None
    if batch is not None:
        batch_ns = time_of(lambda: engine.authorize_batch(batch, threads=threads)) / len(batch)
    middle, late = single_calls(engine, requests)
    after = time_of(yardstick) / _YARDSTICK_NAMES
    return Round((before + after) / 2, batch_ns, middle, late)


def shuffled(batch: Any, draw: random.Random) -> Any:
    """A batch in another order."""
    if batch is None:
        return None
    if isinstance(batch, list):
        return draw.sample(batch, len(batch))
    return batch.take(draw.sample(range(len(batch)), len(batch))).combine_chunks()


def time_of(work: Callable[[], object]) -> float:
    """Nanoseconds of doing something once: the mean of as many times as fill a round."""
    times, total = 0, 0
    while total < _ROUND_NS_MIN:
        start = perf_counter_ns()
        work()
        total += perf_counter_ns() - start
        times += 1
    return total / times


def single_calls(engine: Engine, requests: Sequence[Request]) -> tuple[float, float]:
    """Median and 99th percentile of single calls, without what reading the clock costs."""
    clock, authorize = perf_counter_ns, engine.authorize
    if any("entities" in request for request in requests):
        return _single_calls_with_entities(engine, requests)
    names = ("principal", "action", "resource", "context")
    calls: list[Any] = [[request.get(name) for name in names] for request in requests]
    times: list[int] = []
    while len(times) < min(_SINGLE_CALLS_MAX, 4 * len(calls)):
        for principal, action, resource, context in calls:
            start = clock()
            authorize(principal, action, resource, context)
            times.append(clock() - start)
    return percentiles(times)


def _single_calls_with_entities(engine: Engine, requests: Sequence[Request]) -> tuple[float, float]:
    clock, authorize = perf_counter_ns, engine.authorize
    times: list[int] = []
    for request in requests:
        start = clock()
        authorize(**request)
        times.append(clock() - start)
    return percentiles(times)


def percentiles(times: list[int]) -> tuple[float, float]:
    """Median and 99th percentile, less the clock's own time."""
    times.sort()
    clock_ns = median(-(perf_counter_ns() - perf_counter_ns()) for _ in range(2_000))
    return max(median(times) - clock_ns, 1.0), max(times[len(times) * 99 // 100] - clock_ns, 1.0)


def yardstick() -> int:
    """Fixed work in pure Python: make names, look them up, compare, count."""
    table = {("User", f"u{number}"): number for number in range(0, _YARDSTICK_NAMES, 2)}
    found = 0
    for number in range(_YARDSTICK_NAMES):
        name = f"u{number}"
        value = table.get(("User", name), -1)
        if value >= 0 and name.endswith("8") and isinstance(value, int):
            found += value & 7
    return found
