"""Approvals: what a person let pass, for exactly one call and once.

An approval takes back the forbids it names, for the call of one digest. It is used up by the first
allow that needed it, ends with the chain or after its own time, with a reload, and where another
link takes the name of the policy that was asked about.

Twin: rust/core/src/approvals.rs. Read next: chains.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .value import EntityUid, Record


@dataclass(frozen=True)
class ApprovalRequest:
    """What to show a person, and what to hand to `approve`. `needed` holds policies and roles."""

    digest: str
    epoch: int
    needed: tuple[tuple[str, str], ...]
    grant: str | None
    principal: EntityUid
    agent: EntityUid
    tasks: tuple[str, ...]
    action: EntityUid
    actions: tuple[EntityUid, ...]
    resource: EntityUid
    arguments: Mapping[str, Any]
    claims: Record


@dataclass(frozen=True)
class Approved:
    """One policy that is taken back for a call; `asked` is the epoch of the question."""

    policy: str
    asked: int
    end: int


@dataclass
class Approvals:
    """What is approved, by digest."""

    calls: dict[str, list[Approved]] = field(default_factory=dict)

    def approve(self, digest: str, policies: Iterable[str], asked: int, end: int) -> None:
        """Approving again replaces the end; an older question takes nothing's place."""
        known = self.calls.setdefault(digest, [])
        for policy in policies:
            stay = [each for each in known if each.policy != policy or each.asked > asked]
            known[:] = [*stay, Approved(policy, asked, end)]

    def of(self, digest: str | None, now: int, links: Mapping[str, int]) -> frozenset[str]:
        """The policies that are taken back for a call, if each is the one that was asked about."""
        found = [each for each in self.calls.get(digest or "", []) if now < each.end]
        return frozenset(each.policy for each in found if links.get(each.policy, 0) <= each.asked)

    def consume(self, digest: str | None) -> None:
        """All that was approved of this call is used up."""
        self.calls.pop(digest or "", None)
