"""The peer Tenuo: the same scopes as signed warrants, attenuated from hop to hop.

What is asked is its cheapest check: `BoundWarrant.allows` of a warrant that was issued, attenuated
and bound beforehand, which compares the arguments with the constraints of the last warrant and
verifies no signature. Arguments that no rule reads are let through by a wildcard, as else it denies
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tenuo  # noqa: F401  # adds `bind` and `allows` to warrants
from tenuo_core import (
    NotOneOf,
    OneOf,
    Range,
    SigningKey,
    Warrant,
    Wildcard,
)
from workloads.w5 import GrantWorkload
from workloads.w5.bundle import NUMBERS, TEXTS
from workloads.w5.calls import Call
from workloads.workload import Uid

from peers.bounds import Bounds, Places, tools_of

LIFETIME_SECONDS = 30 * 24 * 3600


def constraints(bounds: Bounds) -> dict[str, Any]:
    """Bounds as constraints of a tool."""
    found: dict[str, Any] = dict.fromkeys((*TEXTS, *NUMBERS), None)
    if bounds.ids is not None:
        found["text"] = OneOf(list(bounds.ids))
    if bounds.kinds:
        found["kind"] = NotOneOf(list(bounds.kinds))
    for name, most in bounds.most:
        found[name] = Range(max=most)
    return {name: Wildcard() if each is None else each for name, each in found.items()}


class Warrants:
    """Warrants of one workload, issued when they are first asked for."""

    def __init__(self, workload: GrantWorkload, places: Places) -> None:
        self.workload = workload
        self.places = places
        self.issuer = SigningKey.generate()
        self.keys: dict[Uid, Any] = {}
        self.issued: dict[int, Any] = {}

    def key(self, agent: Uid) -> Any:
        """The key of an agent."""
        if agent not in self.keys:
            self.keys[agent] = SigningKey.generate()
        return self.keys[agent]

    def warrant(self, number: int) -> Any:
        """The warrant of a grant, below that of its parent."""
        if number not in self.issued:
            issue = self.workload.issues[number]
            task = self.workload.tasks[issue.task]
            holder = self.key(issue.agent)
            if issue.parent is None:
                builder, signer = Warrant.mint_builder(), self.issuer
            else:
                builder = self.warrant(issue.parent).grant_builder()
                signer = self.key(self.workload.issues[issue.parent].agent)
            for tool in tools_of(self.workload, number):
                builder.capability(tool, constraints(self.places.bounds(task, issue.params, tool)))
            builder.holder(holder.public_key)
            builder.ttl(LIFETIME_SECONDS - issue.hops)
            self.issued[number] = (
                builder.mint(signer) if issue.parent is None else builder.grant(signer)
            )
        return self.issued[number]

    def check(self, call: Call) -> Callable[[str, Any], bool]:
        """The bound check of the grant that a call is made under."""
        issue = self.workload.issues[call.issue]
        bound = self.warrant(call.issue).bind(self.key(issue.agent))
        found: Callable[[str, Any], bool] = bound.allows
        return found
