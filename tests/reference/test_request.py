"""Reading values and requests: Python's objects, Cedar's JSON, and the order of reasons."""

from __future__ import annotations

import datetime
import decimal
import enum
import ipaddress
from typing import Any

import pytest
from agentpdp.reference import Engine, EntityUid, InputError
from agentpdp.reference.datetime import Datetime, Duration
from agentpdp.reference.decimal import Decimal
from agentpdp.reference.ipaddr import parse as ip
from agentpdp.reference.request import VALUE_DEPTH_MAX, Reader
from agentpdp.reference.schema import read_type
from agentpdp.reference.value import Bool, Long, Record, Set, String

UTC = datetime.UTC
ANN = EntityUid("User", "ann")


class Count(enum.IntEnum):
    ONE = 1


def read(thing: Any, expected: Any = None) -> Any:
    """The value, or the reason codes of what is wrong with it."""
    reader = Reader(None)
    value = reader.value(thing, expected and read_type(expected), ("context",))
    return {problem.code for problem in reader.problems} if reader.problems else value


@pytest.mark.parametrize(
    ("thing", "value"),
    [
        (True, Bool(True)),
        (Count.ONE, Long(1)),
        (7.0, Long(7)),
        (2.0**53, Long(2**53)),
        (2**63 - 1, Long(2**63 - 1)),
        ("é", String("é")),
        ([1, 1.0, True], Set(frozenset([Long(1), Bool(True)]))),
        ((1,), Set(frozenset([Long(1)]))),
        (frozenset({"a"}), Set(frozenset([String("a")]))),
        ({"a": {}}, Record({"a": Record({})})),
        (ANN, ANN),
        ({"__entity": {"type": "User", "id": "ann"}}, ANN),
        ({"__entity": {"type": "User"}}, Record({"__entity": Record({"type": String("User")})})),
        ({"__extn": {"fn": "decimal", "arg": "1.5"}}, Decimal(15_000)),
        ({"__extn": {"fn": "ip", "args": ["::1"]}}, ip("::1")),
        ({"__extn": "x"}, Record({"__extn": String("x")})),
        (decimal.Decimal("1.50000000"), Decimal(15_000)),
        (decimal.Decimal("5"), Decimal(50_000)),
        (datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), Datetime(1_000)),
        (datetime.timedelta(days=-1), Duration(-86_400_000)),
        (ipaddress.ip_address("::ffff:1.2.3.4"), ip("::ffff:102:304")),
        (ipaddress.ip_network("10.0.0.0/8"), ip("10.0.0.0/8")),
        (ipaddress.ip_interface("10.0.0.1/8"), ip("10.0.0.1/8")),
    ],
)
def test_read(thing: Any, value: Any) -> None:
    assert read(thing) == value


@pytest.mark.parametrize(
    "thing",
    [
        *(None, 7.5, 1e300, 2.0**60, float("nan"), float("inf"), 2**63, b"x", "\ud800", object()),
        *([None], {"a": None}, {1: 2}, {"a": {1: 2}}, range(3)),
        {"__expr": "1"},
        {"__entity": {"type": "no name", "id": "x"}},
        {"__extn": {"fn": "decimal", "arg": "1"}},
        {"__extn": {"fn": "decimal", "args": ["1.0", "2.0"]}},
        {"__extn": {"fn": "nothing", "arg": "1"}},
        *(decimal.Decimal(text) for text in ("1.23456", "NaN", "Infinity", "1e999999999", "1e-9")),
        datetime.datetime(2024, 1, 1),
        datetime.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime.timedelta(microseconds=1),
        datetime.date(2024, 1, 1),
        ipaddress.ip_address("fe80::1%eth0"),
    ],
)
def test_what_cedar_has_not(thing: Any) -> None:
    assert read(thing) == {"argument_type"}


def test_numpy_counts_by_value() -> None:
    numpy = pytest.importorskip("numpy")
    assert read(numpy.int64(5)) == Long(5)
    assert read(numpy.bool_(True)) == Bool(True)
    assert read(numpy.float32(2)) == Long(2)
    for thing in (
        numpy.uint64(2**63),
        numpy.float64(0.5),
        numpy.datetime64(5, "ns"),
        numpy.ma.masked,
    ):
        assert read(thing) == {"argument_type"}
    assert read(numpy.array([1, 2])) == read([1, 2])


def test_depth_has_a_limit() -> None:
    thing: Any = {}
    for _ in range(VALUE_DEPTH_MAX):
        thing = {"a": thing}
    assert isinstance(read(thing), Record)
    assert read([thing]) == {"argument_type"}
    endless: list[Any] = []
    endless.append(endless)
    assert read(endless) == {"argument_type"}


EXTENSION = {
    name: {"kind": "Extension", "name": name}
    for name in ("decimal", "ipaddr", "datetime", "duration")
}
USER = {"kind": "Entity", "name": "User"}
HOUR = Duration(3_600_000)


