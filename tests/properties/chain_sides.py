"""One way of deciding under grants, driven by numbers: what the machine and the laws compare.

A side holds an engine (compiled or reference), the grants that it issued and the approvals that it
was asked for, each by the number that the others use too.

Read next: ``test_machine.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import agentpdp
import agentpdp.reference
from agentpdp.errors import Denied, StepUpNeeded

Json = Mapping[str, Any]
Answer = tuple[Any, ...]
GRANTED: Answer = ("granted",)


def answer(decision: Any) -> Answer:
    """What is data of a decision."""
    request = decision.approval_request
    return (
        decision.verdict,
        decision.reason,
        decision.stage,
        decision.hop,
        None if decision.party is None else str(decision.party),
        tuple(decision.policies),
        tuple(sorted((each.policy, each.code) for each in decision.errors)),
        () if request is None else tuple(sorted(map(tuple, request.needed))),
        decision.epoch,
    )


def load(files: Mapping[str, str]) -> Any:
    """The bundle that these texts are."""
    return agentpdp.Bundle.from_files(files)


def sides(files: Mapping[str, str]) -> list[Side]:
    """Engine, engine in batches, and reference, of one bundle."""
    bundle = load(files)
    compiled = [agentpdp.Engine(bundle, clock="caller") for _ in range(2)]
    model = agentpdp.reference.Engine(bundle, clock="caller")
    return [Side(compiled[0]), Side(compiled[1], in_batches=True), Side(model)]


class Side:
    """`in_batches`: calls are decided by `decide_batch`, all that come together in one."""

    def __init__(self, engine: Any, in_batches: bool = False) -> None:
        self.engine = engine
        self.in_batches = in_batches
        self.grants: list[Any] = []
        self.requests: list[Any] = []

    def attempt(self, act: Callable[[], Any]) -> Answer:
        try:
            act()
        except Denied as refused:
            found = refused.decision
            assert found.verdict == "deny"
        except StepUpNeeded as refused:
            found = refused.decision
            assert found.verdict == "step_up"
        else:
            return GRANTED
        return self.noted(found)

    def noted(self, decision: Any) -> Answer:
        if decision.approval_request is not None:
            self.requests.append(decision.approval_request)
        return answer(decision)

    def start(self, order: Json, now: int) -> Answer:
        options = {name: value for name, value in order.items() if name != "task"}
        return self.attempt(
            lambda: self.grants.append(self.engine.start(order["task"], **options, at=now))
        )

    def delegate(self, parent: int, order: Json, now: int) -> Answer:
        options = {name: value for name, value in order.items() if name != "task"}
        grant = self.grants[parent]
        return self.attempt(
            lambda: self.grants.append(grant.delegate(order["task"], **options, at=now))
        )

    def decide(self, calls: Sequence[tuple[int, Json]], now: int) -> list[Answer]:
        """Grants and what is called under them, in order."""
        if self.in_batches:
            rows = [{"grant": self.grants[number], **call, "at": now} for number, call in calls]
            return [self.noted(each) for each in self.engine.decide_batch(rows)]
        return [self.noted(self.grants[number].decide(**call, at=now)) for number, call in calls]

    def explain(self, number: int, call: Json, now: int) -> Answer:
        return answer(self.engine.explain(self.grants[number], **call, at=now).decision)

    def answers(self, number: int, call: Json, now: int) -> list[tuple[Any, ...]]:
        """What each question of a call came to: stage, hop, verdict and reason."""
        explained = self.engine.explain(self.grants[number], **call, at=now)
        return [
            (each["stage"], each["hop"], each["verdict"], each["reason"], tuple(each["policies"]))
            for each in explained.to_json()["answers"]
        ]

    def actions(self, number: int, now: int) -> Mapping[str, str]:
        return dict(self.grants[number].actions(at=now))

    def approve(self, number: int, now: int, **options: Any) -> Answer:
        request = self.requests[number]
        return self.attempt(lambda: self.engine.approve(request, **options, at=now))

    def target(self, target: Json) -> dict[str, Any]:
        return {k: self.grants[v] if k == "grant" else v for k, v in target.items()}

    def relink(self, name: str, values: Json | None) -> bool:
        """Take a link away, if it is there, and make it again with other values, if any."""
        was_there = bool(self.engine.unlink(name))
        if values is not None:
            self.engine.link("held", name, **values)
        return was_there

    def revoke(self, target: Json, now: int) -> Answer:
        at = {"at": now} if "by" in target else {}
        return self.attempt(lambda: self.engine.revoke(**self.target(target), **at))

    def suspend(self, target: Json) -> None:
        self.engine.suspend(**self.target(target))

    def resume(self, target: Json) -> None:
        self.engine.resume(**self.target(target))

    def close(self, number: int) -> None:
        self.grants[number].close()
