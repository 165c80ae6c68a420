"""Law: after anything that may happen, in any order, engine = reference, one by one and in batches.

A machine starts tasks, delegates them, decides, approves, revokes, suspends and resumes, closes,
reloads, changes entities and links, and moves the clock. What each step does is in
``chain_history.py``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from .chain_history import WEIGHTS, History, random_history

HISTORIES, STEPS = 60, 50
data = strategies.data()


class Chains(RuleBasedStateMachine):
    """One history, whose choices are Hypothesis's."""

    history: History

    @initialize(data=data)
    def begin(self, data: Any) -> None:
        self.history = History(lambda choices: data.draw(strategies.sampled_from(choices)))

    def step(self, kind: str, data: Any) -> None:
        self.history.choose = lambda choices: data.draw(strategies.sampled_from(choices))
        self.history.step(kind)

    @rule(data=data, kind=strategies.sampled_from(["decide", "ask_and_approve", "actions"]))
    def decide(self, kind: str, data: Any) -> None:
        self.step(kind, data)

    @rule(data=data, kind=strategies.sampled_from(["start", "delegate", "hand_on", "grow_deep"]))
    def grow(self, kind: str, data: Any) -> None:
        self.step(kind, data)

    @rule(data=data, kind=strategies.sampled_from([*WEIGHTS]))
    def anything(self, kind: str, data: Any) -> None:
        self.step(kind, data)


TestChains = Chains.TestCase
TestChains.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("part", range(4))
def test_random_histories(part: int) -> None:
    for seed in range(part, HISTORIES, 4):
        random_history(seed, STEPS)


def test_random_histories_meet_what_they_should() -> None:
    """So that nothing agrees only because it never happens."""
    met: Counter[tuple[Any, ...]] = Counter()
    for seed in range(40):
        met += random_history(seed, STEPS).met
    decided = {key[2]: count for key, count in met.items() if key[0] == "decided"}
    assert min(decided[reason] for reason in ("permitted", "step_up", "forbidden")) > 20
    reasons = {key[2] for key in met if len(key) > 2}
    assert reasons >= {
        *("forbid_error", "not_permitted", "unknown_grant", "revoked", "suspended", "expired"),
        *("task_changed", "param_type", "param_missing", "param_range", "param_unknown"),
        *("lifetime_too_long", "agent_repeated", "depth_exceeded", "tree_full", "unknown_party"),
        *("unknown_resource", "outside_restriction", "hand_on_only", "resource_mismatch"),
        *("argument_type", "argument_unknown", "argument_unsafe", "argument_entity"),
        *("argument_ambiguous", "argument_format", "not_applicable"),
    }
    forms = {key[1]: count for key, count in met.items() if key[0] == "batch"}
    assert min(forms[form] for form in ("handles", "ids", "columns")) > 20, forms
