"""agentpdp itself, given a `GrantWorkload`: its grants issued, its calls as `decide` takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from workloads.arrow import column
from workloads.w5 import GrantWorkload, Verdict
from workloads.w5.bundle import NUMBERS, TEXTS
from workloads.w5.calls import Call
from workloads.w5.grants import Issue
from workloads.w5.tasks import given
from workloads.workload import Json

READ_ONLY = ("impact.read", "delegate")


def engine(workload: GrantWorkload) -> Any:
    """The compiled engine, links and all."""
    import agentpdp

    made = agentpdp.Engine(agentpdp.Bundle.from_files(workload.files))
    for each in workload.links:
        made.link(each.template, each.id, principal=each.principal, resource=each.resource)
    return made


def reference(workload: GrantWorkload) -> Any:
    """The pure-Python reference on the same bundle."""
    import agentpdp
    from agentpdp.reference import Engine

    made = Engine(agentpdp.Bundle.from_files(workload.files))
    for each in workload.links:
        made.link(each.template, each.id, principal=each.principal, resource=each.resource)
    return made


def issue(made: Any, workload: GrantWorkload, one: Issue, grants: list[Any]) -> Any:
    """One grant, under those that are there."""
    task = workload.tasks[one.task]
    params = given(one.params)
    if one.parent is None:
        return made.start(task.name, principal=one.principal, agent=one.agent, params=params)
    only = READ_ONLY if one.read_only else None
    return grants[one.parent].delegate(task.name, agent=one.agent, params=params, only_actions=only)


def grants(made: Any, workload: GrantWorkload) -> list[Any]:
    """All grants, by the numbers of the workload; what it revokes is revoked."""
    issued: list[Any] = []
    for one in workload.issues:
        issued.append(issue(made, workload, one, issued))
    for number in workload.revoked:
        made.revoke(grant=issued[number])
    return issued


def verdict(decision: Any) -> Verdict:
    """A decision in the words of the workload."""
    return Verdict(
        decision.verdict, decision.reason, decision.stage, decision.hop, tuple(decision.policies)
    )


def verdicts(issued: list[Any], calls: Iterable[Call]) -> list[Verdict]:
    """What `decide` says, one by one."""
    return [verdict(issued[each.issue].decide(each.tool, each.arguments)) for each in calls]


def table(issued: list[Any], calls: Sequence[Call]) -> Any:
    """Calls as Arrow columns: ids of grants, agents, tools and texts through dictionaries."""
    columns = {
        "grant": column([issued[each.issue].id for each in calls]),
        "agent": column([str(issued[each.issue].agent) for each in calls]),
        "action": column([each.tool for each in calls]),
    }
    for name in (*TEXTS, *NUMBERS):
        columns[f"arguments.{name}"] = column([each.arguments[name] for each in calls])
    return pa.table(columns)


def dicts(issued: list[Any], calls: Iterable[Call]) -> list[Json]:
    """Calls as the list of dicts that `decide_batch` takes, with handles of grants."""
    return [
        {"grant": issued[each.issue], "action": each.tool, "arguments": each.arguments}
        for each in calls
    ]
