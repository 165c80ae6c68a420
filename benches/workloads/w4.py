"""w4, w1's requests in batches of 1, 100 and 10,000 rows."""

from __future__ import annotations

from collections.abc import Sequence

from workloads import w1
from workloads.workload import Request, Workload
from workloads.workload import batches as cut

BATCH_ROWS = (1, 100, 10_000)
FORMS = ("Arrow", "dicts")


def build(seed: int = w1.SEED, requests: int = w1.REQUESTS) -> Workload:
    """The workload w1: the same bundle, the same rows."""
    return w1.build(seed, requests)


def batches(workload: Workload, batch_rows: int) -> list[Sequence[Request]]:
    """The rows in batches of one size; of batches of one row only so many as are worth the time."""
    rows = workload.requests if batch_rows > 1 else workload.requests[:10_000]
    return cut(rows, batch_rows)
