"""Write what Cedar itself decides, through cedarpy, and the digest of the data.

w3 with more than a thousand policies is not asked in full (that would take Cedar half an hour): its
verdicts are those of the smaller sizes by construction, and a sample is asked.
"""

from __future__ import annotations

import json

from peers.cedar import Cedar
from peers.cedar_chain import CedarChain

from workloads import w5
from workloads.registry import SEEDS, WORKLOADS
from workloads.workload import EXPECTED, Json, Request, Workload, counts

CHUNK = 5_000
ASKED_POLICIES_MAX = 1_000


def sample(workload: Workload) -> list[Request]:
    """The rows that tests ask Cedar again; few where there are many policies."""
    return workload.take(20 if workload.name.startswith("w3") else 200)


def ask(cedar: Cedar, requests: list[Request]) -> Json:
    """Counts of what Cedar decides, without policies' ids where there are thousands."""
    chunks = [requests[start : start + CHUNK] for start in range(0, len(requests), CHUNK)]
    return counts(outcome for chunk in chunks for outcome in cedar.outcomes(chunk))


def entry(workload: Workload) -> Json:
    """What is recorded of one workload."""
    cedar = Cedar(workload)
    found: Json = {
        "seed": SEEDS[workload.name[:2]],
        "rows": len(workload.requests),
        "sha256": workload.digest(),
        "sample": ask(cedar, sample(workload)),
    }
    size = workload.name.rpartition("-")[2]
    if not workload.name.startswith("w3") or int(size) <= ASKED_POLICIES_MAX:
        found |= ask(cedar, workload.requests)
    if workload.name.startswith("w3") or "templates" in workload.name:
        found.pop("policies", None)  # as many as there are links
        del found["sample"]["policies"]
    return found


def record() -> None:
    """Record all workloads, one after the other."""
    entries: dict[str, Json] = {}
    for name, build in WORKLOADS.items():
        entries[name] = entry(build())
        print(name, entries[name].get("reasons"), flush=True)
    for name, made in entries.items():
        if "reasons" not in made:
            asked = entries[f"{name.rpartition('-')[0]}-{ASKED_POLICIES_MAX}"]
            made |= {key: asked[key] for key in ("allow", "deny", "reasons", "errors")}
    EXPECTED.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def record_grants() -> None:
    """Record w5, in all sizes."""
    entries: dict[str, Json] = {}
    for name in w5.SIZES:
        workload = w5.build(name)
        peer = CedarChain(workload)
        entries[name] = {
            "seed": w5.SEED,
            "sha256": workload.digest(),
            **w5.counts(peer.verdict(call) for call in workload.calls),
            "busy": w5.counts(peer.verdict(call) for call in workload.busy),
        }
        print(name, entries[name]["reasons"], flush=True)
    w5.EXPECTED.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")
