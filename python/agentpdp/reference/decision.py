"""The decision: what was decided, why, where, and by which policies.

Forbid wins over permit, and without a permit the answer is no. A forbid that fails denies too,
unless the bundle says `on_error = "cedar"`: then it is skipped, as Cedar does. A forbid with a role
that can take it back asks for an approval, if nothing else denies.

Of a call under a grant several questions are asked. The first that denies decides; else all that
approvals are needed for is asked for; else it is allowed.

Twin: rust/core/src/decision.rs. Read next: tasks.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from .authorize import Outcome
from .policies import Policy
from .request import Problem
from .value import EntityUid

MESSAGES = {
    "permitted": "a policy permits it and none forbids it",
    "step_up": "somebody must approve it first",
    "forbidden": "a policy forbids it",
    "forbid_error": "a policy that may forbid it could not be evaluated",
    "not_permitted": "no policy permits it",
    "unknown_grant": "there is no such grant, or no longer",
    "revoked": "a grant, an agent, a task or the principal was revoked",
    "suspended": "a grant, an agent, a task or the principal is suspended",
    "not_yet_valid": "the grant is not valid yet",
    "expired": "the grant has expired",
    "task_changed": "the bundle was reloaded and holds another text of the task",
    "agent_mismatch": "the acting agent is not the agent of the grant",
    "outside_restriction": "the grant was delegated without this action or resource",
    "hand_on_only": "the task lets its holder hand this on, not do it",
}


@dataclass(frozen=True)
class PolicyError:
    policy: str
    code: str
    message: str = field(compare=False)


@dataclass(frozen=True)
class Answer:
    """What came of one question, or of one check.

    `needed` are policies and roles to ask, `approved` the policies that approvals took back.
    """

    stage: str | None
    hop: int | None
    party: EntityUid | None
    verdict: str
    reason: str
    policies: tuple[str, ...] = ()
    errors: tuple[PolicyError, ...] = ()
    needed: tuple[tuple[str, str], ...] = ()
    approved: tuple[str, ...] = ()
    problem: Problem | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Decision:
    verdict: str
    reason: str
    stage: str | None
    policies: tuple[str, ...]
    errors: tuple[PolicyError, ...]
    epoch: int
    message: str = field(compare=False)
    hop: int | None = None
    party: EntityUid | None = None
    arguments: Mapping[str, Any] | None = field(default=None, compare=False)
    approval_request: Any = field(default=None, compare=False)
    problem: Problem | None = field(default=None, compare=False)

    @property
    def allowed(self) -> bool:
        return self.verdict == "allow"

    @property
    def advice(self) -> Mapping[str, Any]:
        """What a model may see: nothing of other parties' policies."""
        needed = self.approval_request.needed if self.approval_request else ()
        roles = sorted({role for _, role in needed})
        argument, expected = getattr(self.problem, "argument", None), None
        if argument is not None and self.problem is not None:
            expected = self.problem.expected
        return {
            "reason": self.reason,
            "hop": self.hop,
            "argument": argument,
            "expected": expected,
            "roles": roles,
        }

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has no truth value; use `.allowed`")


def answer(
    outcome: Outcome,
    *,
    on_error: str = "deny",
    approved: frozenset[str] | None = None,
    stage: str = "ceiling",
    hop: int | None = None,
    party: EntityUid | None = None,
) -> Answer:
    """What one question came to.

    `approved` are the policies that approvals take back; None: it cannot be approved, so a forbid
    forbids whatever its role.
    """
    forbids = [each for each in outcome.forbids if approved is None or each.step_up is None]
    asking = [each for each in outcome.forbids if each.step_up and each.id not in (approved or ())]
    failing = [policy for policy, _ in outcome.failures if policy.effect == "forbid"]
    needed: Iterable[tuple[str, str]] = ()
    decided: list[Policy] = []
    if forbids:
        verdict, reason, decided = "deny", "forbidden", outcome.forbids
    elif failing and on_error == "deny":
        verdict, reason, decided = "deny", "forbid_error", failing
    elif not outcome.permits:
        verdict, reason = "deny", "not_permitted"
    elif asking:
        verdict, reason, decided = "step_up", "step_up", asking
        needed = {(policy.id, policy.step_up or "") for policy in asking}
    else:
        verdict, reason, decided = "allow", "permitted", outcome.permits
    found = {(policy.id, each.code): str(each) for policy, each in outcome.failures}
    errors = tuple(PolicyError(*name, message) for name, message in sorted(found.items()))
    ids = tuple(sorted({policy.id for policy in decided}))
    used = tuple(sorted({each.id for each in outcome.forbids} & (approved or frozenset())))
    return Answer(stage, hop, party, verdict, reason, ids, errors, tuple(sorted(needed)), used)


def denial(stage: str, code: str, hop: int | None = None) -> Answer:
    """A check that was not passed; no policy was asked."""
    return Answer(stage, hop, None, "deny", code)


def unreadable(problem: Problem) -> Answer:
    """What was asked for could not be read."""
    return Answer("arguments", None, None, "deny", problem.code, problem=problem)


def conclude(answers: Iterable[Answer]) -> Answer:
    """The answer that decides a call, with what all the others need and use. Of an allow, the last.

    Answers after the first deny are not made.
    """
    asked: list[Answer] = []
    for each in answers:
        if each.verdict == "deny":
            return each
        asked.append(each)
    needed = tuple(sorted({pair for each in asked for pair in each.needed}))
    approved = tuple(sorted({policy for each in asked for policy in each.approved}))
    deciding = next((each for each in asked if each.verdict == "step_up"), asked[-1])
    return replace(deciding, needed=needed, approved=approved)


def decision(
    answer: Answer,
    epoch: int,
    arguments: Mapping[str, Any] | None = None,
    approval_request: Any = None,
) -> Decision:
    allowed = answer.verdict == "allow"
    return Decision(
        verdict=answer.verdict,
        reason=answer.reason,
        stage=None if allowed else answer.stage,
        policies=answer.policies,
        errors=answer.errors,
        epoch=epoch,
        message=answer.problem.message if answer.problem else MESSAGES[answer.reason],
        hop=None if allowed else answer.hop,
        party=None if allowed else answer.party,
        arguments=arguments,
        approval_request=approval_request,
        problem=answer.problem,
    )


def decide(outcome: Outcome, on_error: str, epoch: int) -> Decision:
    """The decision of a call that is one question."""
    return decision(answer(outcome, on_error=on_error), epoch)


def refuse(problem: Problem, epoch: int) -> Decision:
    """The request could not be asked at all."""
    return decision(unreadable(problem), epoch)
