"""Random entities and requests in Cedar's JSON, for a schema or without one.

Data fits the schema; a request is made wrong on purpose now and then (`wrong` says so), so that
every reason of the arguments' stage is met. Without a schema data may be of any kind, and only what
Cedar has not is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from .schemas import Action, Attributes, EntityType, Schema, Type
from .vocabulary import (
    ACTIONS,
    ATTRIBUTES,
    COLORS,
    EXTENSIONS,
    GOOD,
    IDS,
    KINDS,
    LONGS,
    SETS,
    TAGS,
    TEXTS,
    TYPES,
    Draw,
    Json,
    Rates,
    uid_json,
)

CONFUSED_PERCENT = 4
Uid = tuple[str, str]


@dataclass(frozen=True)
class Request:
    principal: Uid
    action: Uid
    resource: Uid
    context: Json = field(hash=False)

    def json(self) -> Json:
        names = ("principal", "action", "resource")
        return {**{name: uid_json(getattr(self, name)) for name in names}, "context": self.context}


class World:
    """Makes data; `schema` is None where there is none."""

    def __init__(self, draw: Draw, schema: Schema | None, rates: Rates) -> None:
        self.draw = draw
        self.schema = schema
        self.rates = rates
        actions = schema.actions.values() if schema else ()
        self.applying = [each for each in actions if each.principals]

    # -- values

    def value(self, of: Type) -> Json:
        """A value of a type, in any of the forms that the schema allows."""
        draw = self.draw
        if of.element is not None:
            return [self.value(of.element) for _ in range(draw.below(4))]
        if of.kind == "record":
            return self.record(of.attributes)
        if of.kind == "entity":
            ids = COLORS if of.name == "Color" else IDS
            uid = {"type": of.name, "id": draw.pick(ids)}
            return uid if draw.chance(60) else {"__entity": uid}
        if of.kind in EXTENSIONS:
            text, function = draw.pick(GOOD[of.kind]), EXTENSIONS[of.kind]
            forms = (text, text, {"fn": function, "arg": text}, self.call(function, text))
            return draw.pick(forms)
        return self.plain(of.kind)

    def call(self, function: str, text: str) -> Json:
        return {
            "__extn": self.draw.pick(
                ({"fn": function, "arg": text}, {"fn": function, "args": [text]})
            )
        }

    def plain(self, kind: str) -> Json:
        if kind == "bool":
            return self.draw.chance(50)
        if kind == "long":
            return self.draw.pick(LONGS) if self.draw.chance(50) else self.draw.below(9) - 2
        return self.draw.pick(TEXTS)

    def record(self, attributes: Attributes) -> Json:
        present = [
            name
            for name, (_, must) in attributes.items()
            if must or self.draw.chance(self.rates.read_percent)
        ]
        if self.draw.chance(20):
            present.reverse()
        return {name: self.value(attributes[name][0]) for name in present}

    def free_value(self, kind: str, depth: int) -> Json:
        """A value of a kind where there is no schema."""
        draw = self.draw
        if kind == "any" or draw.chance(CONFUSED_PERCENT):
            kind = draw.pick(KINDS)
        if kind in SETS:
            return [
                self.free_value(SETS[kind] if depth > 0 else "long", depth - 1)
                for _ in range(draw.below(4))
            ]
        if kind == "record":
            return self.free_record(25, depth - 1) if depth > 0 else {}
        if kind == "entity":
            return {"__entity": uid_json(self.draw.uid())}
        if kind in EXTENSIONS:
            return self.call(EXTENSIONS[kind], draw.pick(GOOD[kind]))
        return self.plain(kind)

    def free_record(self, percent: int, depth: int) -> Json:
        names = self.rates.some(self.draw, ATTRIBUTES, percent)
        return {name: self.free_value(ATTRIBUTES[name], depth) for name in names}

    # -- entities

    def entities(self) -> list[Json]:
        """Each uid of the vocabulary once at most; parents come from a random order: no cycle."""
        draw = self.draw
        order = [
            (name, each) for name in TYPES for each in (COLORS if name == "Color" else IDS[:5])
        ]
        draw.source.shuffle(order)
        found = []
        for place, uid in enumerate(order):
            if draw.chance(85):
                found.append(self.entity(uid, order[:place]))
        return found + self.actions()

    def entity(self, uid: Uid, above: list[Uid]) -> Json:
        if self.schema:
            declared = self.schema.entity_types[uid[0]]
            return self.typed_entity(
                uid, declared, [each for each in above if each[0] in declared.parents]
            )
        parents = self.draw.some(above, 12)
        tags = {name: self.free_value("any", 1) for name in self.draw.some(TAGS, 40)}
        attributes = self.free_record(100, 3)
        return self.entity_json(uid, attributes, parents, tags)

    def typed_entity(self, uid: Uid, declared: EntityType, above: list[Uid]) -> Json:
        parents = self.draw.some(above, 20)
        tags = {
            name: self.value(declared.tags) for name in self.draw.some(TAGS, 50) if declared.tags
        }
        return self.entity_json(uid, self.record(declared.attributes), parents, tags)

    def entity_json(self, uid: Uid, attributes: Json, parents: list[Uid], tags: Json) -> Json:
        json = {
            "uid": uid_json(uid),
            "attrs": attributes,
            "parents": [uid_json(each) for each in parents],
        }
        return {**json, "tags": tags} if tags or self.draw.chance(50) else json

    def actions(self) -> list[Json]:
        if self.schema:
            return []
        edges = {1: (3,), 0: (2, 3), 3: (2,), 4: (2,)}
        return [
            self.entity_json(
                uid, {}, [ACTIONS[at] for at in edges.get(place, ()) if self.draw.chance(60)], {}
            )
            for place, uid in enumerate(ACTIONS)
            if self.draw.chance(75)
        ]

    # -- requests

    def requests(self, count: int, contexts: int | None) -> Iterator[Request]:
        """Requests; with `contexts`, theirs are picked from that many, made for the same action."""
        each_max = count if contexts is None else -(-contexts // max(1, len(self.applying)))
        made: dict[Uid | None, list[Json]] = {}
        for _ in range(count):
            action = self.draw.pick(self.applying) if self.applying else None
            several = made.setdefault(action.uid if action else None, [])
            if len(several) < each_max:
                several.append(self.record(action.context) if action else self.free_record(100, 2))
                context = several[-1]
            else:
                context = self.draw.pick(several)
            yield self.typed_request(action, context) if action else self.free_request(context)

    def free_request(self, context: Json) -> Request:
        draw = self.draw
        action = draw.pick(ACTIONS) if draw.chance(97) else ("Action", "nothing")
        if draw.chance(3):
            context = dict(context)
            self.spoil(context)
        return Request(draw.uid(), action, draw.uid(), context)

    def typed_request(self, action: Action, context: Json) -> Request:
        principal, resource = self.uid_of(action.principals), self.uid_of(action.resources)
        request = Request(principal, action.uid, resource, context)
        return self.wrong(request, action) if self.draw.chance(10) else request

    def uid_of(self, types: tuple[str, ...]) -> Uid:
        name = self.draw.pick(types)
        return name, self.draw.pick(COLORS if name == "Color" else IDS)

    def spoil(self, values: Json) -> None:
        """Something that Cedar has not, somewhere."""
        bad = self.draw.pick((1.5, 2**63, -(2**63) - 1, {"__extn": {"fn": "decimal", "arg": "x"}}))
        values[self.draw.pick(("n", "new", "s"))] = self.draw.pick((bad, [bad], {"inner": bad}))

    def wrong(self, request: Request, action: Action) -> Request:
        """The request with one mistake, or two."""
        party, act, thing = request.principal, request.action, request.resource
        mistakes = [self.draw.below(8) for _ in range(self.draw.pick((1, 1, 1, 2)))]
        # Other requests may have the same context.
        context = deepcopy(request.context) if max(mistakes) > 2 else request.context
        for mistake in mistakes:
            if mistake == 0:
                act = self.draw.pick((("Action", "nothing"), ("Action", "any"), ("Nothing", "a")))
            elif mistake == 1:
                party = self.draw.pick((self.draw.uid(), ("Color", "blue"), ("Nothing", "a")))
            elif mistake == 2:
                thing = self.draw.pick((self.draw.uid(), ("Color", "blue"), ("Nothing", "a")))
            elif mistake == 3:
                self.draw.pick(self.records(context))["extra"] = 1
            elif mistake == 4 and context:
                context.pop(self.draw.pick(sorted(context)))
            elif mistake == 5:
                self.spoil(context)
            elif action.context:
                name = self.draw.pick(sorted(action.context))
                context[name] = self.free_value("any", 1)
        return Request(party, act, thing, context)

    def records(self, context: Json) -> list[Json]:
        return [
            context,
            *[each for each in context.values() if isinstance(each, dict) and "id" not in each],
        ]
