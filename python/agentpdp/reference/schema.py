"""The schema: which types there are, what their values hold, and which actions apply to whom.

It is read from its resolved form (`Bundle.to_json()["schema"]`), in which every name is full,
common types are replaced by what they stand for, and ancestors are listed transitively.

Twin: rust/core/src/schema.rs. Read next: request.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .entities import Entity
from .value import EntityUid, InputError, check, is_action


@dataclass(frozen=True)
class Type:
    """`kind` is that of its values; sets have an element, records attributes, entities a name."""

    kind: str
    element: Type | None = None
    name: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Attribute:
    type: Type
    required: bool


@dataclass(frozen=True)
class EntityType:
    """`ids` are those of an enumerated type; `ancestors` the types of which it may be a member."""

    attributes: Type
    tags: Type | None
    ids: frozenset[str] | None
    ancestors: frozenset[str]


@dataclass(frozen=True)
class Action:
    ancestors: frozenset[EntityUid]
    principals: frozenset[str]
    resources: frozenset[str]
    context: Type


@dataclass(frozen=True)
class Schema:
    entity_types: Mapping[str, EntityType]
    actions: Mapping[EntityUid, Action]

    def action_entities(self) -> list[Entity]:
        return [Entity(uid, {}, action.ancestors, {}) for uid, action in self.actions.items()]

    def entity_type(self, uid: EntityUid, parents: frozenset[EntityUid]) -> EntityType:
        """The type of an entity, which must be one that may have these parents."""
        for each in (uid, *parents):
            check(self.admits(each), "entity_schema", f"the schema has no entity {each}")
        if is_action(uid):
            above = parents.union(*[self.actions[parent].ancestors for parent in parents])
            same = above == self.actions[uid].ancestors
            check(same, "entity_schema", f"{uid} is in other groups than the schema says")
            return EntityType(Type("Record"), None, None, frozenset())
        entity_type = self.entity_types.get(uid.type)
        if entity_type is None:
            raise InputError("entity_schema", f"the schema has no entity type `{uid.type}`")
        for parent in parents:
            allowed = parent.type in entity_type.ancestors
            check(allowed, "entity_schema", f"{uid} cannot be in a `{parent.type}`")
        return entity_type

    def has_id(self, uid: EntityUid) -> bool:
        """Whether the id is one of its type's, if that is enumerated."""
        entity_type = self.entity_types.get(uid.type)
        return entity_type is None or entity_type.ids is None or uid.id in entity_type.ids

    def admits(self, uid: EntityUid) -> bool:
        """Whether data may name this entity; besides, actions must be declared."""
        return self.has_id(uid) and (not is_action(uid) or uid in self.actions)


def read_schema(json: Any) -> Schema:
    types = {name: read_entity_type(each) for name, each in json["entity_types"].items()}
    return Schema(types, {EntityUid(**each["uid"]): read_action(each) for each in json["actions"]})


def read_entity_type(json: Any) -> EntityType:
    tags = None if json["tags"] is None else read_type(json["tags"])
    ids = None if json["enum"] is None else frozenset(json["enum"])
    return EntityType(read_record(json), tags, ids, frozenset(json["member_of"]))


def read_action(json: Any) -> Action:
    ancestors = frozenset(EntityUid(**each) for each in json["ancestors"])
    principals, resources = frozenset(json["principals"]), frozenset(json["resources"])
    return Action(ancestors, principals, resources, read_record(json["context"]))


def read_type(json: Any) -> Type:
    if json["kind"] == "Record":
        return read_record(json)
    if json["kind"] == "Set":
        return Type("Set", read_type(json["element"]))
    return Type(json["name"]) if json["kind"] == "Extension" else Type(**json)


def read_record(json: Any) -> Type:
    """The record type of whatever has `attributes`."""
    attributes = {}
    for name, each in json["attributes"].items():
        attributes[name] = Attribute(read_type(each["type"]), each["required"])
    return Type("Record", attributes=attributes)
