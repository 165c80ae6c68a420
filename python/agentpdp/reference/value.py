"""What a Cedar expression can come to, and the two ways in which something can go wrong.

Two values are equal when they are of one kind and hold the same; values of different kinds are
unequal, and comparing them is never an error. So `Bool(True)` is not `Long(1)`, and a set of both
has two elements. Extension values (decimal, ipaddr, datetime, duration) have a file each.

Twin: rust/core/src/value.rs. Read next: decimal.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1


class CodedError(Exception):
    """Something is wrong; `code` is stable, the text is not."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EvaluationError(CodedError):
    """One policy could not be evaluated for one request; the decision lists it."""


class InputError(CodedError, ValueError):
    """Policies, entities or links that cannot be taken; nothing of them was."""


class Value:
    """Base of all values; `kind` is the name of the type in messages and in schemas."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Bool(Value):
    kind = "Bool"
    value: bool


@dataclass(frozen=True, order=True)
class Long(Value):
    kind = "Long"
    value: int


@dataclass(frozen=True)
class String(Value):
    kind = "String"
    value: str


@dataclass(frozen=True)
class EntityUid(Value):
    kind = "Entity"
    type: str
    id: str

    def __str__(self) -> str:
        escaped = self.id.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.type}::"{escaped}"'


@dataclass(frozen=True)
class Set(Value):
    kind = "Set"
    elements: frozenset[Value]


@dataclass(frozen=True)
class Record(Value):
    kind = "Record"
    attributes: Mapping[str, Value]

    def __hash__(self) -> int:
        return hash(frozenset(self.attributes.items()))


@dataclass(frozen=True)
class Function:
    """An extension function: the kinds it takes, and what it does with values of these kinds."""

    parameters: tuple[str, ...]
    apply: Callable[..., Value]


def check(condition: bool, code: str, message: str) -> None:
    """What is read must be right."""
    if not condition:
        raise InputError(code, message)


V = TypeVar("V", bound=Value)


def expect(kind: type[V], value: Value) -> V:
    """The value, if it is of that kind; else the evaluation fails."""
    if not isinstance(value, kind):
        raise EvaluationError("type_error", f"expected {kind.kind}, got {value.kind}")
    return value


def bounded(number: int, code: str, what: str) -> int:
    """The number, if 64 bits hold it; else the evaluation fails."""
    if not LONG_MIN <= number <= LONG_MAX:
        raise EvaluationError(code, f"{what} is out of range")
    return number


def number(digits: str) -> int:
    """The number that decimal digits stand for; beyond 20 digits any number out of every range."""
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= 20 else 10**20


RESERVED = {"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"}
NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*(?:::[_a-zA-Z][_a-zA-Z0-9]*)*")
UID = re.compile(rf'({NAME.pattern})::"((?:\\.|[^"\\\r])*)"', re.DOTALL)
ESCAPE = re.compile(r"\\(?:x([0-7][0-9a-fA-F])|u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
SIMPLE_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'", '"': '"'}


def is_text(thing: object) -> bool:
    """Whether this is a string of Unicode characters (a lone surrogate is none)."""
    return isinstance(thing, str) and not any("\ud800" <= c <= "\udfff" for c in thing)


def is_name(thing: object) -> bool:
    """Whether this is the name of a type as Cedar prints it, such as `Shop::User`."""
    if not isinstance(thing, str) or NAME.fullmatch(thing) is None:
        return False
    return RESERVED.isdisjoint(thing.split("::"))


def make_uid(type_name: object, id_text: object) -> EntityUid | None:
    if is_name(type_name) and is_text(id_text):
        return EntityUid(str(type_name), str(id_text))
    return None


def is_action(uid: EntityUid) -> bool:
    return uid.type.split("::")[-1] == "Action"


def parse_uid(text: str) -> EntityUid | None:
    """Read `Type::"id"`, with every escape of Cedar's strings; None where it is not that."""
    match = UID.fullmatch(text)
    try:
        return make_uid(match[1], ESCAPE.sub(unescape, match[2])) if match else None
    except (KeyError, ValueError):
        return None


def unescape(match: re.Match[str]) -> str:
    hexadecimal, unicode, simple = match.groups()
    return SIMPLE_ESCAPES[simple] if simple else chr(int(hexadecimal or unicode, 16))


def read_uid(thing: object) -> EntityUid | None:
    """An entity's name as hosts write it: an object with `type` and `id`, a pair, or Cedar text."""
    if isinstance(thing, str):
        return parse_uid(thing)
    if isinstance(thing, tuple) and len(thing) == 2:
        return make_uid(thing[0], thing[1])
    return make_uid(getattr(thing, "type", None), getattr(thing, "id", None))
