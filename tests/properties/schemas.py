"""Random schemas, as text of Cedar's schema language and as data to make values of.

Types, ids and attribute names are those of the vocabulary; what a schema varies is which attributes
there are, which are required, of which types they are (now and then not what the name says), tags,
who may be in what, and which action applies to whom with which context.

Read next: ``world.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .vocabulary import ATTRIBUTES, COLORS, KINDS, SETS, TYPES, Draw, Rates, quoted, uid_text

SCALARS = {"bool": "Bool", "long": "Long", "text": "String"}
CONFUSED_PERCENT = 6


@dataclass(frozen=True)
class Type:
    """`kind` is the vocabulary's; `name` that of an entity type; sets have an element."""

    kind: str
    name: str = ""
    element: Type | None = None
    attributes: dict[str, tuple[Type, bool]] = field(default_factory=dict, hash=False)

    def text(self) -> str:
        if self.element is not None:
            return f"Set<{self.element.text()}>"
        if self.kind == "record":
            return record_text(self.attributes)
        return self.name or SCALARS.get(self.kind, self.kind)


Attributes = dict[str, tuple[Type, bool]]


@dataclass(frozen=True)
class EntityType:
    name: str
    attributes: Attributes
    tags: Type | None
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Action:
    uid: tuple[str, str]
    parents: tuple[tuple[str, str], ...]
    principals: tuple[str, ...]
    resources: tuple[str, ...]
    context: Attributes


@dataclass(frozen=True)
class Schema:
    entity_types: dict[str, EntityType]
    actions: dict[tuple[str, str], Action]

    def text(self) -> str:
        here, app = [], []
        for each in self.entity_types.values():
            (app if "::" in each.name else here).append(entity_type_text(each))
        for action in self.actions.values():
            (app if "::" in action.uid[0] else here).append(action_text(action))
        inner = "\n  ".join(app)
        return "\n".join([*here, f"namespace App {{\n  {inner}\n}}", ""])


def record_text(attributes: Attributes) -> str:
    parts = [
        f"{quoted(name)}{'' if required else '?'}: {each.text()}"
        for name, (each, required) in attributes.items()
    ]
    return f"{{{', '.join(parts)}}}"


def entity_type_text(this: EntityType) -> str:
    name = this.name.removeprefix("App::")
    if name == "Color":
        return f"entity Color enum [{', '.join(map(quoted, COLORS))}];"
    parents = f" in [{', '.join(this.parents)}]" if this.parents else ""
    tags = f" tags {this.tags.text()}" if this.tags else ""
    return f"entity {name}{parents} = {record_text(this.attributes)}{tags};"


def action_text(this: Action) -> str:
    parents = f" in [{', '.join(map(uid_text, this.parents))}]" if this.parents else ""
    text = f"action {quoted(this.uid[1])}{parents}"
    if not this.principals:
        return f"{text};"
    principals, resources = ", ".join(this.principals), ", ".join(this.resources)
    context = record_text(this.context)
    parties = f"principal: [{principals}], resource: [{resources}]"
    return f"{text} appliesTo {{{parties}, context: {context}}};"


class Schemas:
    """Makes random schemas."""

    def __init__(self, draw: Draw, rates: Rates) -> None:
        self.draw = draw
        self.rates = rates

    def make(self) -> Schema:
        types = {name: self.entity_type(name) for name in TYPES}
        actions = (
            Action(("Action", "any"), (), (), (), {}),
            Action(("Action", "write"), self.above(("Action", "any")), (), (), {}),
            self.action(("Action", "view"), self.above(("Action", "any"))),
            self.action(("Action", "edit"), self.above(("Action", "write"), ("Action", "any"))),
            self.action(("App::Action", "use it"), self.above(("Action", "any"))),
        )
        return Schema(types, {action.uid: action for action in actions})

    def above(self, *uids: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        return tuple(self.draw.some(uids, 60))

    def entity_type(self, name: str) -> EntityType:
        if name == "Color":
            return EntityType(name, {}, None, ())
        parents = self.draw.some([each for each in TYPES if each != "Color"], 35)
        if name in ("User", "Doc") and "Group" not in parents:
            parents.append("Group")
        tags = self.type_of(self.draw.pick(KINDS), 1) if self.draw.chance(60) else None
        return EntityType(name, self.attributes(75, 2), tags, tuple(parents))

    def action(self, uid: tuple[str, str], parents: tuple[tuple[str, str], ...]) -> Action:
        draw = self.draw
        principals = tuple({"User": None, **dict.fromkeys(draw.some(TYPES, 30))})
        resources = tuple({"Doc": None, **dict.fromkeys(draw.some(TYPES, 30))})
        context = {} if draw.chance(5) else self.attributes(75, 2)
        return Action(uid, parents, principals, resources, context)

    def attributes(self, percent: int, depth: int) -> Attributes:
        names = [name for name in self.rates.some(self.draw, ATTRIBUTES, percent) if name != "xs"]
        return {name: (self.attribute(name, depth), self.draw.chance(35)) for name in names}

    def attribute(self, name: str, depth: int) -> Type:
        kind = ATTRIBUTES[name]
        if self.draw.chance(CONFUSED_PERCENT):
            kind = self.draw.pick(KINDS)
        return self.type_of(kind, depth)

    def type_of(self, kind: str, depth: int) -> Type:
        if kind == "mixed":
            kind = "texts"
        if kind == "record":
            return Type("record", attributes=self.attributes(25, depth - 1) if depth > 0 else {})
        if kind == "entity":
            return Type("entity", self.draw.pick((*TYPES, "User", "Group")))
        if kind in SETS:
            inner = "record" if depth > 0 and self.draw.chance(5) else SETS[kind]
            return Type(kind, element=self.type_of(inner, 0))
        return Type(kind)
