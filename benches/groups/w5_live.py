"""Ten million live grants against a thousand: the time of a call under a random one of them.

The thousand are the chains of calls of w5, the ten million the same ten thousand times over, so
that both are asked the same calls and only the number of grants differs. Of the ten million, a
random sample of the leaves is asked. Issuing them takes a minute or two and some gigabytes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from measure import Timed
from peers import ours_chain
from workloads import w5
from workloads.draw import Draw
from workloads.w5.calls import Call

from groups.row import Group, Row
from groups.w5_single import Asked, decide_each

FEW_GRANTS = 1_000
COPIES = 10_000
ASKED = 50_000
SEED = 7


class Families:
    """Chains of calls, to be issued again and again."""

    def __init__(self, name: str, grant_count: int) -> None:
        self.workload = w5.build(name)
        self.calls: list[Call] = []
        self.allowed: list[bool] = []
        self.grant_count = 0
        engine = ours_chain.engine(self.workload)
        for call in self.workload.calls:
            if self.grant_count >= grant_count:
                break
            decision = self.issue(engine, call).decide(call.tool, call.arguments)
            self.calls.append(call)
            self.allowed.append(decision.allowed)
            self.grant_count += self.workload.issues[call.issue].hops

    def issue(self, engine: Any, call: Call) -> Any:
        """The chain of a call, anew; its last grant."""
        made: dict[int, Any] = {}
        for number in self.workload.chain(call.issue):
            made[number] = ours_chain.issue(
                engine, self.workload, self.workload.issues[number], made
            )
        return made[call.issue]

    def asked(self, engine: Any, copies: int, count: int) -> list[tuple[Any, int]]:
        """All chains issued so often; of the last grants about so many, in random order, each with
        the number of its call."""
        draw = Draw(SEED)
        share = min(1.0, count / (copies * len(self.calls)))
        kept: list[tuple[float, int, Any]] = []
        for _ in range(copies):
            for number, call in enumerate(self.calls):
                leaf = self.issue(engine, call)
                if draw.chance(share):
                    kept.append((draw.random(), number, leaf))
        kept.sort(key=lambda each: each[0])
        found = [(leaf, number) for _, number, leaf in kept]
        return (found * (1 + count // len(found)))[:count]


def build(name: str = "w5", copies: int = COPIES, count: int = ASKED) -> Group:
    families = Families(name, FEW_GRANTS)
    few = measured(families, f"decide among {FEW_GRANTS:,} live grants", 1, count)
    many = measured(families, "decide among 10 million live grants", copies, count)
    what = "10 million live grants against 1,000, a call under a random one"
    return Group([few, many], [Row(what, "at most", 2.0, many.name, few.name)])


def measured(families: Families, name: str, copies: int, count: int) -> Timed:
    engine = ours_chain.engine(families.workload)
    kept = families.asked(engine, copies, count)
    assert engine.grant_count == copies * families.grant_count
    asked: Asked = [
        (leaf, families.calls[number].tool, families.calls[number].arguments)
        for leaf, number in kept
    ]
    found = [leaf.decide(tool, arguments).allowed for leaf, tool, arguments in asked]
    assert found == [families.allowed[number] for _, number in kept]
    return Timed(name, partial(decide_each, 1), len(asked), lambda: asked)
