"""Reading what comes from outside at run time (values, entities, requests), directed by the schema.

Cedar's JSON is read as Cedar reads it: `__entity` and `__extn` escapes everywhere, and their short
forms where the schema says that an entity or an extension value stands. Besides JSON, values may be
Python's: an object with `type` and `id` is an entity; `decimal.Decimal`, `datetime.datetime`,
`datetime.timedelta` and the objects of `ipaddress` are extension values, if exact; every collection
but a mapping is a set; NumPy's scalars count by value, and a float that is whole is an integer.

Reading a request never fails: it gives the request, or the problem whose reason code comes first in
`PRECEDENCE`. Twin: rust/core/src/request.rs. Read next: evaluate.py.
"""

from __future__ import annotations

import datetime as host_datetime
import decimal as host_decimal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from . import datetime, decimal, expression, ipaddr
from .entities import Entity
from .schema import Attribute, Schema, Type
from .value import (
    Bool,
    EntityUid,
    EvaluationError,
    InputError,
    Long,
    Record,
    Set,
    String,
    Value,
    bounded,
    check,
    is_action,
    is_text,
    make_uid,
    read_uid,
)

# Levels of one value; a deeper one is of no type, so that reading it cannot exhaust Python's stack.
VALUE_DEPTH_MAX = 64
# A float beyond this is whole only because it has no digits left to say otherwise.
WHOLE_FLOAT_MAX = 2**53
PRECEDENCE = (
    *("unknown_action", "argument_unknown", "argument_missing", "argument_type"),
    *("unknown_party", "unknown_resource", "not_applicable"),
)
CONSTRUCTORS = {"ipaddr": "ip"} | {kind: kind for kind in ("decimal", "datetime", "duration")}
EPOCH = host_datetime.datetime(1970, 1, 1, tzinfo=host_datetime.UTC)
MILLISECOND = host_datetime.timedelta(milliseconds=1)


@dataclass(frozen=True)
class Request:
    principal: EntityUid
    action: EntityUid
    resource: EntityUid
    context: Record


@dataclass(frozen=True)
class Problem:
    """Why a request cannot be asked: a reason code, and one sentence without argument values.

    Of an argument that is wrong, its name and what is expected there may be told apart.
    """

    code: str
    message: str
    argument: str | None = None
    expected: str | None = None


def read_request(
    principal: Any, action: Any, resource: Any, context: Any, schema: Schema | None
) -> Request | Problem:
    """The request, or the problem that comes first in `PRECEDENCE`."""
    act = read_uid(action)
    declared = schema.actions.get(act) if schema and act else None
    if act is None or (schema and declared is None):
        return Problem("unknown_action", 'expected a declared action such as `Action::"view"`')
    values = read_context(context, declared.context if declared else None, schema)
    if isinstance(values, Problem):
        return values
    party, thing = read_uid(principal), read_uid(resource)
    if party is None or (schema and not schema.has_id(party)):
        return Problem("unknown_party", 'expected a principal such as `User::"alice"`')
    if thing is None or (schema and not schema.has_id(thing)):
        return Problem("unknown_resource", 'expected a resource such as `Doc::"plan"`')
    if declared and party.type not in declared.principals:
        return Problem("not_applicable", "the action is not for principals of this type")
    if declared and thing.type not in declared.resources:
        return Problem("not_applicable", "the action is not for resources of this type")
    return Request(party, act, thing, values)


def read_context(context: Any, expected: Type | None, schema: Schema | None) -> Record | Problem:
    reader = Reader(schema)
    value = reader.value({} if context is None else context, expected, ("context",))
    if reader.problems:
        return min(reader.problems, key=lambda problem: PRECEDENCE.index(problem.code))
    return value if isinstance(value, Record) else Problem("argument_type", "`context`: no record")


