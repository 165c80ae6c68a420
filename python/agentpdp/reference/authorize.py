"""Asking every policy: which are satisfied, which are not, and which fail.

A policy applies where its whole scope matches, and is satisfied where besides all its conditions
hold. It is asked in that order and stops at the first no, so what is behind a no cannot fail.

Twin: rust/core/src/authorize.rs. Read next: decision.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .entities import Entities
from .evaluate import Evaluator
from .policies import Policy
from .request import Request
from .value import Bool, EvaluationError, expect


@dataclass(frozen=True)
class Outcome:
    """Satisfied permits and forbids, and what went wrong in those that failed."""

    permits: list[Policy]
    forbids: list[Policy]
    failures: list[tuple[Policy, EvaluationError]]


def ask(asked: Iterable[tuple[Policy, Request]], entities: Entities) -> Outcome:
    """Ask each policy its request; they differ only where policies of several tasks are asked."""
    outcome = Outcome([], [], [])
    for policy, request in asked:
        try:
            if is_satisfied(policy, request, entities):
                (outcome.permits if policy.effect == "permit" else outcome.forbids).append(policy)
        except EvaluationError as error:
            outcome.failures.append((policy, error))
    return outcome


def is_satisfied(policy: Policy, request: Request, entities: Entities) -> bool:
    evaluator = Evaluator(request, entities)
    return (
        policy.principal.matches(request.principal, entities)
        and policy.action.matches(request.action, entities)
        and policy.resource.matches(request.resource, entities)
        and all(expect(Bool, evaluator.evaluate(each)).value for each in policy.conditions)
    )
