"""Calls that are read and decided in bulk come to what they come to one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from agentpdp import Decision, EventError, _core
from agentpdp.cli.bulk import BulkPlay
from agentpdp.events import Outcome, Player, read_event
from agentpdp.events.reading import _DECODER, read_unusual
from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import ADA, AID, BOT, FRED, bundle, entity


def braced(inner: str) -> str:
    return "{" + inner + "}"


NUMBERS = st.sampled_from(
    [
        *("0", "-0", "7", "50", "200", "7.0", "-0.0", "1.50", "0.00001", "1e2", "2E-2", "1e400"),
        *(
            "9007199254740993",
            "123456789012345678",
            "1234567890123456789",
            "9" * 30,
            "01",
            "1.",
            "-",
        ),
        *("0.1", "0.30000000000000004", "123456789.1234567", "NaN", "Infinity", "true", "null"),
    ]
)
TEXTS = st.sampled_from(
    ['"o1"', '"o\\u0031"', '"\\ud83d\\ude00"', '"\\ud83d"', '"é"', '"x\\n"', '""', '"a', '"\\x"']
)
NUMBERS_READ = st.sampled_from(["7.0", "-0.0", "1.50", "0.00001", "1e2", "9.5", "12", "1e400"])
VALUES = st.recursive(
    NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda each: f"[{', '.join(each)}]")
        | st.lists(st.tuples(TEXTS, inner), max_size=3).map(
            lambda pairs: braced(",".join(f"{name}:{value}" for name, value in pairs))
        )
    ),
    max_leaves=4,
)


def mostly(usual: Any, strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What is usual, as often as everything else."""
    return st.just(json.dumps(usual)) | strategy


GRANTS = st.sampled_from(["g1", "g2", "g3", "none"]).map(json.dumps)
UIDS = st.sampled_from([BOT, AID, {"type": "Agent", "id": "bot"}, {"type": "Agent"}, 5, "x"])
ACTIONS = st.sampled_from(["refund", "pay", "look", 'Action::"pay"', "x", ""])
NAMES = {"order": "o1", "to": "acc", "cents": 50, "amount": 7.5}


@st.composite
def arguments(draw: st.DrawFn) -> str:
    names = draw(st.sampled_from([("order", "cents"), ("to", "amount"), ("order",), ()]))
    pairs = [f'"{name}": {draw(mostly(NAMES[name], VALUES))}' for name in names]
    return braced(", ".join(pairs))


FIELDS: dict[str, st.SearchStrategy[str]] = {
    "arguments": arguments() | arguments() | VALUES,
    "context": st.just("{}") | VALUES,
    "agent": UIDS.map(json.dumps),
    "resource": st.sampled_from(['Order::"o1"', {"type": "Order", "id": "o1"}, None, 7, {}]).map(
        json.dumps
    ),
    "request": st.sampled_from(["r1", "r2", "", "r" * 257, "é" * 256]).map(json.dumps),
    "decision": st.sampled_from(["allow", "deny", "step_up", "no"]).map(
        lambda word: f'{{"verdict": "{word}"}}'
    ),
    "odd": st.just("1"),
}


@st.composite
def call_lines(draw: st.DrawFn) -> str:
    some = draw(
        st.lists(st.sampled_from(["decision", "arguments", "request"]), unique=True)
        | st.lists(st.sampled_from(sorted(FIELDS)), max_size=3)
    )
    pairs = [
        ("event", '"call"'),
        ("at", draw(mostly(2_000, NUMBERS))),
        ("grant", draw(GRANTS)),
        ("action", json.dumps(draw(ACTIONS))),
        ("arguments", draw(arguments())),
        *((name, draw(FIELDS[name])) for name in some if name != "arguments"),
    ]
    if draw(st.integers(0, 9)) == 0:
        pairs = draw(st.permutations(pairs))
    space = draw(st.sampled_from(["", " ", "\t"]))
    inner = ",".join(f'{space}"{name}":{space}{value}' for name, value in pairs)
    return f"{{{inner}}}{draw(st.sampled_from(['', '', chr(13), ' ', ' x']))}"


