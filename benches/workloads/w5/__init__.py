"""w5, calls under grants: w1's organisation, and 200 tasks handed from agent to agent.

There are ten times w1's people and agents. The ceilings are w1's 100 policies and two more, by
which people start tasks and hand them on. Each of the 200 tasks has one to five policies of its own
and two parameters, entities or numbers. 100,000 grants are issued, in chains of one to four hops, a
few are revoked, and 100,000 calls are made under all of them; about 60 % are allowed. `busy`
are calls as a log would hold them, ten each under some of the grants with two hops. `w5-small` is
the same with fewer of everything, for tests.

Every tool takes w1's six arguments. A tool of a bundle with tasks names what it works on in an
argument, so `text`, which is free text in w1, is the id of the resource here; the five rules of w1
that look for words in it are asked and find none. Numbers end at 2^53, as those of JSON do.

Read next: tasks.py, bundle.py, grants.py, calls.py; what is expected is in expected.json, which
peers/cedar_chain.py asks of Cedar question by question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from workloads import w1
from workloads.draw import Draw
from workloads.w1.entities import World, world
from workloads.w5.bundle import files
from workloads.w5.calls import Call, Caller
from workloads.w5.grants import Issue, Issuer
from workloads.w5.tasks import Task, tasks
from workloads.workload import Json, Link, Uid

SEED = 5
REVOKED_SHARE = 0.002
EXPECTED = Path(__file__).parent / "expected.json"


class Size(NamedTuple):
    """How much there is of everything."""

    users: int
    agents: int
    tasks: int
    grants: int
    calls: int
    busy_grants: int


SIZES = {
    "w5": Size(
        users=2_000, agents=500, tasks=200, grants=100_000, calls=100_000, busy_grants=3_000
    ),
    "w5-small": Size(users=200, agents=50, tasks=24, grants=1_000, calls=2_000, busy_grants=50),
}


@dataclass(frozen=True)
class GrantWorkload:
    """One workload of calls under grants. `expected` is empty where nothing is recorded."""

    name: str
    files: Mapping[str, str]
    entities: list[Json]
    links: list[Link]
    tasks: list[Task]
    issues: list[Issue]
    revoked: list[int]
    calls: list[Call]
    busy: list[Call]
    expected: Json

    def digest(self) -> str:
        """SHA-256 over all of the generated data."""
        hashed = hashlib.sha256()
        drawn = (self.issues, self.revoked, self.calls, self.busy)
        for part in (self.files, self.links, *drawn):
            hashed.update(json.dumps(part, separators=(",", ":")).encode())
            hashed.update(b"\n")
        return hashed.hexdigest()

    def chain(self, issue: int) -> list[int]:
        """The numbers of the grants of a chain, root first."""
        found = [issue]
        while (above := self.issues[found[-1]].parent) is not None:
            found.append(above)
        return found[::-1]

    def of_depth(self, hops: int) -> list[Call]:
        """The calls under chains of so many hops."""
        return [each for each in self.calls if self.issues[each.issue].hops == hops]


class Verdict(NamedTuple):
    """What one call came to: `hop` is none for the principal's ceiling and for an allow."""

    verdict: str
    reason: str
    stage: str | None
    hop: int | None
    policies: tuple[str, ...]


def counts(verdicts: Iterable[Verdict]) -> Json:
    """How often each verdict, reason, stage, hop and deciding policy came out."""
    found: dict[str, dict[str, int]] = {
        name: {} for name in ("verdicts", "reasons", "stages", "hops", "policies")
    }

    def add(what: str, value: object) -> None:
        found[what][str(value)] = found[what].get(str(value), 0) + 1

    for verdict, reason, stage, hop, policies in verdicts:
        add("verdicts", verdict)
        add("reasons", reason)
        add("stages", stage)
        add("hops", hop)
        for policy in policies:
            add("policies", policy)
    return {what: dict(sorted(each.items())) for what, each in found.items()}


def check(found: Mapping[str, Json], expected: Mapping[str, Json]) -> None:
    """Fail where the counts found are not those expected; only what was found is compared."""
    assert expected, "nothing is recorded for this workload: `python -m workloads record`"
    wrong = [
        f"{key}: {found[key]!r} instead of {expected[key]!r}"
        for key in found
        if found[key] != expected[key]
    ]
    assert not wrong, "\n".join(["wrong decisions", *wrong])


@cache
def recorded() -> Json:
    """All that is in expected.json, by the name of the workload."""
    found: Json = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    return found


def build(name: str = "w5", seed: int = SEED) -> GrantWorkload:
    """The workload of one of the sizes."""
    size = SIZES[name]
    draw = Draw(seed)
    made: World = world(draw, size.users, size.agents)
    links = [each for each in w1.links() if is_known(made, each.principal)]
    drawn = tasks(draw, size.tasks)
    issuer = Issuer(made, drawn, draw)
    issues = issuer.issues(size.grants)
    revoked = [number for number in range(size.grants) if draw.chance(REVOKED_SHARE)]
    caller = Caller(issuer, issues, draw)
    entry: Json = recorded().get(name, {})
    return GrantWorkload(
        name=name,
        files=files(drawn, made.entities),
        entities=made.entities,
        links=links,
        tasks=drawn,
        issues=issues,
        revoked=revoked,
        calls=[caller.call() for _ in range(size.calls)],
        busy=caller.busy(size.busy_grants),
        expected=entry if entry.get("seed") == seed else {},
    )


def is_known(made: World, uid: Uid | None) -> bool:
    """Whether there is such a party or group: the links of w1 name some."""
    known = {(each["uid"]["type"], each["uid"]["id"]) for each in made.entities}
    return uid in known
