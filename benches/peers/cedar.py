"""The peer `cedarpy`: Cedar's own crate behind a Python binding, used as well as its API allows.

Policies, entities and schema are handles, parsed once; requests are prebuilt dicts whose context is
already JSON text (its batch call would otherwise serialise each one). It names policies by
position, so an `Outcome` maps them back to their `@id`; timed runs only count verdicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import cedarpy
from workloads.workload import Link, Outcome, Request, Uid, Workload, text

QUOTED = re.compile("`([^`]+)`")


def links(all_links: Iterable[Link]) -> list[dict[str, Any]]:
    """Links as `PolicySet.with_linked_batch` takes them."""

    def values(principal: Uid | None, resource: Uid | None) -> dict[str, str]:
        slots = {"?principal": principal, "?resource": resource}
        return {slot: text(uid) for slot, uid in slots.items() if uid is not None}

    return [
        {"template_id": each.template, "new_id": each.id,
         "values": values(each.principal, each.resource)}
        for each in all_links
    ]  # fmt: skip


def questions(requests: Iterable[Request]) -> list[dict[str, Any]]:
    """Requests as its calls take them."""
    return [
        {
            "principal": text(each.principal),
            "action": text(each.action),
            "resource": text(each.resource),
            "context": json.dumps(each.context),
        }
        for each in requests
    ]


class Cedar:
    """One workload in cedarpy's handles. Workloads of the same `entities` can share them."""

    def __init__(self, workload: Workload, entities: cedarpy.Entities | None = None) -> None:
        self.schema = cedarpy.Schema.from_str(workload.schema) if workload.schema else None
        self.policies = cedarpy.PolicySet.from_str(workload.policies)
        if workload.links:
            self.policies = self.policies.with_linked_batch(links(workload.links))
        self.entities = entities or cedarpy.Entities.from_json_str(
            json.dumps(workload.entities), self.schema
        )
        static = json.loads(cedarpy.policies_to_json_str(workload.policies))
        each_policy = {**static["staticPolicies"], **static["templates"]}
        self.ids = {name: each["annotations"]["id"] for name, each in each_policy.items()}
        effects = {self.ids[name]: each["effect"] for name, each in each_policy.items()}
        of_links = {link.id: effects[link.template] for link in workload.links}
        self.forbids = {name for name, effect in (effects | of_links).items() if effect == "forbid"}

    def single(self, question: dict[str, Any]) -> cedarpy.AuthzResult:
        return cedarpy.is_authorized(question, self.policies, self.entities, self.schema)

    def batch(self, asked: Sequence[dict[str, Any]]) -> list[cedarpy.AuthzResult]:
        return cedarpy.is_authorized_batch(list(asked), self.policies, self.entities, self.schema)

    def outcomes(self, requests: Iterable[Request]) -> list[Outcome]:
        return [self.outcome(each) for each in self.batch(questions(requests))]

    def outcome(self, answer: cedarpy.AuthzResult) -> Outcome:
        """The answer in our words; on top of Cedar's, an erring forbid denies (`on_error`)."""
        assert answer.decision is not cedarpy.Decision.NoDecision, answer.diagnostics.errors
        name = self.ids.get
        policies = tuple(sorted(name(each, each) for each in answer.diagnostics.reasons))
        failed = map(policy_of, answer.diagnostics.errors)
        erring = tuple(sorted(name(each, each) for each in failed))
        if not answer.allowed and policies:
            return Outcome("forbidden", policies, erring)
        if forbids := tuple(each for each in erring if each in self.forbids):
            return Outcome("forbid_error", forbids, erring)
        return Outcome("permitted" if answer.allowed else "not_permitted", policies, erring)


def policy_of(error: str) -> str:
    """The id that an error message of Cedar's names first."""
    found = QUOTED.search(error)
    assert found is not None, error
    return found.group(1)
