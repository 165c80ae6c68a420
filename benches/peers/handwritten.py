"""The peer that needs no product: w1's 100 rules as a good Python programmer would write them.

Everything that does not change with the call is looked up once per principal and resource (what is
above them, who is suspended), each tool leads straight to the few rules of its domain and level,
and a rule is a plain `if`. It gives the reason and the ids of the policies that decided, as we do,
and nothing else: no argument is checked, no error named, nothing can change while it runs.

The same rules in Cedar: workloads/w1/policies/. That both agree on all 100,000 requests is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from workloads.scopes import ancestors
from workloads.scopes import uid as uid_of
from workloads.w1.catalogue import tools
from workloads.workload import Json, Link, Outcome, Request, Uid, Workload

from peers.handwritten_rules import ADMIN, READ, WRITE, Asset, Party, Result, Rule

NOT_PERMITTED: Result = ("not_permitted", ())
RULES = (READ, WRITE, ADMIN)
Decide = Callable[[str, str, str, Json], Result]
Share = tuple[str, str, str, str]  # template, who, below what, link


def plain(value: Any) -> Any:
    """An attribute as Python has it: entities by their id, sets as frozensets."""
    if isinstance(value, dict):
        return value["__entity"]["id"]
    return frozenset(value) if isinstance(value, list) else value


def principal(json: Json, above: frozenset[Uid], shares: Iterable[Share]) -> Party:
    attrs = {name: plain(value) for name, value in json["attrs"].items()}
    groups = frozenset(name for _, name in above)
    made = Party()
    made.id = json["uid"]["id"]
    made.is_user = json["uid"]["type"] == "User"
    made.owner = attrs.get("owner", made.id)
    made.department = attrs["department"]
    made.clearance = attrs["clearance"]
    made.limit = attrs["limit"]
    made.regions = attrs["regions"]
    made.manager = attrs.get("manager")
    made.groups = groups
    made.suspended = "suspended" in groups
    made.contractor = "contractors" in groups
    made.reader = "reader" in groups
    made.auditor = "auditors" in groups
    made.supervised = not made.is_user and attrs["autonomy"] < 3
    mine = [(template, target, name) for template, whom, target, name in shares if whom in groups]
    made.documents = tuple((target, name) for kind, target, name in mine if kind == "docs-shared")
    made.territories = tuple((target, name) for kind, target, name in mine if kind != "docs-shared")
    return made


def resource(json: Json, above: frozenset[Uid]) -> Asset:
    made = Asset()
    for name, value in json["attrs"].items():
        setattr(made, name, plain(value))
    made.pii = "pii" in made.labels
    made.above = frozenset(name for _, name in above)
    return made


class Facts(NamedTuple):
    """All that is looked up before a call: parties and resources by id, a level and a rule by
    tool."""

    principals: dict[str, Party]
    resources: dict[str, Asset]
    rules: dict[str, tuple[int, Rule]]


def build(workload: Workload) -> Decide:
    """The function that decides: principal, tool, resource by id, and the context."""
    return decider(*facts(workload.entities, workload.links))


def facts(entities: Iterable[Json], links: Iterable[Link]) -> Facts:
    """What does not change with the call."""
    known = list(entities)
    closed = ancestors(known)
    shares = [
        (link.template, link.principal[1], link.resource[1], link.id)
        for link in links
        if link.principal and link.resource
    ]
    principals: dict[str, Party] = {}
    resources: dict[str, Asset] = {}
    for json in known:
        name = uid_of(json["uid"])
        if name[0] in ("User", "Agent"):
            principals[name[1]] = principal(json, closed[name], shares)
        elif "labels" in json["attrs"]:
            resources[name[1]] = resource(json, closed[name])
    levels = ("read", "write", "admin")
    rules: dict[str, tuple[int, Rule]] = {
        tool.id: (levels.index(tool.level), RULES[levels.index(tool.level)][tool.domain.name])
        for tool in tools()
    }
    return Facts(principals, resources, rules)


def decider(
    principals: dict[str, Party],
    resources: dict[str, Asset],
    rules: dict[str, tuple[int, Rule]],
) -> Decide:
    def decide(principal: str, tool: str, resource: str, context: Json) -> Result:
        try:
            p = principals[principal]
            r = resources[resource]
            level, rule = rules[tool]
        except KeyError:
            return NOT_PERMITTED
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
        error = rule(p, r, context["input"], permits, forbids, tool)
        if forbids:
            return "forbidden", tuple(forbids)
        if error:
            return error
        if permits:
            return "permitted", tuple(permits)
        return NOT_PERMITTED

    return decide


def questions(requests: Iterable[Request]) -> list[tuple[str, str, str, Json]]:
    """Requests as the function takes them."""
    return [(p[1], a[1], r[1], context) for p, a, r, context in requests]


def outcomes(decide: Decide, requests: Iterable[Request]) -> list[Outcome]:
    """Its answers in our words; it names no errors."""
    found = (decide(*question) for question in questions(requests))
    return [Outcome(reason, tuple(sorted(policies)), ()) for reason, policies in found]
