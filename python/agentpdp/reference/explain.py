"""Explaining a call: every question of every stage, and what each came to.

Nothing is charged or used up and no time passes; the verdict is the one that deciding would give.
Where the arguments cannot be read there is nothing to ask, so later stages have no answers.

Twin: rust/core/src/explain.rs. Read next: engine.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .decision import Answer, Decision
from .value import EntityUid


@dataclass(frozen=True)
class Explanation:
    """`hops` are the chain's grants, root first: their ids, agents and tasks."""

    decision: Decision
    principal: EntityUid
    hops: tuple[tuple[str, EntityUid, tuple[str, ...]], ...]
    answers: tuple[Answer, ...]

    def to_json(self) -> dict[str, Any]:
        hops = [{"grant": i, "agent": str(agent), "tasks": [*t]} for i, agent, t in self.hops]
        return {
            "verdict": self.decision.verdict,
            "reason": self.decision.reason,
            "principal": str(self.principal),
            "hops": hops,
            "answers": [answer_json(each) for each in self.answers],
        }


def answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "stage": answer.stage,
        "hop": answer.hop,
        "party": None if answer.party is None else str(answer.party),
        "verdict": answer.verdict,
        "reason": answer.reason,
        "policies": [*answer.policies],
        "errors": [error.policy for error in answer.errors],
        "needed": [{"policy": policy, "role": role} for policy, role in answer.needed],
        "approved": [*answer.approved],
    }
