"""Two threads against one: a batch, and, where the interpreter has no lock, single calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from measure import Timed, each, is_free_threaded
from peers import ours
from workloads import arrow, w1
from workloads.workload import check

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
        timed += singles(engine, ours.questions(workload.take(SINGLE_ROWS)))
    what = "two threads against one, single calls, free-threaded Python"
    rows.append(Row(what, "faster", 1.8, "single calls, 2 threads", "single calls, 1 thread"))
    return Group(list(timed), rows, pinned=False)


def singles(engine: Any, asked: list[Any]) -> list[Timed]:
    """Each thread asks all the rows; an operation is one call of any thread."""
    pool = ThreadPoolExecutor(2)
    run = each(engine.authorize)

    def both(rows: list[Any]) -> None:
        list(pool.map(run, (rows, rows)))

    return [
        Timed("single calls, 1 thread", run, len(asked), lambda: asked),
        Timed("single calls, 2 threads", both, 2 * len(asked), lambda: asked),
    ]
