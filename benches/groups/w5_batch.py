"""w5 in batches: `decide_batch` from Arrow dictionary columns and from lists of dicts, on one core.

The claim is of chains of two hops, with ten calls under each grant (`busy`), as a log would hold
them, and with as many grants as w5 draws, some two for three rows. All calls of w5 are shown beside
that. `build_threads` is a batch on two threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from measure import Timed
from peers import ours_chain
from peers.ours import floors
from workloads import w5
from workloads.w5.calls import Call
from workloads.workload import Json

from groups.row import Group, Row
from groups.w5_single import call_each, decide_each

HOPS = 2
Form = Callable[[list[Any], Sequence[Call]], Any]  # grants and calls, as a batch takes them


class Batches:
    """The workload issued; single calls were compared with what is expected."""

    def __init__(self, name: str) -> None:
        self.workload = w5.build(name)
        self.engine = ours_chain.engine(self.workload)
        self.grants = ours_chain.grants(self.engine, self.workload)
        self.verdicts = ours_chain.verdicts(self.grants, self.workload.calls)
        w5.check(w5.counts(self.verdicts), self.workload.expected)
        self.of_hops = self.workload.of_depth(HOPS)
        kept = dict(zip(map(id, self.workload.calls), self.verdicts, strict=True))
        self.expected_of_hops = w5.counts(kept[id(call)] for call in self.of_hops)

    def timed(
        self, name: str, form: Form, calls: Sequence[Call], expected: Json, threads: int = 1
    ) -> Timed:
        columns = form(self.grants, calls)

        def right(decisions: Any) -> None:
            w5.check(counted(decisions), expected)

        run = partial(self.engine.decide_batch, threads=threads)
        return Timed(name, run, len(calls), partial(same, columns), right)


def counted(decisions: Any) -> Json:
    """The counts of a batch in the words of the workload."""
    found = decisions.counts()
    verdicts = {name: count for name, count in found.items() if isinstance(count, int) and count}
    return {"verdicts": verdicts, "reasons": found["reasons"], "policies": found["policies"]}


def same(given: Any) -> Any:
    return given


def build(name: str = "w5") -> Group:
    made = Batches(name)
    workload, of_hops, expected = made.workload, made.of_hops, made.expected_of_hops
    table, dicts = ours_chain.table, ours_chain.dicts
    busy = workload.expected["busy"]
    asked = [(made.grants[each.issue], each.tool, each.arguments) for each in of_hops]
    floor = partial(call_each, floors()["call"], 1)
    timed = [
        made.timed("decide_batch, Arrow, 2 hops, busy", table, workload.busy, busy),
        made.timed("decide_batch, Arrow, 2 hops", table, of_hops, expected),
        made.timed("decide_batch, Arrow, all calls", table, workload.calls, workload.expected),
        made.timed("decide_batch, dicts, 2 hops, busy", dicts, workload.busy, busy),
        made.timed("decide_batch, dicts, 2 hops", dicts, of_hops, expected),
        Timed("decide, 2 hops, in turn", partial(decide_each, 1), len(asked), partial(same, asked)),
        Timed("read floor of a call, 2 hops, in turn", floor, len(asked), partial(same, asked)),
    ]
    return Group(list(timed), ROWS)


def build_threads(name: str = "w5") -> Group:
    made = Batches(name)
    workload = made.workload
    timed = [
        made.timed(
            f"decide_batch, {shown}",
            ours_chain.table,
            workload.calls,
            workload.expected,
            threads,
        )
        for threads, shown in ((1, "1 thread"), (2, "2 threads"))
    ]
    what = "two threads against one, `decide_batch`, all calls of w5"
    rows = [Row(what, "faster", 1.8, "decide_batch, 2 threads", "decide_batch, 1 thread")]
    return Group(list(timed), rows, pinned=False)


FLOOR = "read floor of a call, 2 hops, in turn"
ROWS = [
    Row("`decide_batch`, Arrow dictionary columns, 2 hops, ten calls a grant", "rate", 5e6,
        "decide_batch, Arrow, 2 hops, busy"),
    Row("the same, against the read floor of a call", "at most", None,
        "decide_batch, Arrow, 2 hops, busy", FLOOR),
    Row("the same with two grants for three calls", "rate", 5e6, "decide_batch, Arrow, 2 hops"),
    Row("that, against `decide` in turn", "faster", None,
        "decide_batch, Arrow, 2 hops", "decide, 2 hops, in turn"),
    Row("from a list of dicts, 2 hops, ten calls a grant", "rate", None,
        "decide_batch, dicts, 2 hops, busy"),
    Row("the same, against the read floor of a call", "at most", None,
        "decide_batch, dicts, 2 hops, busy", FLOOR),
    Row("`decide_batch`, Arrow dictionary columns, all calls of w5", "rate", None,
        "decide_batch, Arrow, all calls"),
]  # fmt: skip
