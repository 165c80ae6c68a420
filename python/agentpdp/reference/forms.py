"""How the arguments of a tool are read: its JSON Schema, and what the bundle declares of them.

A schema becomes a `Form`: what each value is, which attributes of `context.input` come out of it.
What has no type of its own is opaque. Kinds are known to the compiled module, which is imported
only where a kind is declared.

Twin: rust/arguments/src/forms.rs. Read next: arguments.py.
"""

from __future__ import annotations

import decimal as host_decimal
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from . import decimal
from .schema import Attribute, Type
from .value import CodedError

INTEGER_MAX, SCHEMA_DEPTH_MAX = 2**53 - 1, 32
INTEGER_BITS_MAX, DECIMAL_DIGITS_MAX = 2_048, 640
TYPES = ("string", "boolean", "integer", "number", "object", "array")
FORMATS = {"date": "date", "date-time": "datetime", "ipv4": "ipv4", "ipv6": "ipv6"}
BRANCHES = {
    "text": "string",
    "ipv4": "ip",
    "ipv6": "ip",
    "ip": "ip",
    "list": "array",
    "record": "object",
}
SCALARS = {
    **{"text": "String", "boolean": "Bool", "integer": "Long", "number": "decimal"},
    **{
        "date": "datetime",
        "datetime": "datetime",
        "ipv4": "ipaddr",
        "ipv6": "ipaddr",
        "ip": "ipaddr",
    },
}
# What is given in place of the value of a kind tells its type; those that are not records:
KIND_TYPES = {"host": "String", "iban": "String", "id": "String", "ip": "ipaddr"}
KIND_TYPES |= {"date": "datetime", "datetime": "datetime"}
KIND_RECORDS = {
    "url": "fragment:String host:String is_ip:Bool path:String port:Long query:String "
    "scheme:String text:String",
    "path": "absolute:Bool parts:Set text:String",
    "email": "domain:String local:String text:String",
    "email-list": "addresses:Set count:Long domains:Set",
    "command": "arguments:Set count:Long program:String text:String",
    "money": "currency:String minor:Long",
    "text": "addresses:Set hosts:Set text:String urls:Set",
}
WITH_TEXT = ("url", "host", "path", "email", "iban", "id")


class ProblemError(CodedError, ValueError):
    """A tool or a declaration that cannot be taken."""


@dataclass(frozen=True)
class Form:
    """How one value is read; `what` says which of the other fields count."""

    what: str
    listed: tuple[Any, ...] | None = None
    kind: Any = None
    entity: str = ""
    member: Form | None = None
    fields: tuple[Property, ...] = ()
    is_list: bool = False
    allowed: bool = False
    has_null: bool = False


@dataclass(frozen=True)
class Property:
    name: str
    form: Form
    required: bool = False
    needed: bool = False
    nullable: bool = False
    resource: str | None = None


Leaf = tuple[Mapping[str, Any], str, tuple[int, ...]]


