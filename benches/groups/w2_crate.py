"""w2's six cases in batches of 10,000 rows, against the `cedar-policy` crate called from Rust.

The crate is asked by a small Rust program (benches/README.md says how it is called); where that is
not built, its lines say "not measured".
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from measure import External, Timed, each
from peers import cedar, ours
from workloads import arrow, w2
from workloads.export import export
from workloads.workload import check, counts

from groups.row import Group, Row

CEDAR_ROWS = 200


def build(rust: Path | None = None) -> Group:
    timed: list[Timed | External] = []
    rows: list[Row] = []
    directory = Path(tempfile.mkdtemp(prefix="agentpdp-w2-"))
    for case in w2.CASES:
        timed += of_case(case, rust, directory / case.name)
        what = f"{case.name}, 10,000 rows a batch, against the `cedar-policy` crate from Rust"
        rows.append(Row(what, "faster", 20, f"{case.name}, batch", f"{case.name}, crate"))
        rows.append(Row(f"{case.name}, one by one, against the same", "faster", None,
                        f"{case.name}, authorize", f"{case.name}, crate"))  # fmt: skip
    return Group(timed, rows)


def of_case(case: w2.Case, rust: Path | None, directory: Path) -> list[Timed | External]:
    workload = w2.build(case)
    engine = ours.engine(workload)
    table = arrow.table(workload.requests)
    asked = ours.questions(workload.requests)
    check(counts(ours.outcomes(engine, workload.requests)), workload.expected)
    peer = cedar.Cedar(workload)
    questions = cedar.questions(workload.take(CEDAR_ROWS))

    def right(decisions: Any) -> None:
        check(decisions.counts(), workload.expected)

    timed: list[Timed | External] = [
        Timed(f"{case.name}, batch", partial(engine.authorize_batch, threads=1), len(asked),
              lambda: table, right),
        Timed(f"{case.name}, authorize", each(engine.authorize), len(asked), lambda: asked),
        Timed(f"{case.name}, cedarpy batch", peer.batch, len(questions), lambda: questions),
    ]  # fmt: skip
    if rust is not None:
        export(workload, directory)
        command = [str(rust), "w2", str(directory)]

        def said_right(said: Any) -> None:
            check(said, workload.expected)

        timed.append(External(f"{case.name}, crate", command, said_right))
    return timed
