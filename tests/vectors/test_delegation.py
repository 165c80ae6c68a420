"""Every history of `delegation/` goes as expected, in the reference and in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import agentpdp
import agentpdp.reference
import pytest
from properties.chain_sides import load

from .events import EventCase, Play, event_cases

CASES = tuple(event_cases())
MAKERS: dict[str, Callable[..., Any]] = {
    "reference": agentpdp.reference.Engine,
    "engine": agentpdp.Engine,
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("this", CASES, ids=lambda this: this.name)
def test_history(this: EventCase, maker: Callable[..., Any]) -> None:
    for came, wanted in Play(load, maker, this).run():
        assert came == wanted, this.why


def test_names_are_unique_and_reasons_are_sentences() -> None:
    assert len({this.name for this in CASES}) == len(CASES) >= 100
    assert [this.name for this in CASES if not this.why.endswith(".")] == []


def test_every_reason_of_a_chain_has_a_history() -> None:
    met = {
        event["expected"]["reason"]
        for this in CASES
        for event in this.events
        if "reason" in event.get("expected", {})
    }
    assert met >= {
        *("permitted", "step_up", "forbidden", "forbid_error", "not_permitted"),
        *("unknown_grant", "revoked", "suspended", "not_yet_valid", "expired", "task_changed"),
        *("agent_mismatch", "param_unknown", "param_missing", "param_type", "param_range"),
        *("lifetime_too_long", "agent_repeated", "principal_as_agent", "depth_exceeded"),
        *("tree_full", "unknown_action", "context_reserved", "resource_mismatch", "unknown_party"),
        *("unknown_resource", "not_applicable", "outside_restriction", "hand_on_only"),
    }
