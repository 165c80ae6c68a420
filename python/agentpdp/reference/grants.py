"""Grants: tasks that were issued, the trees they stand in, and whether they are still good.

A grant's chain is the path from the root of its tree to it; each grant on it is a hop. A call is
made under the last one and is good only while every hop is. What is revoked stays so; what is
suspended comes back. In a tree time never steps back, so what has expired stays expired.

Twin: rust/core/src/grants.rs. Read next: digest.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .datetime import Datetime
from .entities import Entities
from .tasks import Task
from .value import EntityUid, Long, Record, Set, String, Value

# What can be revoked or suspended: a pair of `grant` and id, `agent` or `principal` and uid, `task`
# and name.
Target = tuple[str, "str | EntityUid"]


@dataclass(eq=False)
class Tree:
    """A root grant and all below it: on whose behalf, with which claims, and the latest time."""

    principal: EntityUid
    claims: Record
    now: int
    grants: list[Grant] = field(default_factory=list)


@dataclass(frozen=True)
class Restriction:
    """The only actions and resources that a hop was delegated with; None is no limit."""

    only_actions: frozenset[EntityUid] | None = None
    only_resources: frozenset[EntityUid] | None = None

    def admits(self, action: EntityUid, resource: EntityUid, entities: Entities) -> bool:
        pairs = ((action, self.only_actions), (resource, self.only_resources))
        return all(within is None or covers(within, uid, entities) for uid, within in pairs)


@dataclass(eq=False)
class Grant:
    """One issued task, or several at once. Parameters and digests are by task."""

    tree: Tree
    parent: Grant | None
    agent: EntityUid
    tasks: tuple[str, ...]
    params: Mapping[str, Record]
    digests: Mapping[str, str]
    restriction: Restriction
    valid_from: int
    expires: int
    closed: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    def chain(self) -> list[Grant]:
        """Root first, this one last."""
        return [*(self.parent.chain() if self.parent else ()), self]

    @property
    def depth(self) -> int:
        return len(self.chain()) - 1

    def targets(self) -> set[Target]:
        """What would revoke or suspend this hop; the principal counts at the root."""
        tasks: set[Target] = {("task", name) for name in self.tasks}
        own: set[Target] = {("grant", self.id), ("agent", self.agent)}
        return tasks | own | (set() if self.parent else {("principal", self.tree.principal)})

    def record(self, params: Record | None = None) -> Record:
        """`context.grant` of a question about this hop; with the parameters of one task in it."""
        values: dict[str, Value] = {
            "tasks": Set(frozenset(String(name) for name in self.tasks)),
            "depth": Long(self.depth),
            "principal": self.tree.principal,
            "agent": self.agent,
            "claims": self.tree.claims,
        }
        return Record(values if params is None else {**values, "params": params})


@dataclass(frozen=True)
class Blocks:
    """What was revoked, for good, and what is suspended, for a while."""

    revoked: set[Target] = field(default_factory=set)
    suspended: set[Target] = field(default_factory=set)

    def status(self, targets: Iterable[Target]) -> str | None:
        targets = set(targets)
        if targets & self.revoked:
            return "revoked"
        return "suspended" if targets & self.suspended else None


def covers(within: Iterable[EntityUid], uid: EntityUid, entities: Entities) -> bool:
    """Whether this is one of these or in one of them."""
    return any(entities.is_in(uid, each) for each in within)


def hop_status(grant: Grant, blocks: Blocks, tasks: Mapping[str, Task], now: int) -> str | None:
    """Why this hop is not good; None where it is."""
    if grant.closed:
        return "unknown_grant"
    blocked = blocks.status(grant.targets())
    if blocked:
        return blocked
    if now < grant.valid_from:
        return "not_yet_valid"
    if now >= grant.expires:
        return "expired"
    current = {name: tasks[name].digest for name in grant.tasks if name in tasks}
    return None if current == grant.digests else "task_changed"


def status(
    chain: Sequence[Grant], blocks: Blocks, tasks: Mapping[str, Task], now: int
) -> tuple[int, str] | None:
    """The first hop that is not good, and why."""
    for hop, grant in enumerate(chain):
        code = hop_status(grant, blocks, tasks, now)
        if code:
            return hop, code
    return None


def is_live(grant: Grant, blocks: Blocks, now: int) -> bool:
    """Whether a grant counts against the limits: nothing on its chain is over for good."""
    chain = grant.chain()
    over = any(hop.closed or now >= hop.expires for hop in chain)
    return not over and all(blocks.revoked.isdisjoint(hop.targets()) for hop in chain)


def context_time(now: int) -> Record:
    """`context.system`."""
    return Record({"now": Datetime(now)})
