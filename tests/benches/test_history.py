"""The history that replaying is measured on is the recorded one, and its decisions are right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import agentpdp.reference as reference
import pytest
from agentpdp import Denied

sys.path.insert(0, str(Path(__file__).parents[2] / "benches"))

from groups import replay
from workloads import history

EVENTS = 400


@pytest.mark.parametrize("name", history.SIZES)
def test_a_seed_gives_the_recorded_history(name: str) -> None:
    assert history.summary(history.build(name)) == history.recorded()[name]


def test_the_group_runs_once() -> None:
    for timed in replay.build("history-small").timed:
        timed.check(timed.run(timed.prepare()))


def test_a_wrong_count_fails() -> None:
    made = replay.play(replay.build("history-small").timed[0].prepare())
    with pytest.raises(AssertionError):
        replay.right(history.recorded()["history"])(made)


def test_the_reference_decides_the_beginning_alike() -> None:
    engine = reference.Engine(history.bundle(), clock="caller")
    grants: dict[str, Any] = {}
    requests: dict[str, Any] = {}
    decided = 0
    for line in history.build("history-small").splitlines()[:EVENTS]:
        event = json.loads(line)
        at, kind = event["at"], event["event"]
        given = {name: event[name] for name in ("params", "claims", "expires_in") if name in event}
        if kind == "start":
            principal = (event["principal"]["type"], event["principal"]["id"])
            grants[event["grant"]] = engine.start(
                event["task"], principal=principal, agent=event["agent"], at=at, **given
            )
        elif kind == "delegate":
            parent = grants[event["parent"]]
            grants[event["grant"]] = parent.delegate(
                event["task"], agent=event["agent"], at=at, **given
            )
        elif kind == "call":
            grant = grants[event["grant"]]
            decision = grant.decide(event["action"], event["arguments"], at=at)
            found = event["decision"]
            assert (decision.verdict, decision.reason) == (found["verdict"], found["reason"])
            assert list(decision.policies) == found.get("policies", [])
            decided += 1
            if "request" in event:
                requests[event["request"]] = decision.approval_request
        elif kind == "approve":
            verdict = "allow"
            try:
                by = (event["by"]["type"], event["by"]["id"])
                engine.approve(requests[event["request"]], by=by, at=at)
            except Denied:
                verdict = "deny"
            assert verdict == event["decision"]["verdict"]
        elif kind == "close":
            grants[event["grant"]].close()
    assert decided > EVENTS // 2
