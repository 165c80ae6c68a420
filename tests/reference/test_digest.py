"""The form of a call in bytes: RFC 8785's rules, and what has no form."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import ipaddress
import math
from typing import Any

import pytest
from agentpdp.reference import EntityUid
from agentpdp.reference.digest import UnsafeError, call_digest, canonical, plain

# Doubles and their notation in ECMAScript, among them those of RFC 8785's appendix B that have one
# form here.
NUMBERS = [
    (0, "0"),
    (-0.0, "0"),
    (7.0, "7"),
    (-1, "-1"),
    (2**53 - 1, "9007199254740991"),
    (1.5, "1.5"),
    (-0.25, "-0.25"),
    (5e-324, "5e-324"),
    (-5e-324, "-5e-324"),
    (1e-6, "0.000001"),
    (1e-7, "1e-7"),
    (1.25e-7, "1.25e-7"),
    (0.0001, "0.0001"),
    (0.000123, "0.000123"),
    (333333333.3333332, "333333333.3333332"),
    (333333333.33333325, "333333333.33333325"),
    (9.999999999999997e-7, "9.999999999999997e-7"),
    (1424953923781206.2, "1424953923781206.2"),
    (123456.789, "123456.789"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_numbers_are_written_as_in_ecmascript(value: Any, text: str) -> None:
    assert canonical(value) == text
    assert float(text) == value


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), 1e300, math.inf, math.nan, "\ud800", b"", {1: 2}]
)
def test_what_has_no_one_form(value: Any) -> None:
    with pytest.raises(UnsafeError):
        canonical(value)
    assert call_digest({"a": value}) is None


def test_names_are_sorted_by_utf_16_code_units() -> None:
    names = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    order = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert canonical(names) == "{" + ",".join(f"{canonical(n)}:{names[n]}" for n in order) + "}"


def test_text_is_escaped_only_where_it_must_be() -> None:
    assert canonical('\u20ac$\x0f\nA\'B"\\\\"/\x7f') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'
    assert canonical([None, True, False, {}, []]) == "[null,true,false,{},[]]"


def test_hosts_values_are_written_as_cedars_json() -> None:
    time = datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.UTC)
    values = {
        "decimal": (decimal.Decimal("500.00"), "500.0000"),
        "datetime": (time, "1000"),
        "duration": (datetime.timedelta(seconds=1), "1000ms"),
        "ip": (ipaddress.ip_address("10.0.0.1"), "10.0.0.1/32"),
    }
    for function, (value, text) in values.items():
        assert plain(value, is_json=False) == {"__extn": {"fn": function, "arg": text}}
    assert plain(EntityUid("A", "b"), False) == {"__entity": {"type": "A", "id": "b"}}
    assert plain({"s": {3, 1, 2}}, False) == {"s": [1, 2, 3]}
    assert plain((1, "x"), False) == [1, "x"]
    arguments = {"n": decimal.Decimal("0.5"), "m": [decimal.Decimal(5)]}
    assert canonical(plain(arguments, is_json=True)) == '{"m":[5],"n":0.5}'


def test_a_digest_is_of_its_domain_and_form() -> None:
    form = b'agentpdp.call.v1\n{"a":{"b":[1,"x"]}}'
    assert call_digest({"a": {"b": (1.0, "x")}}) == hashlib.sha256(form).hexdigest()
