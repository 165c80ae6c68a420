"""Tools, declarations and hostile arguments, drawn by Hypothesis, and both ways of reading them."""

from __future__ import annotations

import json
from typing import Any

from agentpdp import _core
from agentpdp.reference import arguments as reference
from agentpdp.reference import forms
from agentpdp.reference.schema import Type
from agentpdp.reference.value import EntityUid, Record, Set, Value
from hypothesis import strategies as st

KNOWN = [("Account", "a1"), ("Account", "7"), ("Order", "o1")]
OPEN = ["Open"]


class Members(dict[str, Any]):
    """An object of JSON text; `duplicates` says that a name stood twice."""

    duplicates = False


def members(pairs: list[tuple[str, Any]]) -> Members:
    found = Members()
    for name, value in pairs:
        found.setdefault(name, value)
    found.duplicates = len(found) < len(pairs)
    return found


def knows(uid: EntityUid) -> bool:
    return (uid.type, uid.id) in KNOWN or uid.type in OPEN


def engine(schema: Any, declaration: Any, given: Any, **options: Any) -> dict[str, Any]:
    known, types = options.get("known", KNOWN), options.get("open_types", OPEN)
    text = options.get("text")
    answer = _core._read_arguments(
        json.dumps(schema), json.dumps(declaration), given, known, types, text
    )
    return normal(json.loads(answer))


def model(schema: Any, declaration: Any, given: Any, knows: Any = knows) -> dict[str, Any]:
    try:
        form = forms.read_plan(schema, declaration)
    except forms.ProblemError as problem:
        return {"problems": [problem.code]}
    read = reference.read_arguments(form, given, knows)
    answer: dict[str, Any] = {"input": type_json(forms.input_type(form.fields))}
    if isinstance(read, reference.Refusal):
        answer["refused"] = [read.reason, read.argument]
        if read.canonical:
            answer["canonical"] = read.canonical
        return normal(answer)
    answer["values"] = value_json(read.input)
    if read.resource:
        answer["resource"] = [read.resource.type, read.resource.id]
    if read.rewritten:
        answer["rewritten"] = [[list(path), text] for path, text in read.rewritten]
    return normal(answer)


def value_json(value: Value) -> Any:
    if isinstance(value, Record):
        return {name: value_json(each) for name, each in value.attributes.items()}
    if isinstance(value, Set):
        return [value_json(each) for each in value.elements]
    if isinstance(value, EntityUid):
        return {"__entity": {"type": value.type, "id": value.id}}
    if value.kind == "decimal":
        units = abs(value.units)
        sign = "-" if value.units < 0 else ""
        return call("decimal", f"{sign}{units // 10_000}.{units % 10_000:04}")
    if value.kind == "datetime":
        return moment_json(value.milliseconds)
    if value.kind == "ipaddr":
        return call("ip", f"{value.version}/{value.address}/{value.prefix}")
    return value.value


def moment_json(milliseconds: int) -> Any:
    """A moment by its text; where its year has no four digits, by the time since 1970."""
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        since = call("duration", f"{milliseconds}ms")
        return {"__extn": {"fn": "offset", "args": [call("datetime", "1970-01-01"), since]}}
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")
    return call("datetime", f"{text}.{milliseconds % 1_000:03}Z")


def call(function: str, text: str) -> Any:
    return {"__extn": {"fn": function, "arg": text}}


def type_json(kind: Type) -> Any:
    if kind.kind == "Record":
        fields = {
            name: {"type": type_json(each.type), "required": each.required}
            for name, each in kind.attributes.items()
        }
        return {"kind": "Record", "attributes": fields}
    if kind.kind == "Set":
        assert kind.element is not None
        return {"kind": "Set", "element": type_json(kind.element)}
    if kind.kind == "Entity":
        return {"kind": "Entity", "name": kind.name}
    if kind.kind in ("decimal", "ipaddr", "datetime"):
        return {"kind": "Extension", "name": kind.kind}
    return {"kind": kind.kind}


def normal(thing: Any) -> Any:
    """Sets in one order, addresses as numbers: so that answers can be compared."""
    if isinstance(thing, dict):
        inner = thing.get("__extn")
        if inner and inner["fn"] == "ip" and ":" in inner["arg"] + ":" and "/" in inner["arg"]:
            from agentpdp.reference import ipaddr

            if inner["arg"].count("/") == 1:
                ip = ipaddr.parse(inner["arg"])
                return call("ip", f"{ip.version}/{ip.address}/{ip.prefix}")
        keep = {"rewritten", "refused", "resource"}
        found = {name: each if name in keep else normal(each) for name, each in thing.items()}
        return dict(sorted(found.items()))
    if isinstance(thing, list):
        return sorted(map(normal, thing), key=lambda each: json.dumps(each, sort_keys=True))
    return thing


