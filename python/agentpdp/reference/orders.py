"""Orders: what may be issued. Starting, delegating, approving and revoking, read and checked.

Each is a call, so it is decided by the procedure of calls.py: of `start` the principal's ceiling is
asked, of `delegate` every ceiling and every hop of the parent's chain, of the others the ceiling of
who asks. Nothing is issued here.

Twin: rust/core/src/orders.rs. Read next: explain.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from .approvals import ApprovalRequest
from .calls import (
    Asked,
    RefusedError,
    blocked,
    digest,
    known,
    need,
    need_applicable,
    refusal,
)
from .chains import Call, Party, Snapshot, parties
from .decision import Answer
from .grants import Grant, Restriction, Target, Tree, is_live
from .request import Problem, read_context
from .schema import Type
from .tasks import Task, read_lifetime, read_params
from .value import LONG_MAX, Bool, EntityUid, Long, Record, Set, String, Value, read_uid

# -- start and delegate


@dataclass(frozen=True)
class Order:
    """A grant that is asked for, as the caller writes it."""

    task: Any
    agent: Any
    params: Any = None
    expires_in: Any = None
    principal: Any = None
    claims: Any = None
    valid_from: Any = None
    by: Any = None
    only_actions: Any = None
    only_resources: Any = None

    def names(self) -> list[str]:
        """The tasks asked for, each once."""
        names = list(self.task) if isinstance(self.task, list | tuple) else [self.task]
        return list(dict.fromkeys(names)) if all(isinstance(each, str) for each in names) else names

    def targets(self) -> Iterator[Target]:
        """What would revoke the grant if it were issued."""
        yield from (("task", name) for name in self.names() if isinstance(name, str))
        uids = {"agent": read_uid(self.agent), "principal": read_uid(self.principal)}
        yield from ((what, uid) for what, uid in uids.items() if uid is not None)

    def form(self, root: bool) -> Mapping[str, Any]:
        """The arguments of the call; what is left out is null, or where it is rare, not there."""
        names = self.names()
        always = {
            "agent": self.agent,
            "task": names[0] if len(names) == 1 else names,
            "params": {} if self.params is None else self.params,
            "expires_in": self.expires_in,
        }
        rare = ("claims", "valid_from", "by", "only_actions", "only_resources")
        given = {name: getattr(self, name) for name in rare if getattr(self, name) is not None}
        return {**({"principal": self.principal} if root else {}), **always, **given}


def order_refusal(
    order: Order, parent: Grant | None, snapshot: Snapshot, now: int
) -> Answer | None:
    """The status of the chain, then of what the grant would be made of."""
    above = refusal(parent.chain(), snapshot, now) if parent else None
    return above or blocked(order.targets(), snapshot)


def read_order(order: Order, parent: Grant | None, snapshot: Snapshot, now: int) -> Asked:
    """Start a tree, or delegate below a grant."""
    declarations = snapshot.declarations
    chain = parent.chain() if parent else []
    tasks = read_tasks(order, snapshot)
    only_actions = read_actions(order.only_actions, snapshot)
    params = read_params(tasks, order.params, snapshot.schema, snapshot.known)
    if isinstance(params, Problem):
        raise RefusedError(params)
    start, expires = validity(order, tasks, parent, now)
    agent = read_uid(order.agent)
    principal = parent.tree.principal if parent else read_uid(order.principal)
    repeated = agent in [hop.agent for hop in chain]
    need(not repeated, "agent_repeated", "the agent is on the chain already")
    own = agent is not None and (agent == principal or agent.type in declarations.principals)
    need(not own, "principal_as_agent", "the agent is the principal, or of a principal's type")
    deep = len(chain) > declarations.limits.depth_max
    need(not deep, "depth_exceeded", "the chain would be too deep")
    need_room(parent, snapshot, now)
    claims = parent.tree.claims if parent else read_claims(order.claims, snapshot)
    by = [] if order.by is None else [read_uid(order.by)]
    uids = known([principal, *[hop.agent for hop in chain], agent, *by], snapshot)
    principal, agent = uids[0], uids[len(chain) + 1]
    resources = read_resources(order.only_resources)
    for task in tasks:
        need_for(task, principal, agent, snapshot)
    tree = parent.tree if parent else Tree(principal, claims, now)
    grant = Grant(
        tree=tree,
        parent=parent,
        agent=agent,
        tasks=tuple(task.name for task in tasks),
        params=params,
        digests={task.name: task.digest for task in tasks},
        restriction=Restriction(only_actions, resources),
        valid_from=start,
        expires=expires,
    )
    asked = parties(chain) if parent else [Party(None, principal, grant)]
    asked += [Party(None, uid, grant) for uid in uids[len(chain) + 2 :]]
    calls = [order_call(order, task, grant, asked, snapshot, now) for task in tasks]
    return Asked([replace(call, digest=calls[0].digest) for call in calls], grant=grant)


def order_call(
    order: Order, task: Task, grant: Grant, asked: list[Party], snapshot: Snapshot, now: int
) -> Call:
    action = task.delegate if grant.parent else task.start
    declared = snapshot.schema.actions.get(action)
    if declared is None:
        raise RefusedError(Problem("unknown_action", "the bundle has no such action"))
    need_applicable(declared, asked, grant.agent)
    values: dict[str, Value] = {
        "params": grant.params[task.name],
        "lifetime_ms": Long(grant.expires - grant.valid_from),
        "depth": Long(grant.depth),
    }
    arguments = order.form(root=grant.parent is None)
    hops = grant.parent.chain() if grant.parent else []
    call = Call(action, grant.agent, {"input": Record(values)}, arguments, now, asked, hops)
    form = {"arguments": arguments, "context": {}}
    return replace(call, digest=digest(call, form, snapshot))


def read_tasks(order: Order, snapshot: Snapshot) -> list[Task]:
    known = snapshot.declarations.tasks
    names = order.names()
    found = [known[name] for name in names if isinstance(name, str) and name in known]
    exact = len(found) == len(names) > 0
    need(exact, "unknown_action", "expected a task of the bundle, or a list of them")
    return found


def read_actions(things: Any, snapshot: Snapshot) -> frozenset[EntityUid] | None:
    """Actions and groups by name: the host's actions first, then all that the schema has."""
    if things is None:
        return None
    found = set()
    for thing in things:
        uid = snapshot.declarations.action(thing) or read_uid(thing)
        named = [each for each in snapshot.schema.actions if each == uid or each.id == thing]
        need(len(named) == 1, "unknown_action", "`only_actions` takes actions and groups")
        found.add(named[0])
    return frozenset(found)


