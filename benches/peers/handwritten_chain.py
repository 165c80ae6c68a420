"""The peer that needs no product, under grants: a walk over the chain, each rule a plain `if`.

A grant holds its hops and parties, looked up when it is issued; a tool leads straight to the one
function of a hop's task that can concern it, and to its resources by id. The functions are written
out from the same data as the Cedar text (workloads/w5/tasks.py), as somebody would write them by
hand; the ceilings are handwritten.py's. It gives verdict, reason, stage, hop and deciding ids and
believes every argument; `careful` checks them and answers with a named result.

That both agree with Cedar on all calls is tested.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from workloads.w1.catalogue import Tool, tools
from workloads.w5 import GrantWorkload, Verdict
from workloads.w5.calls import Call
from workloads.w5.tasks import Rule as TaskRule
from workloads.w5.tasks import Task
from workloads.workload import Json

from peers import handwritten
from peers.handwritten_careful import FIELDS, READ
from peers.handwritten_rules import Asset, Party, Rule

LIFETIME_SECONDS = 30 * 24 * 3600.0
SAFE_INTEGER_MAX = 2**53 - 1
NOBODY: tuple[str, ...] = ()
Result = tuple[str, tuple[str, ...]]
TaskFunction = Callable[[Json, Asset, Json], Result]
Answer = tuple[str, str, str | None, int | None, tuple[str, ...]]
Decide = Callable[["Held", str, Json], Answer]

# What a test is in Python; {} is its constant.
SCOPES = {
    "item": 'i["text"] == p["item"]',
    "within": 'p["within"] in r.above',
    "owner": 'r.owner == p["owner"]',
    "either": '(p["within"] in r.above or r.owner == p["owner"])',
    "limits": "True",
}
TESTS = {
    "most": 'i["amount"] <= p["most"]',
    "times": 'i["count"] <= p["times"]',
    "size": 'i["size"] <= {!r}',
    "class_over": "r.classification > {!r}",
    "kind": 'i["kind"] == {!r}',
    "count_over": 'i["count"] > {!r}',
}


class Hop:
    """One grant: its agent, what its task says of each tool, its parameters."""

    __slots__ = ("agent", "expires", "functions", "params", "read_only", "revoked")

    def __init__(
        self, agent: Party, functions: dict[str, TaskFunction], params: Json, read_only: bool
    ) -> None:
        self.agent = agent
        self.functions = functions
        self.params = params
        self.read_only = read_only
        self.expires = time.time() + LIFETIME_SECONDS
        self.revoked = False


class Held:
    """What somebody holds: the person and the hops, root first."""

    __slots__ = ("hops", "person")

    def __init__(self, person: Party, hops: tuple[Hop, ...]) -> None:
        self.person = person
        self.hops = hops


def source(task: Task, tool: Tool) -> str:
    """The body of the function for one tool of a task."""
    forbids = [rule for rule in task.rules if rule.effect == "forbid"]
    lines = ["def function(p, r, i):"]
    if forbids:
        lines.append("    found = []")
    for rule in forbids:
        lines.append(f"    if {condition(task, rule)}: found.append({task.name + '/' + rule.id!r})")
    if forbids:
        lines.append("    if found: return 'forbidden', tuple(found)")
    for rule in task.rules:
        if tool.id in rule.tools:
            allowed = ("permitted", (f"{task.name}/{rule.id}",))
            lines.append(f"    if {condition(task, rule)}: return {allowed!r}")
    lines.append("    return 'not_permitted', ()")
    return "\n".join(lines)


def condition(task: Task, rule: TaskRule) -> str:
    scope = [SCOPES[task.form.name]] if rule.scope else []
    return " and ".join([*scope, *(TESTS[name].format(value) for name, value in rule.tests)])


def functions(task: Task) -> dict[str, TaskFunction]:
    """What a task says of each tool of its domain; those with one text share one function."""
    made: dict[str, TaskFunction] = {}
    by_tool: dict[str, TaskFunction] = {}
    for tool in tools():
        if tool.domain.name == task.domain:
            text = source(task, tool)
            if text not in made:
                names: dict[str, Any] = {}
                exec(text, names)
                made[text] = names["function"]
            by_tool[tool.id] = made[text]
    return by_tool


class Chains:
    """One workload by hand: its grants, and the function that decides under them."""

    def __init__(self, workload: GrantWorkload) -> None:
        facts = handwritten.facts(workload.entities, workload.links)
        by_task = [functions(task) for task in workload.tasks]
        self.grants: list[Held] = []
        for issue in workload.issues:
            above = () if issue.parent is None else self.grants[issue.parent].hops
            params = {
                name: value[1] if isinstance(value, tuple) else value
                for name, value in issue.params.items()
            }
            agent = facts.principals[issue.agent[1]]
            hop = Hop(agent, by_task[issue.task], params, issue.read_only)
            self.grants.append(Held(facts.principals[issue.principal[1]], (*above, hop)))
        for number in workload.revoked:
            self.grants[number].hops[-1].revoked = True
        of_type: dict[str, dict[str, Asset]] = {}
        for json in workload.entities:
            kind, name = json["uid"]["type"], json["uid"]["id"]
            if name in facts.resources:
                of_type.setdefault(kind, {})[name] = facts.resources[name]
        self.decide = decider(
            {tool.id: (*facts.rules[tool.id], of_type[tool.resource_type]) for tool in tools()}
        )

    def asked(self, calls: Iterable[Call]) -> list[tuple[Held, str, Json]]:
        """Calls as the function takes them."""
        return [(self.grants[each.issue], each.tool, each.arguments) for each in calls]

    def verdicts(self, calls: Iterable[Call]) -> list[Verdict]:
        """Its answers in the words of the workload."""
        found = []
        for asked in self.asked(calls):
            verdict, reason, stage, hop, policies = self.decide(*asked)
            found.append(Verdict(verdict, reason, stage, hop, tuple(sorted(policies))))
        return found


def decider(known: dict[str, tuple[int, Rule, dict[str, Asset]]]) -> Decide:
    """The function that decides: a grant, a tool, the arguments."""
    now = time.time

    def decide(held: Held, tool: str, arguments: Json) -> Answer:
        moment = now()
        hops = held.hops
        for number, hop in enumerate(hops):
            if hop.revoked:
                return "deny", "revoked", "status", number, NOBODY
            if moment >= hop.expires:
                return "deny", "expired", "status", number, NOBODY
        try:
            level, rule, resources = known[tool]
        except KeyError:
            return "deny", "unknown_action", "arguments", None, NOBODY
        r = resources.get(arguments["text"])
        if r is None:
            return "deny", "unknown_resource", "arguments", None, NOBODY
        reason, policies = ceiling(held.person, r, level, rule, arguments, tool)
        if reason != "permitted":
            return "deny", reason, "ceiling", None, policies
        for number, hop in enumerate(hops):
            reason, policies = ceiling(hop.agent, r, level, rule, arguments, tool)
            if reason != "permitted":
                return "deny", reason, "ceiling", number, policies
        for number, hop in enumerate(hops):
            if hop.read_only and level:
                return "deny", "outside_restriction", "task", number, NOBODY
            function = hop.functions.get(tool)
            if function is None:
                return "deny", "not_permitted", "task", number, NOBODY
            reason, policies = function(hop.params, r, arguments)
            if reason != "permitted":
                return "deny", reason, "task", number, policies
        return "allow", "permitted", None, None, policies

    return decide


def ceiling(p: Party, r: Asset, level: int, rule: Rule, given: Json, tool: str) -> Result:
    """What the organisation's policies say of one party: handwritten.py's `decide` once more, for a
    party and a resource that are at hand."""
    forbids: list[str] = []
    permits: list[str] = []
    if p.suspended:
        forbids.append("suspended")
    if p.contractor and r.pii:
        forbids.append("contractors-no-pii")
    if level:
        if r.classification > p.clearance:
            forbids.append("above-clearance")
        if level == 2 and p.supervised:
            forbids.append("agents-no-admin")
    else:
        if p.reader and r.classification == 0:
            permits.append("open-to-readers")
        if p.auditor and "legal-hold" not in r.labels:
            permits.append("auditors")
    error = rule(p, r, given, permits, forbids, tool)
    if forbids:
        return "forbidden", tuple(forbids)
    if error:
        return error
    if permits:
        return "permitted", tuple(permits)
    return handwritten.NOT_PERMITTED


def careful(decide: Decide) -> Callable[[Held, str, Json], Verdict]:
    """`decide` behind the checks that a tool's schema asks for, with a named result."""

    def asked(held: Held, tool: str, arguments: Json) -> Verdict:
        if wrong := problem(arguments):
            return Verdict("deny", wrong, "arguments", None, NOBODY)
        verdict, reason, stage, hop, policies = decide(held, tool, arguments)
        return Verdict(verdict, reason, stage, hop, tuple(sorted(policies)))

    return asked


def problem(given: Json) -> str | None:
    """What is wrong with the arguments, if anything is."""
    try:
        target, kind, text, amount, count, size = READ(given)
    except (KeyError, TypeError):
        return "argument_missing" if type(given) is dict else "argument_type"
    if len(given) != len(FIELDS):
        return "argument_unknown"
    if not (type(target) is type(kind) is type(text) is str):
        return "argument_type"
    for number in (amount, count, size):
        if type(number) is not int or not -SAFE_INTEGER_MAX <= number <= SAFE_INTEGER_MAX:
            return "argument_type"
    return None
