"""Random Cedar expressions and policies, as text.

An expression is made for the kind of value that its place needs; one in some twenty is made for
another kind. All of it parses; little of it validates, which is the point: errors are met at every
operator.

Read next: ``world.py``.
"""

from __future__ import annotations

import re

from .vocabulary import (
    ACTIONS,
    BAD,
    EXTENSIONS,
    FORMS,
    FORMS_OF,
    GOOD,
    IDS,
    KINDS,
    LONGS,
    NAMES,
    RARE,
    SETS,
    TAGS,
    TEXTS,
    TYPES,
    Draw,
    is_identifier,
    quoted,
    uid_text,
)

CONFUSED_PERCENT = 4
PATTERNS = (
    '"*"',
    '"a*"',
    '"*c"',
    '"a\\*c"',
    '"é*"',
    '""',
    '"a*b*c"',
    '"*\\u{e9}*"',
    '"a"',
    '"*X*X*"',
)


def member(name: str) -> str:
    """What stands behind a value to get its attribute."""
    return f".{name}" if is_identifier(name) else f"[{quoted(name)}]"


class Expressions:
    """Writes expressions; `depth` bounds how deep they are."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def write(self, kind: str, depth: int) -> str:
        draw = self.draw
        if kind in ("any", "same") or draw.chance(CONFUSED_PERCENT):
            kind = draw.pick(KINDS)
        if kind == "set":
            kind = draw.pick(tuple(SETS))
        if kind == "tag":
            return quoted(draw.pick(TAGS)) if draw.chance(85) else self.leaf("text")
        if depth <= 0 or draw.chance(15):
            return self.leaf(kind)
        shape = draw.below(100)
        if shape < 8:
            test, then, other = (self.write(of, depth - 1) for of in ("bool", kind, kind))
            return f"(if {test} then {then} else {other})"
        if shape < 24 and kind != "bool":
            return self.access(kind, depth)
        if shape < 34 and kind == "bool":
            return self.test(depth)
        return self.operator(kind, depth)

    def condition(self, depth: int) -> str:
        """A condition; half of them begin with an operator that is picked evenly from all."""
        draw = self.draw
        if draw.chance(12):
            return self.rare()
        if draw.chance(50):
            return self.write("bool", depth)
        _, form, kinds, kind = draw.pick(FORMS)
        text = form.format(*[self.write(of, depth - 1) for of in self.settled(kinds)])
        if kind == "bool":
            return text
        comparison = draw.pick(("==", "!=", "<", "<=", ">", ">="))
        return f"({text} {comparison} {self.write(kind, depth - 1)})"

    def rare(self) -> str:
        """One of the operators that conditions seldom reach, of operands that do not err."""
        draw = self.draw
        if draw.chance(25):
            return f"({draw.pick(('context', 'principal', '{r: {n: 1}}'))} has r.n)"
        _, form, kinds, kind = draw.pick(RARE)
        text = form.format(*[self.literal(of) for of in kinds])
        return text if kind == "bool" else f"({text} < {self.literal(kind)})"

    def access(self, kind: str, depth: int) -> str:
        """An attribute or a tag of something that is itself made on the spot."""
        draw = self.draw
        if draw.chance(20):
            return f"{self.write('entity', depth - 1)}.getTag({self.write('tag', 0)})"
        holder = self.write(draw.pick(("entity", "record", "record")), depth - 1)
        return holder + member(draw.pick(NAMES[kind]))

    def test(self, depth: int) -> str:
        """`has`, `like`, `is` or `is .. in`."""
        draw, shape = self.draw, self.draw.below(6)
        if shape < 3:
            return self.has(depth)
        if shape == 3:
            return f"({self.write('text', depth - 1)} like {draw.pick(PATTERNS)})"
        typed = f"{self.write('entity', depth - 1)} is {draw.pick(TYPES)}"
        if shape == 4:
            return f"({typed})"
        return f"({typed} in {self.write(draw.pick(('entity', 'entities')), depth - 1)})"

    def has(self, depth: int) -> str:
        draw = self.draw
        holder = self.write(draw.pick(("entity", "record")), depth - 1)
        names = [draw.pick(NAMES["any"])]
        while draw.chance(35) and len(names) < 4:
            names.insert(0, draw.pick(("r", "q", "e")))
        if all(map(is_identifier, names)):
            return f"({holder} has {'.'.join(names)})"
        return f"({holder} has {quoted(names[-1])})"

    def operator(self, kind: str, depth: int) -> str:
        draw = self.draw
        if kind in SETS:
            return self.make_set(SETS[kind], depth)
        if kind == "record":
            return self.make_record(depth)
        if not FORMS_OF[kind] or (kind in EXTENSIONS and draw.chance(40)):
            return self.leaf(kind)
        _, form, kinds, _ = draw.pick(FORMS_OF[kind])
        kinds = self.settled(kinds)
        return form.format(*[self.write(of, depth - 1) for of in kinds])

    def settled(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """`same` and `set` stand for one kind, mostly the same for all operands."""
        same, of_set = self.draw.pick(KINDS), self.draw.pick(tuple(SETS))
        return tuple({"same": same, "set": of_set}.get(kind, kind) for kind in kinds)

    def make_set(self, kind: str, depth: int) -> str:
        count = self.draw.below(4)
        return f"[{', '.join(self.write(kind, depth - 1) for _ in range(count))}]"

    def make_record(self, depth: int) -> str:
        kinds = {
            self.draw.pick(NAMES["any"]): self.draw.pick(KINDS) for _ in range(self.draw.below(4))
        }
        attributes = [
            f"{quoted(name)}: {self.write(kind, depth - 1)}" for name, kind in kinds.items()
        ]
        return f"{{{', '.join(attributes)}}}"

    def leaf(self, kind: str) -> str:
        """A literal, a variable or an attribute of one."""
        draw = self.draw
        if kind == "entity" and draw.chance(60):
            return draw.pick(("principal", "principal", "resource", "resource", "action"))
        if kind == "record" and draw.chance(25):
            return draw.pick(("context", "context.r", "context.q", "principal.r", "resource.q"))
        if draw.chance(45):
            holder = draw.pick(
                ("context", "context", "context", "principal", "resource", "context.r")
            )
            return holder + member(draw.pick(NAMES[kind]))
        return self.literal(kind)

    def literal(self, kind: str) -> str:
        draw = self.draw
        if kind == "any":
            kind = draw.pick(KINDS)
        if kind == "bool":
            return draw.pick(("true", "false"))
        if kind == "long":
            number = draw.pick(LONGS)
            return str(number) if number >= 0 else f"({number})"
        if kind == "text":
            return quoted(draw.pick(TEXTS))
        if kind == "entity":
            return uid_text(
                (draw.pick(TYPES), draw.pick(IDS)) if draw.chance(90) else draw.pick(ACTIONS)
            )
        if kind in SETS:
            return f"[{', '.join(self.literal(SETS[kind]) for _ in range(draw.below(4)))}]"
        if kind == "record":
            return draw.pick(("{}", "{n: 1}", '{n: 1, "s": "a"}', '{"if": {b: true}}'))
        if draw.chance(8):
            return f"{EXTENSIONS[kind]}({self.leaf('text')})"
        text = quoted(draw.pick(BAD[kind] if draw.chance(8) else GOOD[kind]))
        return f"{EXTENSIONS[kind]}({text})"


class Policies:
    """Writes policies and templates."""

    def __init__(self, draw: Draw, depth_max: int) -> None:
        self.draw = draw
        self.depth_max = depth_max
        self.expressions = Expressions(draw)

    def write(self, slots: tuple[bool, bool] = (False, False)) -> str:
        draw = self.draw
        effect = "forbid" if draw.chance(30) else "permit"
        principal, resource = self.party("principal", slots[0]), self.party("resource", slots[1])
        text = f"{effect} ({principal}, {self.action()}, {resource})"
        for _ in range(draw.pick((0, 1, 1, 1, 1, 2, 3))):
            keyword = "unless" if draw.chance(30) else "when"
            depth = 1 + draw.below(self.depth_max)
            text += f"\n  {keyword} {{ {self.expressions.condition(depth)} }}"
        return text + ";\n"

    def party(self, variable: str, has_slot: bool) -> str:
        draw = self.draw
        entity = f"?{variable}" if has_slot else uid_text((draw.pick(TYPES), draw.pick(IDS[:4])))
        forms = (
            f"{variable} == {entity}",
            f"{variable} in {entity}",
            f"{variable} is {draw.pick(TYPES)} in {entity}",
        )
        if has_slot:
            return draw.pick(forms)
        return draw.pick((*forms, f"{variable} is {draw.pick(TYPES)}", *[variable] * 9))

    def action(self) -> str:
        draw = self.draw
        one, two = uid_text(draw.pick(ACTIONS)), uid_text(draw.pick(ACTIONS))
        forms = (
            f"action == {one}",
            f"action in {one}",
            f"action in [{one}, {two}]",
            "action in []",
        )
        return draw.pick((*forms[:3], forms[draw.below(4)], *["action"] * 6))

    def sibling(self, policy: str) -> str:
        """The same policy with other constants: what shares a shape with it."""
        draw = self.draw
        text = re.sub(r"\b\d+\b", lambda _: str(draw.pick((0, 1, 2, 7, 2**63 - 1))), policy)
        ids = draw.pick(("a", "b", "c"))
        return re.sub(r'"[abc]"', lambda _: f'"{ids}"', text)
