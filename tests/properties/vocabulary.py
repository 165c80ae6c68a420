"""The words that random cases are made of: names, ids, edge values, operators.

An attribute's name says what it mostly holds (``n`` an integer, ``es`` a set of entities), so that
most expressions come to a value; data and expressions break that rule now and then, so that errors
are met at every operator.

Read next: ``expressions.py``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Json = Any
T = TypeVar("T")

EXTENSIONS = {
    "decimal": "decimal",
    "ipaddr": "ip",
    "datetime": "datetime",
    "duration": "duration",
}
ATTRIBUTES = {
    **{"b": "bool", "": "bool", "n": "long", "m": "long", "if": "long", "s": "text", "a b": "text"},
    **{"é": "text", "e": "entity", "f": "entity", "ls": "longs", "ss": "texts", "es": "entities"},
    **{"xs": "mixed", "r": "record", "q": "record", "d": "decimal", "d2": "decimal"},
    **{"i": "ipaddr", "i2": "ipaddr", "t": "datetime", "t2": "datetime", "u": "duration"},
}
KINDS = tuple(sorted(set(ATTRIBUTES.values())))
SETS = {"longs": "long", "texts": "text", "entities": "entity", "mixed": "any"}
NAMES = {
    kind: tuple(name for name, of in ATTRIBUTES.items() if of == kind or kind == "any")
    for kind in (*KINDS, "any")
}
TAGS = ("k", "n", "s", "", "a b")

TYPES = ("User", "Group", "Doc", "App::Item", "Color")
IDS = ("a", "b", "c", "", 'é"\\', "red", "x\0y")
COLORS = ("red", "a", "")
ACTIONS = (
    ("Action", "view"),
    ("Action", "edit"),
    ("Action", "any"),
    ("Action", "write"),
    ("App::Action", "use it"),
)

LONGS = (0, 1, -1, 2, 3, 7, -3, 42, 2**63 - 1, -(2**63), 2**62, -(2**62), 3_037_000_500)
TEXTS = (
    *("", "a", "ab", "abc", "aXbXc", "a*c", "*", "A", "é", "e\u0301", "日本", "\U0001f600x"),
    *("\\", '"', "\n", "a\0b", "'", "\u202e", "1.5", "10.0.0.1", "1h", "2024-10-15"),
)
GOOD = {
    "decimal": (
        *("0.0", "1.0", "1.0000", "-1.5", "1.5", "0.0001", "12.34"),
        *("922337203685477.5807", "-922337203685477.5808", "-0.0"),
    ),
    "ipaddr": (
        *("127.0.0.1", "10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "224.0.0.1", "127.0.0.0/7"),
        *("::1", "::1/127", "ff00::/8", "ff02::1", "::", "::/0", "a:b:c:d:e:f:1:2"),
    ),
    "datetime": (
        *("1970-01-01", "2024-02-29", "2024-10-15T11:35:00Z", "2024-10-15T11:35:00.000Z"),
        *("2024-10-15T11:35:00+0100", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        *("0000-01-01", "2024-10-15T00:00:00-2359"),
    ),
    "duration": (
        *("0ms", "1d", "-1d", "1d2h3m4s5ms", "60m", "1h", "-1ms", "24h", "90s"),
        *("9223372036854775807ms", "-9223372036854775808ms"),
    ),
}
BAD = {
    "decimal": ("1", "1.23456", "922337203685477.5808", "", "1.", ".5", "+1.0", "1e5"),
    "ipaddr": ("256.0.0.1", "01.2.3.4", "1.2.3.4/33", "::ffff:1.2.3.4", "1::2::3", "", "::/129"),
    "datetime": ("2023-02-29", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-1-1", ""),
    "duration": ("", "-", "5ms4s", "1.5h", "1h1h", "9223372036854775808ms", "1w"),
}

# How an operator is written, what it is given, what it gives; `{}` stand for the operands.
Form = tuple[str, str, tuple[str, ...], str]
COMPARED = ("long", "long", "datetime", "duration")
FORMS: tuple[Form, ...] = (
    ("&&", "({} && {})", ("bool", "bool"), "bool"),
    ("||", "({} || {})", ("bool", "bool"), "bool"),
    ("&&", "({} && {} && {})", ("bool",) * 3, "bool"),
    ("||", "({} || {} || {})", ("bool",) * 3, "bool"),
    ("!", "(!{})", ("bool",), "bool"),
    *((name, f"({{}} {name} {{}})", ("same", "same"), "bool") for name in ("==", "!=")),
    *(
        (name, f"({{}} {name} {{}})", (kind, kind), "bool")
        for name in ("<", "<=", ">", ">=")
        for kind in COMPARED
    ),
    ("in", "({} in {})", ("entity", "entity"), "bool"),
    ("in", "({} in {})", ("entity", "entities"), "bool"),
    *(("contains", "{}.contains({})", (of, SETS[of]), "bool") for of in SETS),
    *((name, f"{{}}.{name}({{}})", ("set", "set"), "bool") for name in ("containsAll",) * 2),
    *((name, f"{{}}.{name}({{}})", ("set", "set"), "bool") for name in ("containsAny",) * 2),
    ("isEmpty", "{}.isEmpty()", ("set",), "bool"),
    *(("hasTag", "{}.hasTag({})", ("entity", "tag"), "bool") for _ in range(2)),
    *((name, f"({{}} {name} {{}})", ("long", "long"), "long") for name in ("+", "-", "*")),
    ("neg", "(-{})", ("long",), "long"),
    *(
        (name, f"{{}}.{name}({{}})", ("decimal", "decimal"), "bool")
        for name in ("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual")
    ),
    *(
        (name, f"{{}}.{name}()", ("ipaddr",), "bool")
        for name in ("isIpv4", "isIpv6", "isLoopback", "isMulticast")
    ),
    ("isInRange", "{}.isInRange({})", ("ipaddr", "ipaddr"), "bool"),
    ("offset", "{}.offset({})", ("datetime", "duration"), "datetime"),
    ("toDate", "{}.toDate()", ("datetime",), "datetime"),
    ("toTime", "{}.toTime()", ("datetime",), "duration"),
    ("durationSince", "{}.durationSince({})", ("datetime", "datetime"), "duration"),
    *(
        (name, f"{{}}.{name}()", ("duration",), "long")
        for name in ("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays")
    ),
)
RARE = tuple(
    form
    for form in FORMS
    if form[0] in ("isIpv4", "isIpv6", "isLoopback", "isMulticast", "toSeconds")
    or form[2] == ("decimal", "decimal")
)
FORMS_OF = {kind: tuple(form for form in FORMS if form[3] == kind) for kind in KINDS}
# Everything whose share of the runs is counted; `Get` and so on are the reference's expressions.
OPERATORS = (
    *sorted({form[0] for form in FORMS}),
    *("if", ".", "getTag", "has", "has path", "like", "is", "Set", "Record"),
    *EXTENSIONS.values(),
)

RESERVED = {"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"}
IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")


def is_identifier(name: str) -> bool:
    return IDENTIFIER.fullmatch(name) is not None and name not in RESERVED


def quoted(text: str) -> str:
    """Text as Cedar's string literal."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0"}
    escapes["\u202e"] = "\\u{202e}"
    return '"' + "".join(escapes.get(each, each) for each in text) + '"'


