"""What is recorded and decided again is decided the same."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

import numpy as np
import pytest
from agentpdp import Denied, Engine, EntityUid, StepUpNeeded
from agentpdp.events import Outcome, Recorder, read_events, replay
from agentpdp.events.recorder import decision_json
from agentpdp.events.values import arguments_json, host_json, length_json, uid_json
from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import ADA, AID, BOT, FRED, bundle, entity, recorder
from .example import EVENTS, record

SHIFT = {"shift": 1}


def events_of(lines: io.StringIO) -> list[dict[str, Any]]:
    return [event for _, event in read_events(lines.getvalue().splitlines())]


def replayed(lines: io.StringIO, **more: Any) -> Iterator[Outcome]:
    return replay(bundle(), read_events(lines.getvalue().splitlines()), **more)


def assert_replays_alike(lines: io.StringIO, **more: Any) -> None:
    """Every recorded decision is what replaying decides: all that is recorded of it."""
    count = 0
    for outcome in replayed(lines, **more):
        recorded = outcome.event.get("decision")
        if recorded is not None:
            decided = outcome.decision
            count += 1
            if decided is None:
                assert recorded == {"verdict": outcome.verdict}
            else:
                assert recorded == decision_json(decided)
    assert count


def session(engine: Recorder) -> None:
    """A bit of everything."""
    root = engine.start("refund", principal=ADA, agent=BOT, params={"most": 300}, claims=SHIFT)
    assert root.decide("refund", {"order": "o1", "cents": 50}).allowed
    assert not root.decide("refund", {"order": "o1", "cents": 400}).allowed
    asking = root.decide("refund", {"order": "o1", "cents": 200})
    with pytest.raises(Denied):
        engine.approve(asking.approval_request, by=ADA)
    engine.approve(asking.approval_request, by=FRED, expires_in="5m")
    with pytest.raises(StepUpNeeded):
        root.require("refund", {"order": "o1", "cents": 201})
    assert root.decide("refund", {"order": "o1", "cents": 200}).allowed
    assert not root.decide("refund", {"order": "o1", "cents": 200}).allowed
    child = root.delegate(
        "refund", agent=AID, params={"most": 60}, only_actions=["refund"], expires_in="2m"
    )
    with pytest.raises(Denied):
        root.delegate("refund", agent=AID, params={"most": 900})
    assert child.require("refund", {"order": "o1", "cents": 60}).allowed
    assert child.decide("look").reason == "outside_restriction"
    engine.suspend(agent=EntityUid("Agent", "aid"))
    assert child.decide("refund", {"order": "o1", "cents": 1}).reason == "suspended"
    engine.resume(agent=EntityUid("Agent", "aid"))
    engine.upsert([entity("Order", "o2", cents=np.int64(5))])
    assert child.decide("refund", {"order": "o2", "cents": 1}).allowed
    engine.remove([("Order", "o2")])
    assert child.decide("refund", {"order": "o2", "cents": 1}).reason == "unknown_resource"
    with pytest.raises(Denied):
        engine.revoke(grant=child, by=ADA)
    engine.revoke(grant=child, by=FRED)
    assert child.decide("refund", {"order": "o1", "cents": 1}).reason == "revoked"
    with engine.start(["pay"], principal=ADA, agent=BOT, claims=SHIFT) as pay:
        assert pay.decide("pay", {"to": "x", "amount": Decimal("9.5")}).allowed
        assert not pay.decide("pay", {"to": "x", "amount": Decimal("0.00001")}).allowed
        assert pay.actions()["pay"] == "depends"
    assert pay.decide("pay", {"to": "x", "amount": 1}).reason == "unknown_grant"
    with pytest.raises(Denied):
        engine.start("refund", principal=ADA, agent=BOT, params={"most": "x"}, claims=SHIFT)
    engine.reload(bundle())
    assert root.decide("refund", {"order": "o1", "cents": 50}).allowed
    assert not root.decide("refund", {"order": "o1", "cents": 499}).allowed
    engine.revoke(task="refund")
    assert root.decide("refund", {"order": "o1", "cents": 50}).reason == "revoked"


def test_a_recorded_session_replays_alike() -> None:
    engine, lines = recorder()
    session(engine)
    assert_replays_alike(lines)
    assert_replays_alike(lines, bundles={bundle().digest: bundle()})


def test_every_kind_of_event_but_links_is_in_the_session() -> None:
    engine, lines = recorder()
    session(engine)
    assert {event["event"] for event in events_of(lines)} == {
        *("start", "delegate", "call", "approve", "revoke", "suspend", "resume", "close"),
        *("entities", "bundle"),
    }


def test_links_are_recorded() -> None:
    guest = '@id("guest") permit (principal == ?principal, action, resource);\n'
    this = bundle(ceilings=guest)
    engine, lines = recorder(this)
    with pytest.raises(Denied):
        engine.start("pay", principal=ADA, agent=BOT, claims=SHIFT)
    engine.link("guest", "for-ada", principal=EntityUid("User", "ada"))
    engine.start("pay", principal=ADA, agent=BOT, claims=SHIFT)
    assert engine.unlink("for-ada")
    assert not engine.unlink("for-ada")
    with pytest.raises(Denied):
        engine.start("pay", principal=ADA, agent=BOT, claims=SHIFT)
    verdicts = [each.verdict for each in replay(this, read_events(lines.getvalue().splitlines()))]
    assert verdicts == [None, "deny", None, "allow", None, "deny"]


def test_the_example_is_what_the_example_records() -> None:
    assert EVENTS.read_text(encoding="utf-8") == record(), "run `python -m tests.events.example`"


def test_names_do_not_depend_on_ids() -> None:
    texts = []
    for _ in range(2):
        engine, lines = recorder()
        session(engine)
        texts.append(lines.getvalue())
    assert texts[0] == texts[1]


def test_threads_write_whole_lines_in_the_order_of_what_happened() -> None:
    engine, lines = recorder()
    root = engine.start("refund", principal=ADA, agent=BOT, params={"most": 99}, claims=SHIFT)

    def work(number: int) -> None:
        for cents in range(50):
            root.decide("refund", {"order": "o1", "cents": cents + number})
            if cents == 25 and number == 3:
                engine.revoke(agent=BOT)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = events_of(lines)
    assert len(events) == 2 + 4 * 50 + 1
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert_replays_alike(lines)


def test_what_json_cannot_hold_is_denied_again() -> None:
    engine, lines = recorder()
    grant = engine.start("pay", principal=ADA, agent=BOT, claims=SHIFT)
    for amount in (float("nan"), float("inf"), {1}, object(), Decimal("1e500")):
        assert not grant.decide("pay", {"to": "x", "amount": amount}).allowed
    assert [each.verdict for each in replayed(lines)][2:] == ["deny"] * 5


class Turning(Mapping[str, Any]):
    """Another amount at each look."""

    def __init__(self) -> None:
        self.looks = 0

    def __getitem__(self, name: str) -> Any:
        self.looks += name == "cents"
        return 50 * self.looks if name == "cents" else "o1"

    def __iter__(self) -> Iterator[str]:
        return iter(("order", "cents"))

    def __len__(self) -> int:
        return 2


def test_what_is_written_is_what_is_judged_and_run() -> None:
    engine, lines = recorder()
    root = engine.start("refund", principal=ADA, agent=BOT, params={"most": 300}, claims=SHIFT)
    decision = root.decide("refund", Turning())
    assert decision.allowed
    (event,) = (event for event in events_of(lines) if event["event"] == "call")
    assert event["arguments"] == decision.arguments == {"order": "o1", "cents": 50}


def test_what_is_no_order_is_written_and_denied_again() -> None:
    engine, lines = recorder()
    odd: Any = 5
    for odd_one in (
        {"params": odd},
        {"claims": odd},
        {"principal": odd},
        {"expires_in": odd + 0.5},
    ):
        asked = {"principal": ADA, "params": {"most": 10**5_000}, "claims": SHIFT, **odd_one}
        with pytest.raises(Denied):
            engine.start("refund", agent=BOT, **asked)
    assert_replays_alike(lines)


def test_public_names_of_a_grant_do_not_lead_to_the_engine() -> None:
    engine, _ = recorder()
    root = engine.start("refund", principal=ADA, agent=BOT, params={"most": 300}, claims=SHIFT)
    left: list[Any] = [root, root.decide("refund", {"order": "o1", "cents": 200})]
    seen: dict[int, Any] = {}
    while left:
        each = left.pop()
        if id(each) in seen or callable(each) or isinstance(each, str | int | float):
            continue
        seen[id(each)] = each
        assert not isinstance(each, Recorder | Engine)
        left += [getattr(each, name) for name in dir(each) if not name.startswith("_")]
        left += each if isinstance(each, list | tuple) else ()
    assert len(seen) > 5


CENTS = st.integers(-5, 400) | st.sampled_from([7.0, 7.5, "7", None, Decimal(7), 10**25, [], {}])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["refund", "pay", "look", "start.pay", "x"]), CENTS, CENTS),
        max_size=12,
    ),
    st.sampled_from([1, 3]),
)
def test_whatever_an_agent_hands_in_replays_alike(calls: Any, shift: int) -> None:
    engine, lines = recorder()
    tasks = ["refund", "pay"]
    grant = engine.start(
        tasks, principal=ADA, agent=BOT, params={"most": 300}, claims={"shift": shift}
    )
    for action, cents, amount in calls:
        decision = grant.decide(action, {"order": "o1", "cents": cents})
        if decision.approval_request is not None and isinstance(amount, int):
            with suppress(Denied):
                engine.approve(decision.approval_request, by=FRED)
        grant.decide(action, {"to": "x", "amount": amount})
    assert_replays_alike(lines)


def test_values_of_python_stand_as_json() -> None:
    time = datetime(999, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    host = {
        "uid": EntityUid("User", "ada"),
        "amount": Decimal("1.50"),
        "time": time,
        "span": timedelta(seconds=1.5),
        "address": ip_address("::1"),
        "many": {1},
        "row": np.array([1, 2]),
        "odd": object(),
        "nan": float("nan"),
    }
    assert json.loads(json.dumps(host_json(host))) == {
        "uid": {"__entity": {"type": "User", "id": "ada"}},
        "amount": {"__extn": {"fn": "decimal", "arg": "1.50"}},
        "time": {"__extn": {"fn": "datetime", "arg": "0999-01-02T03:04:05.678Z"}},
        "span": {"__extn": {"fn": "duration", "arg": "1500ms"}},
        "address": {"__extn": {"fn": "ip", "arg": "::1"}},
        "many": [1],
        "row": [1, 2],
        "odd": {"__unreadable": "object"},
        "nan": {"__unreadable": "float"},
    }
    handed = [np.float64(1.5), Decimal("2.0"), Decimal("0.5"), True, {1}, EntityUid("User", "a")]
    unreadable = [{"__unreadable": "set"}, {"__unreadable": "EntityUid"}]
    assert arguments_json(handed) == [1.5, 2, 0.5, True, *unreadable]
    assert uid_json(("User", "ada")) == {"type": "User", "id": "ada"}
    assert uid_json(5) == "not an entity (int)"
    assert length_json(timedelta(minutes=1)) == 60_000
    nested: Any = []
    for _ in range(200):
        nested = [nested]
    assert "__unreadable" in json.dumps(arguments_json(nested))
