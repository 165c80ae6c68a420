"""w3, one question under ever more policies: 10 to 100,000, static or linked from templates.

Policies come in cells of five that name one user, one group, one document and one folder. Whatever
the size, a request meets exactly five policies whose scope fits, one of each form of scope, and
exactly two of them are satisfied; about 40 % are denied by a forbid. So nothing but the number of
other policies (and of entities that they name) grows. The sequence of verdicts is the same at every
size. Static policies differ in the constants of their conditions, links only in their entities.
"""

from __future__ import annotations

from typing import NamedTuple

from workloads.draw import Draw
from workloads.workload import Json, Link, Request, Uid, Workload, entity, expected

SEED = 3
REQUESTS = 10_000
SIZES = (10, 100, 1_000, 10_000, 100_000)
CELL = 5
CANDIDATES = 5
SATISFIED = 2
DENIED_SHARE = 0.4
FORMS = ("static", "linked")

SCHEMA = """
entity Group;
entity Folder;
entity User in [Group] = { level: Long };
entity Document in [Folder] = { size: Long };
action work;
action read, write in [work] appliesTo {
  principal: User,
  resource: Document,
  context: { input: { kind: String, amount: Long } },
};
"""
POLICY = """
@id("{ids[0]}")
permit (principal == {user}, action == Action::"read", resource == {document})
when {{ context.input.amount <= {most} }};
@id("{ids[1]}")
permit (principal in {group}, action, resource in {folder})
when {{ context.input.kind == "{kind}" }};
@id("{ids[2]}")
permit (principal, action in Action::"work", resource == {document})
when {{ principal.level >= 2 }};
@id("{ids[3]}")
permit (principal == {user}, action, resource)
when {{ resource.size > context.input.amount }};
@id("{ids[4]}")
forbid (principal in {group}, action, resource in {folder})
when {{ context.input.amount > 5000 }};
"""
NAMES = ("own", "team", "item", "person", "stop")
SLOTS = {
    "user": "?principal",
    "group": "?principal",
    "document": "?resource",
    "folder": "?resource",
}


class Cell(NamedTuple):
    """Five policies and the four entities that they name."""

    number: int
    user: Uid
    group: Uid
    document: Uid
    folder: Uid

    @property
    def kind(self) -> str:
        return f"report-{self.number % 50}"

    @property
    def most(self) -> int:
        return 1_000 + self.number % 1_000

    @property
    def senior(self) -> bool:
        """Whether the user's level satisfies the policy `item`."""
        return self.number % 2 == 1


def cell(number: int) -> Cell:
    types = ("User", "Group", "Document", "Folder")
    return Cell(number, *((name, f"{name.lower()}-{number}") for name in types))


def build(size: int, form: str = "static", seed: int = SEED, requests: int = REQUESTS) -> Workload:
    """So many policies (a multiple of five), as `static` or as `linked` ones."""
    cells = [cell(number) for number in range(size // CELL)]
    name = f"w3-{form}-{size}"
    draw = Draw(seed)
    static = form == "static"
    return Workload(
        name=name,
        policies="".join(map(policies, cells)) if static else templates(),
        schema=SCHEMA,
        entities=[made for each in cells for made in entities(each)],
        links=[] if static else [made for each in cells for made in links(each)],
        requests=[request(draw, cells, static) for _ in range(requests)],
        expected=expected(name, seed, requests),
    )


def policies(each: Cell) -> str:
    uids = {name: f'{uid[0]}::"{uid[1]}"' for name, uid in each._asdict().items() if name in SLOTS}
    ids = [f"{name}-{each.number}" for name in NAMES]
    return POLICY.format(ids=ids, most=each.most, kind=each.kind, **uids)


def templates() -> str:
    """The same five policies with slots, and the constants of cell 0."""
    return POLICY.format(ids=NAMES, most=cell(0).most, kind=cell(0).kind, **SLOTS)


def links(each: Cell) -> list[Link]:
    slots = (
        (each.user, each.document), (each.group, each.folder), (None, each.document),
        (each.user, None), (each.group, each.folder),
    )  # fmt: skip
    return [
        Link(name, f"{name}-{each.number}", principal, resource)
        for name, (principal, resource) in zip(NAMES, slots, strict=True)
    ]


def entities(each: Cell) -> list[Json]:
    return [
        entity(each.group),
        entity(each.folder),
        entity(each.user, {"level": 3 if each.senior else 1}, [each.group]),
        entity(each.document, {"size": 100}, [each.folder]),
    ]


def request(draw: Draw, cells: list[Cell], static: bool) -> Request:
    """A request of a random cell. `own` or `team` is satisfied, or `stop`; and `team` or `item`."""
    each = draw.pick(cells)
    likeness = each if static else cells[0]
    denied = draw.chance(DENIED_SHARE)
    even = draw.random()
    if denied:
        amount, fitting = 5_001 + int(even * 10_000), not each.senior
    elif each.senior and even < 0.5:
        amount, fitting = 2_001 + int(even * 4_000), True
    else:
        amount, fitting = 200 + int(even * 800), not each.senior
    kind = likeness.kind if fitting else "memo"
    context: Json = {"input": {"kind": kind, "amount": amount}}
    return Request(each.user, ("Action", "read"), each.document, context)