@st.composite
def plain_calls(draw: st.DrawFn) -> str:
    """Calls that are events, whatever comes of them."""
    action = draw(st.sampled_from(["refund", "refund", "pay", "look"]))
    cents = draw(st.sampled_from(["5", "50.0", "200", "-1", "7.25", "1e2", '"5"', "null", "[1]"]))
    order, amount = draw(st.sampled_from(["o1", "o2", "o\\u0031"])), draw(NUMBERS_READ)
    inner = {
        "refund": f'"order": "{order}", "cents": {cents}',
        "pay": f'"to": "acc", "amount": {amount}',
        "look": "",
    }
    call = f'"event": "call", "at": 2000, "grant": "{draw(st.sampled_from(["g1", "g2"]))}"'
    call += f', "action": "{action}", "arguments": {{{inner[action]}}}'
    if draw(st.booleans()):
        call += f', "decision": {{"verdict": "{draw(st.sampled_from(["allow", "deny"]))}"}}'
    if draw(st.booleans()):
        call += f', "request": "r{draw(st.integers(1, 2))}"'
    if draw(st.integers(0, 4)) == 0:
        call += f', "agent": {draw(st.sampled_from([BOT, AID]).map(json.dumps))}'
    return braced(call)


def line(kind: str, **fields: Any) -> str:
    return json.dumps({"event": kind, "at": 2_000, **fields})


ORDERS = st.sampled_from(
    [
        line("start", grant="g3", task="pay", principal=ADA, agent=BOT, claims={"shift": 1}),
        line("delegate", grant="g4", parent="g1", task="refund", agent=AID, params={"most": 20}),
        line("approve", request="r1", by=FRED),
        line("suspend", agent=AID),
        line("resume", agent=AID),
        line("close", grant="g2"),
        line("entities", upsert=[entity("Order", "o2", cents=1)]),
        line("bundle", digest="d"),
        "",
        "  ",
    ]
)
ODD = st.sampled_from(["nothing", "\ufeff{}"]) | call_lines()
FIRST = [
    line("bundle", digest="d"),
    line(
        "start",
        grant="g1",
        task=["refund", "pay"],
        principal=ADA,
        agent=BOT,
        params={"most": 300},
        claims={"shift": 1},
    ),
    line("delegate", grant="g2", parent="g1", task="refund", agent=AID, params={"most": 60}),
]
ASKING = '{"event": "call", "at": 2000, "grant": "g1", "action": "refund", "arguments": '


def all_of(decision: Decision | None) -> Any:
    """Everything that a decision says."""
    if decision is None:
        return None
    request = decision.approval_request
    names = ("verdict", "reason", "stage", "hop", "policies", "message", "advice", "arguments")
    found = {name: repr(getattr(decision, name)) for name in names}
    found["party"] = str(decision.party)
    found["errors"] = repr([(error.policy, str(error)) for error in decision.errors])
    if request is not None:
        # Not the digest, which binds the grant's id: that it is of the same call, approvals show.
        shown = ("tasks", "principal", "agent", "action", "resource", "arguments", "needed")
        found["request"] = repr([getattr(request, name) for name in shown])
    return found


def seen(outcome: Outcome) -> Any:
    what = (int(outcome.line), repr(outcome.event), outcome.tasks, outcome.verdict, outcome.note)
    return (*what, all_of(outcome.decision))


def one_by_one(lines: list[bytes]) -> Iterator[Any]:
    """What comes of each event, and at the end of the error, if there is one."""
    player = Player(bundle())
    try:
        for number, raw in enumerate(lines, 1):
            event = read_unusual(raw, number)
            if event is not None:
                yield seen(player.step(number, event))
    except EventError as error:
        yield str(error)


def in_bulk(lines: list[bytes]) -> Iterator[Any]:
    player, number, at = Player(bundle()), 0, 0
    block = b"".join(lines)
    try:
        while at < len(block):
            calls = player.play_calls(block, at)
            for row in range(len(calls)):
                before, start, end = calls.place(row)
                event = read_event(block[start:end])
                assert event is not None
                decision = calls[row]
                tasks = player.tasks_of(event["grant"])
                outcome = Outcome(number + before + 1, event, tasks, decision.verdict, decision)
                assert calls.verdicts[row] == ("allow", "step_up", "deny").index(decision.verdict)
                recorded = event.get("decision", {"verdict": decision.verdict})["verdict"]
                assert (row in calls.differing) == (recorded != decision.verdict)
                yield seen(outcome)
            number, at = number + calls.lines + 1, calls.end
            end = block.find(b"\n", at) + 1 or len(block)
            raw, at = block[at:end], end
            event = read_event(raw, number) if raw else None
            if event is not None:
                yield seen(player.step(number, event))
    except EventError as error:
        yield str(error)


