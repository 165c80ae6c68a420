"""Chains: which questions one call asks, of whom, with which context.

First what each party may do at all: the principal, then every agent of the chain, root first. Then
what each hop's tasks hold. Whatever is asked about hop i carries the grant of hop i, and the
principal's ceiling that of hop 0: so the questions of a grant are among those of all grants below
it, and nobody below is allowed what is denied above.

Twin: rust/core/src/chains.rs. Read next: calls.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .decision import Answer
from .entities import Entities
from .grants import Blocks, Grant, context_time, covers
from .policies import Policies, Policy, Scope
from .request import Request
from .schema import Schema
from .tasks import Declarations
from .value import EntityUid, Record, Value


@dataclass(frozen=True)
class Snapshot:
    """All that one call is decided by; nothing of it changes between the call's stages."""

    declarations: Declarations
    schema: Schema
    policies: Policies
    entities: Entities
    blocks: Blocks
    epoch: int

    def known(self, uid: EntityUid) -> bool:
        """Whether an entity may be named: it is in the store, of an open or of a listed type."""
        entity_type = self.schema.entity_types.get(uid.type)
        if entity_type is not None and entity_type.ids is not None:
            return uid.id in entity_type.ids
        return uid in self.entities.stored or uid.type in self.declarations.open_types


@dataclass(frozen=True)
class Call:
    """One call, read and checked. Of `start` and `approve` there are no hops, only parties."""

    action: EntityUid
    resource: EntityUid
    context: Mapping[str, Value]
    arguments: Mapping[str, Any]
    now: int
    ceilings: Sequence[Party]
    hops: Sequence[Grant] = ()
    digest: str | None = None


@dataclass(frozen=True)
class Party:
    """Who is asked for a ceiling; `grant` is the one that the question carries."""

    hop: int | None
    uid: EntityUid
    grant: Grant


@dataclass(frozen=True)
class Question:
    """Policies, each with the request it is asked."""

    stage: str
    hop: int | None
    party: EntityUid
    asked: list[tuple[Policy, Request]] = field(repr=False)


def parties(chain: Sequence[Grant]) -> list[Party]:
    """The principal, then the agents, root first."""
    principal = Party(None, chain[0].tree.principal, chain[0])
    return [principal, *(Party(hop, each.agent, each) for hop, each in enumerate(chain))]


def request(call: Call, party: EntityUid, grant: Grant, params: Record | None = None) -> Request:
    added = {"grant": grant.record(params), "system": context_time(call.now)}
    return Request(party, call.action, call.resource, Record({**call.context, **added}))


def ceiling(call: Call, party: Party, snapshot: Snapshot) -> Question:
    asked = request(call, party.uid, party.grant)
    policies = snapshot.policies.policies.values()
    return Question("ceiling", party.hop, party.uid, [(policy, asked) for policy in policies])


def task(call: Call, hop: int, grant: Grant, snapshot: Snapshot) -> Question:
    """The policies of all the hop's tasks as one set; each sees its own task's parameters."""
    asked = []
    for name in grant.tasks:
        own = request(call, grant.agent, grant, grant.params[name])
        asked += [(policy, own) for policy in policies_of(name, snapshot)]
    return Question("task", hop, grant.agent, asked)


def policies_of(name: str, snapshot: Snapshot) -> list[Policy]:
    found = snapshot.declarations.tasks.get(name)
    return list(found.policies.policies.values()) if found else []


def steps(call: Call, snapshot: Snapshot) -> Iterator[Question | Answer]:
    """Questions and what is refused without one, in the order in which they decide."""
    for party in call.ceilings:
        yield ceiling(call, party, snapshot)
    for hop, grant in enumerate(call.hops):
        if not grant.restriction.admits(call.action, call.resource, snapshot.entities):
            yield Answer("task", hop, grant.agent, "deny", "outside_restriction")
        yield task(call, hop, grant, snapshot)
    if call.hops and not is_own(call.action, call.hops[-1], snapshot):
        last = call.hops[-1]
        yield Answer("task", len(call.hops) - 1, last.agent, "deny", "hand_on_only")


def is_own(action: EntityUid, grant: Grant, snapshot: Snapshot) -> bool:
    """Whether the grant's agent may do this itself, by any of its tasks."""
    tasks = snapshot.declarations.tasks
    own = [tasks[name].own for name in grant.tasks if name in tasks]
    return any(each is None or covers(each, action, snapshot.entities) for each in own)


# -- what can be said of an action before it is called


def outlook(action: EntityUid, chain: Sequence[Grant], snapshot: Snapshot) -> str:
    """`never`: no call of it can be allowed; `always`: any that can be read is; else `depends`.

    Only scopes are looked at, and what each party and hop says is combined: the worst counts.
    """
    asked = parties(chain)
    declared = snapshot.schema.actions.get(action)
    types = {party.uid.type for party in asked}
    if declared is None or not types <= declared.principals:
        return "never"
    if not all(snapshot.known(party.uid) for party in asked):
        return "never"
    ceilings = list(snapshot.policies.policies.values())
    found = [scopes(ceilings, party.uid, action, snapshot.entities) for party in asked]
    for grant in chain:
        policies = [policy for name in grant.tasks for policy in policies_of(name, snapshot)]
        found.append(scopes(policies, grant.agent, action, snapshot.entities))
        within, resources = grant.restriction.only_actions, grant.restriction.only_resources
        inside = within is None or covers(within, action, snapshot.entities)
        found.append("never" if not inside else "always" if resources is None else "depends")
    found.append("always" if is_own(action, chain[-1], snapshot) else "never")
    return next((word for word in ("never", "depends") if word in found), "always")


def scopes(
    policies: Sequence[Policy], party: EntityUid, action: EntityUid, entities: Entities
) -> str:
    """What one question can come to, as far as scopes tell."""
    near = [
        policy
        for policy in policies
        if policy.principal.matches(party, entities) and policy.action.matches(action, entities)
    ]
    sure = [policy for policy in near if not policy.conditions and policy.resource == Scope()]
    forbids = [policy for policy in near if policy.effect == "forbid"]
    if len(forbids) == len(near) or any(each in sure and not each.step_up for each in forbids):
        return "never"
    return "always" if not forbids and sure else "depends"
