"""Write expected.json: what Cedar itself decides, through cedarpy, and the digest of the data.

w3 with more than a thousand policies is not asked in full (that would take Cedar half an hour): its
verdicts are those of the smaller sizes by construction, and a sample is asked.
"""

from __future__ import annotations

import json
from typing import Any

from peers.cedar import Cedar

from workloads.registry import SEEDS, WORKLOADS
from workloads.workload import EXPECTED, Json, Request, Workload, counts

SAMPLE = 20
CHUNK = 5_000


def recorded(workload: Workload) -> Json:
    """The entry of one workload."""
    sampled = workload.name.startswith("w3") and int(workload.name.rpartition("-")[2]) > 1_000
    requests: list[Request] = workload.take(SAMPLE) if sampled else workload.requests
    cedar = Cedar(workload)
    chunks = [requests[start : start + CHUNK] for start in range(0, len(requests), CHUNK)]
    outcomes = [outcome for chunk in chunks for outcome in cedar.outcomes(chunk)]
    found = counts(outcomes)
    if workload.name.startswith("w3") or "templates" in workload.name:
        del found["policies"]  # as many as there are links
    entry: Json = {
        "seed": SEEDS[workload.name[:2]],
        "rows": len(workload.requests),
        "sha256": workload.digest(),
    }
    return entry | ({"sample": found} if sampled else found)


def record() -> None:
    """Record all workloads, one after the other."""
    entries: dict[str, Any] = {}
    for name, build in WORKLOADS.items():
        entries[name] = recorded(build())
        print(name, (entries[name].get("sample") or entries[name])["reasons"], flush=True)
    for name, entry in entries.items():
        if "sample" in entry:
            smaller = entries[name.rpartition("-")[0] + "-1000"]
            entry |= {key: smaller[key] for key in ("allow", "deny", "reasons", "errors")}
    EXPECTED.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")
