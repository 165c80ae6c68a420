"""Grants of w5 as things that are issued, ended and explained: `start`, `delegate`, `revoke`,
`explain`.

Each round issues anew and closes what it issued, outside the clock. The tree that is revoked has
10,000 grants; what it must not disturb are calls under other trees, which are timed right after a
revocation and without one, and must still be allowed.

`build_memory`: the growth of a process over many grants of a task without parameters. The handles
are let go, as the engine knows the grants by id.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measure import Gauge, Timed
from peers.ours import floors
from workloads.w5.grants import HOPS_MAX, Issue
from workloads.w5.tasks import given

from groups.row import Group, Row
from groups.w5_single import Asked, Scene, decide_each, many, spread

STARTS = 5_000
TREE_GRANTS = 10_000
TREE_CHILDREN = 99  # of the root, each with a hundred more
EXPLAINED = 50
WARM_PASSES = 20
MEMORY_GRANTS = 1_000_000
PAGE_BYTES = 4_096
PLAIN = {
    "agentpdp.toml": 'name = "plain"\nprincipals = ["User"]\nagents = ["Agent"]\n'
    "[limits]\nchildren = 100000000\ngrants = 100000000\n"
    '[actions.look]\nimpact = ["read"]\nresource = "principal"\n',
    "schema.cedarschema": "entity User;\nentity Agent;\n",
    "tools/tools.json": '{"tools": [{"name": "look", "description": "Looks.", "inputSchema": '
    '{"type": "object", "properties": {}}}]}',
    "policies/all.cedar": '@id("all") permit (principal, action, resource);\n',
    "tasks/look.toml": 'description = "Look"\nlifetime = "30d"\n',
    "tasks/look.cedar": '@id("look") permit (principal, action == Action::"look", resource);\n'
    '@id("hand-on") permit (principal, action == AgentPDP::Action::"delegate.look", resource);\n',
    "entities.json": '[{"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": []},'
    ' {"uid": {"type": "Agent", "id": "bot"}, "attrs": {}, "parents": []},'
    ' {"uid": {"type": "Agent", "id": "helper"}, "attrs": {}, "parents": []}]',
}


def build(name: str = "w5") -> Group:
    scene = Scene(name)
    calls = scene.asked(scene.mixed(1))
    timed = [
        explaining(scene),
        many("read floor of a call, roots", floors()["call"], calls),
        *undisturbed(scene),
        # Last: letting so many handles go leaves caches cold.
        *issuing(scene),
        revoking(scene),
    ]
    return Group(list(timed), ROWS)


def build_memory(count: int = MEMORY_GRANTS) -> Group:
    return Group(list(memory(count)), MEMORY_ROWS)


def same(value: Any) -> Any:
    return value


Form = tuple[str, Any, Any, dict[str, Any]]  # task, principal, agent, params, as a host holds them


def forms(scene: Scene, issues: list[Issue]) -> list[Form]:
    from agentpdp import EntityUid

    return [
        (scene.workload.tasks[each.task].name, EntityUid(*each.principal), EntityUid(*each.agent),
         given(each.params))
        for each in issues
    ]  # fmt: skip


def issuing(scene: Scene) -> list[Timed]:
    """Roots, and a child of each of as many roots, each round anew."""
    workload, engine = scene.workload, scene.engine
    roots = forms(scene, spread([each for each in workload.issues if each.hops == 1], STARTS))
    children = spread([each for each in workload.issues if each.hops == 2], STARTS)
    parents = forms(scene, [workload.issues[each.parent or 0] for each in children])
    below = forms(scene, children)

    def start(asked: list[Form]) -> list[Any]:
        begin = engine.start
        return [
            begin(task, principal=principal, agent=agent, params=params)
            for task, principal, agent, params in asked
        ]

    def delegate(asked: list[tuple[Any, Form]]) -> list[Any]:
        return [
            parent.delegate(task, agent=agent, params=params)
            for parent, (task, _principal, agent, params) in asked
        ]

    def issued(grants: list[Any], asked: list[Any], depth: int) -> None:
        assert len(grants) == len(asked)
        assert all(each.depth == depth for each in grants)
        for each in grants:
            each.close()

    def under() -> list[tuple[Any, Form]]:
        return list(zip(start(parents), below, strict=True))

    return [
        Timed("start", start, len(roots), partial(same, roots),
              partial(issued, asked=roots, depth=0)),
        Timed("delegate", delegate, len(below), under, partial(issued, asked=below, depth=1)),
    ]  # fmt: skip


def undisturbed(scene: Scene) -> list[Timed]:
    """Calls under other trees right after a tree was revoked, and after one was only started."""
    others = scene.asked(scene.allowed(HOPS_MAX))

    def quiet() -> Asked:
        decide_each(WARM_PASSES, others)
        tree(scene, 1)
        return others

    def after() -> Asked:
        decide_each(WARM_PASSES, others)
        scene.engine.revoke(grant=tree(scene, 1)[0])
        return others

    once, right = partial(decide_each, 1), partial(still_allowed, others)
    return [
        Timed("calls after a revocation elsewhere", once, len(others), after, right),
        Timed("calls without one", once, len(others), quiet, right),
    ]


def revoking(scene: Scene) -> Timed:
    """The root of a large tree, with all that is below it, and nothing else."""
    others = scene.asked(scene.allowed(HOPS_MAX))

    def revoke(grants: list[Any]) -> list[Any]:
        scene.engine.revoke(grant=grants[0])
        return grants

    def revoked(grants: list[Any]) -> None:
        assert all(each.decide("tool_001", {}).reason == "revoked" for each in grants)
        still_allowed(others, None)

    name = f"revoke the root of {TREE_GRANTS:,} grants"
    return Timed(name, revoke, 1, partial(tree, scene), revoked)


def tree(scene: Scene, size: int = TREE_GRANTS) -> list[Any]:
    """A tree of so many grants, three hops deep, root first."""
    workload, engine = scene.workload, scene.engine
    last = next(each for each in workload.issues if each.hops == 3)
    chain = [workload.issues[each] for each in workload.chain(workload.issues.index(last))]
    (root, *below) = forms(scene, chain)
    made = [engine.start(root[0], principal=root[1], agent=root[2], params=root[3])]

    def child(parent: Any, form: Form) -> Any:
        made.append(parent.delegate(form[0], agent=form[2], params=form[3]))
        return made[-1]

    first = [child(made[0], below[0]) for _ in range(min(TREE_CHILDREN, size - 1))]
    for number in range(size - len(made)):
        child(first[number % len(first)], below[1])
    assert len(made) == size
    return made


def still_allowed(asked: Asked, _: Any) -> None:
    assert all(grant.decide(tool, given).allowed for grant, tool, given in asked)


def explaining(scene: Scene) -> Timed:
    """Every question of calls under the longest chains."""
    asked = spread(scene.asked(scene.allowed(HOPS_MAX)), EXPLAINED)

    def warmed() -> Asked:
        explain(asked)
        return asked

    def explain(rows: Asked) -> list[Any]:
        ask = scene.engine.explain
        return [ask(grant, action, arguments) for grant, action, arguments in rows]

    def right(found: list[Any]) -> None:
        assert all(each.decision.allowed and len(each.hops) == HOPS_MAX for each in found)

    return Timed("explain, 4 hops", explain, len(asked), warmed, right)


def memory(count: int) -> list[Gauge]:
    """Bytes that the process grows by for each grant: roots, children, and with the handle kept."""
    import agentpdp
    from agentpdp import EntityUid

    ann, bot, helper = (EntityUid(*each) for each in (("User", "ann"), ("Agent", "bot"),
                                                      ("Agent", "helper")))  # fmt: skip
    bundle = agentpdp.Bundle.from_files(PLAIN)
    # Nothing is let go, or the next would get memory that is there already.
    kept: list[Any] = []

    def growth(issue: Callable[[], Any]) -> float:
        before = resident_bytes()
        for _ in range(count):
            issue()
        return (resident_bytes() - before) / count

    def engine() -> Any:
        kept.append(agentpdp.Engine(bundle))
        return kept[-1]

    def roots() -> float:
        return growth(partial(engine().start, "look", principal=ann, agent=bot))

    def children() -> float:
        kept.append(engine().start("look", principal=ann, agent=bot))
        return growth(partial(kept[-1].delegate, "look", agent=helper))

    def handles() -> float:
        start = partial(engine().start, "look", principal=ann, agent=bot)
        found = growth(lambda: kept.append(start()))
        assert kept[-1].decide("look", {}).allowed
        return found

    return [
        Gauge("memory of a root", roots),
        Gauge("memory of a child", children),
        Gauge("memory of a root and its handle", handles),
    ]


def resident_bytes() -> int:
    """What of the process is in memory, by Linux."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


FLOOR = "read floor of a call, roots"
ROWS = [
    Row("`start`", "rate", 200_000, "start"),
    Row("the same, against the read floor of a call", "at most", None, "start", FLOOR),
    Row("`delegate`", "rate", 200_000, "delegate"),
    Row("the same, against the read floor of a call", "at most", None, "delegate", FLOOR),
    Row("revoking the root of a tree of 10,000 grants", "under", 1_000_000,
        f"revoke the root of {TREE_GRANTS:,} grants"),
    Row("calls under other trees right after a revocation, against calls without one", "at most",
        None, "calls after a revocation elsewhere", "calls without one"),
    Row("`explain`, 4 hops", "under", 50_000, "explain, 4 hops"),
]  # fmt: skip
MEMORY_ROWS = [
    Row("memory a grant, without parameters, by the growth of the process", "bytes", 200,
        "memory of a root"),
    Row("the same of a delegated grant", "bytes", None, "memory of a child"),
    Row("the same of a root whose handle is kept", "bytes", None,
        "memory of a root and its handle"),
]  # fmt: skip
