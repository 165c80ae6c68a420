"""A batch is no loop over single calls: kernels run once over all rows of a chunk."""

from __future__ import annotations

from typing import Any

import agentpdp
import pyarrow as pa
import pytest

from .asking import CALL

CHUNK_ROWS = 8_192
SCHEMA = """
entity User, Doc;
action view appliesTo {
  principal: User, resource: Doc, context: { n: Long, s: String, b: Bool }
};
"""
POLICIES = """
@id("n") permit (principal, action, resource) when { context.n > 5 && context.n + 1 < 100 };
@id("s") permit (principal, action, resource) when { context.s == "a" || context.b };
@id("f") forbid (principal, action, resource) when { context.n == 7 };
"""
BUNDLE = agentpdp.Bundle.from_sources(policies=POLICIES, schema=SCHEMA)
ENGINE = agentpdp.Engine(BUNDLE)


def table(rows: int) -> pa.Table:
    """Rows that are alike in each hundred, so that kernels touch the same share of them."""
    calls: dict[str, Any] = {
        name: pa.array([text] * rows).dictionary_encode() for name, text in CALL.items()
    }
    return pa.table(
        {
            **calls,
            "context.n": pa.array([number % 100 for number in range(rows)]),
            "context.s": pa.array([("a", "b")[number % 2] for number in range(rows)]),
            "context.b": pa.array([number % 4 == 0 for number in range(rows)]),
        }
    ).combine_chunks()


def runs(batch: Any, **more: Any) -> tuple[int, int, int]:
    return ENGINE.authorize_batch(batch, **more)._kernel_runs


@pytest.mark.parametrize("rows", [1_000, 2_000, 4_000])
def test_kernel_runs_do_not_grow_with_the_rows(rows: int) -> None:
    typed, untyped, touched = runs(table(rows), threads=1)
    least_typed, least_untyped, least_touched = runs(table(100), threads=1)
    assert (typed, untyped) == (least_typed, least_untyped)
    assert 0 < typed <= typed + untyped < 40
    assert touched * 100 == least_touched * rows


@pytest.mark.parametrize("chunks", [2, 3])
def test_kernels_run_once_for_each_chunk(chunks: int) -> None:
    one, many = (runs(table(CHUNK_ROWS * number), threads=1) for number in (1, chunks))
    assert many[:2] == tuple(chunks * each for each in one[:2])


def test_dicts_are_decided_by_kernels_too() -> None:
    contexts = [{"n": number % 100, "s": "a", "b": False} for number in range(1_000)]
    some, all_rows = (
        runs([{**CALL, "context": each} for each in contexts[:count]], threads=1)
        for count in (100, 1_000)
    )
    assert some[:2] == all_rows[:2]
    assert all_rows[2] == 10 * some[2] > 0


def test_a_row_that_errs_in_a_later_part_leaves_the_others_their_values() -> None:
    schema = """
entity User, Doc;
action view appliesTo { principal: User, resource: Doc, context: { a: Long, b?: Long } };
"""
    parts = {
        "set": "[context.a, context.b].contains(2)",
        "record": "{x: context.a, y: context.b} == {x: 1, y: 3}",
        "call": 'ip(if context.a == 2 then "10.0.0.1" else "10.0.0.2")'
        '.isInRange(ip(if context.b == 3 then "10.0.0.1/32" else "::1"))',
    }
    for condition in parts.values():
        policy = f'@id("p") permit (principal, action, resource) when {{ {condition} }};'
        bundle = agentpdp.Bundle.from_sources(policies=policy, schema=schema, validate=False)
        contexts = [{"a": 1}, {"a": 2, "b": 3}, {"a": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 9}]
        rows = [{**CALL, "context": each} for each in contexts]
        this = agentpdp.Engine(bundle)
        singly = [this.authorize(**row) for row in rows]
        assert {each.allowed for each in singly} == {True, False}
        found = this.authorize_batch(rows)
        assert list(found.reason) == [each.reason for each in singly]
