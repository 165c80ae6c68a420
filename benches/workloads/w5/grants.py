"""The grants of w5: who starts which task for whom, and how it is handed on.

People start the tasks of their department's domains, mostly about things that everybody there may
read, and hand them to agents of the department. A child's parameters are its parent's, numbers
often smaller; one in ten is limited to what only reads.
"""

from __future__ import annotations

from typing import NamedTuple

from workloads.draw import Draw
from workloads.scopes import ancestors
from workloads.scopes import uid as uid_of
from workloads.w1.catalogue import DOMAINS
from workloads.w1.entities import Person, World
from workloads.w5.tasks import Task
from workloads.workload import Json, Uid

HOPS_MAX = 4
HOP_SHARES = (0.4, 0.3, 0.2, 0.1)  # of grants with one hop, two, three, four
AMOUNTS_MOST = (10_000, 20_000, 30_000)
TIMES_MOST = (30, 60, 90)
OPEN_SHARE = 0.9  # of parameters that name what everybody may read
NARROWER_SHARE = 0.3
READ_ONLY_SHARE = 0.1


class Issue(NamedTuple):
    """One grant to be issued: a root, or a child of an earlier one."""

    parent: int | None
    hops: int
    task: int
    principal: Uid
    agent: Uid
    params: Json
    read_only: bool


class Issuer:
    """Draws grants, and knows what is where."""

    def __init__(self, world: World, tasks: list[Task], draw: Draw) -> None:
        self.world = world
        self.tasks = tasks
        self.draw = draw
        self.above = ancestors(world.entities)
        suspended = ("Group", "suspended")
        self.people = [each for each in world.users if suspended not in self.above[each.uid]]
        self.agents: dict[str, list[Uid]] = {}
        for each in world.agents:
            self.agents.setdefault(each.department, []).append(each.uid)
        self.people = [
            each for each in self.people if len(self.agents.get(each.department, ())) >= HOPS_MAX
        ]
        self.tasks_of: dict[str, list[int]] = {}
        for number, task in enumerate(tasks):
            self.tasks_of.setdefault(task.domain, []).append(number)
        self.usual: dict[tuple[str, str], list[Uid]] = {}  # by type and department, if open
        self.inside: dict[tuple[str, Uid], list[Uid]] = {}  # by type and container or owner
        self.container: dict[Uid, Uid] = {}
        self.owner: dict[Uid, Uid] = {}
        for each in world.entities:
            if "labels" in each["attrs"]:
                self.place(each)

    def place(self, json: Json) -> None:
        """Put a resource where draws will look for it. Open is what every reader may read."""
        uid = uid_of(json["uid"])
        self.owner[uid] = uid_of(json["attrs"]["owner"])
        for parent in json["parents"]:
            self.container[uid] = uid_of(parent)
        for above in (*self.above[uid], self.owner[uid]):
            self.inside.setdefault((uid[0], above), []).append(uid)
        if json["attrs"]["classification"] == 0:
            self.usual.setdefault((uid[0], json["attrs"]["department"]), []).append(uid)

    def issues(self, count: int) -> list[Issue]:
        """So many grants, parents before children."""
        made: list[Issue] = []
        of_hops: list[list[int]] = [[] for _ in range(HOPS_MAX + 1)]
        for hops, share in enumerate(HOP_SHARES, start=1):
            for _ in range(round(count * share)):
                number = len(made)
                made.append(self.root() if hops == 1 else self.child(made, of_hops[hops - 1]))
                of_hops[hops].append(number)
        return made

    def root(self) -> Issue:
        who = self.draw.pick(self.people)
        task = self.draw.pick(self.tasks_of[self.draw.skewed(who.domains)])
        params = {name: self.param(task, name, who) for name in self.tasks[task].form.params}
        return Issue(
            None, 1, task, who.uid, self.draw.pick(self.agents[who.department]), params, False
        )

    def param(self, task: int, name: str, who: Person) -> Uid | int:
        """A value of one parameter."""
        draw = self.draw
        domain = next(each for each in DOMAINS if each.name == self.tasks[task].domain)
        if name == "most":
            return draw.pick(AMOUNTS_MOST)
        if name == "times":
            return draw.pick(TIMES_MOST)
        found = self.world.by_type[domain.leaf]
        if draw.chance(OPEN_SHARE):
            found = self.usual.get((domain.leaf, who.department), found)
        item = draw.pick(found)
        return {"item": item, "within": self.container[item], "owner": self.owner[item]}[name]

    def child(self, made: list[Issue], parents: list[int]) -> Issue:
        draw = self.draw
        parent = draw.pick(parents)
        above = made[parent]
        on_chain = {above.agent}
        up = above.parent
        while up is not None:
            on_chain.add(made[up].agent)
            up = made[up].parent
        department = next(each for each, found in self.agents.items() if above.agent in found)
        agent = draw.pick([each for each in self.agents[department] if each not in on_chain])
        params = {name: self.narrower(value) for name, value in above.params.items()}
        read_only = draw.chance(READ_ONLY_SHARE)
        return Issue(parent, above.hops + 1, above.task, above.principal, agent, params, read_only)

    def narrower(self, value: Uid | int) -> Uid | int:
        """The same, or of a number three quarters."""
        if isinstance(value, int) and self.draw.chance(NARROWER_SHARE):
            return value * 3 // 4
        return value
