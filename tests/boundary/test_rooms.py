"""A thread keeps room from call to call; whoever decides in between, each has its own answer."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import agentpdp
from agentpdp import EntityUid

DESK = Path(__file__).parents[1] / "bundles" / "care-desk"
ORDER = {"order": "o1", "max": 5_000}
ALLOWED = {"order_id": "o1", "amount": 5}
DENIED = {"order_id": "o1", "amount": 499_999}
REFUSED = {"order_id": "o1"}


def started() -> agentpdp.Grant:
    alice, bot = EntityUid("User", "alice"), EntityUid("Agent", "care-bot")
    this = agentpdp.Engine(agentpdp.Bundle.load(DESK))
    claims = {"scope": ["refund"]}
    return this.start("refund-order", principal=alice, agent=bot, params=ORDER, claims=claims)


def told(grant: agentpdp.Grant, arguments: dict[str, Any]) -> list[Any]:
    decision = grant.decide("refund", arguments)
    return [decision.verdict, decision.reason, decision.policies, decision.arguments]


@contextmanager
def collecting(often: Any) -> Iterator[None]:
    """Python code runs wherever something is allocated that may hold others."""
    thresholds = gc.get_threshold()
    gc.callbacks.append(often)
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(often)


def test_calls_within_calls_have_their_own_answers() -> None:
    grant, inner = started(), started()
    calls: list[dict[str, Any]] = [ALLOWED, DENIED, REFUSED] * 3
    expected = [told(grant, arguments) for arguments in calls]
    assert [each[0] for each in expected[:3]] == ["allow", "deny", "deny"]
    within: list[tuple[list[Any], list[Any]]] = []

    def often(phase: str, info: dict[str, int]) -> None:
        turn = len(within) % len(calls)
        gc.disable()
        within.append((told(inner, calls[turn]), expected[turn]))
        gc.enable()

    with collecting(often):
        found = [told(grant, arguments) for arguments in calls]
    assert found == expected
    assert within
    assert all(each == wanted for each, wanted in within)


def test_threads_have_their_own_answers() -> None:
    grant = started()
    expected = [told(grant, arguments) for arguments in (ALLOWED, DENIED, REFUSED)]
    wrong: list[Any] = []

    def ask(turn: int) -> None:
        arguments: dict[str, Any] = (ALLOWED, DENIED, REFUSED)[turn]
        wrong.extend(each for _ in range(300) if (each := told(grant, arguments)) != expected[turn])

    threads = [Thread(target=ask, args=(turn,)) for turn in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_reading_plain_arguments_counts_no_reference_twice() -> None:
    grant = started()
    name, order, amount = "".join(["order", "_id"]), "".join(["o", "1"]), int("4999")
    arguments = {name: order, "amount": amount}
    things = [name, order, amount, arguments]
    before = [sys.getrefcount(each) for each in things]
    for _ in range(100):
        assert grant.decide("refund", arguments).arguments == arguments
        assert grant.decide("refund", {**arguments, "amount": [amount]}).reason == "argument_type"
    assert [sys.getrefcount(each) for each in things] == before
