"""w1 and w4 in batches: columns in, columns out, on one core; and lists of dicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from measure import Timed
from peers import cedar, handwritten, ours
from workloads import arrow, w1, w4
from workloads.workload import Json, Request, Workload, check, counts

from groups.row import Group, Row

CEDAR_ROWS = 500
DICT_ROWS = 10_000


def build() -> Group:
    workload = w1.build()
    engine = ours.engine(workload)
    decide = partial(engine.authorize_batch, threads=1)
    tables = {
        "Arrow": arrow.table(workload.requests),
        "Arrow, nested": arrow.table(workload.requests, nested=True),
        "NumPy": ours.arrays(engine, workload.requests),
    }

    def right(expected: Json) -> Callable[[Any], None]:
        return lambda decisions: check(decisions.counts(), expected)

    timed = [
        Timed(f"batch, {name}", decide, len(workload.requests), partial(_same, columns),
              right(workload.expected))
        for name, columns in tables.items()
    ]  # fmt: skip
    some = ours.dicts(workload.requests[:DICT_ROWS])
    expected = by_hand(workload, workload.requests[:DICT_ROWS])
    floor = ours.floors()["read_batch"]
    timed += [
        Timed("batch, dicts", decide, len(some), partial(_same, some), right(expected)),
        Timed("read floor, dicts", floor, len(some), partial(_same, some)),
        cedar_batch(workload),
        memory_copy(tables["Arrow"], len(workload.requests)),
        *sizes(workload, decide),
    ]
    return Group(list(timed), ROWS)


def _same(given: Any) -> Any:
    return given


def by_hand(workload: Workload, requests: Sequence[Request]) -> Json:
    """What the hand-written function, itself held to all rows, says of some."""
    outcomes = handwritten.outcomes(handwritten.build(workload), requests)
    found = counts(outcomes)
    return {key: found[key] for key in ("allow", "deny", "reasons", "policies")}


def cedar_batch(workload: Workload) -> Timed:
    peer = cedar.Cedar(workload)
    some = workload.take(CEDAR_ROWS)
    asked = cedar.questions(some)
    allowed = sum(each.allowed for each in peer.batch(asked))

    def right(answers: Any) -> None:
        assert sum(each.allowed for each in answers) == allowed

    return Timed("cedarpy batch", peer.batch, len(some), partial(_same, asked), right)


def memory_copy(table: Any, row_count: int) -> Timed:
    """Every buffer of the columns copied once."""
    sources = [np.frombuffer(buffer, dtype=np.uint8) for buffer in arrow.buffers(table)]
    copies = [np.empty_like(source) for source in sources]

    def copy(pairs: Sequence[tuple[Any, Any]]) -> None:
        for target, source in pairs:
            np.copyto(target, source)

    pairs = list(zip(copies, sources, strict=True))
    return Timed("memory copy of the columns", copy, row_count, partial(_same, pairs))


def _allowed(allowed: int, batches: list[Any]) -> None:
    assert sum(int(batch.allowed.sum()) for batch in batches) == allowed


def sizes(workload: Workload, decide: Callable[[Any], Any]) -> list[Timed]:
    """w4: batches of 1, 100 and 10,000 rows, as Arrow and as dicts."""
    timed = []
    for batch_rows in w4.BATCH_ROWS:
        cut = w4.batches(workload, batch_rows)[: max(1, 1_000 // batch_rows)]
        allowed = by_hand(workload, [row for rows in cut for row in rows])["allow"]
        forms: dict[str, list[Any]] = {
            "Arrow": [arrow.table(rows) for rows in cut],
            "dicts": [ours.dicts(rows) for rows in cut],
        }
        for form, batches in forms.items():
            timed.append(
                Timed(
                    f"w4, {form}, {batch_rows} rows a batch",
                    lambda given: [decide(batch) for batch in given],
                    len(cut) * batch_rows,
                    partial(_same, batches),
                    partial(_allowed, allowed),
                )
            )
    return timed


ROWS = [
    Row("`authorize_batch` from Arrow columns, w1, one core", "rate", 1e7, "batch, Arrow"),
    Row("the same against cedarpy's batch", "faster", 1_000, "batch, Arrow", "cedarpy batch"),
    Row("the same against a memory copy of the columns", "at most", None,
        "batch, Arrow", "memory copy of the columns"),
    Row("the same from a struct column", "rate", None, "batch, Arrow, nested"),
    Row("the same from NumPy columns", "rate", None, "batch, NumPy"),
    Row("from a list of dicts, against the read floor on each dict", "at most", 2.0,
        "batch, dicts", "read floor, dicts"),
]  # fmt: skip
