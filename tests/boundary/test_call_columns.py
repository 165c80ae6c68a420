"""Law: however calls under grants come in columns, they are decided as one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import agentpdp
import pyarrow as pa
import pytest
from agentpdp import EntityUid
from hypothesis import given, settings
from hypothesis import strategies as st

DESK = Path(__file__).parents[1] / "bundles" / "care-desk"
ENGINE = agentpdp.Engine(agentpdp.Bundle.load(DESK), clock="caller")
ORDER = {"order": "o1", "max": 5_000}
ROOT = ENGINE.start(
    ["refund-order", "pay"],
    principal=EntityUid("User", "alice"),
    agent=EntityUid("Agent", "care-bot"),
    params=ORDER | {"payees": ["acc"]},
    claims={"scope": ["refund"]},
    at=1_000,
)
CHILD = ROOT.delegate(
    "refund-order", agent=EntityUid("Agent", "checker"), params=ORDER | {"max": 400}, at=1_000
)
GRANTS = {ROOT.id: ROOT, CHILD.id: CHILD}
NAMES = ("order_id", "amount", "recipient", "to", "body")
TEXTS = st.sampled_from(["o1", "o2", "acc", "evil", "a@ok.com", "a@ok.com, b@x.org", "", "é"])
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "order_id": TEXTS,
        "amount": st.sampled_from([5, 50, 500, 6_000, 300_000, -1, 2**62]),
        "recipient": TEXTS,
        "to": TEXTS,
        "body": TEXTS,
    },
).map(
    lambda given: {name: given[name] for name in NAMES if name in given}
)  # a message names the first
IDS = st.sampled_from([*GRANTS, "0" * 32, "no id", None])
AGENTS = st.sampled_from(['Agent::"care-bot"', 'Agent::"checker"', 'User::"alice"', "none", None])
ACTIONS = st.sampled_from(["refund", "pay", "read_order", "send_mail", "nope", 'Action::"refund"'])
CALLS = st.lists(st.tuples(IDS, AGENTS, ACTIONS, ARGUMENTS), min_size=1, max_size=12)
Call = tuple[str | None, str | None, str, dict[str, Any]]


WORDS = pa.dictionary(pa.int32(), pa.string())
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view(), WORDS]


def answer(decision: agentpdp.Decision) -> tuple[Any, ...]:
    where = (decision.verdict, decision.reason, decision.stage, decision.hop, str(decision.party))
    request = decision.approval_request
    digest = None if request is None else request.digest
    return (*where, decision.policies, decision.message, decision.arguments, digest)


def one_by_one(call: Call) -> tuple[Any, ...] | str:
    """What the single call gives; the reason where it can name no grant."""
    grant_id, agent, action, arguments = call
    grant = GRANTS.get(str(grant_id))
    if grant is None:
        return "unknown_grant"
    if agent != str(grant.agent):
        return "agent_mismatch"
    return answer(grant.decide(action, arguments, at=2_000))


def compared(calls: list[Call], columns: Any) -> None:
    for call, decision in zip(calls, ENGINE.decide_batch(columns), strict=True):
        alone = one_by_one(call)
        assert (decision.reason if isinstance(alone, str) else answer(decision)) == alone


def plain(calls: list[Call], text: pa.DataType) -> dict[str, pa.Array]:
    ids, agents, actions, _ = zip(*calls, strict=True)
    sides = {"grant": ids, "agent": agents, "action": actions}
    times = {"at": pa.array([2_000] * len(calls), pa.int64())}
    return {name: pa.array(column, text) for name, column in sides.items()} | times


def column(calls: list[Call], name: str, text: pa.DataType) -> pa.Array:
    integers = pa.dictionary(pa.int8(), pa.int64()) if pa.types.is_dictionary(text) else pa.int64()
    return pa.array([each[3].get(name) for each in calls], integers if name == "amount" else text)


@pytest.mark.parametrize("prefix", ["arguments", "input"])
@pytest.mark.parametrize("text", TEXT_TYPES)
@given(CALLS)
@settings(deadline=None, max_examples=60)
def test_dotted_columns(text: pa.DataType, prefix: str, calls: list[Call]) -> None:
    dotted = {f"{prefix}.{name}": column(calls, name, text) for name in NAMES}
    compared(calls, pa.table(plain(calls, text) | dotted))


@given(CALLS)
@settings(deadline=None, max_examples=100)
def test_a_struct_column(calls: list[Call]) -> None:
    parts = [column(calls, name, pa.string()) for name in NAMES]
    struct = pa.StructArray.from_arrays(parts, list(NAMES))
    compared(calls, pa.table(plain(calls, pa.string()) | {"arguments": struct}))


@given(CALLS)
@settings(deadline=None, max_examples=100)
def test_columns_by_name_and_rows(calls: list[Call]) -> None:
    ids, agents, actions, arguments = (list(each) for each in zip(*calls, strict=True))
    times = [2_000] * len(calls)
    named = {"grant": ids, "agent": agents, "action": actions, "arguments": arguments, "at": times}
    compared(calls, named)
    rows = [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]
    if all(row["grant"] is not None for row in rows):
        compared(calls, rows)


def test_a_word_that_is_null_in_its_dictionary_is_absent() -> None:
    calls: list[Call] = [(ROOT.id, str(ROOT.agent), "refund", {"amount": 5})] * 2
    words = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.array([None, "o1"]))
    amounts = {"arguments.amount": column(calls, "amount", pa.string())}
    compared(calls, pa.table(plain(calls, pa.string()) | amounts | {"arguments.order_id": words}))


def test_an_object_in_a_column_is_read_as_in_a_row() -> None:
    calls: list[Call] = [(ROOT.id, str(ROOT.agent), "refund", {"amount": {"a": [1, None]}})]
    nested = {"arguments.amount": pa.array([{"a": [1, None]}])}
    compared(calls, pa.table(plain(calls, pa.string()) | nested))


@given(CALLS, CALLS)
@settings(deadline=None, max_examples=60)
def test_tables_in_several_pieces(calls: list[Call], more: list[Call]) -> None:
    def piece(calls: list[Call]) -> pa.Table:
        dotted = {f"arguments.{name}": column(calls, name, pa.string()) for name in NAMES}
        return pa.table(plain(calls, pa.string()) | dotted)

    whole = pa.concat_tables([piece(calls), piece(calls)[:0], piece(more)])
    compared(calls + more, whole)
    compared((calls + more)[1:], whole[1:])


@given(CALLS)
@settings(deadline=None, max_examples=60)
def test_rows_without_a_time_have_the_latest(calls: list[Call]) -> None:
    dotted = {f"arguments.{name}": column(calls, name, pa.string()) for name in NAMES}
    untimed = {name: of for name, of in plain(calls, pa.string()).items() if name != "at"}
    ENGINE.decide_batch(
        [{"grant": ROOT, "action": "refund", "at": 2_000}]
    )  # the clock stands there
    compared(calls, pa.table(untimed | dotted))
    some = pa.array([2_000 if row % 2 else None for row in range(len(calls))], pa.int64())
    compared(calls, pa.table(untimed | dotted | {"at": some}))


def struct(children: dict[str, list[Any]], is_there: list[bool]) -> pa.StructArray:
    absent = pa.array([not there for there in is_there])
    arrays = [pa.array(of) for of in children.values()]
    return pa.StructArray.from_arrays(arrays, list(children), mask=absent)


def test_a_struct_that_is_null_gives_no_arguments() -> None:
    calls: list[Call] = [(ROOT.id, str(ROOT.agent), "refund", {"amount": 5, "order_id": "o1"})] * 2
    given = struct({"amount": [5, 5], "order_id": ["o1", "o1"]}, [True, False])
    first, second = ENGINE.decide_batch(pa.table(plain(calls, pa.string()) | {"arguments": given}))
    assert answer(first) == one_by_one(calls[0])
    assert answer(second) == answer(ROOT.decide("refund", at=2_000)) != answer(first)


def test_a_struct_in_a_struct_is_an_object_where_it_is_there() -> None:
    inner = struct({"a": [1, None]}, [True, False])
    outer = pa.StructArray.from_arrays([inner, pa.array(["o1", "o1"])], ["amount", "order_id"])
    calls: list[Call] = [
        (ROOT.id, str(ROOT.agent), "refund", {"amount": {"a": 1}, "order_id": "o1"}),
        (ROOT.id, str(ROOT.agent), "refund", {"order_id": "o1"}),
    ]
    compared(calls, pa.table(plain(calls, pa.string()) | {"arguments": outer}))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_many_rows_of_many_pieces_stay_in_order(threads: int) -> None:
    arguments = [{"order_id": "o1", "amount": amount} for amount in (5, 500, 6_000, -1)]
    calls: list[Call] = [
        (grant.id, str(grant.agent), "refund", each)
        for grant in (ROOT, CHILD)
        for each in arguments
    ]
    alone = [one_by_one(call) for call in calls]
    dotted = {f"arguments.{name}": column(calls, name, WORDS) for name in ("order_id", "amount")}
    piece = pa.table(plain(calls, WORDS) | dotted)
    whole = pa.concat_tables([*[piece] * 700, piece.take(list(range(8)) * 1_300)])
    decided = ENGINE.decide_batch(whole, threads=threads)
    assert len(decided) == 8 * 2_000
    assert decided.reason.tolist() == [each[1] for each in alone] * 2_000
    assert [answer(decided[row]) for row in range(5_597, 5_613)] == [*alone[5:], *alone, *alone[:5]]
