"""Loading 10,000 policies, against Cedar's own parsing and validation of the same text."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import cedarpy
from measure import External, Timed
from workloads import w3
from workloads.export import export

from groups.row import Group, Row

POLICIES = 10_000


def build(rust: Path | None = None) -> Group:
    import agentpdp

    workload = w3.build(POLICIES, requests=1)
    schema = cedarpy.Schema.from_str(workload.schema)

    def load(_: None) -> Any:
        bundle = agentpdp.Bundle.from_sources(policies=workload.policies, schema=workload.schema)
        return agentpdp.Engine(bundle)

    def loaded(engine: Any) -> None:
        assert len(engine.bundle.policies) == POLICIES

    def cedar(_: None) -> Any:
        return cedarpy.validate_policies(workload.policies, schema)

    def valid(found: Any) -> None:
        assert found.validation_passed

    timed: list[Timed | External] = [
        Timed("load", load, 1, check=loaded),
        Timed("cedarpy, parse and validate", cedar, 1, check=valid),
    ]
    peer = "cedarpy, parse and validate"
    if rust is not None:
        directory = Path(tempfile.mkdtemp(prefix="agentpdp-load-"))
        export(workload, directory)
        timed.append(External("crate, parse and validate", [str(rust), "load", str(directory)]))
        peer = "crate, parse and validate"
    what = "loading 10,000 policies, against Cedar's own parsing and validation"
    return Group(timed, [Row(what, "at most", 1.5, "load", peer)])
