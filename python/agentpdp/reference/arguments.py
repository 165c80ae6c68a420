"""What rules see of the arguments of a tool: its JSON Schema, and what the bundle declares of them.

A schema becomes a form, made of small tuples-like classes; reading is by JSON type only. Reading
never fails: it gives the values, or the refusal that wins: unknown names, then missing ones, then
wrong types, then the others in the order of the tool's schema. Kinds are read by the compiled
module, which is imported only where a kind is declared.

Twin: rust/arguments/src/lib.rs. Read next: calls.py.
"""

from __future__ import annotations

import decimal as host_decimal
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from . import datetime, decimal, ipaddr
from .schema import Attribute, Type
from .value import (
    Bool,
    CodedError,
    EntityUid,
    EvaluationError,
    Long,
    Record,
    Set,
    String,
    Value,
    is_text,
)

INTEGER_MAX = 2**53 - 1
DEPTH_MAX, LIST_LENGTH_MAX, SCHEMA_DEPTH_MAX = 64, 100_000, 32
TEXT_BYTES_MAX = 4 << 20
WINNERS = ("argument_unknown", "argument_missing", "argument_type")
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


@dataclass(frozen=True)
class Refusal:
    reason: str
    argument: str
    canonical: str = ""


@dataclass
class Arguments:
    """What was read: the value of `context.input`, the resource, and texts to be written anew."""

    input: Record
    resource: EntityUid | None = None
    rewritten: list[tuple[tuple[str | int, ...], str]] = field(default_factory=list)


Leaf = tuple[Mapping[str, Any], str, tuple[int, ...]]
Path = tuple[str | int, ...]


class Maker:
    """Makes the form of a tool's arguments out of its schema and what is declared of them."""

    def __init__(self, schema: Any, declaration: Mapping[str, Any]) -> None:
        self.schema, self.declaration = schema, declaration
        self.kinds = declaration.get("kinds", {})
        self.entities = declaration.get("entities", {})
        self.resource = declaration.get("resource")
        self.seen: set[str] = set()

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
            found = [leaf for part in parts for leaf in part[0]]
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
            values = None if listed is None else tuple(filter(is_some, map(read, listed)))
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


