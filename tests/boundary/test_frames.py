"""pandas, polars and DuckDB hand their frames over, and get the answers of the same dicts."""

from __future__ import annotations

from typing import Any

import agentpdp.reference
import pytest

from .asking import CALL, WITH_SCHEMA, reason, reasons

CONTEXTS: list[dict[str, Any]] = [
    {"n": 1, "s": "a", "b": True},
    {"n": 2, "s": "b"},
    {"n": 3},
    {"s": "c", "b": False},
    {},
]
ROWS = [{**CALL, "context": each} for each in CONTEXTS]
NAMES = ("n", "s", "b")


def flat() -> dict[str, list[Any]]:
    """The rows as columns with None where nothing is."""
    columns: dict[str, list[Any]] = {name: [text] * len(ROWS) for name, text in CALL.items()}
    for name in NAMES:
        columns[f"context.{name}"] = [context.get(name) for context in CONTEXTS]
    return columns


def answers(batch: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.reason, each.policies) for each in WITH_SCHEMA.authorize_batch(batch)]


EXPECTED = answers(ROWS)


def test_rows_differ() -> None:
    assert len(set(EXPECTED)) == len(CONTEXTS)


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(flat()).convert_dtypes()
    assert answers(frame) == EXPECTED
    categories = frame.astype(dict.fromkeys((*CALL, "context.s"), "category"))
    assert answers(categories) == EXPECTED


def test_pandas_with_numbers_as_floats() -> None:
    """NaN is what a frame has for an integer that is not there; to Arrow it is a null."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(flat())
    assert frame["context.n"].dtype == "float64"
    assert answers(frame) == EXPECTED


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(flat())
    assert answers(frame) == EXPECTED
    cast = [polars.col(name).cast(polars.Categorical) for name in CALL]
    assert answers(frame.with_columns(cast)) == EXPECTED
    struct = polars.struct(polars.col(f"context.{name}").alias(name) for name in NAMES)
    assert answers(frame.select(*CALL, struct.alias("context"))) == EXPECTED
    pieces = [frame.slice(0, 2), frame.slice(2)]
    assert answers(polars.concat(pieces, rechunk=False)) == EXPECTED
    assert answers(frame.slice(1, 3)) == EXPECTED[1:4]


def test_polars_lists_and_times() -> None:
    polars = pytest.importorskip("polars")
    calls = {name: [text] for name, text in CALL.items()}
    frame = polars.DataFrame({**calls, "context.set": [[1, 2]], "context.i": ["10.0.0.1"]})
    times = polars.lit("2026-01-01").str.to_datetime(time_zone="UTC").alias("context.t")
    spans = polars.duration(hours=1).alias("context.u")
    assert answers(frame.with_columns(times, spans)) == [
        ("permitted", ("all", "i", "set", "t", "u"))
    ]


def test_duckdb() -> None:
    duckdb = pytest.importorskip("duckdb")
    pyarrow = pytest.importorskip("pyarrow")
    relation = duckdb.from_arrow(pyarrow.table(flat()))
    assert answers(relation) == EXPECTED
    some = relation.filter('"context.n" >= 2').order('"context.n"')
    assert answers(some) == EXPECTED[1:3]
    struct = """{'n': "context.n", 's': "context.s", 'b': "context.b"} as context"""
    assert answers(relation.project(f"principal, action, resource, {struct}")) == EXPECTED


def test_results_go_back_into_a_frame() -> None:
    polars = pytest.importorskip("polars")
    out = polars.DataFrame(WITH_SCHEMA.authorize_batch(polars.DataFrame(flat())).to_arrow())
    assert out["reason"].to_list() == reasons(ROWS)
    assert out["allowed"].to_list() == [True] * len(ROWS)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_series_inside_a_context_is_no_value(package: str) -> None:
    """Neither to the engine nor to the reference."""
    series = pytest.importorskip(package).Series([1, 2])
    model = agentpdp.reference.Engine(WITH_SCHEMA.bundle)
    assert reason({"set": series}) == "argument_type"
    assert model.authorize(**CALL, context={"set": series}).reason == "argument_type"


def test_a_numpy_array_inside_a_context_is_a_set() -> None:
    array = pytest.importorskip("numpy").array([1, 2])
    model = agentpdp.reference.Engine(WITH_SCHEMA.bundle)
    assert reason({"set": array}) == "permitted"
    assert model.authorize(**CALL, context={"set": array}).allowed
