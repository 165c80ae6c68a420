"""Numbers as arguments: engine and reference read one value, and hand on the one that they read.

A number may come as an integer of any size, a double, a `Decimal` or one of NumPy's, alone or in a
list or object, where rules see it and where they do not. What readers with doubles would see as
another number is never judged as that one.
"""

from __future__ import annotations

import decimal
import json
from typing import Any

import agentpdp
import numpy as np
import pyarrow as pa
import pytest
from agentpdp import reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

Decimal = decimal.Decimal
ITEM = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "integer"}}}
FIELDS = {
    "amount": {"type": "number"},
    "count": {"type": "integer"},
    "either": {"type": ["number", "string"]},
    "moment": {"type": "integer"},
    "many": {"type": "array", "items": {"type": "number"}},
    "some": {"type": "number", "enum": [1, 2.5]},
    "items": {"type": "array", "items": ITEM},
    "owner": {"type": "integer"},
    "free": {},
}
TOOL = {"name": "put", "description": "P", "inputSchema": {"type": "object", "properties": FIELDS}}
PARTIES = [{"uid": {"type": kind, "id": name}, "attrs": {}, "parents": []}
           for kind, name in (("User", "1"), ("Agent", "a"))]  # fmt: skip
FILES = {
    "agentpdp.toml": 'name = "numbers"\nprincipals = ["User"]\nagents = ["Agent"]\n'
    '[actions.put]\nimpact = ["write"]\nresource = "principal"\nopaque = ["free"]\n'
    'entities = { owner = "User" }\n'
    'kinds = { amount = { kind = "money", currency = "EUR", places = 2 }, '
    'moment = { kind = "datetime", formats = ["epoch-seconds"] } }\n',
    "schema.cedarschema": "entity User;\nentity Agent;\n",
    "tools/tools.json": json.dumps({"tools": [TOOL]}),
    "policies/ceilings.cedar": '@id("all") permit (principal, action, resource);\n',
    "tasks/work.toml": 'description = "W"\nlifetime = "1h"\n',
    "tasks/work.cedar": '@id("do") permit (principal, action == Action::"put", resource);\n',
    "entities.json": json.dumps(PARTIES),
}
BUNDLE = agentpdp.Bundle.from_files(FILES)
ENGINE, MODEL = (make(BUNDLE, clock="caller") for make in (agentpdp.Engine, reference.Engine))
GRANTS = [
    of.start("work", principal=("User", "1"), agent=("Agent", "a"), at=1) for of in (ENGINE, MODEL)
]
LARGE = [2**53, 2**63, -(2**63) - 1, 2**64, 10**30, 2**2047, 2**2048, -(2**2048)]
WORDS = ["1E+30", "1E-10", "-0", "5.0", "1E+400", "1E-999999", "NaN", "sNaN", "NaN12", "-Infinity",
         "0.10000000000000000001", "922337203685477.5807", "9007199254740993",
         "1." + "0" * 637, "1." + "0" * 638, "1." + "0" * 639]  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.sampled_from(LARGE), st.floats(),
    st.decimals(), st.decimals(places=2, allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal(word) for word in WORDS]),
    st.sampled_from([np.float32(0.1), np.float64(2.5), np.int8(1), np.uint64(2**64 - 1), True]),
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from([*FIELDS, "items.a", "items.b"]), NUMBERS, st.sampled_from("vld"))
@example("amount", Decimal("0.10000000000000000001"), "v")  # was judged as 0.1
@example("free", Decimal("1E+30"), "v")  # was refused
@example("free", 10**30, "l")  # was handed on as None
def test_engine_and_reference_read_one_number(name: str, number: Any, form: str) -> None:
    value = {"v": number, "l": [number], "d": {"x": number}}[form]
    name, _, member = name.partition(".")
    arguments = {name: [{member: value}] if member else value}
    mine, theirs = (grant.decide("put", arguments, at=2) for grant in GRANTS)
    assert mine.reason == theirs.reason
    if mine.allowed:
        assert mine.arguments == theirs.arguments
        if type(number).__module__ != "numpy":
            # Not another number, and not another kind of one, but for whole doubles.
            assert mine.arguments == arguments
            is_whole = isinstance(number, float) and number.is_integer()
            assert str(mine.arguments) == str(arguments) or is_whole


@pytest.mark.parametrize(
    "text", ["0.1", "0.12", "0.123", "99.99", "0.00001", "123456789012345.6789", "1E+25"]
)
def test_a_decimal_column_is_read_as_decimals(text: str) -> None:
    arguments = {"amount": Decimal(text)}
    grant, model = GRANTS
    row = {"grant": grant.id, "agent": str(grant.agent), "action": "put", "arguments": arguments}
    (decided,) = ENGINE.decide_batch(pa.Table.from_pylist([{**row, "at": 2}]))
    single = model.decide("put", arguments, at=2)
    assert (decided.reason, decided.arguments) == (single.reason, single.arguments)