class Maker:
    """Makes the form of a tool's arguments out of its schema and what is declared of them."""

    def __init__(self, schema: Any, declaration: Mapping[str, Any]) -> None:
        # Read anew: what is one object is one part of the schema, and no caller's sharing.
        self.schema, self.declaration = json.loads(json.dumps(schema)), declaration
        self.kinds = declaration.get("kinds", {})
        self.entities = declaration.get("entities", {})
        self.resource = declaration.get("resource")
        self.seen: set[str] = set()
        for kind in self.kinds.values():
            check_kind(kind)

    def input(self) -> Form:
        if self.schema is True or self.schema == {}:
            return self.checked(Form("record"))
        leaves, _, untyped = self.leaves(self.schema, ())
        if untyped or [leaf[1] for leaf in leaves] != ["object"]:
            raise ProblemError("input_not_object", "the schema does not describe one object")
        return self.checked(self.record(leaves[0], ""))

    def checked(self, form: Form) -> Form:
        declared = [*self.kinds, *self.entities, *self.listed("require"), *self.listed("opaque")]
        declared += [self.resource["from"].removeprefix("input.")] if self.resource else []
        if not self.seen.issuperset(declared):
            raise ProblemError("argument_undeclared", "a declaration names no argument")
        return form

    def listed(self, key: str) -> Iterable[str]:
        return list(self.declaration.get(key, ()))

    def leaves(self, node: Any, followed: tuple[int, ...]) -> tuple[list[Leaf], bool, bool]:
        """The types that a part allows, whether null is one, and whether it has no type."""
        if not isinstance(node, Mapping):
            return [], False, True
        nullable = node.get("nullable") is True
        if "$ref" in node:
            target = self.resolve(node["$ref"])
            if id(target) in followed or len(followed) >= SCHEMA_DEPTH_MAX:
                return [], nullable, True
            found, null, untyped = self.leaves(target, (*followed, id(target)))
            return found, nullable or null, untyped
        if "$dynamicRef" in node or "$recursiveRef" in node:
            return [], nullable, True
        typed = "type" in node or "properties" in node
        if isinstance(node.get("allOf"), list) and not typed:
            if len(node["allOf"]) != 1:
                return [], nullable, True
            found, null, untyped = self.leaves(node["allOf"][0], followed)
            return found, nullable or null, untyped
        branches = node.get("anyOf", node.get("oneOf"))
        if isinstance(branches, list) and not typed:
            parts = [self.leaves(branch, followed) for branch in branches]
            # A definition that two branches refer to is one.
            known = {key(leaf): leaf for part in parts for leaf in part[0]}
            found = [leaf for part in parts for leaf in part[0] if known.pop(key(leaf), None)]
            return found, nullable or any(part[1] for part in parts), any(part[2] for part in parts)
        names, untyped = named_types(node)
        found = [(node, name, followed) for name in TYPES if name in names]
        found.sort(key=lambda leaf: names.index(leaf[1]))
        return found, nullable or "null" in names, untyped

    def resolve(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise ProblemError("ref_remote", "a reference to another document")
        target, pointer = self.schema, unquote(reference[1:])
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(step)] if isinstance(target, list) else target[step]
            except (LookupError, TypeError, ValueError):
                raise ProblemError("ref_unresolved", "a reference to nothing") from None
        if pointer and not pointer.startswith("/"):
            raise ProblemError("ref_unresolved", "a reference to nothing")
        return target

    def record(self, leaf: Leaf, path: str) -> Form:
        node, _, followed = leaf
        required = node.get("required", ())
        fields = []
        for name, part in node.get("properties", {}).items():
            if name.startswith("__"):
                raise ProblemError("name_reserved", "a name that no argument may have")
            here = f"{path}.{name}" if path else name
            self.seen.add(here)
            found = self.leaves(part, followed)
            form = self.form(found, here)
            resource = None
            if self.resource and self.resource["from"] == f"input.{here}":
                resource = self.resource["type"]
                if not is_id(form):
                    raise ProblemError("resource_type", "the resource is one string or integer")
            needed = here in self.listed("require") or resource is not None
            fields.append(Property(name, form, name in required, needed, found[1], resource))
        input_type(tuple(fields))
        return Form("record", fields=tuple(fields))

    def form(self, found: tuple[list[Leaf], bool, bool], path: str) -> Form:
        if path in self.kinds or path in self.entities:
            form = self.declared(found, path)
        else:
            form = self.plain(found, path)
        if form.what != "opaque" and path in self.listed("opaque"):
            raise ProblemError("opaque_typed", "rules can see what is declared opaque")
        return form

    def declared(self, found: tuple[list[Leaf], bool, bool], path: str) -> Form:
        kind, entity = self.kinds.get(path), self.entities.get(path, "")
        leaves, _, untyped = found
        takes = kind_types(kind) if kind is not None else ("string", "integer")
        whole = kind is not None and kind_name(kind) in ("email-list", "command")
        if entity and kind is not None and kind_name(kind) not in WITH_TEXT:
            raise ProblemError("entity_type", "a kind that is no id")
        several = False
        if not whole and not untyped and [leaf[1] for leaf in leaves] == ["array"]:
            items = leaves[0][0].get("items")
            several = items is not None
            leaves, _, untyped = self.leaves(items, leaves[0][2]) if several else ([], False, True)
        names = {leaf[1] for leaf in leaves}
        if untyped or not names or not names.issubset(takes):
            raise ProblemError("kind_type" if kind is not None else "entity_type", "another type")
        inner = Form("kind", kind=kind) if kind is not None else Form("text")
        if kind is None and names == {"integer"}:
            inner = Form("integer")
        elif kind is None and len(names) == 2 and not several:
            both = (Property("string", Form("text")), Property("integer", Form("integer")))
            inner = Form("union", fields=both)
        form = Form("entity", entity=entity, member=inner) if entity else inner
        return Form("list", member=form) if several else form

    def opaque(self, path: str, is_list: bool = False) -> Form:
        return Form("opaque", is_list=is_list, allowed=path in self.listed("opaque"))

    def plain(self, found: tuple[list[Leaf], bool, bool], path: str) -> Form:
        leaves, nullable, untyped = found
        if untyped or not leaves:
            return self.opaque(path)
        return (
            self.single(leaves[0], path) if len(leaves) == 1 else self.union(leaves, nullable, path)
        )

    def single(self, leaf: Leaf, path: str) -> Form:
        node, name, _ = leaf
        listed = listed_values(node)
        if name == "string":
            if listed is not None:
                return Form("text", listed=tuple(x for x in listed if isinstance(x, str)))
            form = node.get("format")
            return Form(FORMATS.get(form, "text") if isinstance(form, str) else "text")
        if name in ("boolean", "integer", "number"):
            read = {"boolean": as_flag, "integer": whole_number, "number": as_decimal}[name]
            right = [x for x in listed or () if is_number(x) != (name == "boolean")]
            values = None if listed is None else tuple(filter(is_some, map(read, right)))
            only_one = name != "boolean" or (listed is not None and len(listed) == 1)
            return Form(name, listed=values if only_one else None)
        if name == "object":
            closed = node.get("additionalProperties") is False and "patternProperties" not in node
            return (
                self.record(leaf, path) if node.get("properties") or closed else self.opaque(path)
            )
        return self.list_form(leaf, path)

    def list_form(self, leaf: Leaf, path: str) -> Form:
        node, _, followed = leaf
        items = node.get("items")
        if not isinstance(items, Mapping | bool) or "prefixItems" in node:
            return self.opaque(path, True)
        found = self.leaves(items, followed)
        names = [name for _, name, _ in found[0]]
        if found[2] or not names or "array" in names:
            return self.opaque(path, True)
        member = self.plain(found, path)
        if member.what == "opaque":
            return replace(member, is_list=True)
        return Form("list", member=member)

    def union(self, leaves: list[Leaf], nullable: bool, path: str) -> Form:
        branches: dict[str, Form] = {}
        is_list = all(name == "array" for _, name, _ in leaves)
        has_number = any(name == "number" for _, name, _ in leaves)
        for leaf in leaves:
            if leaf[1] == "integer" and has_number:
                continue
            form = self.single(leaf, path)
            name = BRANCHES.get(form.what, form.what)
            merged = form if name not in branches else merge(branches[name], form)
            if form.what == "opaque" or merged is None:
                return self.opaque(path, is_list)
            branches[name] = merged
        if "string" in branches:
            for name in ("date", "datetime", "ip"):
                branches.pop(name, None)
        if len(branches) == 1:
            return next(iter(branches.values()))
        fields = tuple(Property(name, form) for name, form in branches.items())
        input_type(fields)
        return Form("union", fields=fields, has_null=nullable)


