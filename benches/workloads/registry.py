"""Every workload by its name, as the command line, the tests and the report know them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workloads import w1, w2, w3
from workloads.workload import Workload

WORKLOADS: dict[str, Callable[[], Workload]] = {
    "w1": w1.build,
    **{case.name: partial(w2.build, case) for case in (*w2.CASES, *w2.TEMPLATE_CASES)},
    **{
        f"w3-{form}-{size}": partial(w3.build, size, form) for form in w3.FORMS for size in w3.SIZES
    },
}
SEEDS = {"w1": w1.SEED, "w2": w2.SEED, "w3": w3.SEED}


def build(name: str) -> Workload:
    """The workload of this name, or a KeyError that lists the names."""
    if name not in WORKLOADS:
        raise KeyError(f"no workload `{name}`; there are {', '.join(WORKLOADS)}")
    return WORKLOADS[name]()
