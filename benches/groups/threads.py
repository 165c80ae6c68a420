"""Two threads against one: a batch, and, where the interpreter has no lock, single calls."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from measure import Timed, each, is_free_threaded
from peers import ours
from workloads import arrow, w1
from workloads.workload import Request, check

from groups.row import Group, Row

SINGLE_ROWS = 20_000


def build() -> Group:
    workload = w1.build()
    engine = ours.engine(workload)
    table = arrow.table(workload.requests)

    def right(decisions: Any) -> None:
        check(decisions.counts(), workload.expected)

    timed = [
        Timed(name, partial(engine.authorize_batch, threads=number),
              len(workload.requests), lambda: table, right)
        for number, name in enumerate(("batch, 1 thread", "batch, 2 threads"), start=1)
    ]  # fmt: skip
    rows = [
        Row("two threads against one, batch", "faster", 1.8, "batch, 2 threads", "batch, 1 thread")
    ]
    if is_free_threaded():
        timed += singles(engine, workload.take(SINGLE_ROWS))
    what = "two threads against one, single calls, free-threaded Python"
    rows.append(Row(what, "faster", 1.8, "single calls, 2 threads", "single calls, 1 thread"))
    return Group(list(timed), rows, pinned=False)


def singles(engine: Any, requests: list[Request]) -> list[Timed]:
    """One or two threads, each of which asks rows that it made itself, as a service's threads do.

    Objects of another thread cost more without the interpreter's lock: their references are counted
    by atomic instructions, and their dicts are locked while they are read.
    """
    pools = [ThreadPoolExecutor(1) for _ in range(2)]
    rows = [pool.submit(own, requests).result() for pool in pools]
    run = each(engine.authorize)

    def ask(threads: int) -> None:
        asked = list(zip(pools, rows, strict=True))[:threads]
        for waiting in [pool.submit(run, made) for pool, made in asked]:
            waiting.result()

    return [
        Timed("single calls, 1 thread", ask, len(requests), lambda: 1),
        Timed("single calls, 2 threads", ask, 2 * len(requests), lambda: 2),
    ]


def own(requests: list[Request]) -> list[Any]:
    """The rows, of objects that are this thread's alone."""
    copies = [each._replace(context=json.loads(json.dumps(each.context))) for each in requests]
    return ours.questions(copies)
