"""What rules see of the arguments of a call, or why it is refused.

Arguments are read by the form of their tool, by JSON type only; kinds are read by the compiled
module. Reading never fails: it gives the values, or the refusal that wins: unknown names, then
missing ones, then wrong types, then the others in the order of the tool's schema.

Twin: rust/arguments/src/lib.rs. Read next: calls.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import datetime, ipaddr
from .forms import (
    Form,
    Property,
    as_decimal,
    beside,
    columns,
    is_email_list,
    is_number,
    kind_name,
    kind_types,
    whole_number,
)
from .request import Reader as ValueReader
from .request import present
from .schema import Type
from .value import (
    Bool,
    EntityUid,
    EvaluationError,
    Long,
    Record,
    Set,
    String,
    Value,
    expect,
    is_text,
)

DEPTH_MAX, LIST_LENGTH_MAX = 64, 100_000
TEXTS = ("text", "date", "datetime", "ipv4", "ipv6", "ip")
TEXT_BYTES_MAX = 4 << 20
WINNERS = ("argument_unknown", "argument_missing", "argument_type")


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


Path = tuple[str | int, ...]


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
        if required and is_email_list(each) and attribute(value, "count") == Long(0):
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
        for column, kind, is_summed in columns(form):
            cells = [each.attributes.get(column) for each in there if isinstance(each, Record)]
            given = [cell for cell in cells if cell is not None]
            if kind is not None:
                values[f"{name}_{column}"] = Set(frozenset(given))
            numbers = [each.value for each in map(amount, given) if is_summed and each]
            if not -(2**63) <= sum(numbers) < 2**63:
                self.refuse("argument_overflow", (*path, 0, column))
            elif is_summed:
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
        if isinstance(thing, str) and form.what in TEXTS:
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
        return ValueReader(None).value(found["value"], None, ())

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
            texts = [expect(String, attribute(each, "text")).value for each in present(read)]
        found = json.loads(_core._read_kind(json.dumps(kind), texts))
        if "refused" in found:
            return self.refuse(found["refused"], path)
        return ValueReader(None).value(found["value"], None, ())

    def entity(self, type_name: str, value: Value, path: Path) -> EntityUid | None:
        if isinstance(value, Record):
            names = [name for name in ("text", "string", "integer") if name in value.attributes]
            value = value.attributes[names[0]]
        if isinstance(value, EntityUid):
            return value
        assert isinstance(value, String | Long)
        uid = EntityUid(type_name, str(value.value))
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


def attribute(value: Value, name: str) -> Value:
    """What kinds of several parts are records of."""
    return expect(Record, value).attributes[name]


def empty(kind: Type) -> Value:
    """What stands beside a value that is not there."""
    empties: dict[str, Value] = {"Bool": Bool(False), "Long": Long(0)}
    return empties.get(kind.kind, Set(frozenset()))


def amount(value: Value) -> Long | None:
    """The number that a field adds to a sum."""
    minor = value.attributes.get("minor") if isinstance(value, Record) else value
    return minor if isinstance(minor, Long) else None


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
