"""The decision: what was decided, why, and by which policies.

Forbid wins over permit, and without a permit the answer is no. A forbid that fails denies too,
unless the bundle says `on_error = "cedar"`: then it is skipped, as Cedar does.

Twin: rust/core/src/decision.rs. Read next: engine.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from .authorize import Outcome
from .request import Problem

MESSAGES = {
    "permitted": "a policy permits it and none forbids it",
    "forbidden": "a policy forbids it",
    "forbid_error": "a policy that may forbid it could not be evaluated",
    "not_permitted": "no policy permits it",
}


@dataclass(frozen=True)
class PolicyError:
    policy: str
    code: str
    message: str = field(compare=False)


@dataclass(frozen=True)
class Decision:
    verdict: str
    reason: str
    stage: str | None
    policies: tuple[str, ...]
    errors: tuple[PolicyError, ...]
    epoch: int
    message: str = field(compare=False)

    @property
    def allowed(self) -> bool:
        return self.verdict == "allow"

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has no truth value; use `.allowed`")


def decide(outcome: Outcome, on_error: str, epoch: int) -> Decision:
    failing_forbids = [policy for policy, _ in outcome.failures if policy.effect == "forbid"]
    if outcome.forbids:
        verdict, reason, policies = "deny", "forbidden", outcome.forbids
    elif failing_forbids and on_error == "deny":
        verdict, reason, policies = "deny", "forbid_error", failing_forbids
    elif not outcome.permits:
        verdict, reason, policies = "deny", "not_permitted", []
    else:
        verdict, reason, policies = "allow", "permitted", outcome.permits
    errors = [PolicyError(policy.id, each.code, str(each)) for policy, each in outcome.failures]
    errors.sort(key=lambda error: error.policy)
    stage = None if verdict == "allow" else "ceiling"
    ids = tuple(sorted(policy.id for policy in policies))
    return Decision(verdict, reason, stage, ids, tuple(errors), epoch, MESSAGES[reason])


def refuse(problem: Problem, epoch: int) -> Decision:
    """The request could not be asked at all."""
    return Decision("deny", problem.code, "arguments", (), (), epoch, problem.message)
