"""Approvals: what a person let pass, for exactly one call and once.

An approval takes back the forbids it names, for the call of one digest. It is used up by the first
allow that needed it, ends with the chain or after its own time, and ends when the bundle changes.

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


@dataclass
class Approvals:
    """When each approval ends, by digest and policy."""

    ends: dict[str, dict[str, int]] = field(default_factory=dict)

    def approve(self, digest: str, policies: Iterable[str], end: int) -> None:
        self.ends.setdefault(digest, {}).update(dict.fromkeys(policies, end))

    def of(self, digest: str | None, now: int) -> frozenset[str]:
        """The policies that are taken back for a call."""
        found = self.ends.get(digest or "", {})
        return frozenset(policy for policy, end in found.items() if now < end)

    def consume(self, digest: str | None) -> None:
        """All that was approved of this call is used up."""
        self.ends.pop(digest or "", None)
