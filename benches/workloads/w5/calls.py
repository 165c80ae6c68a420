"""The calls of w5: under a grant drawn evenly, mostly what its task is for, some of it too much.

A call draws a tool (mostly one of the task's), a resource (mostly of the task's scope, and mostly
one that everybody may read) and w1's arguments. Some name a resource that is not there; one in a
hundred has a huge number, so that a product overflows.
"""

from __future__ import annotations

from typing import NamedTuple

from workloads.draw import Draw
from workloads.w1.catalogue import DOMAINS, Tool, tools
from workloads.w1.requests import HOSTILE_SHARE
from workloads.w5.grants import Issue, Issuer
from workloads.workload import Json, Uid

TASK_SHARE = 0.97  # of calls with a tool of the task
SCOPE_SHARE = 0.96  # of calls to something of the task's scope
OPEN_SHARE = 0.9  # of them, to what everybody may read
UNKNOWN_SHARE = 0.003
BUSY_HOPS = 2
BUSY_CALLS = 10
SAFE_INTEGER_MAX = 2**53 - 1


class Call(NamedTuple):
    """One call: the number of the grant, the tool, and the six arguments."""

    issue: int
    tool: str
    arguments: Json


class Caller:
    """Draws calls under issued grants."""

    def __init__(self, issuer: Issuer, issues: list[Issue], draw: Draw) -> None:
        self.issuer = issuer
        self.issues = issues
        self.draw = draw
        self.tools = {tool.id: tool for tool in tools()}
        self.domains = {each.name: each for each in DOMAINS}
        self.of_domain: dict[str, list[Tool]] = {}
        for tool in tools():
            self.of_domain.setdefault(tool.domain.name, []).append(tool)
        self.departments = {each.uid: each.department for each in issuer.people}
        of_department: dict[str, set[Uid]] = {}
        for (_, department), found in issuer.usual.items():
            of_department.setdefault(department, set()).update(found)
        self.is_usual = {each.uid: of_department[each.department] for each in issuer.people}

    def call(self) -> Call:
        return self.under(self.draw.integer(0, len(self.issues) - 1))

    def busy(self, grants: int) -> list[Call]:
        """Ten calls under each of some grants with two hops, taking turns."""
        fitting = [number for number, issue in enumerate(self.issues) if issue.hops == BUSY_HOPS]
        chosen = fitting[:: len(fitting) // grants][:grants]
        return [self.under(number) for _ in range(BUSY_CALLS) for number in chosen]

    def under(self, number: int) -> Call:
        """A call under one grant."""
        draw = self.draw
        issue = self.issues[number]
        task = self.issuer.tasks[issue.task]
        if draw.chance(TASK_SHARE):
            tool = self.tools[draw.skewed(task.tools)]
        else:
            tool = draw.pick(self.of_domain[task.domain])
        return Call(number, tool.id, self.arguments(tool, self.resource(issue, tool)))

    def resource(self, issue: Issue, tool: Tool) -> Uid:
        """Something of the tool's type, mostly of the scope."""
        draw = self.draw
        usual = self.issuer.usual.get((tool.resource_type, self.departments[issue.principal]), [])
        inside = self.scope(issue, tool) if draw.chance(SCOPE_SHARE) else []
        if draw.chance(OPEN_SHARE):
            among = self.is_usual[issue.principal]
            inside = [each for each in inside if each in among] or inside or usual
        return draw.pick(inside or self.issuer.world.by_type[tool.resource_type])

    def scope(self, issue: Issue, tool: Tool) -> list[Uid]:
        """What of the tool's type lies in the scope of the grant."""
        params = issue.params
        if item := params.get("item"):
            return [item] if item[0] == tool.resource_type else []
        names = [params[name] for name in ("within", "owner") if name in params]
        return [
            each
            for name in names
            for each in self.issuer.inside.get((tool.resource_type, name), ())
        ]

    def arguments(self, tool: Tool, resource: Uid) -> Json:
        draw = self.draw
        hostile = draw.chance(HOSTILE_SHARE)
        unknown = draw.chance(UNKNOWN_SHARE)
        return {
            "target": draw.skewed(tool.domain.targets),
            "kind": draw.skewed(tool.domain.kinds),
            "text": f"{resource[1]}-gone" if unknown else resource[1],
            "amount": SAFE_INTEGER_MAX - draw.integer(0, 1000) if hostile else self.many(30_000),
            "count": draw.integer(1_100, 5_000) if hostile else 1 + self.many(60),
            "size": self.many(9_000),
        }

    def many(self, most: int) -> int:
        """A whole number, mostly far below the most."""
        return int(most * self.draw.random() ** 3)
