"""Playing events: names, batches, other bundles, and what cannot have happened."""

from __future__ import annotations

from typing import Any

import pytest
from agentpdp import EventError
from agentpdp.events import Outcome, Player, check, replay

from .desk import ADA, BOT, CEILINGS, FRED, REFUND, bundle

Event = dict[str, Any]


def start(at: int = 1_000, name: str = "g1", **more: Any) -> Event:
    event = {"event": "start", "at": at, "grant": name, "task": "refund", "principal": ADA}
    return {**event, "agent": BOT, "params": {"most": 300}, "claims": {"shift": 1}, **more}


def call(at: int, cents: int = 50, grant: str = "g1", **more: Any) -> Event:
    arguments = {"order": "o1", "cents": cents}
    event = {"event": "call", "at": at, "grant": grant, "action": "refund"}
    return {**event, "arguments": arguments, **more}


def event(kind: str, at: int, **fields: Any) -> Event:
    return {"event": kind, "at": at, **fields}


def play(*events: Event, **changes: str) -> list[Outcome]:
    checked = [(line, check(each)) for line, each in enumerate(events, 1)]
    return list(replay(bundle(**changes), checked))


def reasons(*events: Event, **changes: str) -> list[str | None]:
    return [outcome.reason for outcome in play(*events, **changes)]


def test_calls_happen_at_their_time() -> None:
    end = 1_000 + 30 * 60_000
    found = reasons(start(), call(end - 1), call(end), call(end - 1))
    assert found == ["permitted", "permitted", "expired", "expired"]


def test_an_approval_reaches_the_call_of_its_name_once() -> None:
    found = reasons(
        start(),
        call(1_001, 200, request="r1"),
        event("approve", 1_002, request="r1", by=FRED),
        call(1_003, 200),
        call(1_004, 200),
    )
    assert found == ["permitted", "step_up", "permitted", "permitted", "step_up"]


def test_nothing_is_approved_where_nothing_asks() -> None:
    unasked = REFUND.replace("> 100", "> 500")
    outcomes = play(
        start(),
        call(1_001, 200, request="r1"),
        event("approve", 1_002, request="r1", by=FRED),
        refund=unasked,
    )
    assert [each.verdict for each in outcomes] == ["allow", "allow", None]
    assert outcomes[2].note == "nothing to approve: the call does not ask"


def test_what_is_under_a_grant_that_was_not_issued_is_denied() -> None:
    closed = CEILINGS.replace('permit (principal is User in Team::"till"', "forbid (principal")
    child = event("delegate", 1_001, grant="g2", parent="g1", task="refund", agent='Agent::"aid"')
    outcomes = play(
        start(),
        child,
        call(1_002, grant="g2"),
        call(1_003),
        event("revoke", 1_004, grant="g2"),
        event("suspend", 1_004, grant="g2"),
        event("close", 1_005, grant="g1"),
        ceilings=closed,
    )
    found = [(each.verdict, each.reason) for each in outcomes]
    unknown = ("deny", "unknown_grant")
    assert found[0] == ("deny", "forbidden")
    assert found[2:4] == [unknown, unknown]
    assert outcomes[1].verdict == "deny"
    assert {each.note for each in outcomes[4:]} == {"the grant was not issued here"}


def test_the_agent_of_a_call_must_be_the_grants() -> None:
    found = reasons(start(), call(1_001, agent='Agent::"aid"'), call(1_002, agent=BOT))
    assert found == ["permitted", "agent_mismatch", "permitted"]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([call(1)], "line 1: there is no grant `g1`: an event `start` or `delegate` before it"),
        ([start(), start()], "line 2: there is a grant `g1` already: every grant has a name"),
        ([event("close", 1, grant="\x1bx")], "line 1: there is no grant `\\x1bx`"),
        ([event("approve", 1, request="r", by=ADA)], "line 1: there is no request `r`"),
        (
            [event("entities", 1, upsert=[{"uid": {"type": "Nobody", "id": "x"}}])],
            "line 1: the bundle does not take it: ",
        ),
        (
            [event("entities", 1, link=[{"template": "none", "id": "x"}])],
            "line 1: the bundle does not take it: ",
        ),
    ],
)
def test_what_cannot_have_happened_is_told(events: list[Event], said: str) -> None:
    with pytest.raises(EventError) as caught:
        play(*events)
    assert str(caught.value).startswith(said)


def test_a_later_bundle_is_reloaded() -> None:
    other = bundle(ceilings=CEILINGS + '@id("no") forbid (principal, action, resource);\n')
    events = [
        event("bundle", 999, digest=bundle().digest),
        start(),
        call(1_001),
        event("bundle", 1_002, digest=other.digest, name="till"),
        call(1_003),
    ]
    placed = list(enumerate(events, 1))
    known = {each.digest: each for each in (bundle(), other)}
    assert [each.reason for each in replay(bundle(), placed, bundles=known)] == [
        *(None, "permitted", "permitted", None, "forbidden")
    ]
    assert [each.reason for each in replay(bundle(), placed)][-1] == "permitted"
    with pytest.raises(EventError, match=r"line 4: the bundle `.*` is not at hand: hand it in"):
        list(replay(bundle(), placed, bundles={bundle().digest: bundle()}))


def test_a_reload_ends_approvals_of_the_candidate_too() -> None:
    found = reasons(
        start(),
        call(1_001, 200, request="r1"),
        event("approve", 1_002, request="r1", by=FRED),
        event("bundle", 1_003, digest="another"),
        call(1_004, 200),
    )
    assert found[-1] == "step_up"


def test_steps_and_batches_say_the_same() -> None:
    events = [start()]
    events += [call(1_001 + number, number * 7 % 400) for number in range(300)]
    events += [event("revoke", 1_200, agent=BOT), call(1_201)]
    placed = list(enumerate(events, 1))
    player = Player(bundle())
    stepped = [player.step(line, each) for line, each in placed]
    played = list(replay(bundle(), placed))
    assert [(o.line, o.verdict, o.decision) for o in stepped] == [
        (o.line, o.verdict, o.decision) for o in played
    ]


def test_a_call_can_be_explained_before_it_happens() -> None:
    player = Player(bundle())
    player.step(1, start())
    explanation = player.explain(2, call(1_001, 350))
    assert explanation is not None
    assert explanation.decision == player.step(2, call(1_001, 350)).decision