@pytest.mark.parametrize(
    ("thing", "expected", "value"),
    [
        ("1.5", EXTENSION["decimal"], Decimal(15_000)),
        (3, EXTENSION["decimal"], Decimal(30_000)),
        (3.0, EXTENSION["decimal"], Decimal(30_000)),
        (decimal.Decimal("1.5"), EXTENSION["decimal"], Decimal(15_000)),
        ({"fn": "decimal", "arg": "1.5"}, EXTENSION["decimal"], Decimal(15_000)),
        ("::1", EXTENSION["ipaddr"], ip("::1")),
        ("1970-01-02", EXTENSION["datetime"], Datetime(86_400_000)),
        ("1h", EXTENSION["duration"], HOUR),
        (
            {"__extn": {"fn": "offset", "args": ["1970-01-01", "1h"]}},
            EXTENSION["datetime"],
            Datetime(3_600_000),
        ),
        ({"type": "User", "id": "ann"}, USER, ANN),
        ({"__entity": {"type": "User", "id": "ann"}}, USER, ANN),
        (["1h", "60m"], {"kind": "Set", "element": EXTENSION["duration"]}, Set(frozenset([HOUR]))),
        ([], {"kind": "Set", "element": USER}, Set(frozenset())),
    ],
)
def test_read_what_the_schema_expects(thing: Any, expected: Any, value: Any) -> None:
    assert read(thing, expected) == value


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        *((thing, EXTENSION["decimal"]) for thing in ("1", True, 1.5, 2**62, [], {}, None)),
        *((thing, EXTENSION["datetime"]) for thing in (0, "1h", {"fn": "duration", "arg": "1h"})),
        *((thing, USER) for thing in ('User::"ann"', ("User", "ann"), {"type": "Doc", "id": "x"})),
        *((thing, {"kind": "Long"}) for thing in (True, "1", decimal.Decimal(1), {}, 1.5)),
        *((thing, {"kind": "Bool"}) for thing in (0, 1, "true")),
        *(
            (thing, {"kind": "String"})
            for thing in (1, ["a"], {"__extn": {"fn": "ip", "arg": "::1"}})
        ),
        *((thing, {"kind": "Set", "element": USER}) for thing in ("a", {}, [1])),
    ],
)
def test_what_the_schema_does_not_expect(thing: Any, expected: Any) -> None:
    assert read(thing, expected) == {"argument_type"}


def attributes(**types: Any) -> dict[str, Any]:
    """Attributes in a resolved schema; a trailing underscore makes one optional."""
    return {
        name.rstrip("_"): {"type": each, "required": name[-1] != "_"}
        for name, each in types.items()
    }


NONE: dict[str, Any] = {"attributes": {}, "tags": None, "enum": None, "member_of": []}
SCHEMA = {
    "entity_types": {
        "User": {**NONE, "attributes": attributes(age={"kind": "Long"}), "member_of": ["Group"]},
        "Group": {**NONE, "tags": {"kind": "Long"}},
        "Color": {**NONE, "enum": ["red"]},
    },
    "actions": [
        {
            "uid": {"type": "Action", "id": "view"},
            "ancestors": [{"type": "Action", "id": "all"}],
            "principals": ["User", "Color"],
            "resources": ["Group"],
            "context": {
                "attributes": attributes(
                    n={"kind": "Long"},
                    c_={"kind": "Entity", "name": "Color"},
                    r_={"kind": "Record", "attributes": attributes(x={"kind": "Long"})},
                    s_={"kind": "Set", "element": {"kind": "Record", "attributes": {}}},
                )
            },
        },
        {
            "uid": {"type": "Action", "id": "all"},
            **{"ancestors": [], "principals": [], "resources": [], "context": {"attributes": {}}},
        },
    ],
}
SCOPE = {"op": "All"}
IN_ALL = {"op": "in", "entity": {"type": "Action", "id": "all"}}
PERMIT = {
    "effect": "permit",
    "principal": SCOPE,
    "action": IN_ALL,
    "resource": SCOPE,
    "conditions": [],
}
VIEW, GROUP = 'Action::"view"', 'Group::"g"'


def engine(**arguments: Any) -> Engine:
    return Engine({"staticPolicies": {"p": PERMIT}}, schema=SCHEMA, **arguments)