class Reader:
    """Reads values and keeps every problem on the way; a value that has one comes out as None."""

    def __init__(self, schema: Schema | None) -> None:
        self.schema = schema
        self.problems: list[Problem] = []

    def problem(self, code: str, where: tuple[str, ...], message: str) -> None:
        self.problems.append(Problem(code, f"`{'.'.join(where)}`: {message}"))

    def value(self, thing: Any, expected: Type | None, where: tuple[str, ...]) -> Value | None:
        """A value of the expected type, or of any if None."""
        if isinstance(thing, dict) and type(thing) is not dict:
            thing = dict(dict.items(thing))  # what it holds, whatever its methods say
        known, value = len(self.problems), None
        if len(where) <= VALUE_DEPTH_MAX + 1:
            with suppress(EvaluationError, ValueError, TypeError, ArithmeticError):
                value = self.read(thing, expected, where)
        if value is not None and self.fits(value, expected):
            return value
        if len(self.problems) == known:
            name = expected.name or expected.kind if expected else "value that Cedar has"
            self.problem("argument_type", where, f"expected a {name}")
        return None

    def fits(self, value: Value, expected: Type | None) -> bool:
        """Whether this is of the type, given that what is inside a set or record is."""
        if isinstance(value, EntityUid) and self.schema and not self.schema.admits(value):
            return False
        if expected is None or value.kind != expected.kind:
            return expected is None
        return not isinstance(value, EntityUid) or value.type == expected.name

    def read(self, thing: Any, expected: Type | None, where: tuple[str, ...]) -> Value | None:
        thing = of_numpy(thing)
        if isinstance(thing, Mapping):
            return self.read_mapping(thing, expected, where)
        value = read_scalar(thing)
        if value is not None and expected and expected.kind in CONSTRUCTORS:
            return converted(value, expected.kind)
        several = isinstance(thing, (list, tuple, set, frozenset))
        if value is not None or not several or (expected and expected.kind != "Set"):
            return value
        element = expected.element if expected else None
        values = [self.value(each, element, (*where, "[]")) for each in thing]
        return Set(frozenset(present(values))) if None not in values else None

    def read_mapping(
        self, thing: Mapping[Any, Any], expected: Type | None, where: tuple[str, ...]
    ) -> Value | None:
        kind = expected.kind if expected else ""
        if kind == "Record":
            return self.record(thing, expected, where)
        if kind in CONSTRUCTORS:
            call = expression.read_call(thing.get("__extn")) or expression.read_call(thing)
            return self.read_call(*call, where, True) if call else None
        if kind == "Entity" or expression.is_entity_escape(thing):
            return expression.read_entity_uid(thing)
        call = expression.extension_escape(thing)
        if call is not None:
            return self.read_call(*call, where, False)
        if kind or expression.is_expression_escape(thing):
            return None
        return self.record(thing, None, where)

    def read_call(
        self, name: str, things: list[Any], where: tuple[str, ...], typed: bool
    ) -> Value | None:
        """An extension function called in data; where its type is known, so are its arguments'."""
        function = expression.FUNCTIONS.get(name)
        if function is None or len(things) != len(function.parameters):
            return None
        types = [Type(each) if typed else None for each in function.parameters]
        pairs = zip(things, types, strict=True)
        values = [self.value(each, each_type, (*where, name)) for each, each_type in pairs]
        return expression.call(name, present(values)) if None not in values else None

    def record(
        self, thing: Mapping[Any, Any], expected: Type | None, where: tuple[str, ...]
    ) -> Record | None:
        if not all(map(is_text, thing)):
            self.problem("argument_type", where, "expected names of attributes that are text")
            return None
        known, values = len(self.problems), {}
        types = expected.attributes if expected else {}
        for name, each in thing.items():
            if expected and name not in types:
                self.problem("argument_unknown", (*where, name), "the schema has no such attribute")
            else:
                inner = types[name].type if expected else None
                values[name] = self.value(each, inner, (*where, name))
        for name, attribute in types.items():
            if attribute.required and name not in thing:
                self.problem("argument_missing", (*where, name), "a required attribute is missing")
        if len(self.problems) > known:
            return None
        return Record({name: each for name, each in values.items() if each is not None})


def of_numpy(thing: Any) -> Any:
    """NumPy's numbers and arrays as Python's own; everything else as it is."""
    kind = getattr(getattr(thing, "dtype", None), "kind", " ")
    is_numpy = kind in "biufUO" and type(thing).__module__.split(".")[0] == "numpy"
    return thing.tolist() if is_numpy else thing


def present(values: Iterable[Value | None]) -> list[Value]:
    return [value for value in values if value is not None]


