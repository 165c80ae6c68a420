"""NumPy: scalars count by value, arrays in a context are sets, arrays in a dict are columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .asking import CALL, TYPES, WITH_SCHEMA, WITHOUT_SCHEMA, columns, reason, reasons

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
FLOATS = [np.float16, np.float32, np.float64]
# Scalars with the names of the types that they fit.
SCALARS = [
    *((np.bool_(value), "b") for value in (True, False)),
    *((kind(3), "n d") for kind in (*INTEGERS, *FLOATS)),
    (np.int64(2**63 - 1), "n"),
    *((value, "") for value in (np.uint64(2**63), np.float64(1.5), np.float32("nan"))),
    *((value, "") for value in (np.complex128(1), np.bytes_(b"x"), np.void(b"x"))),
    *((value, "") for value in (np.datetime64("2026-01-01"), np.timedelta64(1, "h"))),
    (np.datetime64("NaT", "s"), ""),
    (np.str_("x"), "s"),
    (np.array(3), "n d"),
]
# Arrays in a context.
SETS = [
    *((np.array([1, 2], kind), "set") for kind in INTEGERS),
    *((np.array([], np.int64), "set"), (np.array([1.0, 2.0]), "set")),
    (np.array([1, 2], object), "set"),
    *((np.array([1.5]), ""), (np.array(["x"]), ""), (np.array([[1]]), "")),
    *((np.array([None]), ""), (np.array(["2026-01-01"], "datetime64[D]"), "")),
    (np.array([True]), ""),
]


def named(value: Any) -> str:
    return f"{type(value).__name__}-{value!r}"[:40] if not isinstance(value, str) else ""


@pytest.mark.parametrize(("value", "fits"), SCALARS + SETS, ids=named)
def test_what_fits_which_type(value: Any, fits: str) -> None:
    for name in TYPES:
        expected = "permitted" if name in fits.split() else "argument_type"
        assert reason({name: value}) == expected, name
        assert reasons([{**CALL, "context": {name: value}}]) == [expected], name
        assert reasons({**columns(), "context": [{name: value}]}) == [expected], name
        assert reasons(columns(**{name: [value]})) == [expected], name


# Arrays as columns, with what their rows are as `n`.
COLUMNS = [
    *((np.array([1, 2], kind), "permitted permitted") for kind in (*INTEGERS, *FLOATS)),
    (np.array([1, 2**63 - 1]), "permitted permitted"),
    (np.array([1, 2**63], np.uint64), "permitted argument_type"),
    (np.array([1.0, 1.5]), "permitted argument_type"),
    (np.array([np.nan, 2.0**53]), "argument_type permitted"),
    (np.array([True, False]), "argument_type argument_type"),
    (np.array(["1", "2"]), "argument_type argument_type"),
    (np.array([1, "2"], object), "permitted argument_type"),
    (np.array([1, None], object), "permitted permitted"),
    (np.array([[1], [2]]), "argument_type argument_type"),
    (np.array(["2026-01-01"] * 2, "datetime64[D]"), "argument_type argument_type"),
    (np.array([1, 2], ">i8"), "permitted permitted"),
    (np.array([1, 0, 2, 0])[::2], "permitted permitted"),
    (np.array([2, 1])[::-1], "permitted permitted"),
]


@pytest.mark.parametrize(("column", "expected"), COLUMNS, ids=named)
def test_arrays_as_columns(column: Any, expected: str) -> None:
    assert reasons(columns(2, n=column)) == expected.split()


def test_values_of_columns_are_those_of_their_rows() -> None:
    """Byte order and strides are read as NumPy reads them."""
    plain = np.array([1, 2, 3, 4])
    for column in (plain, plain.astype(">i8"), plain.repeat(2)[::2], plain[::-1][::-1]):
        out = WITHOUT_SCHEMA.authorize_batch(columns(4, v=column))
        assert out.counts()["allow"] == 4
    for column in (plain, plain.astype(">i8"), np.stack([plain, plain])[:, :][0]):
        found = [reason({"n": int(value)}) for value in column]
        assert reasons(columns(4, n=column)) == found


def test_text_columns_of_entities() -> None:
    texts = np.array([CALL["principal"], "nonsense"])
    for column in (texts, texts.astype(object), texts.tolist()):
        found = reasons({**columns(2), "principal": column})
        assert found == ["permitted", "unknown_party"]


def test_codes_are_columns_of_entities() -> None:
    people = WITH_SCHEMA.encode([CALL["principal"], 'User::"bob"'])
    assert (people.dtype, people.shape) == (np.dtype("uint64"), (2,))
    wide = np.array([people[0], 0, people[1], 0], np.uint64)[::2]
    for column in (people, wide, people[::-1]):
        assert reasons({**columns(2), "principal": column}) == ["permitted", "permitted"]


@pytest.mark.parametrize("number", [0, 1, 2**32, 2**64 - 1])
def test_numbers_that_are_no_codes_deny(number: int) -> None:
    column = np.array([number, *WITH_SCHEMA.encode([CALL["principal"]])], np.uint64)
    for part, row in (("principal", "permitted"), ("resource", "not_applicable")):
        assert reasons({**columns(2), part: column}) == ["stale_code", row]
    assert reasons({**columns(2), "action": column}) == ["stale_code", "unknown_action"]
