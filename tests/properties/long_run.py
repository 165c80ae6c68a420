"""The long agreement run: engine = reference = Cedar on millions of random requests.

    python tests/properties/long_run.py --requests 10000000 --seed 1 --workers 2

Prints progress on stderr, then every difference with its seed (the first few in full) and what was
covered. Exits 1 if anything differed, 2 if something was not covered enough.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from properties.coverage import Coverage
from properties.generate import Sizes
from properties.runs import Run, described, run

SIZES = Sizes(requests=64)
SEEDS_PER_TASK = 20
DEARER_PERCENT = 35
SHOWN_MAX = 5


def task(first: int) -> Run:
    return run(range(first, first + SEEDS_PER_TASK), SIZES, DEARER_PERCENT)


def tasks(requests: int, seed: int, workers: int) -> Iterator[Run]:
    """What comes of each task, as it comes; never more than a few waiting."""
    starts = iter(range(seed, seed + -(-requests // SIZES.requests), SEEDS_PER_TASK))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: set[Future[Run]] = {
            pool.submit(task, start) for start, _ in zip(starts, range(4 * workers), strict=False)
        }
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                waiting |= {
                    pool.submit(task, start) for start, _ in zip(starts, range(1), strict=False)
                }
                yield each.result()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="compare engine, reference and Cedar on random requests"
    )
    parser.add_argument(
        "--requests", type=int, default=100_000, help="how many requests (default 100,000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the first case (default 1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    coverage, found, in_tables, with_schema = Coverage(), 0, 0, 0
    began = shown_at = time.monotonic()
    for each in tasks(given.requests, given.seed, given.workers):
        coverage.add(each.coverage)
        in_tables += each.in_tables
        with_schema += each.with_schema
        for seed, difference in each.found:
            found += 1
            text = described(seed, difference, SIZES)
            print(text if found <= SHOWN_MAX else text.splitlines()[0], flush=True)
        if time.monotonic() - shown_at > 10:
            shown_at = time.monotonic()
            done = coverage.counts["requests"]
            rate = done / (shown_at - began)
            print(f"{done:,} requests, {found} differences, {rate:,.0f} a second", file=sys.stderr)
    print("\n".join(coverage.lines()))
    print(f"with a schema {with_schema:,}; also in Arrow tables {in_tables:,}")
    print(f"{found} differences in {time.monotonic() - began:,.0f} s, seed {given.seed}")
    lacks = coverage.lacks()
    if lacks:
        print(f"covered too little: {', '.join(lacks)}")
    return 1 if found else 2 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())
