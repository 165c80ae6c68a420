"""w3: the same question under 10 to 100,000 policies, static or linked, singly and in batches."""

from __future__ import annotations

from functools import partial
from typing import Any

from measure import Timed, each
from peers import ours
from workloads import arrow, w3
from workloads.workload import Workload, check, counts

from groups.row import Group, Row


def build(form: str) -> Group:
    timed = [one for size in w3.SIZES for one in of_size(form, size)]
    rows = [
        Row(f"w3, 100,000 against 100 policies, {form}, {how}", "at most", 1.5,
            f"{form} 100000, {how}", f"{form} 100, {how}")
        for how in ("one by one", "batch")
    ]  # fmt: skip
    return Group(list(timed), rows)


def of_size(form: str, size: int) -> list[Timed]:
    workload: Workload = w3.build(size, form)
    engine = ours.engine(workload)
    asked = ours.questions(workload.requests)
    table = arrow.table(workload.requests)
    check(counts(ours.outcomes(engine, workload.requests)), workload.expected)

    def right(decisions: Any) -> None:
        check(decisions.counts(), workload.expected)

    return [
        Timed(f"{form} {size}, one by one", each(engine.authorize), len(asked), lambda: asked),
        Timed(f"{form} {size}, batch", partial(engine.authorize_batch, threads=1), len(asked),
              lambda: table, right),
    ]  # fmt: skip