class Reader:
    """Reads the arguments of one call; refusals are kept, and the first of the best rank wins."""

    def __init__(self, knows: Callable[[EntityUid], bool]) -> None:
        self.knows = knows
        self.refusals: list[Refusal] = []
        self.resource: EntityUid | None = None
        self.rewritten: list[tuple[Path, str]] = []

    def refuse(self, reason: str, path: Path, canonical: str = "") -> Value | None:
        """Keeps a refusal; gives None, which is no value."""
        text = ".".join("[]" if isinstance(step, int) else step for step in path)
        self.refusals.append(Refusal(reason, text.replace(".[]", "[]"), canonical))
        return None

    def record(self, fields: tuple[Property, ...], thing: Any, path: Path) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for each in fields:
            values |= {name: empty(kind) for name, kind in beside(each)}
            if is_email_list(each):
                nobody = {"addresses": Set(frozenset()), "count": Long(0)}
                values[each.name] = Record(nobody | {"domains": Set(frozenset())})
            if each.name in thing:
                values |= self.property(each, thing[each.name], path)
            elif each.required or each.needed:
                self.refuse("argument_missing", (*path, each.name))
        known = {each.name for each in fields}
        for name in thing:
            if not isinstance(name, str):
                self.refuse("argument_type", path)
            elif not is_text(name):
                self.refuse("argument_unsafe", path)
            elif name not in known:
                reserved = name.startswith("__")
                code = "argument_reserved" if reserved else "argument_unknown"
                self.refuse(code, (*path, name))
        if getattr(thing, "duplicates", False):
            self.refuse("argument_unsafe", path)
        return values

    def property(self, each: Property, thing: Any, path: Path) -> dict[str, Value]:
        here, form, name = (*path, each.name), each.form, each.name
        if form.what == "opaque":
            given = thing is not None and thing != [] and thing != {} and thing != ()
            if given:
                self.opaque(form, thing, here)
            elif each.needed:
                self.refuse("argument_missing", here)
            values: dict[str, Value] = {f"{name}_given": Bool(given)}
            several = len(thing) if isinstance(thing, list | tuple) else 0
            return values | ({f"{name}_count": Long(several)} if form.is_list else {})
        if thing is None:
            if not each.nullable:
                self.refuse("argument_type", here)
            elif each.needed:
                self.refuse("argument_missing", here)
            return {}
        found = self.members(name, form, thing, here) if form.what == "list" else None
        if found is not None:
            return found
        value = self.value(form, thing, here)
        if value is None:
            return {}
        if each.resource:
            uid = value if isinstance(value, EntityUid) else self.entity(each.resource, value, here)
            self.resource = uid
        required = each.needed or (each.required and not each.nullable)
        if required and is_email_list(each) and value.attributes["count"] == Long(0):  # type: ignore[attr-defined]
            self.refuse("argument_format", here)
        return {name: value}

    def members(self, name: str, form: Form, thing: Any, path: Path) -> dict[str, Value]:
        if not isinstance(thing, list | tuple) or form.member is None:
            self.refuse("argument_type", path)
            return {}
        if len(thing) > LIST_LENGTH_MAX:
            self.refuse("argument_too_large", path)
            return {}
        members = [self.value(form.member, each, (*path, at)) for at, each in enumerate(thing)]
        there = [each for each in members if each is not None]
        values: dict[str, Value] = {name: Set(frozenset(there)), f"{name}_count": Long(len(thing))}
        for column, kind, is_number in columns(form):
            cells = [each.attributes.get(column) for each in there if isinstance(each, Record)]
            given = [cell for cell in cells if cell is not None]
            if kind is not None:
                values[f"{name}_{column}"] = Set(frozenset(given))
            numbers = [each.value for each in map(amount, given) if is_number and each]
            if not -(2**63) <= sum(numbers) < 2**63:
                self.refuse("argument_overflow", (*path, 0, column))
            elif is_number:
                values[f"{name}_{column}_max"] = Long(max(numbers, default=0))
                values[f"{name}_{column}_sum"] = Long(sum(numbers))
        return values

    def value(self, form: Form, thing: Any, path: Path) -> Value | None:
        if form.what == "kind":
            return self.kind(form.kind, thing, path)
        if form.what == "entity" and form.member:
            inner = self.value(form.member, thing, path)
            return self.entity(form.entity, inner, path) if inner is not None else None
        if form.what == "record" and isinstance(thing, Mapping):
            return Record(self.record(form.fields, thing, path))
        if form.what == "union":
            return self.union(form, thing, path)
        if isinstance(thing, str) and SCALARS.get(form.what, "Long") not in (
            "Long",
            "Bool",
            "decimal",
        ):
            return self.text(form, thing, path)
        found: Value | None = None
        if form.what == "boolean" and isinstance(thing, bool):
            found = Bool(thing)
        elif form.what == "integer" and is_number(thing):
            whole = whole_number(thing)
            found = None if whole is None else Long(whole)
        elif form.what == "number" and is_number(thing):
            found = as_decimal(thing)
            if found is None:
                return self.refuse("argument_not_exact", path)
        if found is None:
            return self.refuse("argument_type", path)
        plain = found.value if isinstance(found, Bool | Long) else found
        listed = form.listed is None or plain in form.listed
        return found if listed else self.refuse("argument_enum", path)

    def text(self, form: Form, thing: str, path: Path) -> Value | None:
        if not is_text(thing):
            return self.refuse("argument_unsafe", path)
        if len(thing.encode()) > TEXT_BYTES_MAX:
            return self.refuse("argument_too_large", path)
        if form.what == "text":
            listed = form.listed is None or thing in form.listed
            return String(thing) if listed else self.refuse("argument_enum", path)
        read = {"date": read_date, "datetime": read_moment}.get(form.what)
        found = read(thing) if read else read_ip(thing, form.what)
        return self.refuse(found, path) if isinstance(found, str) else found

    def kind(self, kind: Any, thing: Any, path: Path) -> Value | None:
        from agentpdp import _core

        types = kind_types(kind)
        if isinstance(thing, list | tuple) and "array" in types:
            return self.kind_list(kind, list(thing), path)
        if isinstance(thing, str) and "string" in types:
            if not is_text(thing):
                return self.refuse("argument_unsafe", path)
        elif not (is_number(thing) and "integer" in types):
            return self.refuse("argument_type", path)
        found = json.loads(_core._read_kind(json.dumps(kind), thing))
        rewrite = not isinstance(kind, str) and kind.get("rewrite")
        if "canonical" in found and rewrite:
            self.rewritten.append((path, found["canonical"]))
            found = json.loads(_core._read_kind(json.dumps(kind), found["canonical"]))
        if "refused" in found:
            return self.refuse(found["refused"], path, found.get("canonical", ""))
        return cedar_value(found["value"])

    def kind_list(self, kind: Any, texts: list[Any], path: Path) -> Value | None:
        known = len(self.refusals)
        if len(texts) > 1_000:
            return self.refuse("argument_too_large", path)
        for at, text in enumerate(texts):
            if not isinstance(text, str):
                self.refuse("argument_type", (*path, at))
            elif not is_text(text):
                self.refuse("argument_unsafe", (*path, at))
        if len(self.refusals) > known:
            return None
        from agentpdp import _core

        if kind_name(kind) == "email-list":
            member = {
                "kind": "email",
                "rewrite": not isinstance(kind, str) and kind.get("rewrite", False),
            }
            read = [self.kind(member, text, (*path, at)) for at, text in enumerate(texts)]
            if len(self.refusals) > known:
                return None
            texts = [each.attributes["text"].value for each in read]  # type: ignore[union-attr]
        found = json.loads(_core._read_kind(json.dumps(kind), texts))
        if "refused" in found:
            return self.refuse(found["refused"], path)
        return cedar_value(found["value"])

    def entity(self, type_name: str, value: Value, path: Path) -> EntityUid | None:
        if isinstance(value, Record):
            names = [name for name in ("text", "string", "integer") if name in value.attributes]
            value = value.attributes[names[0]]
        if isinstance(value, EntityUid):
            return value
        uid = EntityUid(type_name, str(value.value))  # type: ignore[attr-defined]
        if self.knows(uid):
            return uid
        self.refuse("argument_entity", path)
        return None

    def union(self, form: Form, thing: Any, path: Path) -> Value | None:
        if is_doubtful(form, thing):
            return self.refuse("argument_ambiguous", path)
        branch = next((each for each in form.fields if takes(each.form, thing)), None)
        if branch is None:
            named = {each.name for each in form.fields} & {"date", "datetime", "ip"}
            code = "argument_format" if named and isinstance(thing, str) else "argument_type"
            return self.refuse(code, path)
        values: dict[str, Value] = {}
        for each in form.fields:
            values |= {name: empty(kind) for name, kind in beside(each)}
        if branch.form.what == "list":
            return Record(values | self.members(branch.name, branch.form, thing, path))
        value = self.value(branch.form, thing, path)
        return Record(values | {branch.name: value}) if value is not None else None

    def opaque(self, form: Form, thing: Any, path: Path) -> None:
        if form.is_list and not isinstance(thing, list | tuple):
            self.refuse("argument_type", path)
        elif not form.allowed:
            self.refuse("argument_opaque", path)
        else:
            self.walk(thing, path, 0)

    def walk(self, thing: Any, path: Path, depth: int) -> None:
        """What no argument may hold, seen by rules or not."""
        if depth > DEPTH_MAX:
            self.refuse("argument_too_large", path)
        elif isinstance(thing, str):
            if not is_text(thing):
                self.refuse("argument_unsafe", path)
        elif isinstance(thing, list | tuple):
            for at, each in enumerate(thing):
                self.walk(each, (*path, at), depth + 1)
        elif isinstance(thing, Mapping):
            for name, each in thing.items():
                if not isinstance(name, str) or not is_text(name):
                    code = "argument_unsafe" if isinstance(name, str) else "argument_type"
                    self.refuse(code, path)
                    continue
                if name.startswith("__"):
                    self.refuse("argument_reserved", (*path, name))
                self.walk(each, (*path, name), depth + 1)
            if getattr(thing, "duplicates", False):
                self.refuse("argument_unsafe", path)
        elif thing is not None and not isinstance(thing, bool) and not is_number(thing):
            self.refuse("argument_type", path)


