"""Calls: how what is asked for is read and checked, and the procedure by which it is decided.

A tool's call, `start`, `delegate`, `approve` and `revoke` are all calls, decided in the same order:
status of the chain, arguments, ceilings, tasks. Reading a call never fails: it gives the call, or
the problem whose code comes first. Nothing here changes anything.

Twin: rust/core/src/calls.rs. Read next: orders.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .approvals import ApprovalRequest, Approvals
from .arguments import DEPTH_MAX, Arguments, Refusal, read_arguments
from .authorize import ask
from .chains import Call, Party, Snapshot, parties, steps
from .decision import Answer, Decision, answer, conclude, decision, denial, unreadable
from .digest import call_digest
from .grants import Grant, Target, status
from .request import PRECEDENCE, Problem, of_numpy, read_context
from .schema import Action, Type
from .value import EntityUid, Record, Value, read_uid

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
    values, given = read_values(uid, declared, arguments, context, snapshot)
    found = derived(declaration["resource"], values, resource, chain[0].tree.principal, snapshot)
    asked = parties(chain)
    known([party.uid for party in asked], snapshot)
    fixed = declaration["resource"]["rule"] == "fixed"
    if found is None or not (fixed or snapshot.known(found)):
        raise RefusedError(Problem("unknown_resource", "the resource is not in the store"))
    need_applicable(declared, asked, found)
    form = {"arguments": given, "context": {} if context is None else context}
    call = Call(uid, found, values, given, now, asked, chain)
    return Asked([replace(call, digest=digest(call, form, snapshot, is_json=True))])


def read_values(
    uid: EntityUid, declared: Action, arguments: Any, context: Any, snapshot: Snapshot
) -> tuple[Mapping[str, Value], Mapping[str, Any]]:
    """The context of policies with `input` in it, and the arguments as they are to be run."""
    own = {k: v for k, v in declared.context.attributes.items() if k not in RESERVED}
    values = read_context(context, Type("Record", attributes=own), snapshot.schema)
    given: Any = {} if arguments is None else as_json(arguments)
    found = read_arguments(snapshot.declarations.forms[uid], given, snapshot.known)
    problems = [values] if isinstance(values, Problem) else []
    if isinstance(found, Refusal):
        right = f": write `{found.canonical}`" if found.canonical else ""
        message = f"`{found.argument or 'arguments'}`: {found.reason}{right}"
        problems.insert(0, Problem(found.reason, message, found.argument or None))
    if problems:
        ranks = [*PRECEDENCE[:4], *{each.code for each in problems} - {*PRECEDENCE}]
        raise RefusedError(min(problems, key=lambda each: ranks.index(each.code)))
    assert isinstance(values, Record)
    assert isinstance(found, Arguments)
    return {**values.attributes, "input": found.input}, rewritten(given, found.rewritten)


def as_json(thing: Any, depth: int = 0) -> Any:
    """Arguments with NumPy's numbers and arrays as Python's; as they are beyond what is read."""
    thing = of_numpy(thing)
    if depth > DEPTH_MAX or getattr(thing, "duplicates", False):
        return thing
    if isinstance(thing, Mapping):
        return {name: as_json(each, depth + 1) for name, each in thing.items()}
    is_list = isinstance(thing, list | tuple)
    return [as_json(each, depth + 1) for each in thing] if is_list else thing


def rewritten(given: Any, texts: Iterable[tuple[Sequence[str | int], str]]) -> Any:
    """The arguments with some texts in their canonical form."""
    for (step, *rest), text in texts:
        inner = rewritten(given[step], [(rest, text)]) if rest else text
        if isinstance(given, Mapping):
            given = {**given, step: inner}
        else:
            given = [inner if place == step else each for place, each in enumerate(given)]
    return dict(given) if isinstance(given, Mapping) else given


def derived(
    rule: Mapping[str, Any], values: Any, given: Any, principal: EntityUid, snapshot: Snapshot
) -> EntityUid | None:
    """The resource of a call, by the rule of its action; a caller's must be the same."""
    named = read_uid(given)
    if rule["rule"] == "caller":
        return named
    found: Any = principal
    if rule["rule"] == "argument":
        found = named_by(rule, values["input"])
    elif rule["rule"] == "fixed":
        found = EntityUid(**rule["entity"])
    elif rule["rule"] == "principal_attribute":
        entity = snapshot.entities.stored.get(principal)
        found = entity.attributes.get(rule["from"]) if entity else None
    same = given is None or named == found
    need(same, "resource_mismatch", "the resource is another than the one that is acted on")
    return found if isinstance(found, EntityUid) else None


def named_by(rule: Mapping[str, Any], value: Any) -> EntityUid:
    """The entity that an argument names: by its text or number, or that of its kind."""
    for step in rule["from"].split("."):
        value = value.attributes[step]
    if isinstance(value, Record):
        names = [name for name in ("text", "string", "integer") if name in value.attributes]
        value = value.attributes[names[0]]
    return value if isinstance(value, EntityUid) else EntityUid(rule["type"], str(value.value))


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


def digest(
    call: Call, form: Mapping[str, Any], snapshot: Snapshot, is_json: bool = False
) -> str | None:
    tasks = [[each.digests[name] for name in each.tasks] for each in call.hops]
    named = {"action": str(call.action), "resource": str(call.resource)}
    leaf = call.hops[-1].id if call.hops else None
    bundle = snapshot.declarations.digest
    whole = {"grant": leaf, "tasks": tasks, "bundle": bundle, **named, **form}
    return call_digest(whole, is_json)


# -- deciding


def answers(asked: Asked, snapshot: Snapshot, approvals: Approvals) -> Iterator[Answer]:
    """Everything that is said to a call, in the order in which it decides."""
    if asked.refused is not None:
        yield asked.refused
    if isinstance(asked.calls, Problem):
        yield unreadable(asked.calls)
        return
    links = snapshot.policies.links
    for call in asked.calls:
        approved = approvals.of(call.digest, call.now, links) if asked.approvable else None
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
        request = approval_request(asked, call, deciding, snapshot.epoch)
        if request is None:
            unsafe = "the call has values with no one form, so nobody can approve it"
            deciding = unreadable(Problem("argument_unsafe", unsafe))
    # What is issued, approved or revoked is nothing that a tool is to run.
    is_call = asked.grant is None and asked.approvable
    judged = is_call and deciding.stage not in ("status", "arguments")
    arguments = call.arguments if call and judged else None
    return decision(deciding, snapshot.epoch, arguments, request), deciding


def approval_request(
    asked: Asked, call: Call, deciding: Answer, epoch: int
) -> ApprovalRequest | None:
    if call.digest is None:
        return None
    leaf = call.hops[-1] if call.hops else asked.grant
    assert leaf is not None
    calls = [] if isinstance(asked.calls, Problem) else asked.calls
    return ApprovalRequest(
        digest=call.digest,
        epoch=epoch,
        needed=deciding.needed,
        grant=call.hops[-1].id if call.hops else None,
        principal=leaf.tree.principal,
        agent=leaf.agent,
        tasks=leaf.tasks,
        action=call.action,
        actions=tuple(each.action for each in calls),
        resource=call.resource,
        arguments=call.arguments,
        claims=leaf.tree.claims,
    )
