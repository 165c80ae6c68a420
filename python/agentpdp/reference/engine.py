"""The engine: policies, schema and entities together, and the calls that are decided by them.

It gives the same answers as the compiled `agentpdp.Engine`, one plain step after the other, and is
there to be read and to be compared with. Building and changing it raises `InputError`; deciding a
call never raises, whatever the call holds.

A bundle with tasks decides calls under grants only: `start` gives a `Grant`, which is what code
near an agent holds. Refusing `start` and `delegate` raises, and the exception has the decision.

Twin: rust/core/src/engine.rs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Denied, GrantRequired, StepUpNeeded
from . import calls, orders
from .approvals import ApprovalRequest, Approvals
from .authorize import ask
from .chains import Snapshot, outlook
from .decision import Decision, decide, decision, denial, refuse
from .entities import Entities
from .explain import Explanation
from .grants import Blocks, Target, Tree
from .grants import Grant as Issued
from .policies import read_policies
from .request import Problem, read_entity, read_name, read_request
from .schema import Schema, read_schema
from .tasks import Declarations, read_declarations, read_lifetime
from .value import LONG_MAX, LONG_MIN, EntityUid, check, is_action, read_uid

CLOCKS: Mapping[Any, Callable[[], int]] = {"system": lambda: time.time_ns() // 1_000_000}


@dataclass
class Changes:
    """What is other than the bundle had it, and is done again to the next."""

    put: dict[EntityUid, Mapping[str, Any]] = field(default_factory=dict)
    taken: set[EntityUid] = field(default_factory=set)
    links: dict[str, tuple[str, Any, Any]] = field(default_factory=dict)

    def remove(self, gone: Set[EntityUid]) -> None:
        self.taken |= gone
        left = ((uid, each) for uid, each in self.put.items() if uid not in gone)
        self.put = {
            uid: {**each, "parents": [up for up in each["parents"] if read_name(up) not in gone]}
            for uid, each in left
        }


class Engine:
    """Takes a bundle, what a bundle's `to_json()` returns, or a policy set in Cedar's JSON format.

    `schema` (in its resolved form) and `entities` replace those of the bundle. What a bundle says
    of `on_error` holds; the argument is for plain policies. `clock` is `"system"`, a function that
    gives milliseconds UTC, or `"caller"`: then each call says its time with `at`.
    """

    def __init__(
        self,
        bundle_or_policies: Any,
        *,
        schema: Any = None,
        entities: Iterable[Any] | None = None,
        on_error: str = "deny",
        clock: str | Callable[[], int] = "system",
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
        self.schema: Schema | None = None if schema is None else read_schema(schema)
        loaded = [read_entity(each, self.schema) for each in entities or ()]
        self.entities = Entities().upserted(loaded)
        distinct = all(self.entities.stored[each.uid] == each for each in loaded)
        check(distinct, "entity_duplicate", "two different entities have the same uid")
        if self.schema:
            self.entities = self.entities.upserted(self.schema.action_entities())
        self.declarations: Declarations | None = None
        if self.schema and bundle.get("delegation"):
            self.declarations = read_declarations(bundle["delegation"], self.schema)
        self.epoch = 0
        self.clock = clock
        self.latest: int | None = None
        self.changes = Changes()
        self.blocks, self.approvals = Blocks(), Approvals()
        self.grants: dict[str, Issued] = {}

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
        if self.declarations:
            raise GrantRequired("this bundle has tasks: `start` one, and decide under its grant")
        levels = ("full", "verdict")
        check(diagnostics in levels, "diagnostics", "`diagnostics` is `full` or `verdict`")
        try:
            request = read_request(principal, action, resource, context, self.schema)
        except Exception:  # what a caller's own objects raise while they are read
            request = Problem("argument_type", "an object of the call cannot be read")
        if isinstance(request, Problem):
            return refuse(request, self.epoch)
        known = self.entities if entities is None else self.with_entities(entities)
        asked = [(policy, request) for policy in self.policies.policies.values()]
        found = decide(ask(asked, known), self.on_error, self.epoch)
        return found if diagnostics == "full" else replace(found, policies=(), errors=())

    def authorize_batch(self, rows: Iterable[Mapping[str, Any]]) -> list[Decision]:
        """Decide rows with the keys principal, action, resource and perhaps context, one by one."""
        return [self.authorize(**row) for row in rows]

    def with_entities(self, entities: Iterable[Any]) -> Entities:
        return self.entities.upserted([read_entity(each, self.schema) for each in entities])

    # -- changes

    def upsert(self, entities: Iterable[Any]) -> None:
        """Add entities, or put them in place of what they were; all of them or, if wrong, none."""
        entities = list(entities)
        self.entities = self.with_entities(entities)
        read = ((read_name(each["uid"]), each) for each in entities)
        self.changes.put.update(each for each in read if not (self.schema and is_action(each[0])))
        self.epoch += 1

    def remove(self, uids: Iterable[Any]) -> None:
        """Take entities away, and every edge to them with them; the schema's actions stay."""
        gone = [read_name(each) for each in uids]
        fixed = self.schema is not None and any(map(is_action, gone))
        check(not fixed, "entity_schema", "actions are the schema's and cannot be removed")
        self.changes.remove(self.entities.stored.keys() & set(gone))
        self.entities = self.entities.removed(gone)
        self.epoch += 1

    def link(
        self, template: str, link_id: str, *, principal: Any = None, resource: Any = None
    ) -> None:
        given = {"?principal": principal, "?resource": resource}
        values = {slot: read_name(uid) for slot, uid in given.items() if uid is not None}
        self.policies.link(template, link_id, values, self.epoch + 1)
        self.changes.links[link_id] = (template, principal, resource)
        self.epoch += 1

    def unlink(self, link_id: str) -> bool:
        found = self.policies.unlink(link_id)
        if found:
            del self.changes.links[link_id]
            self.epoch += 1
        return found

    def reload(self, bundle: Any) -> None:
        """Decide by another bundle from now on; approvals end.

        What is still changed at run time is changed again, but for the schema's actions; where that
        does not fit, nothing changes.
        """
        other = Engine(bundle)
        both = (other.declarations is None) is (self.declarations is None)
        check(both, "reload", "a bundle with tasks is replaced by one with tasks, a plain one so")
        fixed = set(filter(is_action, self.changes.taken)) if other.schema else set()
        other.remove(self.changes.taken - fixed)
        other.upsert(self.changes.put.values())
        for link_id, (template, principal, resource) in self.changes.links.items():
            other.link(template, link_id, principal=principal, resource=resource)
        for name in ("on_error", "policies", "schema", "entities", "declarations", "approvals"):
            setattr(self, name, getattr(other, name))
        self.epoch += 1
        self.policies.links.update(dict.fromkeys(self.policies.links, self.epoch))

    def revoke(self, *, by: Any = None, at: int | None = None, **target: Any) -> None:
        """End a grant, an agent, a principal or a task, for good; `by` must be permitted to."""
        found = self.target(target)
        if by is not None:
            check(found[0] == "grant", "revoke", "`by` revokes grants")
            leaf = self.grants.get(str(found[1]))
            if leaf is None:
                raise Denied(self.refused("unknown_grant"))
            snapshot, now = self.snapshot(), self.moved(leaf.tree, at)
            reader = lambda: orders.read_revocation(by, leaf, snapshot, now)  # noqa: E731
            required(self.decided(calls.read(reader, None), snapshot))
        self.blocks.revoked.add(found)

    def suspend(self, **target: Any) -> None:
        """Block a grant, an agent, a principal or a task, until it is resumed."""
        self.blocks.suspended.add(self.target(target))

    def resume(self, **target: Any) -> None:
        self.blocks.suspended.discard(self.target(target))

    def target(self, given: Mapping[str, Any]) -> Target:
        named = {name: thing for name, thing in given.items() if thing is not None}
        one = len(named) == 1 and named.keys() <= {"grant", "agent", "principal", "task"}
        check(one, "target", "expected one of `grant`, `agent`, `principal` and `task`")
        ((what, thing),) = named.items()
        if what == "grant":
            return what, str(getattr(thing, "id", thing))
        return what, str(thing) if what == "task" else read_name(thing)

    # -- time

    def time(self, at: int | None) -> int:
        """The time of a call; left out where it is the caller's, the latest that was said."""
        check(at is None or self.clock == "caller", "clock", '`at` is for `clock="caller"`')
        now: Any = at
        if self.clock != "caller":
            now = self.clock() if callable(self.clock) else CLOCKS[self.clock]()
        elif at is None:
            now = self.latest
        whole = isinstance(now, int) and not isinstance(now, bool)
        check(whole and LONG_MIN <= now <= LONG_MAX, "clock", "`at`: expected milliseconds")
        return int(now)

    def moved(self, tree: Tree | None, at: int | None) -> int:
        """The time of a call in a tree, where it never steps back."""
        now = self.time(at)
        self.latest = now if self.latest is None else max(self.latest, now)
        if tree:
            now = tree.now = max(tree.now, now)
        return now

    # -- grants

    def snapshot(self) -> Snapshot:
        check(self.declarations is not None, "grant", "a plain bundle has no grants")
        assert self.declarations
        assert self.schema
        return Snapshot(
            self.declarations, self.schema, self.policies, self.entities, self.blocks, self.epoch
        )

    def start(
        self,
        task: Any,
        *,
        principal: Any,
        agent: Any,
        params: Any = None,
        claims: Any = None,
        expires_in: Any = None,
        valid_from: Any = None,
        by: Any = None,
        at: int | None = None,
    ) -> Grant:
        order = orders.Order(task, agent, params, expires_in, principal, claims, valid_from, by)
        return self.issued(order, None, self.moved(None, at))

    def issued(self, order: orders.Order, parent: Issued | None, now: int) -> Grant:
        """The grant that was asked for, if every question allows it."""
        snapshot = self.snapshot()
        refused = orders.order_refusal(order, parent, snapshot, now)
        asked = calls.read(lambda: orders.read_order(order, parent, snapshot, now), refused)
        required(self.decided(asked, snapshot))
        assert asked.grant is not None
        asked.grant.tree.grants.append(asked.grant)
        self.grants[asked.grant.id] = asked.grant
        return Grant(self, asked.grant)

    def decided(self, asked: calls.Asked, snapshot: Snapshot) -> Decision:
        """The decision; an allow uses up the approvals that it needed."""
        found = calls.answers(asked, snapshot, self.approvals)
        made, deciding = calls.decide(asked, found, snapshot)
        if made.allowed and deciding.approved and not isinstance(asked.calls, Problem):
            self.approvals.consume(asked.calls[0].digest)
        return made

    def refused(self, code: str) -> Decision:
        return decision(denial("status", code), self.epoch)

    def approve(
        self, request: ApprovalRequest, *, by: Any, expires_in: Any = None, at: int | None = None
    ) -> None:
        """Let one call pass once, as far as the policies named by its request are in its way."""
        length = None if expires_in is None else read_lifetime(expires_in)
        check(expires_in is None or length is not None, "lifetime", "expected a length of time")
        snapshot = self.snapshot()
        if request.grant is None:
            now = self.moved(None, at)
            leaf = orders.proposed(request, snapshot, now)
            refused = calls.blocked(leaf.targets(), snapshot)
        else:
            found = self.grants.get(request.grant)
            if found is None:
                raise Denied(self.refused("unknown_grant"))
            leaf, now = found, self.moved(found.tree, at)
            refused = calls.refusal(leaf.chain(), snapshot, now)
        reader = lambda: orders.read_approval(request, by, leaf, snapshot, now)  # noqa: E731
        required(self.decided(calls.read(reader, refused), snapshot))
        end = leaf.expires if length is None else min(leaf.expires, now + length)
        names = [policy for policy, _ in request.needed]
        self.approvals.approve(request.digest, names, request.epoch, end)

    def explain(
        self,
        grant: Grant,
        action: Any,
        arguments: Any = None,
        *,
        resource: Any = None,
        context: Any = None,
        at: int | None = None,
    ) -> Explanation:
        """All questions of a call and what each comes to; changes nothing."""
        if grant.engine is not self:
            raise ValueError("`grant` is a grant of this engine, and this is another's")
        issued, snapshot = grant.issued, self.snapshot()
        chain, now = issued.chain(), max(issued.tree.now, self.time(at))
        asked = calls.asked(chain, action, arguments, resource, context, snapshot, now)
        found = tuple(calls.answers(asked, snapshot, self.approvals))
        hops = tuple((each.id, each.agent, each.tasks) for each in chain)
        made, _ = calls.decide(asked, found, snapshot)
        return Explanation(made, issued.tree.principal, hops, found)

    def grant(self, grant_id: str, *, agent: Any) -> Grant:
        """The grant of an id, which is a name: the agent that acts must be the grant's."""
        found = self.row_grant(grant_id, agent)
        if isinstance(found, Decision):
            raise Denied(found)
        return Grant(self, found)

    def row_grant(self, thing: Any, agent: Any) -> Issued | Decision:
        """A grant by its handle or its id; by id a closed one is not known any more."""
        found = thing.issued if isinstance(thing, Grant) else self.grants.get(str(thing))
        handled = isinstance(thing, Grant)
        if found is None or not (handled or all(not each.closed for each in found.chain())):
            return self.refused("unknown_grant")
        same = (handled and agent is None) or read_uid(agent) == found.agent
        return found if same else self.refused("agent_mismatch")

    def decide_batch(self, rows: Iterable[Mapping[str, Any]]) -> list[Decision]:
        """Decide calls one by one, in order; each names its grant, or grant id and agent."""
        decisions = []
        for row in rows:
            call = dict(row)
            found = self.row_grant(call.pop("grant", None), call.pop("agent", None))
            if isinstance(found, Issued):
                found = Grant(self, found).decide(**call)
            decisions.append(found)
        return decisions


