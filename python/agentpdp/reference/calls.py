"""Calls: how what is asked for is read and checked, and the procedure by which it is decided.

A tool's call, `start`, `delegate`, `approve` and `revoke` are all calls, decided in the same order:
status of the chain, arguments, ceilings, tasks. Reading a call never fails: it gives the call, or
the problem whose code comes first. Nothing here changes anything.

Twin: rust/core/src/calls.rs. Read next: explain.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .approvals import ApprovalRequest, Approvals
from .authorize import ask
from .chains import Call, Party, Snapshot, parties, steps
from .decision import Answer, Decision, answer, conclude, decision, denial
from .digest import call_digest
from .grants import Grant, Restriction, Target, Tree, is_live, status
from .request import PRECEDENCE, Problem, read_context
from .schema import Action, Attribute, Type
from .tasks import Task, read_lifetime, read_params
from .value import LONG_MAX, Bool, EntityUid, Long, Record, Set, String, Value, read_uid

RESERVED = {"input", "grant", "history", "system"}


class RefusedError(Exception):
    """What is read cannot be asked; ends the reading of a call, and does not leave this file."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def need(condition: bool, code: str, message: str) -> None:
    if not condition:
        raise RefusedError(Problem(code, message))


@dataclass(frozen=True)
class Asked:
    """The calls to decide, one for each task of `start` and `delegate`, or why there are none.

    `refused` comes before them; `grant` is the one that is issued if all are allowed. What is not
    approvable is forbidden by a forbid whatever its role.
    """

    calls: Sequence[Call] | Problem
    refused: Answer | None = None
    grant: Grant | None = None
    approvable: bool = True


def read(reader: Callable[[], Asked], refused: Answer | None) -> Asked:
    """What was asked for, or the problem with it, whatever a caller's own objects do."""
    try:
        asked = reader()
    except RefusedError as error:
        asked = Asked(error.problem)
    except Exception:
        asked = Asked(Problem("argument_type", "an object of the call cannot be read"))
    return replace(asked, refused=refused)


def refusal(chain: Sequence[Grant], snapshot: Snapshot, now: int) -> Answer | None:
    """What the status of a chain says to every call under it."""
    hit = status(chain, snapshot.blocks, snapshot.declarations.tasks, now)
    return denial("status", hit[1], hit[0]) if hit else None


def blocked(targets: Iterable[Target], snapshot: Snapshot) -> Answer | None:
    """What refuses a grant that is not issued yet."""
    code = snapshot.blocks.status(targets)
    return denial("status", code) if code else None


# -- a tool's call


def asked(
    chain: Sequence[Grant],
    action: Any,
    arguments: Any,
    resource: Any,
    context: Any,
    snapshot: Snapshot,
    now: int,
) -> Asked:
    """A call under a chain."""
    call = (action, arguments, resource, context)
    refused = refusal(chain, snapshot, now)
    return read(lambda: read_call(chain, *call, snapshot, now), refused)


def read_call(
    chain: Sequence[Grant],
    action: Any,
    arguments: Any,
    resource: Any,
    context: Any,
    snapshot: Snapshot,
    now: int,
) -> Asked:
    uid = snapshot.declarations.action(action)
    declared = snapshot.schema.actions.get(uid) if uid else None
    if uid is None or declared is None:
        raise RefusedError(Problem("unknown_action", "expected an action of the bundle"))
    declaration = snapshot.declarations.actions[uid]
    reserved = isinstance(context, Mapping) and not RESERVED.isdisjoint(context)
    need(not reserved, "context_reserved", f"`context`: {', '.join(sorted(RESERVED))} are reserved")
    values, given = read_values(declared, declaration, arguments, context, snapshot)
    found = derived(declaration["resource"], given, resource, chain[0].tree.principal, snapshot)
    asked = parties(chain)
    known([party.uid for party in asked], snapshot)
    fixed = declaration["resource"]["rule"] == "fixed"
    if found is None or not (fixed or snapshot.known(found)):
        raise RefusedError(Problem("unknown_resource", "the resource is not in the store"))
    need_applicable(declared, asked, found)
    form = {"arguments": given, "context": {} if context is None else context}
    call = Call(uid, found, values, given, now, asked, chain)
    return Asked([replace(call, digest=digest(call, form, snapshot))])


def read_values(
    declared: Action, declaration: Mapping[str, Any], arguments: Any, context: Any, snapshot: Any
) -> tuple[Mapping[str, Value], Mapping[str, Any]]:
    """The context of policies with `input` in it, and the arguments as they are to be run."""
    own = {k: v for k, v in declared.context.attributes.items() if k not in RESERVED}
    values = read_context(context, Type("Record", attributes=own), snapshot.schema)
    inputs = read_plain_arguments(declaration["tool"], arguments)
    problems = [each for each in (inputs, values) if isinstance(each, Problem)]
    if problems:
        ranks = [*PRECEDENCE[:4], *{each.code for each in problems} - {*PRECEDENCE}]
        raise RefusedError(min(problems, key=lambda each: ranks.index(each.code)))
    assert isinstance(values, Record)
    assert isinstance(inputs, Record)
    return {**values.attributes, "input": inputs}, {} if arguments is None else dict(arguments)


