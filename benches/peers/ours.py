"""agentpdp itself, asked a `Workload`: the compiled engine, the reference, and the floors.

A floor is a call of the extension that takes the arguments of `authorize` and decides nothing.
Names are prepared as a host holds them: one `EntityUid` for each entity, kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from workloads.arrow import leaves
from workloads.workload import Json, Outcome, Request, Uid, Workload

Asked = tuple[Any, Any, Any, Json]


def bundle(workload: Workload) -> Any:
    """The workload's bundle, parsed and validated."""
    import agentpdp

    return agentpdp.Bundle.from_sources(
        policies=workload.policies,
        schema=workload.schema,
        entities=workload.entities,
        name=workload.name,
    )


def engine(workload: Workload) -> Any:
    """The compiled engine, links and all."""
    import agentpdp

    made = agentpdp.Engine(bundle(workload))
    for each in workload.links:
        made.link(each.template, each.id, principal=each.principal, resource=each.resource)
    return made


def reference(workload: Workload) -> Any:
    """The pure-Python reference on the same bundle."""
    from agentpdp.reference import Engine

    made = Engine(bundle(workload))
    for each in workload.links:
        made.link(each.template, each.id, principal=each.principal, resource=each.resource)
    return made


def questions(requests: Iterable[Request]) -> list[Asked]:
    """Requests as `authorize` takes them, with one kept `EntityUid` for each entity."""
    import agentpdp

    kept: dict[Uid, Any] = {}

    def name(uid: Uid) -> Any:
        if uid not in kept:
            kept[uid] = agentpdp.EntityUid(*uid)
        return kept[uid]

    return [(name(p), name(a), name(r), context) for p, a, r, context in requests]


def fresh(requests: Iterable[Request]) -> list[Asked]:
    """The same with a new `EntityUid` for each name of each request."""
    import agentpdp

    make = agentpdp.EntityUid
    return [(make(*p), make(*a), make(*r), context) for p, a, r, context in requests]


def dicts(requests: Iterable[Request]) -> list[Json]:
    """Requests as the list of dicts that `authorize_batch` takes, with kept names."""
    names = ("principal", "action", "resource", "context")
    return [dict(zip(names, asked, strict=True)) for asked in questions(requests)]


def arrays(made: Any, requests: Sequence[Request]) -> dict[str, Any]:
    """Requests as NumPy columns: codes of `encode`, and the context's leaves by dotted name."""
    asked = questions(requests)
    columns: dict[str, Any] = {
        name: made.encode([each[which] for each in asked])
        for which, name in enumerate(("principal", "action", "resource"))
    }
    found = [dict(leaves(each.context)) for each in requests]
    for path in found[0] if found else ():
        columns[path] = np.array([each[path] for each in found])
    return columns


def outcome(decision: Any) -> Outcome:
    """A decision in the words of workloads."""
    erring = tuple(error.policy for error in decision.errors)
    return Outcome(decision.reason, tuple(decision.policies), erring)


def outcomes(made: Any, requests: Iterable[Request]) -> list[Outcome]:
    """What `authorize` of an engine or of the reference says, one by one."""
    return [outcome(made.authorize(*asked)) for asked in questions(requests)]


def floors() -> dict[str, Callable[..., Any]]:
    """The floors by name: `empty` and `read` take the arguments of `authorize`, `read_batch` a list
    of dicts, `call_empty` and `call` a grant and the arguments of its `decide`."""
    from agentpdp import _core

    return {
        "call": _core._floor_call,
        "call_empty": _core._floor_call_empty,
        "empty": _core._floor_empty,
        "read": _core._floor_read,
        "read_batch": _core._floor_read_batch,
    }
