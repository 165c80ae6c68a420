"""A hop's scope as bounds on arguments, which is all that warrants can say.

Tenuo and attenu-guard know no entities and no hierarchy: what lies in a container, or belongs to
somebody, is written out as the ids it is, when the warrant is issued. They know no ceilings either,
so they are held to what w5 expects of calls that reach the tasks: those allowed, and those denied
there.

What cannot be written so: `class_over` on a scope without entities, which would be a list of
thousands of ids (`expressible` says no).
"""

from __future__ import annotations

from typing import NamedTuple

from workloads.w1.catalogue import tools
from workloads.w5 import GrantWorkload, Verdict
from workloads.w5.calls import Call
from workloads.w5.tasks import Task
from workloads.workload import Json, Uid

TOOLS = {tool.id: tool for tool in tools()}
NUMBERS = {"most": "amount", "times": "count", "size": "size", "count_over": "count"}


class Bounds(NamedTuple):
    """What a tool's arguments must be: ids, the most that numbers are, and kinds that are not
    allowed."""

    ids: tuple[str, ...] | None
    most: tuple[tuple[str, int], ...]
    kinds: tuple[str, ...]


class Places:
    """Which resources lie where, by type."""

    def __init__(self, workload: GrantWorkload) -> None:
        from workloads.scopes import ancestors

        above = ancestors(workload.entities)
        self.classification: dict[str, int] = {}
        self.inside: dict[tuple[str, Uid], list[str]] = {}
        for json in workload.entities:
            attrs = json["attrs"]
            if "labels" in attrs:
                uid = (json["uid"]["type"], json["uid"]["id"])
                owner = attrs["owner"]["__entity"]
                self.classification[uid[1]] = attrs["classification"]
                for place in (*above[uid], (owner["type"], owner["id"])):
                    self.inside.setdefault((uid[0], place), []).append(uid[1])

    def bounds(self, task: Task, params: Json, tool: str) -> Bounds:
        """What a task's rules come to for one of its tools."""
        permit = next(rule for rule in task.rules if tool in rule.tools)
        forbids = [rule for rule in task.rules if rule.effect == "forbid"]
        tests = [test for rule in (permit, *forbids) for test in rule.tests]
        most: dict[str, int] = {}
        for name, constant in tests:
            if name in NUMBERS:
                bound = constant if isinstance(constant, int) else params[name]
                most[NUMBERS[name]] = min(most.get(NUMBERS[name], bound), bound)
        classes = [constant for name, constant in tests if name == "class_over"]
        ids = self.ids(params, TOOLS[tool].resource_type) if permit.scope else None
        if ids is not None and classes:
            ids = [each for each in ids if self.classification[each] <= min(classes)]
        kinds = tuple(str(constant) for name, constant in tests if name == "kind")
        return Bounds(None if ids is None else tuple(ids), tuple(most.items()), kinds)

    def ids(self, params: Json, resource_type: str) -> list[str]:
        """The ids of one type that lie in the scope."""
        if "item" in params:
            return [params["item"][1]]
        found = (
            self.inside.get((resource_type, value), [])
            for value in params.values()
            if isinstance(value, tuple)
        )
        return sorted({each for ids in found for each in ids})


def expressible(task: Task) -> bool:
    """Whether bounds can say what the task does."""
    tests = {name for rule in task.rules for name, _ in rule.tests}
    return task.form.scope is not None or "class_over" not in tests


def is_asked(workload: GrantWorkload, call: Call, verdict: Verdict) -> bool:
    """Whether a call reaches the tasks, with a tool that its task names, under a chain that leaves
    its last hop some tool (a warrant without tools cannot be issued)."""
    task = workload.tasks[workload.issues[call.issue].task]
    reaches = verdict.verdict == "allow" or verdict.stage == "task"
    return reaches and call.tool in task.tools and bool(tools_of(workload, call.issue))


def tools_of(workload: GrantWorkload, issue: int) -> list[str]:
    """The tools that a chain leaves its last hop."""
    chain = [workload.issues[number] for number in workload.chain(issue)]
    read_only = any(each.read_only for each in chain)
    return [
        tool
        for tool in workload.tasks[chain[-1].task].tools
        if not read_only or TOOLS[tool].level == "read"
    ]
