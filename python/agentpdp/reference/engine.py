"""The engine: policies, schema and entities together, and the calls that are decided by them.

It gives the same answers as the compiled `agentpdp.Engine`, one plain step after the other, and is
there to be read and to be compared with. Building and changing it raises `InputError`; deciding a
call never raises, whatever the call holds.

Twin: rust/core/src/engine.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .authorize import ask
from .decision import Decision, decide, refuse
from .entities import Entities
from .policies import read_policies
from .request import Problem, read_entity, read_name, read_request
from .schema import read_schema
from .value import check, is_action


class Engine:
    """Takes a bundle, what a bundle's `to_json()` returns, or a policy set in Cedar's JSON format.

    `schema` (in its resolved form) and `entities` replace those of the bundle. What a bundle says
    of `on_error` holds; the argument is for plain policies.
    """

    def __init__(
        self,
        bundle_or_policies: Any,
        *,
        schema: Any = None,
        entities: Iterable[Any] | None = None,
        on_error: str = "deny",
    ) -> None:
        to_json = getattr(bundle_or_policies, "to_json", None)
        json = to_json() if to_json else bundle_or_policies
        check(isinstance(json, dict), "policy_json", "expected a bundle or a policy set in JSON")
        bundle = json if "policies" in json else {"policies": json}
        schema = bundle.get("schema") if schema is None else schema
        entities = bundle.get("entities") if entities is None else entities
        self.on_error = bundle.get("on_error", on_error)
        check(self.on_error in ("deny", "cedar"), "on_error", "`on_error` is `deny` or `cedar`")
        self.policies = read_policies(bundle["policies"])
        self.schema = None if schema is None else read_schema(schema)
        loaded = [read_entity(each, self.schema) for each in entities or ()]
        self.entities = Entities().upserted(loaded)
        distinct = all(self.entities.stored[each.uid] == each for each in loaded)
        check(distinct, "entity_duplicate", "two different entities have the same uid")
        if self.schema:
            self.entities = self.entities.upserted(self.schema.action_entities())
        self.epoch = 0

    def authorize(
        self,
        principal: Any,
        action: Any,
        resource: Any,
        context: Any = None,
        *,
        entities: Iterable[Any] | None = None,
        diagnostics: str = "full",
    ) -> Decision:
        """Decide one call; `entities` are known for this call only, in place of those of their uid.

        With `diagnostics="verdict"` the decision leaves out which policies decided or failed.
        Entities that are not well-formed raise `InputError`.
        """
        levels = ("full", "verdict")
        check(diagnostics in levels, "diagnostics", "`diagnostics` is `full` or `verdict`")
        try:
            request = read_request(principal, action, resource, context, self.schema)
        except Exception:  # what a caller's own objects raise while they are read
            request = Problem("argument_type", "an object of the call cannot be read")
        if isinstance(request, Problem):
            return refuse(request, self.epoch)
        known = self.entities if entities is None else self.with_entities(entities)
        outcome = ask(self.policies.policies.values(), request, known)
        decision = decide(outcome, self.on_error, self.epoch)
        return decision if diagnostics == "full" else replace(decision, policies=(), errors=())

    def authorize_batch(self, rows: Iterable[Mapping[str, Any]]) -> list[Decision]:
        """Decide rows with the keys principal, action, resource and perhaps context, one by one."""
        return [self.authorize(**row) for row in rows]

    def with_entities(self, entities: Iterable[Any]) -> Entities:
        return self.entities.upserted([read_entity(each, self.schema) for each in entities])

    def upsert(self, entities: Iterable[Any]) -> None:
        """Add entities, or put them in place of what they were; all of them or, if wrong, none."""
        self.entities = self.with_entities(entities)
        self.epoch += 1

    def remove(self, uids: Iterable[Any]) -> None:
        """Take entities away, and every edge to them with them; the schema's actions stay."""
        gone = [read_name(each) for each in uids]
        fixed = self.schema is not None and any(map(is_action, gone))
        check(not fixed, "entity_schema", "actions are the schema's and cannot be removed")
        self.entities = self.entities.removed(gone)
        self.epoch += 1

    def link(
        self, template: str, link_id: str, *, principal: Any = None, resource: Any = None
    ) -> None:
        given = {"?principal": principal, "?resource": resource}
        values = {slot: read_name(uid) for slot, uid in given.items() if uid is not None}
        self.policies.link(template, link_id, values)
        self.epoch += 1

    def unlink(self, link_id: str) -> bool:
        found = self.policies.unlink(link_id)
        self.epoch += found
        return found
