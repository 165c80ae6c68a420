"""Policies, templates and links: what is permitted or forbidden, to whom, under which conditions.

A scope compares principal, action and resource with fixed entities and types, and can never fail;
only conditions can. A template is a policy with a slot in place of an entity; a link fills it. In
bundles with tasks a forbid may name a role (`@step_up`), whose approval takes it back.

Twin: rust/core/src/policies.rs. Read next: schema.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .entities import Entities
from .expression import Expression, Operation, keys, read_entity_uid, read_expression, require
from .value import EntityUid, InputError, check, is_action, is_name


@dataclass(frozen=True)
class Scope:
    """What one of principal, action and resource must be: of a type, and `==` or `in` a part.

    A part is an entity, or the name of a slot in a template. No operator means that all will do.
    """

    type: str | None = None
    operator: str | None = None
    parts: tuple[EntityUid | str, ...] = ()

    def matches(self, uid: EntityUid, entities: Entities) -> bool:
        if self.type is not None and uid.type != self.type:
            return False
        if self.operator == "==":
            return uid in self.parts
        groups = [part for part in self.parts if isinstance(part, EntityUid)]
        return self.operator is None or any(entities.is_in(uid, group) for group in groups)

    def slots(self) -> set[str]:
        return {part for part in self.parts if isinstance(part, str)}

    def filled(self, values: Mapping[str, EntityUid]) -> Scope:
        parts = [values[part] if isinstance(part, str) else part for part in self.parts]
        return replace(self, parts=tuple(parts))


@dataclass(frozen=True)
class Policy:
    id: str
    effect: str
    principal: Scope
    action: Scope
    resource: Scope
    conditions: tuple[Expression, ...]
    step_up: str | None = None

    def slots(self) -> set[str]:
        return self.principal.slots() | self.resource.slots()


@dataclass(frozen=True)
class Policies:
    """Policies by id (links among them), templates by id, and the epoch of each link."""

    policies: dict[str, Policy] = field(default_factory=dict)
    templates: dict[str, Policy] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)

    def link(
        self, template_id: str, link_id: str, values: Mapping[str, EntityUid], epoch: int = 0
    ) -> None:
        """Make a policy of a template; its slots, and no others, get values."""
        template = self.templates.get(template_id)
        if template is None:
            raise InputError("link_template", f"there is no template `{template_id}`")
        taken = link_id in self.policies or link_id in self.templates
        check(not taken, "link_duplicate", f"there is a policy or template `{link_id}` already")
        slots = ", ".join(sorted(template.slots()))
        bound = template.slots() == values.keys()
        check(bound, "link_slots", f"template `{template_id}` takes values for {slots}")
        scopes = template.principal.filled(values), template.resource.filled(values)
        linked = replace(template, id=link_id, principal=scopes[0], resource=scopes[1])
        self.policies[link_id] = linked
        self.links[link_id] = epoch

    def unlink(self, link_id: str) -> bool:
        """Take a link away; false if there is none of this id."""
        found = link_id in self.links
        if found:
            del self.links[link_id]
            del self.policies[link_id]
        return found


def read_policies(json: Any) -> Policies:
    """A policy set in Cedar's JSON format."""
    require(isinstance(json, dict) and "staticPolicies" in json, "expected `staticPolicies`")
    policies = Policies()
    for policy_id, each in json["staticPolicies"].items():
        policy = policies.policies[policy_id] = read_policy(policy_id, each)
        require(not policy.slots(), f"policy `{policy_id}` has a slot, so it is a template")
    for policy_id, each in json.get("templates", {}).items():
        require(policy_id not in policies.policies, f"`{policy_id}` is a policy and a template")
        policies.templates[policy_id] = read_policy(policy_id, each)
    for each in json.get("templateLinks", []):
        keys(each, "templateId", "newId", "values")
        values = {slot: read_entity_uid(uid) for slot, uid in each["values"].items()}
        policies.link(each["templateId"], each["newId"], values)
    return policies


def read_policy(policy_id: str, json: Any) -> Policy:
    keys(json, "effect", "principal", "action", "resource", "conditions", optional="annotations")
    require(json["effect"] in ("permit", "forbid"), f"policy `{policy_id}` has no effect")
    require(isinstance(json["conditions"], list), f"policy `{policy_id}` has no list of conditions")
    principal = read_scope(json["principal"], "?principal")
    action = read_scope(json["action"], None)
    resource = read_scope(json["resource"], "?resource")
    actions = [part for part in action.parts if isinstance(part, EntityUid) and is_action(part)]
    named = action.type is None and len(actions) == len(action.parts)
    require(named, f"policy `{policy_id}` has a scope of actions with something else in it")
    conditions = tuple([read_condition(each) for each in json["conditions"]])
    step_up = json.get("annotations", {}).get("step_up")
    return Policy(policy_id, json["effect"], principal, action, resource, conditions, step_up)


def read_condition(json: Any) -> Expression:
    """`unless` is `when` with a `!` before it."""
    keys(json, "kind", "body")
    require(json["kind"] in ("when", "unless"), "a condition is `when` or `unless`")
    body = read_expression(json["body"])
    return body if json["kind"] == "when" else Operation("!", (body,))


def read_scope(json: Any, slot: str | None) -> Scope:
    require(isinstance(json, dict), "a scope is an object")
    operator = json.get("op")
    if operator in ("All", "all"):
        return Scope()
    if operator == "is":
        keys(json, "op", "entity_type", optional="in")
        require(is_name(json["entity_type"]), "`is` takes the name of an entity type")
        if "in" not in json:
            return Scope(json["entity_type"])
        return Scope(json["entity_type"], "in", (read_part(json["in"], slot),))
    require(operator in ("==", "in"), "a scope is All, ==, in or is")
    if operator == "in" and slot is None and isinstance(json.get("entities"), list):
        return Scope(None, "in", tuple([read_entity_uid(each) for each in json["entities"]]))
    return Scope(None, operator, (read_part(json, slot),))


def read_part(json: Any, slot: str | None) -> EntityUid | str:
    require(isinstance(json, dict), "a scope names an entity or a slot")
    if slot is not None and json.get("slot") == slot:
        return slot
    return read_entity_uid(json.get("entity"))
