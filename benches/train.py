"""What the compiler learns from for a profile-guided build: each job for some seconds.

    make wheel                  builds, runs this, and builds again with what it showed
    python benches/train.py     this alone; `--seconds 0` runs each job once

The small workloads, with other seeds than those that are measured, and nobody's peers. What is not
run here is built for size, so every job that must be fast belongs here, for about as long as the
others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import agentpdp
from agentpdp.cli.replay import Replay
from peers import ours, ours_chain
from workloads import arrow, history, w1, w2, w3, w5
from workloads.workload import Workload

SEED = 90
ROWS = 10_000
SINGLE_ROWS = 2_000
NEW_GRANTS = 200
POLICIES = 1_000
Job = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="What the compiler learns from.")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each job (1.5)")
    seconds = parser.parse_args().seconds
    print(f"agentpdp {agentpdp.__version__} of {Path(agentpdp.__file__).parent}")
    for name, job in jobs():
        begun, rounds = time.monotonic(), 0
        while rounds == 0 or time.monotonic() - begun < seconds:
            job()
            rounds += 1
        print(f"{name}: {rounds} times", flush=True)


def jobs() -> Iterator[tuple[str, Job]]:
    yield from plain(w1.build(seed=SEED, requests=ROWS))
    for form in ("static", "linked"):
        yield from plain(w3.build(POLICIES, form, seed=SEED, requests=ROWS))
    for case in w2.CASES:
        yield from plain(w2.build(case, seed=SEED, requests=ROWS))
    loaded = w3.build(POLICIES, seed=SEED, requests=1)
    yield "load", lambda: ours.engine(loaded)
    yield from grants()
    yield from replay()


def plain(workload: Workload) -> Iterator[tuple[str, Job]]:
    """One by one with names in each form, and in batches of each form."""
    engine = ours.engine(workload)
    some = workload.take(SINGLE_ROWS)
    for asked in (ours.questions(some), ours.fresh(some), list(some)):
        yield f"{workload.name}, one by one", lambda asked=asked: each(engine.authorize, asked)
    columns = {
        "Arrow": arrow.table(workload.requests),
        "Arrow, nested": arrow.table(workload.requests, nested=True),
        "NumPy": ours.arrays(engine, workload.requests),
        "dicts": ours.dicts(workload.requests),
    }
    for form, given in columns.items():
        yield f"{workload.name}, {form}", lambda given=given: engine.authorize_batch(given)
    people = [one for one in workload.entities if not one["parents"]][:50]
    yield f"{workload.name}, entities", lambda: [engine.upsert([one]) for one in people]


def grants() -> Iterator[tuple[str, Job]]:
    """Calls under chains of every depth, one by one and in batches; what is done with grants."""
    workload = w5.build("w5-small", seed=SEED)
    engine = ours_chain.engine(workload)
    issued = ours_chain.grants(engine, workload)
    for hops in range(1, 5):
        calls = [(issued[at.issue], at.tool, at.arguments) for at in workload.of_depth(hops)]
        yield f"decide, {hops} hops", lambda calls=calls: each(decide, calls)
    columns = ours_chain.table(issued, workload.busy)
    rows = ours_chain.dicts(issued, workload.busy)
    yield "decide_batch, Arrow", lambda: engine.decide_batch(columns)
    yield "decide_batch, dicts", lambda: engine.decide_batch(rows)
    calls = [(issued[at.issue], at.tool, at.arguments) for at in workload.calls[:NEW_GRANTS]]
    yield "explain", lambda: each(engine.explain, calls)
    yield "actions", lambda: [grant.actions() for grant, _, _ in calls]

    def issue() -> None:
        made: list[Any] = []
        for one in workload.issues[:NEW_GRANTS]:
            made.append(ours_chain.issue(engine, workload, one, made))
        for grant in made:
            grant.close()

    yield "start, delegate, close", issue


def decide(grant: Any, tool: str, arguments: Any) -> Any:
    return grant.decide(tool, arguments)


def replay() -> Iterator[tuple[str, Job]]:
    lines = history.build("history-small", seed=SEED)
    with TemporaryDirectory() as directory:
        file = Path(directory) / "history.jsonl"
        file.write_bytes(lines)
        bundle = history.bundle()

        def play() -> None:
            given = argparse.Namespace(
                events=[str(file)], format=None, bundles=[], against=None, limit=20, explain=0
            )
            Replay(bundle, given).run(None)

        yield "replay", play


def each(call: Callable[..., Any], rows: list[Any]) -> None:
    for row in rows:
        call(*row)


if __name__ == "__main__":
    main()
