"""The same comparisons under pytest-benchmark: one table for each group, decisions checked.

    pytest benches                       everything, in a few minutes
    pytest benches -k w1_single          one group
    pytest benches --benchmark-json=...  for comparing two versions

`report.py` interleaves rounds and prints ratios; this one is for looking closer at one thing. Times
in the table are those of one run; `extra_info` says how many operations that is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from groups import (
    load,
    replay,
    store,
    w1_batch,
    w1_single,
    w2_crate,
    w3_scale,
    w5_batch,
    w5_grants,
    w5_single,
)
from groups.row import Group
from measure import Timed
from workloads import w2, w3, w4

ROUNDS = 10
BUILDERS: dict[str, Callable[[], Group]] = {
    "w1_single": w1_single.build,
    "w1_batch": w1_batch.build,
    "w2": w2_crate.build,
    "w3_static": lambda: w3_scale.build("static"),
    "w3_linked": lambda: w3_scale.build("linked"),
    "load": load.build,
    "store": store.build,
    "w5_single": w5_single.build,
    "w5_batch": w5_batch.build,
    "w5_grants": w5_grants.build,
    "replay": replay.build,
}
NAMES: dict[str, list[str]] = {
    "w1_single": [
        "authorize", "read floor", "empty call", "hand-written", "hand-written, careful",
        "authorize, all by name", "authorize, verdict only", "authorize, names as tuples",
        "authorize, names as text", "authorize, new names", "loop alone", "authorize, cold",
        "read floor, cold", "hand-written, cold", "cedarpy", "reference",
    ],
    "w1_batch": [
        "batch, Arrow", "batch, Arrow, nested", "batch, NumPy", "batch, dicts",
        "read floor, dicts", "cedarpy batch", "memory copy of the columns",
        *(f"w4, {form}, {rows} rows a batch" for rows in w4.BATCH_ROWS for form in w4.FORMS),
    ],
    "w2": [
        f"{case.name}, {how}"
        for case in w2.CASES
        for how in ("batch", "authorize", "cedarpy batch")
    ],
    "w3_static": [f"static {size}, {how}" for size in w3.SIZES for how in ("one by one", "batch")],
    "w3_linked": [f"linked {size}, {how}" for size in w3.SIZES for how in ("one by one", "batch")],
    "load": ["load", "cedarpy, parse and validate"],
    "store": ["one leaf changed, one decision", "a group of 1,000 moved, one decision"],
    "w5_single": [
        "decide, 1 hop", "decide, 2 hops", "decide, 3 hops", "decide, 4 hops",
        "decide, allowed, 1 hop", "decide, allowed, 2 hops", "decide, allowed, 3 hops",
        "decide, allowed, 4 hops", "read floor of a call", "empty call of a grant",
        "hand-written, 1 hop", "hand-written, careful, 1 hop",
        "hand-written, 4 hops", "hand-written, careful, 4 hops",
        "decide, as Tenuo, 1 hop", "Tenuo, 1 hop", "decide, as Tenuo, 4 hops", "Tenuo, 4 hops",
        "decide, as attenu-guard, 3 hops", "attenu-guard, 3 hops",
        "cedarpy, 1 hop", "cedarpy, 4 hops", "decide, cold", "read floor of a call, cold",
    ],
    "w5_batch": [
        "decide_batch, Arrow, 2 hops, busy", "decide_batch, Arrow, 2 hops",
        "decide_batch, Arrow, all calls", "decide_batch, dicts, 2 hops, busy",
        "decide_batch, dicts, 2 hops", "decide, 2 hops, in turn",
        "read floor of a call, 2 hops, in turn",
    ],
    "w5_grants": [
        "explain, 4 hops", "read floor of a call, roots", "calls after a revocation elsewhere",
        "calls without one", "start", "delegate", "revoke the root of 10,000 grants",
    ],
    "replay": [
        "replay", "replay, on two bundles", "replay, event by event", "json.loads of each line",
        "orjson of each line",
    ],
}  # fmt: skip
CASES = [(group, name) for group, names in NAMES.items() for name in names]


@lru_cache(maxsize=1)
def built(group: str) -> dict[str, Timed]:
    """What is timed in a group; one group at a time is kept."""
    return {one.name: one for one in BUILDERS[group]().timed if isinstance(one, Timed)}


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    yield
    built.cache_clear()


@pytest.mark.parametrize(("group", "name"), CASES)
def test_time(benchmark: Any, group: str, name: str) -> None:
    assert list(built(group)) == NAMES[group]
    timed = built(group)[name]
    benchmark.group = group
    benchmark.extra_info["operations"] = timed.operations
    result = benchmark.pedantic(
        timed.run, setup=lambda: ((timed.prepare(),), {}), rounds=ROUNDS, warmup_rounds=1
    )
    timed.check(result)