NAMES = st.sampled_from(["a", "b", "to", "x_count", "to_count", "n", "a_n", "ü"])
TEXTS = st.sampled_from(
    [
        *(
            "a",
            "b",
            "",
            "7",
            "7.0",
            "1e3",
            "true",
            "No",
            "null",
            "[]",
            "{}",
            "0x1f",
            "٣",
            "\u2212 5",
        ),
        *("2025-01-31", "2025-01-31T12:00:00Z", "2025-01-31T12:00:00.123456+01:00", "0000-01-01"),
        *("10.0.0.1", "127.1", "::1", "::ffff:10.0.0.1", "a1", "o1", "\x1f7", "\x857", "1,5", "e5"),
        *("https://a.example/%61", "https://a@b.example/", "a@x.example, b@y.example", "/a//b"),
    ]
)
NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.sampled_from([2**53, 2**53 - 1, -(2**53), 2**63, 10**30, 0.5, 7.0, 1e300, 0.1, 1e-5, 12.34]),
)


def leaf_schemas() -> st.SearchStrategy[Any]:
    plain = [{"type": name} for name in ("string", "boolean", "integer", "number")]
    formats = [
        {"type": "string", "format": f} for f in ("date", "date-time", "ipv4", "ipv6", "uri")
    ]
    listed = [{"enum": ["a", "b"]}, {"type": "integer", "enum": [1, 7]}, {"enum": ["a", None, 7]}]
    odd = [{}, True, {"type": "null"}, {"type": "object"}, {"type": "array"}, {"const": "a"}]
    several = [{"type": ["string", "null"]}, {"type": ["integer", "string"]}]
    several += [{"type": ["boolean", "string", "null"]}, {"type": "string", "nullable": True}]
    refs = [
        {"$ref": "#/$defs/leaf"},
        {"$ref": "#/$defs/node"},
        {"allOf": [{"$ref": "#/$defs/leaf"}]},
    ]
    return st.sampled_from([*plain, *plain, *formats, *listed, *odd, *several, *refs])


def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda items: {"type": "array", "items": items}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
        objects(inner),
    )


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def made(properties: dict[str, Any], required: list[str]) -> Any:
        return {"type": "object", "properties": properties, "required": required}

    return st.builds(made, st.dictionaries(NAMES, inner, max_size=4), st.lists(NAMES, max_size=2))


SCHEMAS = st.recursive(leaf_schemas(), wider, max_leaves=5)
DEFS = {
    "leaf": {"type": "string", "format": "date"},
    "node": {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "a": {"$ref": "#/$defs/node"}},
    },
}


def tools() -> st.SearchStrategy[Any]:
    return objects(SCHEMAS).map(lambda schema: {**schema, "$defs": DEFS})


KINDS = st.sampled_from(
    [
        *("url", "host", "ip", "path", "email", "email-list", "command", "iban", "text"),
        {"kind": "money", "currency": "EUR", "places": 2},
        {"kind": "url", "rewrite": True},
        {"kind": "path", "rewrite": True},
        {"kind": "email-list", "rewrite": True},
        {"kind": "date", "formats": ["iso-date"]},
        {"kind": "datetime", "formats": ["rfc3339", "epoch-seconds"]},
        {"kind": "id", "alphabet": "a-z0-9"},
    ]
)


def declarations(schema: Any) -> st.SearchStrategy[Any]:
    paths = [*schema["properties"], "a.b", "to.n", "a.n"]
    path = st.sampled_from(paths)
    few = st.lists(path, max_size=2, unique=True)
    return st.fixed_dictionaries(
        {},
        optional={
            "kinds": st.dictionaries(path, KINDS, max_size=2),
            "require": few,
            "opaque": few,
            "entities": st.dictionaries(path, st.sampled_from(["Account", "Open"]), max_size=1),
            "resource": st.builds(lambda at: {"type": "Order", "from": f"input.{at}"}, path),
        },
    )


def values() -> st.SearchStrategy[Any]:
    plain = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS)
    names = st.one_of(NAMES, st.sampled_from(["__entity", "__x", "zz"]))
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)
        ),
        max_leaves=6,
    )


def fitting(schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema, so that much of them is read."""
    if not isinstance(schema, dict) or depth > 4:
        return values()
    if "$ref" in schema:
        return fitting(DEFS[schema["$ref"].rpartition("/")[2]], depth + 1)
    if "anyOf" in schema or "allOf" in schema:
        branches = schema.get("anyOf") or schema["allOf"]
        return st.one_of(*(fitting(each, depth + 1) for each in branches), values())
    if "properties" in schema:
        required = {n: fitting(s, depth + 1) for n, s in schema["properties"].items()}
        return st.one_of(
            st.fixed_dictionaries({}, optional=required), st.fixed_dictionaries(required)
        )
    if "items" in schema:
        return st.lists(fitting(schema["items"], depth + 1), max_size=3)
    if "enum" in schema:
        return st.one_of(st.sampled_from(schema["enum"]), values())
    by_type = {"string": TEXTS, "integer": NUMBERS, "number": NUMBERS, "boolean": st.booleans()}
    named = schema.get("type")
    return by_type.get(named, values()) if isinstance(named, str) else values()
