"""The workloads of benches/ are what their heads say, the same everywhere, decided as Cedar does.

What is expected comes from `cedarpy`, never from agentpdp: all rows once, when expected.json was
recorded, and a sample of them here.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import cedarpy
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benches"))

from peers import handwritten
from peers.cedar import Cedar
from peers.handwritten_careful import careful
from workloads import arrow, w1, w2, w3, w4
from workloads.export import export
from workloads.record import sample
from workloads.registry import WORKLOADS
from workloads.registry import build as built
from workloads.scopes import candidate_counts
from workloads.w1.catalogue import DOMAINS, GROUP_OF_LEVEL, LEVELS, tools
from workloads.workload import Json, Workload, check, counts, entity, recorded, rows

build = cache(built)
SMALL = [name for name in WORKLOADS if not name.endswith("00000")]


@cache
def decided_by_hand() -> Any:
    return handwritten.build(build("w1"))


def scopes(workload: Workload) -> Json:
    policies: Json = json.loads(cedarpy.policies_to_json_str(workload.policies))
    return policies


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_gives_the_recorded_data(name: str) -> None:
    workload = build(name)
    assert workload.digest() == recorded()[name]["sha256"]
    assert workload.expected["allow"] + workload.expected["deny"] == len(workload.requests)


def test_every_workload_is_recorded() -> None:
    assert sorted(recorded()) == sorted(WORKLOADS)


def test_another_seed_gives_other_data_and_nothing_expected() -> None:
    other = w1.build(seed=9, requests=100)
    assert other.digest() != w1.build(requests=100).digest()
    assert other.expected == {}


@pytest.mark.parametrize("name", [name for name in SMALL if not name.endswith("-10000")])
def test_policies_pass_strict_validation(name: str) -> None:
    workload = build(name)
    found = cedarpy.validate_policies(workload.policies, workload.schema)
    assert found.validation_passed, [str(error) for error in found.errors]


def test_w1_has_the_shape_it_says() -> None:
    workload = build("w1")
    types = Counter(each["uid"]["type"] for each in workload.entities)
    assert (types["User"], types["Group"], types["Agent"]) == (200, 20, 50)
    assert len(DOMAINS) == 12
    assert len(list(tools())) == 300
    levels = ("root", "container", "leaf")
    found = {level: sum(types[getattr(each, level)] for each in DOMAINS) for level in levels}
    assert found == {"root": 36, "container": 480, "leaf": 19_484}
    assert sum(found.values()) == 20_000
    assert len(workload.requests) == 100_000
    assert 0.55 < workload.expected["allow"] / 100_000 < 0.65


def test_w1_has_100_policies_of_which_15_forbid() -> None:
    workload = build("w1")
    policies = scopes(workload)
    assert len(policies["staticPolicies"]) + len(workload.links) == 100
    effects = Counter(each["effect"] for each in policies["staticPolicies"].values())
    assert effects["forbid"] == 15
    assert {each["effect"] for each in policies["templates"].values()} == {"permit"}


def test_w1_calls_have_three_strings_and_three_integers() -> None:
    for request in build("w1").requests:
        kinds = [type(value) for value in request.context["input"].values()]
        assert kinds == [str] * 3 + [int] * 3


def test_w1_uses_every_policy() -> None:
    workload = build("w1")
    static = scopes(workload)["staticPolicies"].values()
    ids = {each["annotations"]["id"] for each in static} | {each.id for each in workload.links}
    assert set(workload.expected["policies"]) == ids
    assert workload.expected["reasons"]["forbid_error"] > 0


def test_w1_requests_meet_few_policies_and_some_many() -> None:
    workload = build("w1")
    actions = [entity(("Action", name)) for name in GROUP_OF_LEVEL.values()]
    for domain in DOMAINS:
        actions.append(entity(("Action", domain.name)))
        for level in LEVELS:
            above = [("Action", domain.name), ("Action", GROUP_OF_LEVEL[level])]
            actions.append(entity(("Action", f"{domain.name}_{level}"), parents=above))
    for tool in tools():
        above = [("Action", f"{tool.domain.name}_{tool.level}")]
        actions.append(entity(("Action", tool.id), parents=above))
    found = candidate_counts(workload, scopes(workload), workload.take(2_000), actions)
    few = sum(1 <= count <= 4 for count in found) / len(found)
    many = sum(count >= 10 for count in found) / len(found)
    assert few > 0.8
    assert many > 0.03


@pytest.mark.parametrize("name", SMALL)
def test_cedar_decides_a_sample_as_recorded(name: str) -> None:
    workload = build(name)
    found = counts(Cedar(workload).outcomes(sample(workload)))
    check(found, workload.expected["sample"])


def test_the_handwritten_function_decides_all_of_w1_as_recorded() -> None:
    workload = build("w1")
    found = counts(handwritten.outcomes(decided_by_hand(), workload.requests))
    check({**found, "errors": workload.expected["errors"]}, workload.expected)


def test_the_careful_function_says_the_same() -> None:
    workload = build("w1")
    ask = careful(decided_by_hand())
    for request in workload.take(5_000):
        principal, action, resource = (uid[1] for uid in request[:3])
        reason, policies = decided_by_hand()(principal, action, resource, request.context)
        assert ask(*request) == (reason == "permitted", reason, tuple(sorted(policies)))


def test_the_careful_function_refuses_what_does_not_fit_the_schema() -> None:
    principal, action, resource, context = build("w1").requests[0]
    ask = careful(decided_by_hand())
    given = context["input"]
    wrong: list[tuple[str, Json]] = [
        ("argument_missing", {}),
        ("argument_unknown", {"input": given, "more": 1}),
        ("argument_type", {"input": 1}),
        ("argument_unknown", {"input": {**given, "more": 1}}),
        ("argument_missing", {"input": {"target": "x"}}),
        ("argument_type", {"input": {**given, "amount": True}}),
        ("argument_type", {"input": {**given, "amount": 2**63}}),
        ("argument_type", {"input": {**given, "text": None}}),
    ]
    for reason, each in wrong:
        assert ask(principal, action, resource, each) == (False, reason, ())
    nothing = ("Action", "tool_999")
    assert ask(principal, nothing, resource, context).reason == "unknown_action"
    assert ask(principal, action, principal, context).reason == "not_applicable"


@pytest.mark.parametrize("case", w2.TEMPLATE_CASES, ids=lambda case: case.name)
def test_w2_decides_the_same_with_templates(case: w2.Case) -> None:
    plain = w2.Case(case.application, case.size)
    assert build(case.name).requests == build(plain.name).requests
    for key in ("allow", "deny", "reasons"):
        assert recorded()[case.name][key] == recorded()[plain.name][key]


@pytest.mark.parametrize("form", w3.FORMS)
@pytest.mark.parametrize("size", [10, 100, 1_000])
def test_w3_meets_and_satisfies_as_many_policies_at_every_size(form: str, size: int) -> None:
    workload = build(f"w3-{form}-{size}")
    actions = [entity(("Action", "work")), entity(("Action", "read"), parents=[("Action", "work")])]
    found = candidate_counts(workload, scopes(workload), workload.take(20), actions)
    assert set(found) == {w3.CANDIDATES}
    outcomes = Cedar(workload).outcomes(workload.take(50))
    satisfied = {len(each.policies) for each in outcomes if each.reason == "permitted"}
    assert satisfied == {w3.SATISFIED}
    assert {each.reason for each in outcomes} == {"permitted", "forbidden"}


def test_w3_has_one_sequence_of_verdicts() -> None:
    entries = [entry for name, entry in recorded().items() if name.startswith("w3")]
    assert len({(entry["allow"], entry["deny"]) for entry in entries}) == 1
    policies = {len(scopes(build(f"w3-static-{size}"))["staticPolicies"]) for size in (10, 100)}
    assert policies == {10, 100}


def test_w4_cuts_w1_into_whole_batches() -> None:
    workload = build("w1")
    for batch_rows, batch_count in ((1, 10_000), (100, 1_000), (10_000, 10)):
        found = w4.batches(workload, batch_rows)
        assert {len(each) for each in found} == {batch_rows}
        assert len(found) == batch_count


def test_arrow_columns_hold_the_requests() -> None:
    workload = build("w1")
    requests = workload.requests[:500]
    table = arrow.table(requests)
    assert table.column_names[:3] == ["principal", "action", "resource"]
    assert table.num_columns == 9
    for name in ("principal", "action", "resource", "context.input.target"):
        assert pa.types.is_dictionary(table.schema.field(name).type)
    assert table.schema.field("context.input.amount").type == pa.int64()
    flat = [leaf for _, leaf in arrow.leaves(requests[7].context)]
    assert list(table.slice(7, 1).to_pylist()[0].values())[3:] == flat
    nested = arrow.table(requests, nested=True).to_pylist()
    assert nested == rows(requests)
    assert arrow.table(build("w2-gdrive-5").requests[:9]).num_columns == 3
    assert sum(buffer.size for buffer in arrow.buffers(table)) > 500 * 3 * 8


def test_an_export_can_be_read_back(tmp_path: Path) -> None:
    workload = build("w2-gdrive-templates-5")
    export(workload, tmp_path / "made")
    found = {path.name: path.read_text() for path in (tmp_path / "made").iterdir()}
    assert found["policies.cedar"] == workload.policies
    assert found["schema.cedarschema"] == workload.schema
    assert json.loads(found["entities.json"]) == workload.entities
    assert len(json.loads(found["links.json"])) == len(workload.links)
    assert json.loads(found["expected.json"]) == workload.expected
    lines = [json.loads(line) for line in found["requests.jsonl"].splitlines()]
    assert lines == rows(workload.requests)
