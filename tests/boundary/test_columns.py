"""Columns that cannot be read raise before any row is decided; a bad value denies its row alone."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from agentpdp import ColumnError, Engine

from .asking import (
    ALLOW,
    CALL,
    SCHEMA,
    WITH_SCHEMA,
    WITHOUT_SCHEMA,
    columns,
    engine,
    reason,
    reasons,
)

BOTH = pytest.mark.parametrize("this", [WITH_SCHEMA, WITHOUT_SCHEMA], ids=["schema", "none"])
FORBID = '@id("seen") forbid (principal, action, resource) when { context has n };'
SEEING = [engine(ALLOW + FORBID), engine(ALLOW + FORBID, "none")]
SEEING_BOTH = pytest.mark.parametrize("this", SEEING, ids=["schema", "none"])


def table(rows: int = 2, **context: Any) -> pa.Table:
    return pa.table(columns(rows, **context))


def without(part: str) -> dict[str, Any]:
    return {name: column for name, column in columns(2).items() if name != part}


# What is no batch or has wrong columns, with a part of the message.
WRONG: dict[str, tuple[Any, str]] = {
    "none": (None, "a batch is an Arrow table"),
    "number": (5, "a batch is an Arrow table"),
    "text": ("principal", "a batch is an Arrow table"),
    "empty dict": ({}, "no column `principal`"),
    "dict without action": (without("action"), "no column `action`"),
    "dict without resource": (without("resource"), "no column `resource`"),
    "table without action": (pa.table(without("action")), "no column `action`"),
    "lengths": ({**columns(2), "action": [CALL["action"]]}, "column `action` has 1 row"),
    "lengths of contexts": (columns(2, n=[1, 2, 3]), "column `context.n` has 3 rows"),
    "no column": ({**columns(2), "action": 5}, "column `action` cannot be read"),
    "names": ({**columns(2), 1: [1, 2]}, "names of columns are strings"),
    "numbers": ({**columns(2), "principal": np.array([1, 2])}, "column `principal` is Int64"),
    "arrow numbers": (
        pa.table({**columns(2), "principal": pa.array([1, 2])}),
        "column `principal` is Int64",
    ),
    "binary": (
        pa.table({**columns(2), "resource": pa.array([b"a", b"b"])}),
        "column `resource` is Binary",
    ),
    "struct": (
        pa.table({**columns(2), "action": pa.array([{"type": "Action", "name": "view"}] * 2)}),
        "its fields are `type` and `id`",
    ),
    "dictionary of numbers": (
        pa.table({**columns(2), "action": pa.array([1, 2]).dictionary_encode()}),
        "column `action` is a dictionary of Int64",
    ),
    "context twice": (pa.table({**columns(2, n=[1, 2]), "context": [{"n": 1}] * 2}), "context"),
    "below a column": (table(n=[1, 2], **{"n.a": [1, 2]}), "stands below a column"),
    "union": (
        table(
            n=pa.UnionArray.from_dense(
                pa.array([0, 0], pa.int8()), pa.array([0, 1], pa.int32()), [pa.array([1, 2])]
            )
        ),
        "column `context.n`",
    ),
    "array": (pa.array([1, 2]), "a table is wanted"),
    "row": ([CALL, 5], "row 1 is no dict"),
    "row as tuple": ([tuple(CALL.values())], "row 0 is no dict"),
    "row without action": ([CALL, without("action")], "row 1 has no `action`"),
}


@pytest.mark.parametrize("name", WRONG)
@BOTH
def test_wrong_columns_raise_and_say_where(this: Engine, name: str) -> None:
    batch, message = WRONG[name]
    with pytest.raises(ColumnError, match=message.replace(".", r"\.")):
        this.authorize_batch(batch)


@pytest.mark.parametrize("part", CALL)
def test_a_missing_column_raises_whatever_the_number_of_rows(part: str) -> None:
    schema = pa.schema([(name, pa.string()) for name in CALL if name != part])
    for batch in (schema.empty_table(), pa.Table.from_batches([], schema), {**without(part)}):
        with pytest.raises(ColumnError, match=f"no column `{part}`"):
            WITH_SCHEMA.authorize_batch(batch)


@pytest.mark.parametrize("name", [*CALL, "context.n"])
def test_a_column_that_comes_twice_raises(name: str) -> None:
    this = table(1, n=[1])
    twice = pa.Table.from_arrays([*this.columns, this[name]], names=[*this.column_names, name])
    with pytest.raises(ColumnError, match="twice"):
        WITH_SCHEMA.authorize_batch(twice)


@BOTH
@pytest.mark.parametrize("column", ["context", "context.r"])
def test_a_field_that_comes_twice_raises(column: str, this: Engine) -> None:
    """Else a second, null one could hide the first from a forbid."""
    field = pa.array([7])
    twice = pa.StructArray.from_arrays([field, pa.nulls(1, pa.int64())], names=["a", "a"])
    with pytest.raises(ColumnError, match="twice"):
        this.authorize_batch(pa.table({**columns(1), column: twice}))


@BOTH
def test_columns_that_are_not_needed_are_passed_over(this: Engine) -> None:
    odd = pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64()))
    others = {"note": odd, "Context": odd, "contexts.n": odd, "principal.type": odd}
    assert reasons(pa.table({**columns(2), **others}), this) == ["permitted"] * 2
    assert reasons({**columns(2), "note": ["a", "b"]}, this) == ["permitted"] * 2
    assert reasons([{**CALL, "note": object()}], this) == ["permitted"]


EMPTY = {
    **{"list": [], "tuple": (), "dict of columns": columns(0), "table": table(0)},
    **{"slice": table(2).slice(1, 0), "no batches": table(0).schema.empty_table()},
    "generator": (each for each in ()),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_has_no_decisions(name: str) -> None:
    out = WITH_SCHEMA.authorize_batch(EMPTY[name])
    assert (len(out), list(out), out.allowed.tolist(), out.reason.tolist()) == (0, [], [], [])
    assert out.counts() == {"allow": 0, "deny": 0, "reasons": {}, "policies": {}}
    assert out.to_arrow().num_rows == 0


@BOTH
def test_a_bad_value_denies_its_row_alone(this: Engine) -> None:
    good = [{**CALL, "context": {"n": 1}}] * 2
    values = [1.5, 2**63, object(), [None], {"a": None}, {1: 1}, "\ud800"]
    for value in values:
        bad = {**CALL, "context": {"n": value}}
        assert reasons([good[0], bad, good[1]], this) == ["permitted", "argument_type", "permitted"]
        cells = columns(3, n=[1, value, 1])
        assert reasons(cells, this) == ["permitted", "argument_type", "permitted"]
        objects = {**columns(3), "context": [{"n": 1}, {"n": value}, {}]}
        assert reasons(objects, this) == ["permitted", "argument_type", "permitted"]


def test_a_column_of_the_context_belongs_to_the_actions_that_declare_it() -> None:
    this = table(3, n=[1, None, 3], other=[None, 2, 3])
    expected = ["permitted", "argument_unknown", "argument_unknown"]
    assert reasons(this) == reasons(this.to_pydict()) == expected


NO_RECORD = [5, 1.5, True, "text", [1], [], object(), {1: 1}, [{"n": 1}]]


@BOTH
@pytest.mark.parametrize("value", NO_RECORD, ids=lambda value: ascii(value)[:20])
def test_a_context_that_is_no_record_denies(this: Engine, value: Any) -> None:
    batch = {**columns(2), "context": [value, {}]}
    assert reasons(batch, this) == ["argument_type", "permitted"]
    if isinstance(value, bool | int | float | str | list):
        arrow = pa.table({**columns(1), "context": pa.array([value])})
        assert reasons(arrow, this) == ["argument_type"]


@pytest.mark.parametrize("value", [5, "text", [1], []], ids=ascii)
def test_a_context_that_is_no_record_is_ill_typed_before_it_lacks_a_name(value: Any) -> None:
    strict = engine(ALLOW, SCHEMA.replace("n?: Long", "n: Long"))
    batch = {**columns(2), "context": [value, {}]}
    assert reason(value, strict) == "argument_type"
    assert reasons(batch, strict) == ["argument_type", "argument_missing"]
    arrow = pa.table({**columns(1), "context": pa.array([value])})
    assert reasons(arrow, strict) == ["argument_type"]


@SEEING_BOTH
def test_a_null_context_is_an_empty_one(this: Engine) -> None:
    """As `None` is in a single call and in a row that is a dict."""
    assert reasons([{**CALL, "context": None}], this) == ["permitted"]
    expected = ["permitted", "forbidden"]
    assert reasons({**columns(2), "context": [None, {"n": 1}]}, this) == expected
    structs = pa.array([None, {"n": 1}], pa.struct([("n", pa.int64())]))
    assert reasons(pa.table({**columns(2), "context": structs}), this) == expected
    assert reasons(pa.table({**columns(1), "context": pa.nulls(1)}), this) == ["permitted"]


@SEEING_BOTH
def test_a_none_in_a_cell_is_absent(this: Engine) -> None:
    cells = columns(2, n=[None, 1])
    assert reasons(cells, this) == ["permitted", "forbidden"]
    assert reasons(columns(2, n=np.array([None, 1], object)), this) == ["permitted", "forbidden"]


@SEEING_BOTH
def test_a_none_inside_an_object_is_no_value(this: Engine) -> None:
    """An object is read as in a single call, where a None must not switch off a forbid."""
    for context in ({"n": None}, {"r": {"a": None}}, {"set": [None]}):
        assert reasons([{**CALL, "context": context}], this) == ["argument_type"]
        assert reasons({**columns(1), "context": [context]}, this) == ["argument_type"]
    assert reasons(columns(1, r=[{"a": None}]), this) == ["argument_type"]


def test_rows_name_only_the_ids_that_a_type_lists() -> None:
    schema = """
    entity User; entity Clerk enum ["c1", "c2"]; entity Doc; entity Box enum ["b1"];
    action view appliesTo { principal: [User, Clerk], resource: [Doc, Box] };
    action edit appliesTo { principal: [User], resource: [Doc] };
    """
    this = engine('@id("all") permit (principal, action, resource);', schema)
    uids = ['User::"u"', 'Clerk::"c2"', 'Clerk::"c3"', 'Doc::"d"', 'Box::"b1"', 'Box::"b2"']
    asked = list(itertools.product(uids, ['Action::"view"', 'Action::"edit"'], uids))
    rows = [dict(zip(("principal", "action", "resource"), each, strict=True)) for each in asked]
    singles = [this.authorize(**row, context={}).reason for row in rows]
    assert {"permitted", "unknown_party", "unknown_resource", "not_applicable"} == set(singles)
    assert reasons(rows, this) == singles
    table = pa.Table.from_pylist(rows)
    assert reasons(table, this) == singles
    long = pa.concat_tables([table] * 1_400).combine_chunks()
    for threads in (1, 3):
        assert list(this.authorize_batch(long, threads=threads).reason) == singles * 1_400