def read_resources(things: Any) -> frozenset[EntityUid] | None:
    if things is None:
        return None
    uids = {read_uid(thing) for thing in things}
    need(None not in uids, "unknown_resource", "`only_resources` takes entities")
    return frozenset(uid for uid in uids if uid is not None)


def read_claims(claims: Any, snapshot: Snapshot) -> Record:
    expected = Type("Record", attributes=snapshot.declarations.claims)
    found = read_context(claims, expected, snapshot.schema)
    if isinstance(found, Problem):
        raise RefusedError(replace(found, message=found.message.replace("`context", "`claims", 1)))
    return found


def validity(
    order: Order, tasks: Sequence[Task], parent: Grant | None, now: int
) -> tuple[int, int]:
    """From when and until when; beyond what the tasks and the parent allow it is refused."""
    longest = min(task.lifetime_ms for task in tasks)
    start = now if order.valid_from is None else order.valid_from
    latest = start + longest if parent is None else min(start + longest, parent.expires)
    asked = latest - start
    if order.expires_in is not None:
        asked = read_lifetime(order.expires_in) or LONG_MAX
    within = asked <= latest - start and start + asked <= LONG_MAX
    need(within, "lifetime_too_long", "`expires_in` is beyond the task's or the parent's lifetime")
    return start, start + asked


def need_room(parent: Grant | None, snapshot: Snapshot, now: int) -> None:
    if parent is None:
        return
    limits = snapshot.declarations.limits
    alive = [each for each in parent.tree.grants if is_live(each, snapshot.blocks, now)]
    children = [each for each in alive if each.parent is parent]
    room = len(children) < limits.children_max and len(alive) < limits.grants_max
    need(room, "tree_full", "the grant has too many live children, or the tree too many grants")


def need_for(task: Task, principal: EntityUid, agent: EntityUid, snapshot: Snapshot) -> None:
    declarations = snapshot.declarations
    principals = task.principals if task.principals is not None else declarations.principals
    agents = task.agents if task.agents is not None else declarations.agents
    fits = principal.type in principals & declarations.principals
    need(fits, "not_applicable", f"task `{task.name}` is not for a principal of this type")
    fits = agent.type in agents & declarations.agents
    need(fits, "not_applicable", f"task `{task.name}` is not for an agent of this type")


# -- approve and revoke


def read_approval(
    request: ApprovalRequest, by: Any, leaf: Grant, snapshot: Snapshot, now: int
) -> Asked:
    """One call for each forbid that is to be taken back and each action of what is asked for."""
    asked = approver(snapshot.declarations.approve, by, leaf, snapshot)
    calls = []
    for (policy, role), action in product(request.needed, request.actions):
        values = {
            "role": String(role),
            "policy": String(policy),
            "action": String(action.id),
            "tasks": Set(frozenset(String(name) for name in leaf.tasks)),
            "own": Bool(asked.uid == leaf.tree.principal),
        }
        context = {"input": Record(values)}
        calls.append(Call(snapshot.declarations.approve, leaf.agent, context, {}, now, [asked]))
    return Asked(calls, approvable=False)


def read_revocation(by: Any, leaf: Grant, snapshot: Snapshot, now: int) -> Asked:
    asked = approver(snapshot.declarations.revoke, by, leaf, snapshot)
    call = Call(snapshot.declarations.revoke, leaf.agent, {}, {}, now, [asked])
    return Asked([call], approvable=False)


def proposed(request: ApprovalRequest, snapshot: Snapshot, now: int) -> Grant:
    """The grant that a `start` would issue, as far as approving it goes."""
    tree = Tree(request.principal, request.claims, now)
    tasks = [snapshot.declarations.tasks.get(name) for name in request.tasks]
    end = now + min((task.lifetime_ms for task in tasks if task), default=0)
    return Grant(tree, None, request.agent, request.tasks, {}, {}, Restriction(), now, end)


def approver(action: EntityUid, by: Any, leaf: Grant, snapshot: Snapshot) -> Party:
    """Who approves or revokes, asked with the grant that it is about."""
    uid, _ = known([read_uid(by), leaf.agent], snapshot)
    party = Party(None, uid, leaf)
    need_applicable(snapshot.schema.actions[action], [party], leaf.agent)
    return party
