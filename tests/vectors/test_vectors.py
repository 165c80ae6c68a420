"""Every vector gets its expected answer in every way of asking, and Cedar's where that is meant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import agentpdp
import agentpdp.reference
import cedarpy
import pyarrow as pa
import pytest
from agentpdp import _core
from properties.arrow_rows import InexpressibleError, arrow_type, grouped
from properties.paths import Answer, answer, cedar_answer, cedar_policies

from .vectors import PARTIES, Call, Vector, vectors

VECTORS = tuple(vectors())
# Reasons that are about a process or a batch, not about a request: tests/boundary has them.
NOT_OF_A_REQUEST = {"stale_code", "engine_forked"}
# What a request to a plain bundle can be answered with.
PLAIN = {
    *("permitted", "forbidden", "forbid_error", "not_permitted", "unknown_action"),
    *("argument_unknown", "argument_missing", "argument_type"),
    *("unknown_party", "unknown_resource", "not_applicable", *NOT_OF_A_REQUEST),
}


class Asked:
    """Engine and reference of a vector."""

    def __init__(self, vector: Vector) -> None:
        case = vector.case
        self.bundle = agentpdp.Bundle.from_sources(
            policies=case.policies,
            schema=case.schema or "none",
            entities=case.entities,
            on_error=vector.on_error,
            validate=False,
        )
        self.engine = agentpdp.Engine(self.bundle)
        self.model = agentpdp.reference.Engine(self.bundle)
        for link in case.links:
            self.engine.link(link.template, link.link_id, **link.slots())
            self.model.link(link.template, link.link_id, **link.slots())

    def batch(self, columns: Any) -> list[Answer]:
        return [answer(each) for each in self.engine.authorize_batch(columns)]


def expected(calls: Sequence[Call]) -> list[Answer]:
    return [each.expected for each in calls]


@pytest.fixture(params=VECTORS, ids=lambda vector: vector.name, name="vector", scope="module")
def one_vector(request: pytest.FixtureRequest) -> Vector:
    return request.param


@pytest.fixture(scope="module")
def asked(vector: Vector) -> Asked:
    return Asked(vector)


def test_one_by_one(vector: Vector, asked: Asked) -> None:
    found = [answer(asked.engine.authorize(**each.row)) for each in vector.calls]
    assert found == expected(vector.calls), vector.why


def test_as_a_batch_of_dicts(vector: Vector, asked: Asked) -> None:
    assert asked.batch([each.row for each in vector.calls]) == expected(vector.calls), vector.why


def test_as_columns_of_objects(vector: Vector, asked: Asked) -> None:
    calls = [each for each in vector.calls if each.not_in_columns is None]
    columns = {part: [each.row[part] for each in calls] for part in (*PARTIES, "context")}
    assert asked.batch(columns) == expected(calls), vector.why


def test_as_arrow_tables(vector: Vector, asked: Asked) -> None:
    """Contexts that fit stand in one table, so that rows of several actions meet."""
    calls = [each for each in vector.calls if each.not_in_columns is None]
    tables = grouped(calls)
    assert sorted(number for _, numbers in tables for number in numbers) == list(range(len(calls)))
    for context_type, numbers in tables:
        rows = [calls[number] for number in numbers]
        columns = {part: pa.array([each.row[part] for each in rows]) for part in PARTIES}
        columns["context"] = pa.array([each.context for each in rows], context_type)
        assert asked.batch(pa.table(columns)) == expected(rows), vector.why


def test_reference(vector: Vector, asked: Asked) -> None:
    found = [answer(asked.model.authorize(**each.row)) for each in vector.calls]
    assert found == expected(vector.calls), vector.why


def test_cedar(vector: Vector) -> None:
    """A request that does not fit is refused by Cedar, where we deny it at stage `arguments`."""
    case = vector.case
    calls = [each for each in vector.calls if each.not_in_cedar is None]
    schema = cedarpy.Schema.from_str(case.schema) if case.schema else None
    entities = cedarpy.Entities.from_json_str(json.dumps(case.entities), schema)
    policies = cedar_policies(case)
    rows = [each.row for each in calls]
    results = cedarpy.is_authorized_batch(rows, policies, entities, schema)
    for each, result in zip(calls, map(cedar_answer, results), strict=True):
        assert (result.refusal is not None) is (each.expected.stage == "arguments"), vector.why
        if result.refusal is None:
            wanted = each.expected
            assert result.allowed is (wanted.verdict == "allow"), vector.why
            assert result.policies == set(wanted.policies), vector.why
            assert result.errors == set(wanted.errors), vector.why


def inexpressible(context: Any) -> bool:
    try:
        return not pa.types.is_struct(arrow_type(context))
    except InexpressibleError:
        return True


def test_what_no_column_holds_is_said_and_true() -> None:
    calls = [(vector.name, each) for vector in VECTORS for each in vector.calls]
    wrong = [
        name
        for name, each in calls
        if inexpressible(each.context) is not (each.not_in_columns is not None)
    ]
    assert wrong == []


def test_names_are_unique_and_reasons_are_sentences() -> None:
    assert len({vector.name for vector in VECTORS}) == len(VECTORS) >= 60
    assert [vector.name for vector in VECTORS if not vector.why.endswith(".")] == []


def test_every_reason_and_every_code_has_a_vector() -> None:
    answers = [each.expected for vector in VECTORS for each in vector.calls]
    assert {code for code, *_ in _core._reasons()} >= PLAIN
    assert {each.reason for each in answers} == PLAIN - NOT_OF_A_REQUEST
    codes = {"type_error", "attribute_missing", "tag_missing", "entity_missing", "overflow"}
    assert {code for each in answers for _, code in each.errors} == {*codes, "extension_error"}