@pytest.mark.parametrize(
    ("principal", "action", "resource", "context", "reason"),
    [
        ('User::"u"', VIEW, GROUP, {"n": 1}, "permitted"),
        ('Color::"red"', VIEW, GROUP, {"n": 1, "c": {"type": "Color", "id": "red"}}, "permitted"),
        ("?", 'Action::"none"', "?", {"zz": 1}, "unknown_action"),
        ("?", "view", "?", None, "unknown_action"),
        ("?", VIEW, "?", {"zz": 1, "r": {}, "c": 1}, "argument_unknown"),
        ("?", VIEW, "?", {"r": {"x": 1, "zz": 1}}, "argument_unknown"),
        ("?", VIEW, "?", {"n": 1, "s": [{"zz": 1}]}, "argument_unknown"),
        ("?", VIEW, "?", {"c": 1}, "argument_missing"),
        ("?", VIEW, "?", {"n": "x", "r": {}}, "argument_missing"),
        ("?", VIEW, "?", None, "argument_missing"),
        ("?", VIEW, "?", {"n": "x"}, "argument_type"),
        ("?", VIEW, "?", {"n": None}, "argument_type"),
        ("?", VIEW, "?", 5, "argument_type"),
        ("?", VIEW, "?", {"n": 1, "c": {"type": "Color", "id": "blue"}}, "argument_type"),
        ("?", VIEW, "?", {"n": 1}, "unknown_party"),
        ('Color::"blue"', VIEW, "?", {"n": 1}, "unknown_party"),
        ('Zed::"z"', VIEW, "?", {"n": 1}, "unknown_resource"),
        ('User::"u"', VIEW, 'Color::"blue"', {"n": 1}, "unknown_resource"),
        ('Zed::"z"', VIEW, GROUP, {"n": 1}, "not_applicable"),
        ('Action::"none"', VIEW, GROUP, {"n": 1}, "not_applicable"),
        ('User::"u"', VIEW, 'User::"u"', {"n": 1}, "not_applicable"),
        ('User::"u"', 'Action::"all"', GROUP, None, "not_applicable"),
    ],
)
def test_the_first_reason_in_order(
    principal: str, action: str, resource: str, context: Any, reason: str
) -> None:
    decision = engine().authorize(principal, action, resource, context)
    assert decision.reason == reason
    assert decision.stage == (None if reason == "permitted" else "arguments")


@pytest.mark.parametrize(
    ("uid", "attrs", "parents", "code"),
    [
        ("User::u", {"age": 1}, ["Group::g"], None),
        ("Color::red", {}, [], None),
        ("Action::view", {}, ["Action::all"], None),
        ("Zed::z", {}, [], "entity_schema"),
        ("Color::blue", {}, [], "entity_schema"),
        ("User::u", {}, [], "entity_schema"),
        ("User::u", {"age": "x"}, [], "entity_schema"),
        ("User::u", {"age": 1, "zz": 1}, [], "entity_schema"),
        ("User::u", {"age": 1}, ["User::v"], "entity_schema"),
        ("Action::view", {}, [], "entity_schema"),
        ("Action::view", {"x": 1}, ["Action::all"], "entity_schema"),
        ("Action::none", {}, [], "entity_schema"),
        ("Action::view", {}, ["Group::g"], "entity_json"),
    ],
)
def test_entities_fit_the_schema(
    uid: str, attrs: Any, parents: list[str], code: str | None
) -> None:
    names = [dict(zip(("type", "id"), each.split("::"), strict=True)) for each in (uid, *parents)]
    given = [{"uid": names[0], "attrs": attrs, "parents": names[1:]}]
    if code is None:
        assert engine(entities=given).authorize('User::"u"', VIEW, GROUP, {"n": 1}).allowed
    else:
        with pytest.raises(InputError) as caught:
            engine(entities=given)
        assert caught.value.code == code


@pytest.mark.parametrize("tags", [{"a": "x"}, {"a": None}])
def test_tags_fit_the_schema(tags: Any) -> None:
    given = {"uid": {"type": "Group", "id": "g"}, "attrs": {}, "parents": [], "tags": tags}
    with pytest.raises(InputError, match="tags"):
        engine(entities=[given])


def test_the_schemas_actions_stay() -> None:
    with pytest.raises(InputError, match="actions"):
        engine().remove([VIEW])


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        ('A::"x"', EntityUid("A", "x")),
        ('A::B::"a::\\"b"', EntityUid("A::B", 'a::"b')),
        (r'A::"\n\r\t\\\0\'\"\x41\u{1F600}"', EntityUid("A", "\n\r\t\\\0'\"A\U0001f600")),
        ('A::""', EntityUid("A", "")),
        *(
            (text, None)
            for text in ('A::"', "A::x", '"x"', 'A ::"x"', 'A::"x" ', 'in::"x"', 'A::"a"b"')
        ),
        *(
            (text, None)
            for text in (
                r'A::"\q"',
                r'A::"\x+f"',
                'A::"\r"',
                r'A::"\xff"',
                r'A::"\u{}"',
                r'A::"\u{d800}"',
            )
        ),
        *((text, None) for text in (r'A::"\u{110000}"', r'A::"\u{1234567}"', 'Á::"x"', 'A::"\\"')),
    ],
)
def test_cedar_text_of_an_entity(text: str, uid: EntityUid | None) -> None:
    policies = {"staticPolicies": {"p": {**PERMIT, "action": SCOPE}}}
    decision = Engine(policies).authorize(text, VIEW, GROUP)
    assert decision.reason == ("unknown_party" if uid is None else "permitted")
    if uid is not None:
        scope = {"op": "==", "entity": {"type": uid.type, "id": uid.id}}
        same = {"staticPolicies": {"p": {**PERMIT, "action": SCOPE, "principal": scope}}}
        assert Engine(same).authorize(text, VIEW, GROUP).allowed
        assert Engine(same).authorize((uid.type, uid.id), VIEW, GROUP).allowed
