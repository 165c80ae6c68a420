"""Which Python values fit which Cedar type in a context, one by one and in batches."""

from __future__ import annotations

import array
import datetime
import decimal
import enum
import fractions
import ipaddress
import time
import types
import uuid
from collections import ChainMap, OrderedDict, defaultdict, deque
from collections.abc import Mapping
from typing import Any

import agentpdp
import agentpdp.reference
import pytest
from agentpdp import EntityUid

from .asking import CALL, TYPES, WITH_SCHEMA, WITHOUT_SCHEMA, columns, engine, reason, reasons

UTC = datetime.UTC
BERLIN = datetime.timezone(datetime.timedelta(hours=1))
DAY = datetime.datetime(2026, 1, 1)


class Whole(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    ONE = "one"


class Record(dict):
    """A dict and more."""


class View(Mapping):
    """A mapping that is no dict."""

    def __init__(self, held: dict[Any, Any]) -> None:
        self.held = held

    def __getitem__(self, name: Any) -> Any:
        return self.held[name]

    def __iter__(self) -> Any:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


# Each value with the names of TYPES that it fits.
FITS: list[tuple[Any, str]] = [
    *((value, "b") for value in (True, False)),
    *((value, "n d") for value in (0, 1, -1, 1.0, -0.0, Whole.ONE)),
    *((value, "n") for value in (2**63 - 1, -(2**63), 2.0**53)),
    *((value, "") for value in (2**63, -(2**63) - 1, 10**400, 2.0**53 + 2, 1e300)),
    *((value, "") for value in (1.5, float("nan"), float("inf"), -float("inf"), 1 + 0j)),
    *((value, "s") for value in ("", "x", "a\0b", "😀", Word.ONE)),
    *((value, "s d") for value in ("1.5", "-0.0")),
    *((value, "s i") for value in ("10.0.0.1", "::1", "10.0.0.0/8")),
    *((value, "s t") for value in ("2026-01-01", "2026-01-01T00:00:00+0100")),
    *((value, "s u") for value in ("1h", "-1d2h")),
    *((value, "") for value in ("\ud800", b"x", bytearray(b"x"), memoryview(b"x"), None, ...)),
    *((decimal.Decimal(text), "d") for text in ("1.5", "1E+2", "-0", "1.50000")),
    *((decimal.Decimal(text), "") for text in ("1.23456", "NaN", "sNaN", "Infinity", "1E+400")),
    (fractions.Fraction(1, 2), ""),
    *((value, "t") for value in (DAY.replace(tzinfo=UTC), DAY.replace(tzinfo=BERLIN))),
    *((value, "") for value in (DAY, DAY.replace(microsecond=1, tzinfo=UTC), DAY.date())),
    *((value, "") for value in (DAY.time(), datetime.datetime.max.replace(tzinfo=UTC))),
    (datetime.datetime.min.replace(tzinfo=UTC), "t"),
    *((datetime.timedelta(hours=hours), "u") for hours in (0, 1, -1)),
    *((value, "") for value in (datetime.timedelta(microseconds=1), datetime.timedelta.max)),
    *((ipaddress.ip_address(text), "i") for text in ("10.0.0.1", "::1", "::ffff:1.2.3.4")),
    *((value, "i") for value in (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::/0"))),
    (ipaddress.ip_interface("10.0.0.1/8"), "i"),
    (ipaddress.ip_address("fe80::1%eth0"), ""),
    *((value, "set") for value in ([], [1], (1, 2), {1}, frozenset({1}), [1, 1.0, 2])),
    *((value, "") for value in ([None], [1.5], ["1"], [[1]], [1, "1"], [2**63])),
    *((value, "") for value in (array.array("i", [1]), range(3), deque([1]), {}.keys())),
    *((value, "r") for value in ({}, {"a": 1}, Record(a=1), View({"a": 1}), OrderedDict(a=1))),
    *((value, "r") for value in (defaultdict(list, a=1), ChainMap({"a": 1}))),
    (types.MappingProxyType({"a": 1}), "r"),
    *((value, "") for value in ({1: 1}, {"a": 1, 2: 3}, {"a": None}, {"a": 1.5}, View({1: 1}))),
    *((value, "e") for value in (EntityUid("User", "new"), {"type": "User", "id": "new"})),
    ({"__entity": {"type": "User", "id": "new"}}, "e"),
    *((value, "") for value in (EntityUid("Doc", "plan"), {"type": "Doc", "id": "plan"})),
    *((value, "") for value in (("User", "new"), EntityUid, object(), len, uuid.UUID(int=1))),
    ({"__extn": {"fn": "decimal", "arg": "1.5"}}, "d"),
    ({"__extn": {"fn": "decimal", "arg": "1.23456"}}, ""),
    ({"__extn": {"fn": "ip", "arg": "10.0.0.1"}}, "i"),
]


def named(value: Any) -> str:
    return f"{type(value).__name__}-{ascii(value)[:30]}" if not isinstance(value, str) else ""


@pytest.mark.parametrize(("value", "fits"), FITS, ids=named)
def test_what_fits_which_type(value: Any, fits: str) -> None:
    """What does not fit denies, and names that a record has not are unknown; nothing raises."""
    for name in TYPES:
        found = WITH_SCHEMA.authorize(**CALL, context={name: value})
        assert found.allowed is (name in fits.split()), (name, found.message)
        assert found.allowed or found.reason in ("argument_type", "argument_unknown"), name
        assert not found.allowed or found.policies == ("all", name)
        assert reasons([{**CALL, "context": {name: value}}]) == [found.reason], name
        if value is not None:
            assert reasons(columns(**{name: [value]})) == [found.reason], name
            assert reasons({**columns(), "context": [{name: value}]}) == [found.reason], name


# What Cedar has a value for, though no type of the schema above.
ALSO = ([["1"]], ["1"], [[1]], [1, "1"], ("User", "new"), EntityUid("Doc", "plan"))


@pytest.mark.parametrize(("value", "fits"), FITS, ids=named)
def test_what_is_a_value_at_all(value: Any, fits: str) -> None:
    """Without a schema everything that Cedar has is taken, and only that."""
    is_value = bool(fits) or value in ALSO or value == {"type": "Doc", "id": "plan"}
    expected = "permitted" if is_value else "argument_type"
    assert reason({"v": value}, WITHOUT_SCHEMA) == expected
    assert reasons([{**CALL, "context": {"v": value}}], WITHOUT_SCHEMA) == [expected]
    if value is not None:
        assert reasons(columns(v=[value]), WITHOUT_SCHEMA) == [expected]


@pytest.mark.parametrize("context", [{}, Record(n=1), View({"n": 1}), ChainMap({"n": 1}), None])
def test_what_is_a_context(context: Any) -> None:
    for this in (WITH_SCHEMA, WITHOUT_SCHEMA):
        assert reason(context, this) == "permitted"
        assert reasons([{**CALL, "context": context}], this) == ["permitted"]


@pytest.mark.parametrize("context", [1, 1.5, "n", b"n", [], [("n", 1)], (), {1: 1}, object(), dict])
def test_what_is_no_context(context: Any) -> None:
    for this in (WITH_SCHEMA, WITHOUT_SCHEMA):
        assert reason(context, this) == "argument_type"
        assert reasons([{**CALL, "context": context}], this) == ["argument_type"]


@pytest.mark.parametrize("text", ["1E-99999999", "1E+99999999", "-1E-99999999"])
def test_a_decimal_is_not_written_out_to_be_refused(text: str) -> None:
    """An exponent is a few characters of an argument; its digits would be hundreds of megabytes."""
    value = decimal.Decimal(text)
    began = time.perf_counter()
    assert reason({"d": value}) == "argument_type"
    assert time.perf_counter() - began < 0.1


def test_values_stay_out_of_messages() -> None:
    """A message says where and what would be right, not what was given."""
    message = WITH_SCHEMA.authorize(**CALL, context={"n": "secret-7"}).message
    assert "context.n" in message
    assert "Long" in message
    assert "secret-7" not in message
    assert "secret-7" not in str(WITH_SCHEMA.authorize(**CALL, context={"d": "secret-7"}).message)


@pytest.mark.parametrize("text", ["::ffff:1.2.3.4", "::1", "10.0.0.1", "1:2::3:4.5.6.7"])
def test_an_address_object_is_the_address_that_it_says(text: str) -> None:
    """However this version of Python spells it; an interface keeps its prefix."""
    same = 'context has i && context.i == ip("%s")'
    policy = f'@id("same") permit (principal, action, resource) when {{ {same} }};'
    address, interface = ipaddress.ip_address(text), ipaddress.ip_interface(f"{text}/24")
    spelled = ":".join(f"{int(address) >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
    cedars = text if address.version == 4 else spelled
    for value, expected in ((address, cedars), (interface, f"{cedars}/24")):
        bundle = engine(policy % expected).bundle
        for this in (agentpdp.Engine(bundle), agentpdp.reference.Engine(bundle)):
            assert this.authorize(**CALL, context={"i": value}).policies == ("same",)
