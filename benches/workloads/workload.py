"""What a workload is: policies, schema, entities, links, requests, and what must come out.

Every generator in this package returns one `Workload`. It is plain data, so that each engine, ours
and every peer, is asked exactly the same, and it has a digest, so that two machines can tell that
they measured the same. Read next: draw.py (where chance comes from), export.py, arrow.py.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]
Uid = tuple[str, str]
EXPECTED = Path(__file__).parent / "expected.json"


class Request(NamedTuple):
    """One call: three names as (type, id), and the context as Cedar sees it."""

    principal: Uid
    action: Uid
    resource: Uid
    context: Json


class Link(NamedTuple):
    """One template linked under an id of its own; None where the template has no such slot."""

    template: str
    id: str
    principal: Uid | None
    resource: Uid | None


class Outcome(NamedTuple):
    """What one request came to, in the words of our decisions (reason codes of plain bundles)."""

    reason: str
    policies: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Workload:
    """One workload. `expected` is empty where nothing is recorded (another seed or size)."""

    name: str
    policies: str
    schema: str
    entities: list[Json]
    links: list[Link]
    requests: list[Request]
    expected: Json

    def digest(self) -> str:
        """SHA-256 over all of the generated data."""
        hashed = hashlib.sha256()
        for part in (self.policies, self.schema, self.entities, self.links, self.requests):
            hashed.update(json.dumps(part, separators=(",", ":")).encode())
            hashed.update(b"\n")
        return hashed.hexdigest()

    def take(self, rows: int) -> list[Request]:
        """So many requests, spread evenly over all of them."""
        step = max(1, len(self.requests) // rows)
        return self.requests[::step][:rows]


def text(uid: Uid) -> str:
    """A name as Cedar text. Ids of workloads need no escapes."""
    return f'{uid[0]}::"{uid[1]}"'


def reference(uid: Uid) -> Json:
    """A name as an attribute's value in Cedar's entity JSON."""
    return {"__entity": {"type": uid[0], "id": uid[1]}}


def entity(uid: Uid, attrs: Json | None = None, parents: Iterable[Uid] = ()) -> Json:
    """One entity in Cedar's entity JSON."""
    above = [{"type": kind, "id": name} for kind, name in parents]
    return {"uid": {"type": uid[0], "id": uid[1]}, "attrs": attrs or {}, "parents": above}


def rows(requests: Iterable[Request]) -> list[Json]:
    """The requests as the list of dicts that `authorize_batch` takes."""
    return [
        {
            "principal": text(each.principal),
            "action": text(each.action),
            "resource": text(each.resource),
            "context": each.context,
        }
        for each in requests
    ]


def counts(outcomes: Iterable[Outcome]) -> Json:
    """How often each verdict, reason, deciding policy and erring policy came out."""
    reasons: Counter[str] = Counter()
    policies: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for reason, deciding, erring in outcomes:
        reasons[reason] += 1
        policies.update(deciding)
        errors.update(erring)
    allowed = reasons["permitted"]
    return {
        "allow": allowed,
        "deny": reasons.total() - allowed,
        "reasons": dict(sorted(reasons.items())),
        "policies": dict(sorted(policies.items())),
        "errors": dict(sorted(errors.items())),
    }


def check(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Fail where the counts found are not those expected; only keys that both have are compared."""
    assert expected, "nothing is recorded for this workload: `python -m workloads record`"
    wrong = [
        f"{key}: {found[key]!r} instead of {expected[key]!r}"
        for key in ("allow", "deny", "reasons", "policies", "errors")
        if key in found and key in expected and found[key] != expected[key]
    ]
    assert not wrong, "\n".join(["wrong decisions", *wrong])


@cache
def recorded() -> Json:
    """All that is in expected.json, by the name of the workload."""
    return json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}


def expected(name: str, seed: int, row_count: int) -> Json:
    """What is recorded for a workload, or nothing if it was recorded with other parameters."""
    found: Json = recorded().get(name, {})
    fits = found.get("seed") == seed and found.get("rows") == row_count
    return found if fits else {}


def batches(requests: Sequence[Request], batch_rows: int) -> list[Sequence[Request]]:
    """The requests in consecutive batches; what does not fill the last one is left out."""
    whole = len(requests) - len(requests) % batch_rows
    return [requests[start : start + batch_rows] for start in range(0, whole, batch_rows)]
