"""Arrow: which type of column fits which Cedar type, in every encoding; null is absent."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import agentpdp
import numpy as np
import pyarrow as pa
import pytest

from .asking import CALL, SEEN, TYPES, WITH_SCHEMA, engine

D = decimal.Decimal
NOON = datetime.datetime(2026, 1, 1, 12)
INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
INTEGERS += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
LISTS = [pa.list_(pa.int64()), pa.large_list(pa.int8()), pa.list_(pa.int32(), 2)]
UID = {"type": "User", "id": "new"}

# Columns of one row with the names of TYPES that they fit.
FITS: list[tuple[Any, str]] = [
    (pa.array([True]), "b"),
    *((pa.array([3], kind), "n d") for kind in INTEGERS),
    *((pa.array(np.array([3], kind)), "n d") for kind in ("float16", "float32", "float64")),
    *((pa.array([value]), "") for value in (1.5, float("nan"), float("inf"))),
    (pa.array([2**63], pa.uint64()), ""),
    *((pa.array(["x"], kind), "s") for kind in TEXTS),
    *((pa.array(["10.0.0.1"], kind), "s i") for kind in TEXTS),
    *((pa.array(["x"], kind).dictionary_encode(), "s") for kind in TEXTS[:2]),
    (pa.array(["1h"]).dictionary_encode(), "s u"),
    (pa.array([3]).dictionary_encode(), "n d"),
    (pa.array([D("1.5")], pa.decimal128(10, 2)), "d"),
    (pa.array([D("1.500000")], pa.decimal128(10, 6)), "d"),
    (pa.array([D("100")], pa.decimal128(10, -2)), "d"),
    (pa.array([D("1.23456")], pa.decimal128(10, 5)), ""),
    (pa.array([D("9" * 30)], pa.decimal128(38, 0)), ""),
    *((pa.array([NOON], pa.timestamp(unit, "UTC")), "t") for unit in ("s", "ms", "us", "ns")),
    (pa.array([NOON], pa.timestamp("s", "Europe/Berlin")), "t"),
    *((pa.array([1], pa.timestamp(unit, "UTC")), "") for unit in ("us", "ns")),
    (pa.array([2**62], pa.timestamp("s", "UTC")), ""),
    (pa.array([NOON]), ""),
    *((pa.array([10**9], pa.duration(unit)), "u") for unit in ("s", "ms", "us", "ns")),
    (pa.array([1], pa.duration("ns")), ""),
    *((pa.array([value]), "") for value in (NOON.date(), NOON.time(), b"x")),
    *((pa.array([[1, 2]], kind), "set") for kind in LISTS),
    (pa.array([[]], pa.list_(pa.null())), "set"),
    (pa.array([[None]], pa.list_(pa.int64())), ""),
    (pa.array([["x"]]), ""),
    *((pa.array([value]), "r") for value in ({"a": 1}, {})),
    (pa.array([{"a": None}], pa.struct([("a", pa.int64())])), "r"),
    (pa.array([{"a": None}], pa.struct([("a", pa.null())])), "r"),
    (pa.array([{"a": "1"}]), ""),
    (pa.array([{"other": 1}]), ""),
    (pa.array([{"other": None}], pa.struct([("other", pa.int64())])), "r"),
    *((pa.array([value]), "e") for value in (UID, {"__entity": UID})),
    (pa.array([{"type": "Doc", "id": "d"}]), ""),
    (pa.array([{"__extn": {"fn": "decimal", "arg": "1.5"}}]), "d"),
]


def table(**columns: Any) -> pa.Table:
    """The call in each row, and columns `context.NAME`."""
    rows = max((len(column) for column in columns.values()), default=1)
    parties = {name: pa.array([text] * rows) for name, text in CALL.items()}
    return pa.table({**parties, **{f"context.{name}": each for name, each in columns.items()}})


def as_struct(this: pa.Table) -> pa.Table:
    """The same with one column `context`."""
    names = [name for name in this.column_names if name.startswith("context.")]
    fields = [this[name].combine_chunks() for name in names]
    context = pa.StructArray.from_arrays(fields, [name.removeprefix("context.") for name in names])
    return this.drop_columns(names).append_column("context", context)


def found(this: Any, by: agentpdp.Engine = WITH_SCHEMA) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.reason, each.policies) for each in by.authorize_batch(this)]


def named(value: Any) -> str:
    return str(value.type)[:40] if isinstance(value, pa.Array) else ""


@pytest.mark.parametrize(("column", "fits"), FITS, ids=named)
def test_what_fits_which_type(column: pa.Array, fits: str) -> None:
    for name in TYPES:
        dotted = table(**{name: column})
        ((reason, policies),) = found(dotted)
        assert (reason == "permitted") is (name in fits.split()), name
        assert reason != "permitted" or policies == ("all", name)
        assert reason in ("permitted", "argument_type", "argument_unknown")
        assert found(as_struct(dotted)) == [(reason, policies)], name


@pytest.mark.parametrize(("column", "fits"), FITS, ids=named)
def test_null_is_absent_in_a_column_of_any_type(column: pa.Array, fits: str) -> None:
    nulls = pa.concat_arrays([column, pa.nulls(2, column.type)]).slice(1)
    for name in TYPES:
        assert found(table(**{name: nulls})) == [("permitted", ("all",))] * 2
        assert found(as_struct(table(**{name: nulls}))) == [("permitted", ("all",))] * 2


def test_a_null_between_values_is_absent_and_moves_nothing() -> None:
    for name, values in {
        "n": [1, None, 3],
        "s": ["a", None, "c"],
        "b": [True, None, False],
    }.items():
        for column in (pa.array(values), pa.array(values).dictionary_encode()):
            expected = [("permitted", ("all", name)), ("permitted", ("all",))]
            assert found(table(**{name: column})) == [*expected, expected[0]]


def test_a_dictionary_may_hold_nulls() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))
    policies = [("all", "s"), ("all",), ("all",)]
    assert found(table(s=column)) == [("permitted", each) for each in policies]


def test_a_dictionary_may_be_empty() -> None:
    """What a categorical column is in which everything is null."""
    column = pa.nulls(2, pa.dictionary(pa.int32(), pa.string()))
    assert found(table(s=column)) == [("permitted", ("all",))] * 2
    refused = table(n=pa.array([1, 2])).set_column(0, "principal", column)
    assert [reason for reason, _ in found(refused)] == ["unknown_party"] * 2


def test_a_null_inside_a_record_is_absent() -> None:
    """A child of any type, also of the type that has only nulls."""
    inner = '@id("a") permit (principal, action, resource) when { context has r.a };'
    this = engine(inner + '@id("r") permit (principal, action, resource) when { context has r };')
    for column, seen in (
        (pa.array([{"a": 1}]), ("a", "r")),
        (pa.array([{"a": None}], pa.struct([("a", pa.int64())])), ("r",)),
        (pa.array([{"a": None}], pa.struct([("a", pa.null())])), ("r",)),
    ):
        assert found(table(r=column), this) == [("permitted", seen)]
        assert found(as_struct(table(r=column)), this) == [("permitted", seen)]


BELOW = SEEN + '@id("large") forbid (principal, action, resource) when { context.n > 5 };'
CHUNKED = engine(BELOW.replace("context.n >", "context has n && context.n >"))


@pytest.mark.parametrize("form", ["whole", "chunks", "slice", "batches", "reader", "struct"])
def test_pieces_are_one_table(form: str) -> None:
    """Chunks, slices of something larger and readers give the rows in order."""
    values = [1, 9, None, 5, 6, 2, 7]
    this = table(n=pa.array([0, *values, 0]), r=pa.array([{"a": 1}] * 9)).slice(1, 7)
    pieces = {
        "whole": this.combine_chunks(),
        "chunks": pa.concat_tables([this.slice(0, 2), this.slice(2, 0), this.slice(2)]),
        "slice": this,
        "batches": this.to_batches()[0],
        "reader": this.to_reader(max_chunksize=3),
        "struct": as_struct(table(n=pa.array([0, *values, 0]))).slice(1, 7),
    }
    reasons = [reason for reason, _ in found(pieces[form], CHUNKED)]
    large = [value is not None and value > 5 for value in values]
    expected = ["forbidden" if each else "permitted" for each in large]
    assert reasons == [
        "not_permitted" if value is None and form == "struct" else each
        for value, each in zip(values, expected, strict=True)
    ]


@pytest.mark.parametrize("kind", [*TEXTS, "dictionary", "struct", "codes"], ids=str)
def test_entities_in_every_encoding(kind: Any) -> None:
    uids = [CALL["principal"], "nonsense", 'User::"bob"', None]
    expected = ["permitted", "unknown_party", "permitted", "unknown_party"]
    if kind == "dictionary":
        column = pa.array(uids).dictionary_encode()
    elif kind == "struct":
        parts = [("User", "ann"), ("if", "x"), ("User", "bob"), (None, "x")]
        column = pa.array([dict(zip(("type", "id"), each, strict=True)) for each in parts])
    elif kind == "codes":
        codes = WITH_SCHEMA.encode([uids[0], uids[2]]).tolist()
        column = pa.array([codes[0], 1, codes[1], None], pa.uint64())
        expected[1] = "stale_code"
    else:
        column = pa.array(uids, kind)
    this = table(n=pa.array([1] * 4)).set_column(0, "principal", column)
    assert [reason for reason, _ in found(this)] == expected


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_words_of_a_long_dictionary_are_found_by_all_threads(threads: int) -> None:
    """Known words and new ones, words with escapes, words that are no entities, and none."""
    known = [f'User::"{at}"' for at in range(9_000)]
    this = engine('@id("one") permit(principal == User::"1", action, resource);', "none")
    this.encode(known)
    words = [*known, 'User::"\\u{31}"', 'New::"1"', "no entity", 'User::"new"', None]
    table = {
        "principal": pa.array(words).dictionary_encode(),
        "action": pa.array([CALL["action"]] * len(words)).dictionary_encode(),
        "resource": pa.array([CALL["resource"]] * len(words)),
    }
    decided = this.authorize_batch(pa.table(table), threads=threads)
    assert [row for row, is_allowed in enumerate(decided.allowed) if is_allowed] == [1, 9_000]
    assert list(decided.reason[-5:]) == [
        *("permitted", "not_permitted", "unknown_party", "not_permitted", "unknown_party")
    ]
    plain = this.authorize_batch(pa.table({**table, "principal": pa.array(words)}))
    assert list(decided.reason) == list(plain.reason)


@pytest.mark.parametrize("key", [2, -1, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("column", ["principal", "context.s"])
def test_a_key_beyond_its_dictionary_is_an_error(key: int, column: str) -> None:
    words = pa.array([CALL["principal"], CALL["principal"]])
    keys = [pa.array(each, pa.int32()) for each in ([0, 1, key], [0, None, key], [0, 1, 1])]
    wrong, wrong_with_null, right = [
        pa.DictionaryArray.from_arrays(each, words, safe=False) for each in keys
    ]
    parties = {name: pa.array([text] * 3) for name, text in CALL.items()}
    for each in (wrong, wrong_with_null, wrong.slice(1), wrong.slice(2)):
        table = {name: array[: len(each)] for name, array in parties.items()}
        with pytest.raises(agentpdp.ColumnError, match="not valid Arrow data"):
            WITH_SCHEMA.authorize_batch(pa.table({**table, column: each}))
    decided = WITH_SCHEMA.authorize_batch(pa.table({**parties, column: right}))
    assert list(decided.reason) == ["permitted"] * 3
    sound = wrong.slice(0, 2)
    table = {name: array[:2] for name, array in parties.items()}
    assert WITH_SCHEMA.authorize_batch(pa.table({**table, column: sound})).allowed.all()
