"""Random policies, entities and requests, in Cedar's JSON, the same for the same seed.

Types are mixed up on purpose now and then, attributes and entities are sometimes missing, numbers
lie at the edges, and texts for extension functions are often nearly right: in about half of the
requests some policy fails.
"""

from __future__ import annotations

import random
from typing import Any

Json = Any

EDGES = [0, 1, -1, 2, 2**63 - 1, -(2**63), 2**62, 3_037_000_500]
TEXTS = ["", "a", "ab", "abc", "a*b", "*", "é", "日本", "\U0001f600", "\\", '"', "\n", "a\0b"]
ATTRIBUTES = {
    **{"b": "bool", "n": "long", "m": "long", "s": "text", "e": "entity", "set": "set"},
    **{"groups": "groups", "r": "record", "d": "decimal", "i": "ipaddr", "t": "datetime"},
    **{"u": "duration", "if": "long", "a b": "text", "": "bool"},
}
KINDS = sorted(set(ATTRIBUTES.values()))
UIDS = [{"type": t, "id": i} for t in ("User", "Group", "N::Doc") for i in ("a", "b", "", 'é"\\')]
CONSTRUCTORS = {
    "decimal": "decimal",
    "ipaddr": "ip",
    "datetime": "datetime",
    "duration": "duration",
}
GOOD = {
    "decimal": ["1.0", "1.0000", "-3.1", "922337203685477.5807"],
    "ipaddr": ["127.0.0.1", "10.1.2.3", "10.0.0.0/8", "::1", "ff00::1", "224.0.0.1", "::/0"],
    "datetime": [
        "2024-02-29",
        "1969-12-31T12:00:00Z",
        "2024-06-01T12:30:00.001+0130",
        "0000-01-01",
    ],
    "duration": ["1h", "60m", "-1d", "36h1ms", "9223372036854775807ms"],
}
BAD = {
    "decimal": ["1", "1.23456", "922337203685477.5808", ""],
    "ipaddr": ["256.0.0.1", "01.2.3.4", "1.2.3.4/33", "::ffff:127.0.0.1", "1::2::3"],
    "datetime": ["2023-02-29", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-1-1"],
    "duration": ["", "5ms4s", "1.5h", "9223372036854775808ms"],
}
# Method: kinds of receiver and arguments, kind of what it gives.
METHODS = {
    **dict.fromkeys(("lessThan", "lessThanOrEqual"), (("decimal", "decimal"), "bool")),
    **dict.fromkeys(("greaterThan", "greaterThanOrEqual"), (("decimal", "decimal"), "bool")),
    **dict.fromkeys(("isIpv4", "isIpv6", "isLoopback", "isMulticast"), (("ipaddr",), "bool")),
    **{"isInRange": (("ipaddr", "ipaddr"), "bool"), "toTime": (("datetime",), "duration")},
    **{"offset": (("datetime", "duration"), "datetime"), "toDate": (("datetime",), "datetime")},
    "durationSince": (("datetime", "datetime"), "duration"),
    **dict.fromkeys(("toMilliseconds", "toSeconds", "toMinutes"), (("duration",), "long")),
    **dict.fromkeys(("toHours", "toDays"), (("duration",), "long")),
}
# Operator: kinds of its operands, kind of what it gives.
OPERATORS = [
    *((name, ("bool", "bool"), "bool") for name in ("&&", "||")),
    *((name, ("long", "long"), "bool") for name in ("<", "<=", ">", ">=")),
    *((name, (kind, kind), "bool") for name in ("<", ">=") for kind in ("datetime", "duration")),
    *((name, ("any", "any"), "bool") for name in ("==", "!=")),
    *(
        (name, (kind, kind), "bool")
        for name in ("==", "!=")
        for kind in ("set", "record", "entity")
    ),
    *(("in", ("entity", kind), "bool") for kind in ("entity", "groups")),
    *((name, ("set", "set"), "bool") for name in ("containsAll", "containsAny")),
    *(("contains", ("set", "any"), "bool"), ("hasTag", ("entity", "text"), "bool")),
    *((name, ("long", "long"), "long") for name in ("+", "-", "*")),
]
UNARY = [("!", "bool", "bool"), ("isEmpty", "set", "bool"), ("neg", "long", "long")]


class Cases:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, things: Any) -> Any:
        return things[self.random.randrange(len(things))]

    def several(self, most: int) -> range:
        return range(self.random.randint(0, most))

    # -- data

    def value(self, kind: str, depth: int = 2) -> Json:
        if kind == "any" or self.chance(0.02):
            kind = self.pick(KINDS)
        if kind == "bool":
            return self.chance(0.5)
        if kind == "long":
            return self.pick(EDGES) if self.chance(0.4) else self.random.randint(-3, 5)
        if kind == "text":
            return self.pick(TEXTS)
        if kind == "entity":
            return {"__entity": self.pick(UIDS)}
        if kind == "groups":
            return [self.value("entity") for _ in self.several(2)]
        if kind == "set":
            return [
                self.value("any" if depth else "long", max(depth - 1, 0)) for _ in self.several(3)
            ]
        if kind == "record":
            return self.attributes(0.3, depth - 1) if depth > 0 else {}
        return {"__extn": {"fn": CONSTRUCTORS[kind], "arg": self.pick(GOOD[kind])}}

    def attributes(self, share: float = 0.93, depth: int = 2) -> Json:
        return {
            name: self.value(kind, depth) for name, kind in ATTRIBUTES.items() if self.chance(share)
        }

    def entities(self) -> Json:
        order = self.random.sample(UIDS, len(UIDS))
        found = [{"uid": {"type": "Action", "id": "view"}, "attrs": {}, "parents": [ACTIONS[-1]]}]
        for at, uid in enumerate(order):
            parents = [above for above in order[:at] if self.chance(0.15)]
            tags = {name: self.value("any") for name in ("a", "") if self.chance(0.6)}
            entity = {"uid": uid, "attrs": self.attributes(), "parents": parents, "tags": tags}
            found += [entity] if self.chance(0.9) else []
        return found

    def request(self) -> Json:
        principal, resource = self.pick(UIDS), self.pick(UIDS)
        parties = {"principal": principal, "action": self.pick(ACTIONS[:2]), "resource": resource}
        return {**parties, "context": self.attributes()}

    # -- expressions

    def expression(self, kind: str, depth: int) -> Json:
        if kind == "any" or self.chance(0.02):
            kind = self.pick(KINDS)
        if depth <= 0 or self.chance(0.15):
            return self.leaf(kind)
        shape = self.random.random()
        if shape < 0.08:
            parts = {"if": "bool", "then": kind, "else": kind}
            return {
                "if-then-else": {name: self.expression(of, depth - 1) for name, of in parts.items()}
            }
        if shape < 0.16:
            names = [name for name, of in ATTRIBUTES.items() if of == kind]
            return {".": {"left": self.holder(depth), "attr": self.pick(names)}}
        if shape < 0.18:
            subject = self.expression("entity", depth - 1)
            return {"getTag": {"left": subject, "right": self.leaf("text")}}
        if shape < 0.3 and kind == "bool":
            return self.test(depth)
        operators = [each for each in OPERATORS if each[2] == kind]
        if shape < 0.75 and operators:
            name, kinds, _ = self.pick(operators)
            left, right = [self.expression(of, depth - 1) for of in kinds]
            return {name: {"left": left, "right": right}}
        unary = [each for each in UNARY if each[2] == kind]
        if shape < 0.8 and unary:
            name, of, _ = self.pick(unary)
            return {name: {"arg": self.expression(of, depth - 1)}}
        return self.made(kind, depth)

    def test(self, depth: int) -> Json:
        """`has`, `like`, `is` or `is .. in`."""
        shape = self.random.randrange(4)
        if shape == 0:
            return {"has": {"left": self.holder(depth), "attr": self.pick(sorted(ATTRIBUTES))}}
        if shape == 1:
            pattern = [
                self.pick(["Wildcard", {"Literal": self.pick(TEXTS)}]) for _ in self.several(4)
            ]
            return {"like": {"left": self.expression("text", depth - 1), "pattern": pattern}}
        types = ["User", "Group", "N::Doc", "Other"]
        typed = {"left": self.expression("entity", depth - 1), "entity_type": self.pick(types)}
        if shape == 2:
            return {"is": typed}
        group = self.expression(self.pick(["entity", "groups"]), depth - 1)
        return {"is": {**typed, "in": group}}

    def made(self, kind: str, depth: int) -> Json:
        """A set, a record, or what a function gives; one call in thirty has an argument too few."""
        if kind in ("set", "groups"):
            of = "entity" if kind == "groups" else "any"
            return {"Set": [self.expression(of, depth - 1) for _ in self.several(3)]}
        if kind == "record":
            names = self.random.sample(sorted(ATTRIBUTES), self.random.randint(0, 3))
            return {
                "Record": {name: self.expression(ATTRIBUTES[name], depth - 1) for name in names}
            }
        methods = [name for name, (_, gives) in METHODS.items() if gives == kind]
        if not methods:
            return self.leaf(kind)
        name = self.pick(methods)
        arguments = [self.expression(of, depth - 1) for of in METHODS[name][0]]
        return {name: arguments[1:] if self.chance(0.03) else arguments}

    def holder(self, depth: int) -> Json:
        return self.expression(self.pick(["entity", "record"]), depth - 1)

    def leaf(self, kind: str) -> Json:
        if kind == "entity" and self.chance(0.5):
            return {"Var": self.pick(["principal", "resource", "action"])}
        if kind == "record" and self.chance(0.5):
            return {"Var": "context"}
        if self.chance(0.5):
            names = [name for name, of in ATTRIBUTES.items() if of == kind]
            variable = self.pick(["context", "context", "principal", "resource"])
            return {".": {"left": {"Var": variable}, "attr": self.pick(names)}}
        if kind in CONSTRUCTORS:
            text = self.pick(BAD[kind] if self.chance(0.1) else GOOD[kind])
            return {CONSTRUCTORS[kind]: [{"Value": text}]}
        return {"Value": self.value(kind, 1)}

    # -- policies

    def scope(self, slot: str | None = None) -> Json:
        part = {"slot": slot} if slot else {"entity": self.pick(UIDS)}
        typed = {"op": "is", "entity_type": self.pick(["User", "Group", "N::Doc"])}
        scopes = [{"op": "==", **part}, {"op": "in", **part}, {**typed, "in": part}]
        return self.pick(scopes) if slot else self.pick([*scopes, typed, *[{"op": "All"}] * 12])

    def action(self) -> Json:
        one, two = self.pick(ACTIONS), self.pick(ACTIONS)
        sets = {"op": "in", "entities": self.pick([[], [one], [one, two]])}
        return self.pick(
            [{"op": "==", "entity": one}, {"op": "in", "entity": one}, sets, *[{"op": "All"}] * 6]
        )

    def policy(self) -> Json:
        kinds = ["when"] * self.pick([0, 1, 1, 1, 2])
        bodies = [(self.pick([kind, kind, "unless"]), self.expression("bool", 4)) for kind in kinds]
        return {
            "effect": self.pick(["permit", "permit", "forbid"]),
            **{"principal": self.scope(), "action": self.action(), "resource": self.scope()},
            "conditions": [{"kind": kind, "body": body} for kind, body in bodies],
        }

    def policies(self) -> Json:
        static = {f"p{at}": self.policy() for at in range(self.random.randint(1, 6))}
        template = {**self.policy(), "principal": self.scope("?principal")}
        slots = ["?principal", "?resource"][: self.random.randint(1, 2)]
        if len(slots) == 2:
            template["resource"] = self.scope("?resource")
        values = [{slot: self.pick(UIDS) for slot in slots} for _ in self.several(3)]
        links = [
            {"templateId": "t", "newId": f"l{at}", "values": each} for at, each in enumerate(values)
        ]
        return {"staticPolicies": static, "templates": {"t": template}, "templateLinks": links}


ACTIONS = [{"type": "Action", "id": name} for name in ("view", "edit", "all")]