def empty(kind: Type) -> Value:
    """What stands beside a value that is not there."""
    empties: dict[str, Value] = {"Bool": Bool(False), "Long": Long(0)}
    return empties.get(kind.kind, Set(frozenset()))


def amount(value: Value) -> Long | None:
    """The number that a field adds to a sum."""
    minor = value.attributes.get("minor") if isinstance(value, Record) else value
    return minor if isinstance(minor, Long) else None


def is_number(thing: Any) -> bool:
    return isinstance(thing, int | float | host_decimal.Decimal) and not isinstance(thing, bool)


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


DATE = re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(
    rf"({DATE.pattern}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})(?:\.([0-9]+))?(Z|[+-][0-9]{{2}}:[0-9]{{2}})"
)


def read_date(text: str) -> Value | str:
    try:
        return datetime.parse_datetime(text) if DATE.fullmatch(text) else "argument_format"
    except EvaluationError:
        return "argument_format"


def read_moment(text: str) -> Value | str:
    """RFC 3339's date-time, exact in milliseconds."""
    match = MOMENT.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        return "argument_format"
    clock, fraction, offset = match.groups()
    places = f".{fraction[:3].ljust(3, '0')}" if fraction else ""
    try:
        found = datetime.parse_datetime(clock + places + offset.replace(":", ""))
    except EvaluationError:
        return "argument_format"
    return found if not (fraction or "")[3:].strip("0") else "argument_not_exact"


