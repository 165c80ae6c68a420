"""A recorded history of a care desk: what `agentpdp replay` is measured on.

Tasks are started for people, some of it is handed on to other agents, tools are called under what
was issued; some calls are beyond the task, some go to unknown orders or have wrong arguments, some
ask a person. Every event has the decision of its time, as a recorder writes it.

The bundle is that of the tests' care desk, with more orders and people. `history-small` is the
beginning, for tests. What is expected (history.json) is what the recording decided, call by call;
tests hold a sample of it to the reference.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from workloads.draw import Draw

SEED = 7
SIZES = {"history": 100_000, "history-small": 3_000}
EXPECTED = Path(__file__).with_suffix(".json")
SESSION_CALLS = 24
DESK = Path(__file__).parents[2] / "tests" / "bundles" / "care-desk"
ORDERS, PEOPLE = 2_000, 200
MAILS = ("ann@example.com", "bo@example.org, cy@example.org", "Ann <ann@example.com>", "no address")
BODY = "Dear customer, the money is on its way. See https://shop.example/orders for what was sent."


def entity(type_: str, id_: str, *parents: tuple[str, str], **attributes: Any) -> dict[str, Any]:
    above = [{"type": parent, "id": name} for parent, name in parents]
    return {"uid": {"type": type_, "id": id_}, "attrs": attributes, "parents": above}


@cache
def bundle() -> Any:
    """The care desk with its orders and people."""
    import agentpdp

    paths = (path for path in DESK.rglob("*") if path.is_file())
    files = {str(path.relative_to(DESK)): path.read_text(encoding="utf-8") for path in paths}
    people = [
        entity("User", f"user-{number}", ("Group", "care"), name=f"User {number}")
        for number in range(PEOPLE)
    ]
    orders = [
        entity(
            "Order", f"order-{number}", owner=uid("User", f"user-{number % PEOPLE}"), total=9_000
        )
        for number in range(ORDERS)
    ]
    files["entities.json"] = json.dumps([*json.loads(files["entities.json"]), *people, *orders])
    return agentpdp.Bundle.from_files(files)


def uid(type_: str, id_: str) -> dict[str, Any]:
    return {"__entity": {"type": type_, "id": id_}}


def recorded() -> Any:
    """What is expected, by the names of the sizes."""
    return json.loads(EXPECTED.read_text(encoding="utf-8"))


def summary(lines: bytes) -> dict[str, Any]:
    """The digest of the data, and what its events say was decided."""
    events = [json.loads(line) for line in lines.splitlines()]
    decided = [event["decision"] for event in events if "decision" in event]
    reasons = Counter(decision.get("reason", "permitted") for decision in decided)
    return {
        "sha256": hashlib.sha256(lines).hexdigest(),
        "events": len(events),
        "calls": sum(event["event"] == "call" for event in events),
        "verdicts": dict(sorted(Counter(each["verdict"] for each in decided).items())),
        "reasons": dict(sorted(reasons.items())),
    }


def record() -> None:
    """Write history.json anew."""
    found = {name: summary(build(name)) for name in SIZES}
    EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@cache
def build(name: str = "history", seed: int = SEED) -> bytes:
    """The events of a size as JSON lines; the last session may end early."""
    from agentpdp.events import Recorder

    draw, lines, events = Draw(seed), io.StringIO(), SIZES[name]
    times = itertools.count(1_893_456_000_000, 350)
    desk = Recorder(bundle(), lines, clock=lambda: next(times))
    calls = 0
    while calls < events:
        calls += session(desk, draw)
    return b"".join(lines.getvalue().encode().splitlines(keepends=True)[:events])


def session(desk: Any, draw: Draw) -> int:
    """What is done for one person: two tasks at once, some of it handed on; how many calls."""
    from agentpdp import Denied

    number = draw.integer(0, ORDERS - 1)
    order, accounts = f"order-{number}", [f"acc-{draw.integer(0, 9)}" for _ in range(3)]
    given = {"order": order, "max": draw.integer(1, 40) * 100, "payees": accounts}
    grant = desk.start(
        ["refund-order", "pay"],
        principal=("User", f"user-{number % PEOPLE}"),
        agent='Agent::"care-bot"',
        params=given,
        claims={"scope": ["refund"]},
    )
    grants = [grant]
    if draw.chance(0.5):
        child = {"order": order, "max": given["max"] // 2}
        grants.append(
            grant.delegate("refund-order", agent='Agent::"checker"', params=child, expires_in="10m")
        )
    calls = draw.integer(SESSION_CALLS // 2, SESSION_CALLS * 3 // 2)
    for _ in range(calls):
        action, arguments = call(draw, order, accounts)
        decision = draw.pick(grants).decide(action, arguments)
        if decision.approval_request is not None and draw.chance(0.2):
            try:
                desk.approve(decision.approval_request, by=("User", "alice"))
            except Denied:
                continue
    if draw.chance(0.7):
        grant.close()
    return calls


def call(draw: Draw, order: str, accounts: list[str]) -> tuple[str, dict[str, Any]]:
    """A call of an agent: mostly what the task is for."""
    action = draw.skewed(("read_order", "refund", "send_mail", "read_calendar", "pay"))
    at = order if draw.chance(0.9) else f"order-{draw.integer(0, 2 * ORDERS)}"
    if action == "read_order":
        return action, {"order_id": at}
    if action == "refund":
        amount: Any = draw.integer(1, 45) * 100
        amount = amount if draw.chance(0.95) else str(amount)
        return action, {"order_id": at, "amount": amount, "reason": "Arrived “broken”"}
    if action == "send_mail":
        return action, {"to": draw.pick(MAILS), "body": BODY}
    if action == "read_calendar":
        return action, {"days": draw.integer(1, 14)}
    to = draw.pick(accounts) if draw.chance(0.8) else f"acc-{draw.integer(0, 99)}"
    return action, {"recipient": to, "amount": draw.integer(1, 300_000) / 100}
