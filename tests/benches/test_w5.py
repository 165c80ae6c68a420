"""The workload w5 is what its head says, and everybody who is timed on it decides as Cedar does.

What is expected comes from `cedarpy`, question by question: all calls once, when w5/expected.json
was recorded, and a sample of them here. The groups of the report run here on the small size, once.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benches"))

from groups import kinds, w5_batch, w5_grants, w5_live, w5_single
from groups.row import Group, Row
from peers import ours_chain
from peers.attenu_guards import Guards, context, is_uniform, scope
from peers.bounds import Places, expressible, is_asked
from peers.cedar_chain import CedarChain
from peers.handwritten_chain import Chains, careful
from peers.tenuo_warrants import Warrants
from workloads import w5
from workloads.w5 import GrantWorkload, Verdict

build = cache(w5.build)
SMALL = "w5-small"
PEER_CALLS = 300


@cache
def decided(name: str) -> list[Verdict]:
    workload = build(name)
    grants = ours_chain.grants(ours_chain.engine(workload), workload)
    return ours_chain.verdicts(grants, workload.calls)


@pytest.mark.parametrize("name", w5.SIZES)
def test_a_seed_gives_the_recorded_data(name: str) -> None:
    assert build(name).digest() == w5.recorded()[name]["sha256"]


def test_another_seed_gives_other_data_and_nothing_expected() -> None:
    other = w5.build(SMALL, seed=6)
    assert other.digest() != build(SMALL).digest()
    assert other.expected == {}


def test_w5_has_the_shape_it_says() -> None:
    workload = build("w5")
    types = Counter(each["uid"]["type"] for each in workload.entities)
    assert (types["User"], types["Agent"]) == (2_000, 500)
    assert len(workload.tasks) == 200
    assert {len(each.rules) for each in workload.tasks} == {1, 2, 3, 4, 5}
    assert {len(each.form.params) for each in workload.tasks} == {2}
    assert len(workload.issues) == 100_000
    assert Counter(each.hops for each in workload.issues) == {
        1: 40_000,
        2: 30_000,
        3: 20_000,
        4: 10_000,
    }
    assert len(workload.calls) == 100_000
    assert all(len(each.arguments) == 6 for each in workload.calls)


def test_about_three_in_five_calls_are_allowed_and_every_stage_denies_some() -> None:
    expected = w5.recorded()["w5"]
    assert 0.55 < expected["verdicts"]["allow"] / 100_000 < 0.65
    assert set(expected["stages"]) == {"None", "status", "arguments", "ceiling", "task"}
    assert set(expected["hops"]) == {"None", "0", "1", "2", "3"}
    assert expected["reasons"]["forbid_error"] > 0


def test_no_chain_has_an_agent_twice() -> None:
    workload = build(SMALL)
    for number in range(len(workload.issues)):
        agents = [workload.issues[each].agent for each in workload.chain(number)]
        assert len(agents) == len(set(agents)) == workload.issues[number].hops


@pytest.mark.parametrize("name", w5.SIZES)
def test_the_engine_decides_all_calls_as_recorded(name: str) -> None:
    w5.check(w5.counts(decided(name)), build(name).expected)


def test_a_wrong_count_fails() -> None:
    found = w5.counts(decided(SMALL)[1:])
    with pytest.raises(AssertionError, match="wrong decisions"):
        w5.check(found, build(SMALL).expected)


def test_cedar_decides_a_sample_as_the_engine_does() -> None:
    workload = build(SMALL)
    peer = CedarChain(workload)
    for call, verdict in list(zip(workload.calls, decided(SMALL), strict=True))[::10]:
        assert peer.verdict(call) == verdict


def test_the_reference_decides_a_sample_as_the_engine_does() -> None:
    workload = build(SMALL)
    reference = ours_chain.reference(workload)
    grants: dict[int, Any] = {}
    for call, verdict in list(zip(workload.calls, decided(SMALL), strict=True))[::40]:
        if verdict.stage != "status":
            for number in workload.chain(call.issue):
                if number not in grants:
                    one = workload.issues[number]
                    grants[number] = ours_chain.issue(reference, workload, one, grants)
            decision = grants[call.issue].decide(call.tool, call.arguments)
            assert ours_chain.verdict(decision) == verdict


def test_the_handwritten_function_decides_all_calls_as_recorded() -> None:
    workload = build("w5")
    w5.check(w5.counts(Chains(workload).verdicts(workload.calls)), workload.expected)


def test_the_careful_function_says_the_same_and_refuses_what_the_schema_refuses() -> None:
    workload = build(SMALL)
    chains = Chains(workload)
    ask = careful(chains.decide)
    asked = chains.asked(workload.calls[:300])
    assert [ask(*each) for each in asked] == chains.verdicts(workload.calls[:300])
    held, tool, given = asked[0]
    wrong: list[tuple[str, Any]] = [
        ("argument_missing", {}),
        ("argument_type", 1),
        ("argument_unknown", {**given, "more": 1}),
        ("argument_type", {**given, "amount": True}),
        ("argument_type", {**given, "amount": 2**53}),
        ("argument_type", {**given, "text": None}),
    ]
    for reason, arguments in wrong:
        assert ask(held, tool, arguments).reason == reason


def reaching(workload: GrantWorkload, fits: Any) -> list[Any]:
    """Calls that reach the tasks, of tasks that fit."""
    return [
        (call, verdict)
        for call, verdict in zip(workload.calls, decided(workload.name), strict=True)
        if fits(workload.tasks[workload.issues[call.issue].task])
        and is_asked(workload, call, verdict)
    ][:PEER_CALLS]


def test_tenuo_allows_what_the_tasks_allow() -> None:
    workload = build(SMALL)
    warrants = Warrants(workload, Places(workload))
    rows = reaching(workload, expressible)
    found = [warrants.check(call)(call.tool, call.arguments) for call, _ in rows]
    assert found == [verdict.verdict == "allow" for _, verdict in rows]
    assert len(set(found)) == 2


def test_attenu_guard_allows_what_the_tasks_allow() -> None:
    workload = build(SMALL)
    guards = Guards(workload, Places(workload))
    rows = reaching(workload, is_uniform)
    found = [
        guards.check(call)(scope(call.tool), context=context(call.arguments)).allowed
        for call, _ in rows
    ]
    assert found == [verdict.verdict == "allow" for _, verdict in rows]
    assert len(set(found)) == 2


def run_once(group: Group) -> None:
    """Everything once, with its check; each line of the report has a number."""
    times = {one.name: [one.measure()] for one in group.timed}
    assert len(times) == len(group.timed)
    for row in group.rows:
        value = row.value(times)
        assert value is not None, row.what
        assert row.words(value)


@pytest.mark.parametrize(
    "build_group",
    [w5_single.build, w5_batch.build, w5_batch.build_threads, w5_grants.build],
    ids=["single", "batch", "threads", "grants"],
)
def test_a_group_of_the_report_runs(build_group: Any) -> None:
    run_once(build_group(SMALL))


def test_the_group_of_many_live_grants_runs_with_fewer() -> None:
    run_once(w5_live.build(SMALL, copies=3, count=500))


def test_the_group_of_memory_runs_with_fewer_grants() -> None:
    group = w5_grants.build_memory(20_000)
    run_once(group)
    (each,) = {row.sense for row in group.rows}
    assert group.rows[0].words(203.4) == "203 bytes"
    assert each == "bytes"


def test_kinds_are_not_measured_without_the_program() -> None:
    group = kinds.build(None)
    assert [row.value({}) for row in group.rows] == [None] * 3


def test_what_one_more_costs_is_the_difference_shared() -> None:
    row = Row("each further hop", "each more", 100.0, "four", "one", 3)
    value = row.value({"four": [700.0], "one": [400.0]})
    assert value == 100.0
    assert row.is_met(value)
    assert not row.is_met(101.0)
    assert row.words(value) == "100.0 ns"


@pytest.mark.parametrize("name", w5.SIZES)
def test_busy_calls_are_ten_each_and_decided_as_recorded(name: str) -> None:
    workload = build(name)
    grants = ours_chain.grants(ours_chain.engine(workload), workload)
    w5.check(w5.counts(ours_chain.verdicts(grants, workload.busy)), workload.expected["busy"])
    assert set(Counter(each.issue for each in workload.busy).values()) == {10}
    assert {workload.issues[each.issue].hops for each in workload.busy} == {2}
