"""w1, the agent workload: 200 users, 50 agents, 300 tools, 20,000 resources, 100 policies.

The policies stand in policies/, written by hand: 88 static ones and two templates with six links
each, so that 100 are decided by; 15 of them forbid. 100,000 requests, of which about 60 % are
allowed. Read next: catalogue.py, entities.py, requests.py, policies/everywhere.cedar; the same
rules in plain Python are in peers/handwritten.py.
"""

from __future__ import annotations

from pathlib import Path

from workloads.draw import Draw
from workloads.w1.catalogue import schema
from workloads.w1.entities import world
from workloads.w1.requests import Caller
from workloads.workload import Link, Uid, Workload, expected

SEED = 1
REQUESTS = 100_000
POLICIES = Path(__file__).parent / "policies"
SHARED: tuple[tuple[Uid, Uid], ...] = (
    (("Group", "contractors"), ("Workspace", "docs-lab")),
    (("Group", "design"), ("Workspace", "docs-us")),
    (("Group", "oncall"), ("Folder", "folder-18")),
    (("Fleet", "errands"), ("Workspace", "docs-eu")),
    (("User", "user-089"), ("Folder", "folder-16")),
    (("Agent", "agent-14"), ("Folder", "folder-12")),
)
TERRITORIES: tuple[tuple[Uid, Uid], ...] = (
    (("Group", "support"), ("Territory", "crm-eu")),
    (("Group", "marketing"), ("Territory", "crm-us")),
    (("Fleet", "outreach"), ("Account", "account-03")),
    (("Fleet", "outreach"), ("Account", "account-19")),
    (("Fleet", "desk"), ("Territory", "crm-eu")),
    (("Agent", "agent-05"), ("Territory", "crm-lab")),
)


def policies() -> str:
    """All policy files, in the order of their names."""
    return "\n".join(path.read_text() for path in sorted(POLICIES.glob("*.cedar")))


def links() -> list[Link]:
    return [
        Link(template, f"{template}-{number}", principal, resource)
        for template, pairs in (("docs-shared", SHARED), ("crm-territory", TERRITORIES))
        for number, (principal, resource) in enumerate(pairs, start=1)
    ]


def build(seed: int = SEED, requests: int = REQUESTS) -> Workload:
    """The workload; `requests` says how many calls are drawn."""
    draw = Draw(seed)
    made = world(draw)
    caller = Caller(made, draw)
    return Workload(
        name="w1",
        policies=policies(),
        schema=schema(),
        entities=made.entities,
        links=links(),
        requests=[caller.request() for _ in range(requests)],
        expected=expected("w1", seed, requests),
    )