class Grant:
    """One issued task as its holder has it: it decides, hands on and closes."""

    def __init__(self, engine: Engine, issued: Issued) -> None:
        self.engine, self.issued = engine, issued
        self.id, self.agent, self.principal = issued.id, issued.agent, issued.tree.principal
        self.tasks, self.depth = issued.tasks, issued.depth
        self.valid_from, self.expires = issued.valid_from, issued.expires
        self.parent = issued.parent.id if issued.parent else None
        rows = [issued.params[name].attributes for name in reversed(issued.tasks)]
        self.params = {name: each for row in rows for name, each in row.items()}

    def decide(
        self,
        action: Any,
        arguments: Any = None,
        *,
        resource: Any = None,
        context: Any = None,
        at: int | None = None,
    ) -> Decision:
        engine, chain = self.engine, self.issued.chain()
        now, snapshot = engine.moved(self.issued.tree, at), engine.snapshot()
        asked = calls.asked(chain, action, arguments, resource, context, snapshot, now)
        return engine.decided(asked, snapshot)

    def require(self, action: Any, arguments: Any = None, **options: Any) -> Decision:
        """Decide, and raise unless it is allowed."""
        return required(self.decide(action, arguments, **options))

    def delegate(
        self,
        task: Any,
        *,
        agent: Any,
        params: Any = None,
        only_actions: Any = None,
        only_resources: Any = None,
        expires_in: Any = None,
        at: int | None = None,
    ) -> Grant:
        within = {"only_actions": only_actions, "only_resources": only_resources}
        order = orders.Order(task, agent, params, expires_in, **within)
        return self.engine.issued(order, self.issued, self.engine.moved(self.issued.tree, at))

    def actions(self, *, at: int | None = None) -> dict[str, str]:
        """What to expect of each tool: `never`, `always` or `depends`."""
        now, snapshot = self.engine.moved(self.issued.tree, at), self.engine.snapshot()
        chain = self.issued.chain()
        over = calls.refusal(chain, snapshot, now) is not None
        tools = {uid: each["tool"] for uid, each in snapshot.declarations.actions.items()}
        return {
            tool["name"]: "never" if over else outlook(uid, chain, snapshot)
            for uid, tool in tools.items()
            if tool is not None
        }

    def close(self) -> None:
        """Nothing under this grant works any more."""
        self.issued.closed = True

    def __enter__(self) -> Grant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def required(made: Decision) -> Decision:
    if made.verdict == "step_up":
        raise StepUpNeeded(made)
    if not made.allowed:
        raise Denied(made)
    return made
