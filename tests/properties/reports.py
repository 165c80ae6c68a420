"""What a long run has done so far, as a file: written while it runs, read to go on, merged.

A report covers the seeds from `first_seed` up to `next_seed`, without gaps, so that a run that was
stopped goes on where it was. Reports of other seeds (of another day, another machine, another
build) merge into one summary; seeds that overlap would count twice and are refused.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import itertools
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import agentpdp

from .coverage import Coverage
from .generate import Sizes
from .runs import Run

COMPARED = ("agentpdp", "cedarpy", "pyarrow")


class ReportError(Exception):
    """A report that cannot be gone on with or merged, and why."""


@functools.cache
def build() -> str:
    """What was compared with what: versions, and the first digits of the extension's digest."""
    folder = Path(agentpdp.__file__).parent
    digest = hashlib.sha256(
        b"".join(each.read_bytes() for each in sorted(folder.glob("_core*.so")))
    )
    versions = [
        f"{name} {importlib.metadata.version(name)}" for name in ("agentpdp", "cedarpy", "pyarrow")
    ]
    return f"{', '.join(versions)}, extension {digest.hexdigest()[:12]}"


@dataclass
class Report:
    """Sums over the seeds of one run; `found` are differences, told in full."""

    first_seed: int
    next_seed: int
    sizes: dict[str, Any]
    seconds: float = 0.0
    with_schema: int = 0
    in_tables: int = 0
    contexts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    watched: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    builds: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, first_seed: int, sizes: Sizes) -> Report:
        return cls(first_seed, first_seed, asdict(sizes))

    @classmethod
    def read(cls, path: Path) -> Report:
        try:
            given = json.loads(path.read_text())
            counters = {name: Counter(given[name]) for name in ("counts", "operators", "builds")}
            return cls(**{**given, **counters})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ReportError(f"{path}: no report of a long run ({error})") from error

    def write(self, path: Path) -> None:
        """All of it or nothing, so that a run that is killed leaves the last whole report."""
        beside = path.with_name(f"{path.name}.part")
        beside.write_text(json.dumps(vars(self), indent=1) + "\n")
        os.replace(beside, path)

    def add(self, each: Run, next_seed: int, differences: Sequence[str]) -> None:
        """What came of the seeds from `next_seed` of this up to the new one."""
        self.next_seed = next_seed
        self.with_schema += each.with_schema
        self.in_tables += each.in_tables
        self.contexts += each.contexts
        self.counts += each.coverage.counts
        self.watched += each.coverage.watched
        self.operators += each.coverage.operators
        self.builds[build()] += each.coverage.counts["requests"]
        self.found += differences

    def coverage(self) -> Coverage:
        coverage = Coverage()
        coverage.counts, coverage.watched = self.counts, self.watched
        coverage.operators = self.operators
        return coverage

    def lines(self) -> list[str]:
        """The summary, for people."""
        policy_sets = self.next_seed - self.first_seed
        return [
            *self.coverage().lines(),
            f"{policy_sets:,} policy sets, {self.contexts:,} contexts; with a schema "
            f"{self.with_schema:,} requests; also in Arrow tables {self.in_tables:,}",
            *(f"{count:,} requests with {name}" for name, count in self.builds.items()),
            f"{len(self.found)} differences in {self.seconds:,.0f} s of all processes",
        ]


def merged(reports: Sequence[Report]) -> Report:
    """One report over several that share no seed; `next_seed` counts policy sets, not a place."""
    ordered = sorted(reports, key=lambda each: each.first_seed)
    for left, right in itertools.pairwise(ordered):
        if right.first_seed < left.next_seed:
            raise ReportError(f"seeds from {right.first_seed} are in two of the reports")
    total = Report(0, 0, ordered[0].sizes)
    for each in ordered:
        if each.sizes != total.sizes:
            raise ReportError("the reports are of cases of different sizes")
        total.next_seed += each.next_seed - each.first_seed
        for name in ("seconds", "with_schema", "in_tables", "contexts", "watched"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        for name in ("counts", "operators", "builds", "found"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
    return total