def key(leaf: Leaf) -> tuple[int, str]:
    return id(leaf[0]), leaf[1]


def named_types(node: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The names of types that a part allows, and whether it has none."""
    named = node.get("type")
    names = [named] if isinstance(named, str) else list(named) if isinstance(named, list) else []
    names = [name for name in names if isinstance(name, str)]
    listed = listed_values(node)
    if names:
        return names, not {*TYPES, "null"}.issuperset(names)
    if listed is not None:
        return list(dict.fromkeys(map(json_type, listed))), False
    if "properties" in node:
        return ["object"], False
    if "items" in node or "prefixItems" in node:
        return ["array"], False
    return [], True


def listed_values(node: Mapping[str, Any]) -> list[Any] | None:
    if isinstance(node.get("enum"), list):
        return list(node["enum"])
    return [node["const"]] if "const" in node else None


def json_type(thing: Any) -> str:
    if thing is None:
        return "null"
    if isinstance(thing, bool):
        return "boolean"
    if isinstance(thing, int):
        return "integer"
    names = {str: "string", float: "number", list: "array"}
    return next((name for kind, name in names.items() if isinstance(thing, kind)), "object")


def is_some(thing: object) -> bool:
    return thing is not None


def merge(known: Form, other: Form) -> Form | None:
    """Two branches of one JSON type as one."""
    if known.what == other.what == "text" and known.listed and other.listed:
        return replace(known, listed=(*known.listed, *other.listed))
    if known.what == other.what == "boolean":
        return known if known.listed == other.listed else Form("boolean")
    if {known.what, other.what} <= {"text", "integer", "number", "date", "datetime"}:
        return Form(known.what)
    if {known.what, other.what} <= {"ip", "ipv4", "ipv6"}:
        return known if known.what == other.what else Form("ip")
    return None


def check_kind(kind: Any) -> None:
    """Kinds are known to the compiled module, with their options."""
    from agentpdp import _core

    try:
        _core._read_kind(json.dumps(kind), "")
    except ValueError as problem:
        raise ProblemError(*problem.args) from None


def kind_name(kind: Any) -> str:
    return str(kind if isinstance(kind, str) else kind["kind"])


def kind_types(kind: Any) -> tuple[str, ...]:
    """The JSON types that a kind reads."""
    name = kind_name(kind)
    if name == "money":
        return ("string", "integer", "number")
    if name in ("email-list", "command"):
        return ("string", "array")
    if name in ("date", "datetime"):
        numbers = {"epoch-seconds", "epoch-milliseconds"}
        texts = ("string",) if set(kind["formats"]) - numbers else ()
        return (*texts, *(("integer",) if numbers & set(kind["formats"]) else ()))
    return ("string",)


def is_id(form: Form) -> bool:
    named = form.what == "kind" and kind_name(form.kind) in WITH_TEXT
    return named or form.what in ("text", "integer", "entity")


def value_type(form: Form) -> Type | None:
    """The type that rules see; None for what they do not see."""
    if form.what in SCALARS:
        return Type(SCALARS[form.what])
    if form.what == "kind":
        name = kind_name(form.kind)
        if name in KIND_TYPES:
            return Type(KIND_TYPES[name])
        pairs = [pair.split(":") for pair in KIND_RECORDS[name].split()]
        texts = Type("Set", Type("String"))
        types = {key: texts if kind == "Set" else Type(kind) for key, kind in pairs}
        fields = {key: Attribute(kind, True) for key, kind in types.items()}
        return Type("Record", attributes=fields)
    if form.what == "entity":
        return Type("Entity", name=form.entity)
    if form.what == "list":
        return Type("Set", value_type(form.member) if form.member else None)
    return None if form.what == "opaque" else input_type(form.fields)


def input_type(fields: tuple[Property, ...]) -> Type:
    """The record that rules see: each value and what stands beside it."""
    attributes: dict[str, Attribute] = {}
    for each in fields:
        found = value_type(each.form)
        there = each.needed or (each.required and not each.nullable)
        own = [(each.name, Attribute(found, there or is_email_list(each)))] if found else []
        for name, attribute in [
            *own,
            *((name, Attribute(kind, True)) for name, kind in beside(each)),
        ]:
            if name in attributes:
                raise ProblemError("name_collision", "two attributes have one name")
            attributes[name] = attribute
    return Type("Record", attributes=attributes)


def is_email_list(each: Property) -> bool:
    return each.form.what == "kind" and kind_name(each.form.kind) == "email-list"


def beside(each: Property) -> list[tuple[str, Type]]:
    """What is always there besides the value."""
    found = []
    if each.form.what == "opaque":
        found.append((f"{each.name}_given", Type("Bool")))
    if each.form.what == "list" or each.form.is_list:
        found.append((f"{each.name}_count", Type("Long")))
    for column, kind, is_number in columns(each.form):
        name = f"{each.name}_{column}"
        found += [(name, Type("Set", kind))] if kind is not None else []
        found += [(f"{name}_max", Type("Long")), (f"{name}_sum", Type("Long"))] * is_number
    return found


def columns(form: Form) -> Iterator[tuple[str, Type | None, bool]]:
    """Fields of a list's objects: name, type of the set, whether they are added up."""
    if form.what == "list" and form.member and form.member.what == "record":
        for each in form.member.fields:
            kind = value_type(each.form)
            is_money = each.form.what == "kind" and kind_name(each.form.kind) == "money"
            scalar = kind if kind and kind.kind not in ("Record", "Set") else None
            if scalar or is_money:
                yield each.name, scalar, is_money or each.form.what == "integer"


def is_number(thing: Any) -> bool:
    """JSON has no infinity and no NaN; what is too long is none."""
    if isinstance(thing, float):
        return math.isfinite(thing)
    if isinstance(thing, host_decimal.Decimal):
        return thing.is_finite() and len(str(thing)) <= DECIMAL_DIGITS_MAX
    is_whole = isinstance(thing, int) and not isinstance(thing, bool)
    return is_whole and thing.bit_length() <= INTEGER_BITS_MAX


def exact(thing: Any) -> host_decimal.Decimal | None:
    """The value that every reader sees; None where readers see different ones."""
    if isinstance(thing, float):
        thing = host_decimal.Decimal(repr(thing))
    number = host_decimal.Decimal(thing)
    if not number.is_finite() or (number and abs(number.adjusted()) > 400):
        return None
    same = host_decimal.Decimal(repr(float(number))) == number
    return number if same else None


def whole_number(thing: Any) -> int | None:
    number = (
        host_decimal.Decimal(repr(thing))
        if isinstance(thing, float)
        else host_decimal.Decimal(thing)
    )
    if not number.is_finite() or (number and abs(number.adjusted()) > 400):
        return None
    whole = int(number)
    return whole if whole == number and abs(whole) <= INTEGER_MAX else None


def as_flag(thing: Any) -> bool | None:
    return thing if isinstance(thing, bool) else None


def as_decimal(thing: Any) -> decimal.Decimal | None:
    number = exact(thing)
    if number is None:
        return None
    numerator, denominator = number.as_integer_ratio()
    units, rest = divmod(numerator * 10**decimal.PLACES, denominator)
    return decimal.Decimal(units) if rest == 0 and -(2**63) <= units < 2**63 else None


def read_plan(schema: Any, declaration: Mapping[str, Any]) -> Form:
    """How the arguments of a tool are read; ProblemError where schema or declaration is wrong."""
    return Maker(schema, declaration).input()
