"""The long agreement run: engine = reference = Cedar on millions of random requests.

    python tests/properties/long_run.py --requests 10000000 --workers 2 --report run.json
    python tests/properties/long_run.py --merge run.json other.json

Prints progress on stderr, then every difference with its seed (the first few in full) and what was
covered. A run with a report that is stopped goes on where it was when it is started again. Exits 1
if anything differed, 2 if something was not covered enough, 3 if a report is not right.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from properties.generate import Sizes
from properties.reports import Report, ReportError, merged
from properties.runs import Run, described, run

SIZES = Sizes(requests=512, contexts=64)
SEEDS_PER_TASK = 4
DEARER_PERCENT = 20
SHOWN_MAX = 5
REPORTED_EVERY_S = 10


def task(first: int, sizes: Sizes) -> tuple[int, Run, float]:
    """What comes of some seeds, and the seconds of processor time that it took."""
    gc.disable()  # cases are large and have few cycles; those go between two tasks
    began = time.process_time()
    result = run(range(first, first + SEEDS_PER_TASK), sizes, DEARER_PERCENT)
    gc.collect()
    return first, result, time.process_time() - began


def tasks(
    requests: int, seed: int, workers: int, sizes: Sizes = SIZES
) -> Iterator[tuple[int, Run, float]]:
    """What comes of each task, in order; never more than a few waiting."""
    starts = iter(range(seed, seed + -(-requests // sizes.requests), SEEDS_PER_TASK))
    context = multiprocessing.get_context("spawn")
    done: dict[int, tuple[int, Run, float]] = {}
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = {pool.submit(task, start, sizes) for start in islice(starts, 4 * workers)}
        while waiting:
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            waiting |= {pool.submit(task, start, sizes) for start in islice(starts, len(ready))}
            done |= {result[0]: result for result in (each.result() for each in ready)}
            while seed in done:
                yield done.pop(seed)
                seed += SEEDS_PER_TASK


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="compare engine, reference and Cedar on random requests"
    )
    parser.add_argument(
        "--requests", type=int, default=100_000, help="how many requests (default 100,000)"
    )
    parser.add_argument(
        "--first-seed", type=int, default=1, help="seed of the first policy set (default 1)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument(
        "--report", type=Path, help="keep what was done in this file, and go on from it"
    )
    parser.add_argument(
        "--merge", type=Path, nargs="+", metavar="FILE", help="sum up reports and stop"
    )
    return parser.parse_args()


def go_on(given: argparse.Namespace) -> Report:
    """Run what is left to run of what was asked for."""
    report = Report.start(given.first_seed, SIZES)
    if given.report and given.report.exists():
        report = Report.read(given.report)
        if (report.first_seed, report.sizes) != (given.first_seed, vars(SIZES)):
            raise ReportError(f"{given.report}: of other seeds or sizes; name another file")
    left = given.requests - report.counts["requests"]
    began = shown_at = time.monotonic()
    before = report.counts["requests"]
    for first, each, seconds in tasks(left, report.next_seed, given.workers):
        differences = [described(seed, difference, SIZES) for seed, difference in each.found]
        report.add(each, first + SEEDS_PER_TASK, differences)
        report.seconds += seconds
        if time.monotonic() - shown_at > REPORTED_EVERY_S:
            shown_at = time.monotonic()
            done = report.counts["requests"]
            rate = (done - before) / (shown_at - began)
            print(
                f"{done:,} requests, {len(report.found)} differences, {rate:,.0f} a second",
                file=sys.stderr,
            )
            if given.report:
                report.write(given.report)
    if given.report:
        report.write(given.report)
    return report


def main() -> int:
    given = arguments()
    try:
        report = merged(list(map(Report.read, given.merge))) if given.merge else go_on(given)
    except ReportError as error:
        print(error, file=sys.stderr)
        return 3
    for number, text in enumerate(report.found):
        print(text if number < SHOWN_MAX else text.splitlines()[0])
    print("\n".join(report.lines()))
    lacks = report.coverage().lacks()
    if lacks:
        print(f"covered too little: {', '.join(lacks)}")
    return 1 if report.found else 2 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())