def uid_text(uid: tuple[str, str]) -> str:
    return f"{uid[0]}::{quoted(uid[1])}"


def uid_json(uid: tuple[str, str]) -> Json:
    return {"type": uid[0], "id": uid[1]}


STEPS = 200


class Draw:
    """Choices; everything random goes through here."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        # A float takes eight bytes of Hypothesis's, and a case must not take many.
        exact = type(source) is random.Random
        self.random = source.random if exact else lambda: source.randrange(STEPS) / STEPS

    def below(self, bound: int) -> int:
        return int(self.random() * bound)

    def chance(self, percent: int) -> bool:
        return self.random() * 100 < percent

    def pick(self, things: Sequence[T]) -> T:
        return things[int(self.random() * len(things))]

    def some(self, things: Sequence[T], percent: int) -> list[T]:
        return [thing for thing in things if self.chance(percent)]

    def uid(self) -> tuple[str, str]:
        if self.chance(4):
            return self.pick(ACTIONS)
        return (name := self.pick(TYPES)), self.pick(COLORS if name == "Color" else IDS)


WORD = re.compile(r'[_a-zA-Z][_a-zA-Z0-9]*|"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Rates:
    """How often data has an attribute: mostly those that policies read, since the others cost time
    in every way of asking and change no answer. One case in 25 has them all alike."""

    read: frozenset[str]
    read_percent: int
    other_percent: int

    @classmethod
    def of(cls, draw: Draw, policies: str) -> Rates:
        words = {match[1] if match[0][0] == '"' else match[0] for match in WORD.finditer(policies)}
        percent = draw.pick((80, 95, 100))
        return cls(frozenset(words & ATTRIBUTES.keys()), percent, percent if draw.chance(4) else 4)

    def some(self, draw: Draw, names: Iterable[str], percent: int = 100) -> list[str]:
        """Of the names, those that one piece of data has; `percent` of what it would else be."""
        rates = (self.other_percent * percent, self.read_percent * percent)
        return [name for name in names if draw.random() * 10_000 < rates[name in self.read]]