def derived(
    rule: Mapping[str, Any], arguments: Any, given: Any, principal: EntityUid, snapshot: Snapshot
) -> EntityUid | None:
    """The resource of a call, by the rule of its action; a caller's must be the same."""
    named = read_uid(given)
    if rule["rule"] == "caller":
        return named
    found: Any = principal
    if rule["rule"] == "argument":
        found = EntityUid(rule["type"], str(arguments[rule["from"]]))
    elif rule["rule"] == "fixed":
        found = EntityUid(**rule["entity"])
    elif rule["rule"] == "principal_attribute":
        entity = snapshot.entities.stored.get(principal)
        found = entity.attributes.get(rule["from"]) if entity else None
    same = given is None or named == found
    need(same, "resource_mismatch", "the resource is another than the one that is acted on")
    return found if isinstance(found, EntityUid) else None


def known(uids: Iterable[EntityUid | None], snapshot: Snapshot) -> list[EntityUid]:
    """These parties; all of them must be known."""
    found = [uid for uid in uids if uid is not None and snapshot.known(uid)]
    need(found == list(uids), "unknown_party", "the principal or an agent is not in the store")
    return found


def need_applicable(declared: Action, asked: Iterable[Party], resource: EntityUid) -> None:
    fits = all(party.uid.type in declared.principals for party in asked)
    need(fits, "not_applicable", "the action is not for a party of this type")
    fits = resource.type in declared.resources
    need(fits, "not_applicable", "the action is not for resources of this type")


def digest(call: Call, form: Mapping[str, Any], snapshot: Snapshot) -> str | None:
    tasks = [[each.digests[name] for name in each.tasks] for each in call.hops]
    named = {"action": str(call.action), "resource": str(call.resource)}
    leaf = call.hops[-1].id if call.hops else None
    bundle = snapshot.declarations.digest
    return call_digest({"grant": leaf, "tasks": tasks, "bundle": bundle, **named, **form})


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
    """One call for each forbid that is to be taken back."""
    asked = approver(snapshot.declarations.approve, by, leaf, snapshot)
    calls = []
    for policy, role in request.needed:
        values = {
            "role": String(role),
            "policy": String(policy),
            "action": String(request.action.id),
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


# -- deciding


def answers(asked: Asked, snapshot: Snapshot, approvals: Approvals) -> Iterator[Answer]:
    """Everything that is said to a call, in the order in which it decides."""
    if asked.refused is not None:
        yield asked.refused
    if isinstance(asked.calls, Problem):
        yield denial("arguments", asked.calls.code, message=asked.calls.message)
        return
    for call in asked.calls:
        approved = approvals.of(call.digest, call.now) if asked.approvable else None
        for step in steps(call, snapshot):
            if isinstance(step, Answer):
                yield step
                continue
            outcome = ask(step.asked, snapshot.entities)
            stage, hop, party = step.stage, step.hop, step.party
            yield answer(outcome, approved=approved, stage=stage, hop=hop, party=party)


def decide(asked: Asked, given: Iterable[Answer], snapshot: Snapshot) -> tuple[Decision, Answer]:
    """The decision, and the answer behind it."""
    deciding = conclude(given)
    call = None if isinstance(asked.calls, Problem) else asked.calls[0]
    request = None
    if call is not None and deciding.verdict == "step_up":
        request = approval_request(asked, call, deciding)
        if request is None:
            unsafe = "the call has values with no one form, so nobody can approve it"
            deciding = denial("arguments", "argument_unsafe", message=unsafe)
    arguments = call.arguments if call else None
    return decision(deciding, snapshot.epoch, arguments, request), deciding


def approval_request(asked: Asked, call: Call, deciding: Answer) -> ApprovalRequest | None:
    if call.digest is None:
        return None
    leaf = call.hops[-1] if call.hops else asked.grant
    assert leaf is not None
    return ApprovalRequest(
        digest=call.digest,
        needed=deciding.needed,
        grant=call.hops[-1].id if call.hops else None,
        principal=leaf.tree.principal,
        agent=leaf.agent,
        tasks=leaf.tasks,
        action=call.action,
        resource=call.resource,
        arguments=call.arguments,
        claims=leaf.tree.claims,
    )


def read_plain_arguments(tool: Any, arguments: Any) -> Record | Problem:
    """Arguments of a tool that takes text, integers, booleans and numbers, and nothing else."""
    schema = tool["inputSchema"] if tool else {}
    properties, given = schema.get("properties", {}), {} if arguments is None else arguments
    if not isinstance(given, Mapping):
        return Problem("argument_type", "`arguments`: expected an object")
    kinds = {"string": "String", "integer": "Long", "boolean": "Bool", "number": "decimal"}
    required = schema.get("required", [])
    attributes = {}
    for name, each in properties.items():
        if name in given and each.get("type") not in kinds:
            return Problem("argument_opaque", f"`{name}`: rules cannot see it")
        kind = Type(kinds.get(each.get("type"), "String"))
        attributes[name] = Attribute(kind, name in required)
    return read_context(given, Type("Record", attributes=attributes), None)