def converted(value: Value, kind: str) -> Value:
    """Where an extension value is expected: text is read as one, and an integer as a decimal."""
    if isinstance(value, Long) and kind == "decimal":
        return decimal.from_units(value.value * 10**decimal.PLACES)
    return expression.call(CONSTRUCTORS[kind], [value]) if isinstance(value, String) else value


def read_scalar(thing: Any) -> Value | None:
    """One Python object as a value; None for what Cedar has not, and for collections."""
    if isinstance(thing, float) and thing.is_integer() and abs(thing) <= WHOLE_FLOAT_MAX:
        thing = int(thing)
    match thing:
        case bool():
            return Bool(thing)
        case int():
            return Long(bounded(int(thing), "type_error", "the integer"))
        case str():
            return String(str(thing)) if is_text(thing) else None
        case host_decimal.Decimal():
            return read_decimal(thing)
        case host_datetime.datetime():
            aware = thing.utcoffset() is not None
            return datetime.Datetime(milliseconds(thing - EPOCH)) if aware else None
        case host_datetime.timedelta():
            return datetime.Duration(milliseconds(thing))
        case IPv4Address() | IPv6Address() | IPv4Network() | IPv6Network():
            return ipaddr.parse(address_text(str(thing)))
    return make_uid(getattr(thing, "type", None), getattr(thing, "id", None))


def address_text(text: str) -> str:
    """As Cedar writes it: Python ends some of version 6 with the dots of version 4."""
    host, slash, prefix = text.partition("/")
    head, colon, last = host.rpartition(":")
    last = IPv4Address(last).packed.hex(":", 2) if colon and "." in last else last
    return head + colon + last + slash + prefix


def read_decimal(thing: host_decimal.Decimal) -> Value | None:
    """Exact in four places, or none; its size is looked at first, as `1e999999999` is short."""
    if not thing.is_finite() or (thing and not -decimal.PLACES <= thing.adjusted() < 20):
        return None
    numerator, denominator = thing.as_integer_ratio() if thing else (0, 1)
    units, rest = divmod(numerator * 10**decimal.PLACES, denominator)
    return decimal.from_units(units) if rest == 0 else None


def milliseconds(length: host_datetime.timedelta) -> int:
    whole, rest = divmod(length, MILLISECOND)
    if rest:
        raise EvaluationError("extension_error", "not exact in milliseconds")
    return whole


def read_entity(json: Any, schema: Schema | None) -> Entity:
    """One entity of Cedar's entity JSON; it must fit the schema, if there is one."""
    shaped = isinstance(json, Mapping) and {"uid", "attrs", "parents"} <= json.keys()
    check(shaped, "entity_json", "an entity is an object with `uid`, `attrs` and `parents`")
    check(isinstance(json["parents"], list | tuple), "entity_json", "`parents` is a list")
    uid, parents = read_name(json["uid"]), frozenset(read_name(each) for each in json["parents"])
    grouped = not is_action(uid) or all(is_action(parent) for parent in parents)
    check(grouped, "entity_json", f"{uid} has a parent that is no action")
    attributes, tags = json["attrs"], json.get("tags", {})
    objects = isinstance(attributes, Mapping) and isinstance(tags, Mapping)
    check(objects, "entity_json", f"{uid}: `attrs` and `tags` are objects")
    attributes_type, tags_type = None, None
    if schema:
        entity_type = schema.entity_type(uid, parents)
        attributes_type = entity_type.attributes
        fields = {name: Attribute(entity_type.tags, False) for name in tags if entity_type.tags}
        tags_type = Type("Record", attributes=fields)
    reader = Reader(schema)
    values = reader.record(attributes, attributes_type, ("attrs",))
    tag_values = reader.record(tags, tags_type, ("tags",))
    if values is None or tag_values is None:
        code = "entity_schema" if schema else "entity_json"
        raise InputError(code, f"{uid}: {reader.problems[0].message}")
    return Entity(uid, values.attributes, parents, tag_values.attributes)


def read_name(thing: Any) -> EntityUid:
    """An entity's name, in JSON or as hosts write it."""
    uid = None if isinstance(thing, Mapping) else read_uid(thing)
    return uid or expression.read_entity_uid(thing)
