"""The peer attenu-guard: the same scopes as authorities, narrowed at each hop, its ledger off.

An authority's bounds hold for all of its tools alike, and numbers are those it names (spend and
rows), so only tasks whose tools all have the same bounds on amount, count and kind can be written
(`expressible`). `check` is asked, of guards whose ledger keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attenu_guard import Authority, Guard, RowLimit, SpendCap
from attenu_guard.audit import AuditLog
from attenu_guard.ceilings import Allow, Deny
from workloads.w5 import GrantWorkload
from workloads.w5.calls import Call
from workloads.w5.tasks import Task
from workloads.workload import Json

from peers.bounds import Places, expressible, tools_of

LIFETIME_SECONDS = 30 * 24 * 3600
LIMITS = {"amount": SpendCap, "count": RowLimit}


class NoLedger(AuditLog):
    """A ledger that keeps nothing."""

    def append(self, event: str, ts: str | int, **fields: Any) -> dict[str, Any]:
        return {}


def is_uniform(task: Task) -> bool:
    """Whether one authority can say what the task does: one permit, and no bound on the size."""
    permits = [rule for rule in task.rules if rule.effect == "permit"]
    tests = {name for rule in task.rules for name, _ in rule.tests}
    return expressible(task) and len(permits) == 1 and "size" not in tests


def scope(tool: str) -> str:
    return f"w5.{tool}"


def context(arguments: Json) -> Json:
    """Arguments under the names that its limits read."""
    names = {"amount": "spend", "count": "rows"}
    return {names.get(name, name): value for name, value in arguments.items()}


class Guards:
    """Guards of one workload, issued when they are first asked for."""

    def __init__(self, workload: GrantWorkload, places: Places) -> None:
        self.workload = workload
        self.places = places
        self.issued: dict[int, Any] = {}

    def authority(self, number: int) -> Any:
        issue = self.workload.issues[number]
        task = self.workload.tasks[issue.task]
        names = tools_of(self.workload, number)
        found = [self.places.bounds(task, issue.params, tool) for tool in names]
        first = found[0]
        ceilings: list[Any] = [LIMITS[name](most) for name, most in first.most]
        if first.kinds:
            ceilings.append(Deny("kind", list(first.kinds)))
        if first.ids is not None:
            ceilings.append(
                Allow("text", sorted({each for one in found for each in one.ids or ()}))
            )
        scopes = {scope(tool) for tool in names}
        return Authority(scopes=scopes, ceilings=ceilings, ttl=LIFETIME_SECONDS - issue.hops)

    def guard(self, number: int) -> Any:
        """The guard of a grant, below that of its parent."""
        if number not in self.issued:
            issue = self.workload.issues[number]
            authority = self.authority(number)
            if issue.parent is None:
                made = Guard.issue(issue.agent[1], authority)
                made._audit = NoLedger()
            else:
                made = self.guard(issue.parent).delegate(issue.agent[1], authority, "w5")
            self.issued[number] = made
        return self.issued[number]

    def check(self, call: Call) -> Callable[..., Any]:
        """The check of the guard of the grant that a call is made under."""
        found: Callable[..., Any] = self.guard(call.issue).check
        return found
