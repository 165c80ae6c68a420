"""Who and what there is in w1: people, groups, roles, agents, fleets, and 20,000 resources.

Every draw that policies depend on is kept beside the entities (`World`), because the requests are
drawn from it: people mostly ask for what is theirs. Read next: requests.py.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from workloads.draw import Draw
from workloads.w1.catalogue import CONTAINERS_PER_DOMAIN, DOMAINS, RESOURCES, ROOTS, Domain
from workloads.workload import Json, Uid, entity, reference

USERS = 200
AGENTS = 50
# Each department with the domains its people work in, and the fleet that its agents are in.
DEPARTMENTS = {
    "support": (("tickets", "mail", "crm"), "desk"),
    "sales": (("crm", "mail", "calendar"), "outreach"),
    "finance": (("pay", "data", "docs"), "errands"),
    "legal": (("docs", "mail", "tickets"), "errands"),
    "marketing": (("web", "crm", "docs"), "outreach"),
    "research": (("docs", "web", "data"), "analysis"),
    "platform": (("cloud", "ci", "code"), "build"),
    "security": (("cloud", "code", "tickets"), "build"),
    "data": (("data", "ci", "code"), "analysis"),
    "design": (("docs", "chat", "calendar"), "errands"),
    "people": (("calendar", "mail", "docs"), "errands"),
    "operations": (("tickets", "cloud", "chat"), "desk"),
}
CROSS_GROUPS = {
    "leads": 0.10, "oncall": 0.10, "auditors": 0.04, "reviewers": 0.15, "release": 0.08,
    "contractors": 0.12, "suspended": 0.02,
}  # fmt: skip
FLEETS = ("desk", "build", "analysis", "outreach", "errands")
LABELS = ("public", "internal", "draft", "customer", "pii", "legal-hold")
ROLES_OF = {
    ("Group", "staff"): "reader", ("Group", "reviewers"): "writer", ("Group", "leads"): "admin",
    ("Fleet", "build"): "writer", ("Fleet", "desk"): "reader", ("Fleet", "analysis"): "reader",
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A user or an agent, as requests are drawn: `owner` is the user whose things it works on."""

    uid: Uid
    owner: Uid
    department: str
    domains: tuple[str, ...]


@dataclass
class World:
    """The entities, and the lists that requests are drawn from."""

    entities: list[Json] = field(default_factory=list)
    users: list[Person] = field(default_factory=list)
    agents: list[Person] = field(default_factory=list)
    by_type: defaultdict[str, list[Uid]] = field(default_factory=lambda: defaultdict(list))
    by_owner: defaultdict[tuple[str, Uid], list[Uid]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_department: defaultdict[tuple[str, str], list[Uid]] = field(
        default_factory=lambda: defaultdict(list)
    )


def world(draw: Draw, users: int = USERS, agents: int = AGENTS) -> World:
    """Everything, in an order that never changes."""
    made = World()
    roles(made)
    for number in range(users):
        user(made, draw, number)
    for number in range(agents):
        agent(made, draw, number)
    share, rest = divmod(RESOURCES, len(DOMAINS))
    for number, domain in enumerate(DOMAINS):
        resources(made, draw, domain, share + (number < rest))
    return made


def roles(made: World) -> None:
    """Roles (who administers may write, who writes may read), the 20 groups, the fleets."""
    ladder = {"reader": (), "writer": ("reader",), "admin": ("writer",)}
    for name, above in ladder.items():
        made.entities.append(entity(("Role", name), parents=[("Role", each) for each in above]))
    groups = ["staff", *DEPARTMENTS, *CROSS_GROUPS]
    for kind, names in (("Group", groups), ("Fleet", FLEETS)):
        for name in names:
            parents: list[Uid] = [("Group", "staff")] if name in DEPARTMENTS else []
            if role := ROLES_OF.get((kind, name)):
                parents.append(("Role", role))
            made.entities.append(entity((kind, name), parents=parents))


def attributes(draw: Draw, department: str) -> Json:
    """What users and agents both have."""
    return {
        "department": department,
        "clearance": draw.integer(2, 4),
        "limit": draw.pick((2_000, 10_000, 50_000, 250_000)),
        "regions": draw.some(ROOTS, 0.8) or ["eu"],
    }


def user(made: World, draw: Draw, number: int) -> None:
    department = list(DEPARTMENTS)[number % len(DEPARTMENTS)]
    uid = ("User", f"user-{number:03d}")
    attrs = attributes(draw, department)
    if number >= len(DEPARTMENTS):
        attrs["manager"] = reference(("User", f"user-{number % len(DEPARTMENTS):03d}"))
    groups = [name for name, share in CROSS_GROUPS.items() if draw.chance(share)]
    parents = [("Group", name) for name in (department, *groups)]
    made.entities.append(entity(uid, attrs, parents))
    made.users.append(Person(uid, uid, department, DEPARTMENTS[department][0]))


def agent(made: World, draw: Draw, number: int) -> None:
    owner = draw.pick(made.users)
    uid = ("Agent", f"agent-{number:02d}")
    domains, fleet = DEPARTMENTS[owner.department]
    attrs = attributes(draw, owner.department)
    attrs |= {"owner": reference(owner.uid), "autonomy": draw.integer(0, 3)}
    made.entities.append(entity(uid, attrs, [("Fleet", fleet)]))
    made.agents.append(Person(uid, owner.uid, owner.department, domains))


def resources(made: World, draw: Draw, domain: Domain, count: int) -> None:
    """Three roots, 40 containers, and leaves: `count` in all."""
    tops = [(domain.root, f"{domain.name}-{name}") for name in ROOTS]
    for uid, region in zip(tops, ROOTS, strict=True):
        resource(made, draw, uid, draw.pick(made.users), region, [])
    containers: list[tuple[Uid, str]] = []
    for number in range(CONTAINERS_PER_DOMAIN):
        which = 0 if draw.chance(0.5) else draw.integer(1, 2)
        uid = (domain.container, f"{domain.container.lower()}-{number:02d}")
        containers.append((uid, ROOTS[which]))
        resource(made, draw, uid, draw.pick(made.users), ROOTS[which], [tops[which]])
    for number in range(count - len(tops) - CONTAINERS_PER_DOMAIN):
        above, region = draw.pick(containers)
        uid = (domain.leaf, f"{domain.leaf.lower()}-{number:04d}")
        resource(made, draw, uid, draw.pick(made.users), region, [above])


def resource(
    made: World, draw: Draw, uid: Uid, owner: Person, region: str, parents: list[Uid]
) -> None:
    """One resource: mostly harmless, of its owner's department."""
    department = owner.department if draw.chance(0.85) else draw.pick(list(DEPARTMENTS))
    attrs: Json = {
        "owner": reference(owner.uid),
        "department": department,
        "classification": int(5 * draw.random() ** 2),
        "labels": draw.some(LABELS[:4], 0.3) + draw.some(LABELS[4:], 0.05),
        "region": region,
    }
    made.entities.append(entity(uid, attrs, parents))
    made.by_type[uid[0]].append(uid)
    made.by_owner[uid[0], owner.uid].append(uid)
    made.by_department[uid[0], department].append(uid)