@settings(deadline=None, max_examples=400)
@given(
    st.lists(plain_calls() | plain_calls() | plain_calls() | ORDERS, max_size=20),
    st.lists(ODD, max_size=3),
)
def test_bulk_equals_one_by_one(lines: list[str], odd: list[str]) -> None:
    raw = [f"{each}\n".encode("utf-8", "surrogatepass") for each in (*FIRST, *lines, *odd)]
    assert list(in_bulk(raw)) == list(one_by_one(raw))


@settings(deadline=None)
@given(st.lists(plain_calls() | call_lines(), min_size=1, max_size=6), st.data())
def test_bulk_equals_one_by_one_on_bytes_that_are_changed(
    lines: list[str], data: st.DataObject
) -> None:
    changed = bytearray("\n".join(lines).encode("utf-8", "surrogatepass"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(changed) - 1)))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    block = "".join(f"{each}\n" for each in FIRST).encode() + bytes(changed)
    raw = [each + b"\n" for each in block.split(b"\n")]
    assert list(in_bulk(raw)) == list(one_by_one(raw))


@settings(max_examples=500)
@given(VALUES | call_lines())
def test_a_plain_line_is_read_as_python_reads_it(text: str) -> None:
    line = braced(f'"a": {text}')
    found = _core._read_line(line.encode("utf-8", "surrogatepass"))
    if found is not None:
        assert repr(found) == repr(_DECODER.decode(line))


def test_most_lines_are_read_in_bulk() -> None:
    """What the test above compares is not nothing."""
    player = Player(bundle())
    for number, each in enumerate(FIRST, 1):
        player.step(number, json.loads(each))
    call = ASKING + '{"order": "o1", "cents": 7.0}, "decision": {"verdict": "deny"}}\n'
    played = player.play_calls(call.encode() * 5_000)
    assert (len(played), played.lines, played.is_full) == (4_096, 4_096, True)
    assert played.differing == list(range(4_096))
    assert player.counts() == [
        (("refund", "pay"), "refund", "allow", "permitted", None, ["refund/refund"], 4_096)
    ]


@pytest.mark.parametrize("asked", ["2e2", "200", "200.0"])
@pytest.mark.parametrize("called", ["2e2", "200", "200.0"])
def test_an_approval_is_of_the_same_call_however_it_was_read(asked: str, called: str) -> None:
    player = Player(bundle())
    lines = [
        *FIRST,
        ASKING + f'{{"order": "o1", "cents": {asked}}}, "request": "r1"}}',
        line("approve", request="r1", by=FRED),
        ASKING + f'{{"order": "o1", "cents": {called}}}}}',
        ASKING + f'{{"order": "o1", "cents": {called}}}}}',
    ]
    taken: list[Outcome] = []
    raw = "\n".join(lines).encode()
    bulk = BulkPlay("file", player, None, lambda here, _: taken.extend(here), _never, lambda: 0)
    bulk.play(raw)
    counted = {reason: count for _, _, _, reason, _, _, count in player.counts()}
    for outcome in taken:
        if outcome.event["event"] == "call" and outcome.reason is not None:
            counted[outcome.reason] = counted.get(outcome.reason, 0) + 1
    assert counted == {"step_up": 2, "permitted": 1}


def _never(_count: int, _first: Any) -> None:
    raise AssertionError("nothing is recorded")


def test_counts_are_in_names_across_bundles_and_entities() -> None:
    """Numbers of policies mean others after a change; the names do not."""
    player = Player(bundle())
    lines = [
        *FIRST,
        ASKING + '{"order": "o1", "cents": 5}}',
        line("entities", upsert=[entity("Order", "o2", cents=1)]),
        ASKING + '{"order": "o2", "cents": 5}}',
        line("bundle", digest="d"),
        ASKING + '{"order": "o2", "cents": 5}}',
    ]
    raw = "\n".join(lines).encode()
    BulkPlay("file", player, None, lambda _here, _other: None, _never, lambda: 0).play(raw)
    assert [(each[5], each[6]) for each in player.counts()] == [(["refund/refund"], 3)]