def read_ip(text: str, versions: str) -> Value | str:
    from agentpdp import _core

    found = json.loads(_core._read_kind('"ip"', text))
    is_v6 = ":" in text
    if (versions == "ipv4" and is_v6) or (versions == "ipv6" and not is_v6):
        return "argument_format"
    return (
        ipaddr.parse(found["value"]["__extn"]["arg"]) if "value" in found else str(found["refused"])
    )


def takes(form: Form, thing: Any) -> bool:
    """Whether a branch is for this value."""
    if isinstance(thing, str):
        if form.what in ("date", "datetime", "ip", "ipv4", "ipv6"):
            read = {"date": read_date, "datetime": read_moment}.get(form.what)
            found = read(thing) if read else read_ip(thing, form.what)
            return not isinstance(found, str)
        return form.what == "text"
    if form.what in ("boolean", "number", "integer"):
        if isinstance(thing, bool) or form.what == "boolean":
            return isinstance(thing, bool) and form.what == "boolean"
        return is_number(thing) and (form.what == "number" or whole_number(thing) is not None)
    kinds = {"list": list | tuple, "record": Mapping}
    return isinstance(thing, kinds.get(form.what, ()))


FLAGS = {*("true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "1", "0")}


def is_doubtful(form: Form, thing: Any) -> bool:
    """Whether other readers take a value for one of another branch."""
    names = {each.form.what for each in form.fields}
    numeric = bool(names & {"integer", "number"})
    if isinstance(thing, str):
        text = thing.strip(SPACES)
        null = form.has_null and lower(text) in ("null", "none", "nil")
        flag = "boolean" in names and lower(text) in FLAGS
        several = (text.startswith("[") and "list" in names) or (
            text.startswith("{") and "record" in names
        )
        return (numeric and looks_like_number(text)) or null or flag or several
    flag = is_number(thing) and "boolean" in names
    return flag and whole_number(thing) in (0, 1)


# White space of Unicode; Python counts four controls more.
SPACES = "".join(map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))))
SPACES += "\u2028\u2029\u202f\u205f\u3000"


def lower(text: str) -> str:
    """ASCII letters in lower case, and no others."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def looks_like_number(text: str) -> bool:
    """Whether some reader takes a text for a number."""
    word = lower(text.lstrip("+-\u2212").lstrip(SPACES))
    if word in ("nan", "inf", "infinity"):
        return True
    mantissa, _, power = word.partition("e")
    separators = ".,_' \u066b\u066c"
    plain = all(c.isnumeric() or c in separators for c in mantissa) and mantissa.count(".") <= 1
    plain = plain and all(c.isnumeric() for c in power.lstrip("+-"))
    prefixed = re.fullmatch("0[xob][0-9a-f_]*", word) is not None
    return any(c.isnumeric() for c in word) and (plain or prefixed)


def cedar_value(thing: Any) -> Value:
    """A value in Cedar's JSON form."""
    if isinstance(thing, Mapping):
        call = thing.get("__extn")
        if call:
            text = str(call["arg"])
            return ipaddr.parse(text) if call["fn"] == "ip" else datetime.parse_datetime(text)
        return Record({key: cedar_value(each) for key, each in thing.items()})
    if isinstance(thing, list):
        return Set(frozenset(map(cedar_value, thing)))
    if isinstance(thing, bool):
        return Bool(thing)
    return Long(thing) if isinstance(thing, int) else String(thing)


def read_plan(schema: Any, declaration: Mapping[str, Any]) -> Form:
    """How the arguments of a tool are read; ProblemError where schema or declaration is wrong."""
    return Maker(schema, declaration).input()


def read_arguments(
    form: Form, arguments: Any, knows: Callable[[EntityUid], bool]
) -> Arguments | Refusal:
    """What rules see of arguments, or why they are refused."""
    reader = Reader(knows)
    values: dict[str, Value] = {}
    if isinstance(arguments, Mapping):
        values = reader.record(form.fields, arguments, ())
    else:
        reader.refuse("argument_type", ())
    ranks = {code: rank for rank, code in enumerate(WINNERS)}
    if reader.refusals:
        return min(reader.refusals, key=lambda each: ranks.get(each.reason, len(WINNERS)))
    return Arguments(Record(values), reader.resource, reader.rewritten)
