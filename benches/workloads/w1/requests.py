"""The calls of w1: mostly what people and their agents do all day, some of it too much.

A request draws who, then a domain of that person's department, a tool, a resource (more often one's
own), and the six arguments. One call in a hundred is hostile: huge numbers, so that sums overflow.
"""

from __future__ import annotations

from workloads.draw import Draw
from workloads.w1.catalogue import DOMAINS, Domain, Tool, tools
from workloads.w1.entities import Person, World
from workloads.workload import Json, Request, Uid

AGENT_SHARE = 0.6
HOSTILE_SHARE = 0.01
LEVEL_SHARES = (("read", 0.48), ("write", 0.94), ("admin", 1.0))  # running sums
VERBS = ("update", "summary of", "minutes of", "reviewed", "translate", "re:", "draft for", "notes")
NOUNS = ("budget", "launch", "invoice", "contract", "roster", "incident", "survey", "migration",
         "onboarding", "quarter", "audit", "newsletter", "password reset", "forecast")  # fmt: skip
I64_MAX = 2**63 - 1


class Caller:
    """Draws requests of one world."""

    def __init__(self, world: World, draw: Draw) -> None:
        self.world = world
        self.draw = draw
        self.domains = {domain.name: domain for domain in DOMAINS}
        self.tools: dict[tuple[str, str], list[Tool]] = {}
        for tool in tools():
            self.tools.setdefault((tool.domain.name, tool.level), []).append(tool)

    def request(self) -> Request:
        draw = self.draw
        who = draw.pick(self.world.agents if draw.chance(AGENT_SHARE) else self.world.users)
        usual = draw.chance(0.88)
        domain = self.domains[draw.skewed(who.domains)] if usual else draw.pick(DOMAINS)
        even = draw.random()
        level = next(name for name, sum_ in LEVEL_SHARES if even < sum_)
        tool = draw.skewed(self.tools[domain.name, level])
        resource = self.resource(who, tool.resource_type)
        action = ("Action", tool.id)
        return Request(who.uid, action, resource, {"input": self.arguments(domain)})

    def resource(self, who: Person, resource_type: str) -> Uid:
        even = self.draw.random()
        mine = self.world.by_owner.get((resource_type, who.owner))
        if even < 0.45 and mine:
            return self.draw.pick(mine)
        ours = self.world.by_department.get((resource_type, who.department))
        if even < 0.72 and ours:
            return self.draw.pick(ours)
        return self.draw.pick(self.world.by_type[resource_type])

    def arguments(self, domain: Domain) -> Json:
        """Three strings and three integers."""
        draw = self.draw
        hostile = draw.chance(HOSTILE_SHARE)
        subject = f"{draw.skewed(VERBS)} {draw.skewed(NOUNS)} {draw.integer(1, 40)}"
        return {
            "target": draw.skewed(domain.targets),
            "kind": draw.skewed(domain.kinds),
            "text": subject,
            "amount": I64_MAX - draw.integer(0, 1000) if hostile else self.many(30_000),
            "count": draw.integer(50, 5_000) if hostile else 1 + self.many(60),
            "size": self.many(9_000),
        }

    def many(self, most: int) -> int:
        """A whole number, mostly far below the most."""
        return int(most * self.draw.random() ** 3)
