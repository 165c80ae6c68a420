"""A store of a million entities: one changed, then one decision that must see the change."""

from __future__ import annotations

from typing import Any

from measure import Timed
from workloads.draw import Draw
from workloads.workload import Json, entity

from groups.row import Group, Row

USERS = 990_000
TEAMS = 9_900
DIVISIONS = 100
CHUNK = 50_000
MEMBERS = 1_000
ASKING = 7  # the member of the thousand who asks after the group moved
CHANGES = 50
POLICIES = """
@id("members") permit (principal in Division::"division-0", action == Action::"read", resource)
when { principal.level >= 2 };
"""
SCHEMA = """
entity Division;
entity Team in [Division];
entity User in [Team] = { level: Long };
entity Page;
action read appliesTo { principal: User, resource: Page, context: {} };
"""


def user(number: int, level: int) -> Json:
    """A user; the first thousand are in one team, which is in division 0."""
    team = "team-big" if number < MEMBERS else f"team-{number % TEAMS}"
    return entity(("User", f"user-{number}"), {"level": level}, [("Team", team)])


def big_team(division: int) -> Json:
    return entity(("Team", "team-big"), parents=[("Division", f"division-{division}")])


def engine() -> Any:
    """The engine with a million entities, loaded in pieces."""
    import agentpdp

    groups = [entity(("Division", f"division-{number}")) for number in range(DIVISIONS)]
    for number in range(TEAMS):
        above = [("Division", f"division-{1 + number % (DIVISIONS - 1)}")]
        groups.append(entity(("Team", f"team-{number}"), parents=above))
    groups += [big_team(0), entity(("Page", "home"))]
    made = agentpdp.Engine(
        agentpdp.Bundle.from_sources(policies=POLICIES, schema=SCHEMA, entities=groups)
    )
    for start in range(0, USERS, CHUNK):
        made.upsert([user(number, 1) for number in range(start, min(USERS, start + CHUNK))])
    return made


Change = tuple[list[Json], tuple[str, str], bool]  # what is put, who then asks, what must come out


def leaves(draw: Draw) -> list[Change]:
    """Users anywhere in the store get a level; every second one is of the thousand."""
    made: list[Change] = []
    for _ in range(CHANGES):
        number = draw.integer(0, (MEMBERS if draw.chance(0.5) else USERS) - 1)
        level = draw.integer(1, 3)
        allowed = number < MEMBERS and level >= 2
        made.append(([user(number, level)], ("User", f"user-{number}"), allowed))
    return made


def moves() -> list[Change]:
    """The team of the thousand leaves division 0 and comes back; one of it asks each time."""
    asks = ("User", f"user-{ASKING}")
    return [([big_team(division)], asks, division == 0) for division in (1, 0)]


def build() -> Group:
    made = engine()
    draw = Draw(5)

    def change(changes: list[Change]) -> list[tuple[Any, bool]]:
        found = []
        for put, who, allowed in changes:
            made.upsert(put)
            found.append((made.authorize(who, ("Action", "read"), ("Page", "home"), {}), allowed))
        return found

    def right(found: list[tuple[Any, bool]]) -> None:
        assert all(answer.allowed is allowed for answer, allowed in found)

    def group_moves() -> list[Change]:
        made.upsert([user(ASKING, 2)])
        return moves()

    leaf = Timed("one leaf changed, one decision", change, CHANGES, lambda: leaves(draw), right)
    group = Timed("a group of 1,000 moved, one decision", change, 2, group_moves, right)
    what = "in a store of a million entities, then one decision"
    return Group(
        [leaf, group],
        [
            Row(f"one leaf changed {what}", "under", 100_000, leaf.name),
            Row(f"a group with 1,000 descendants moved {what}", "under", None, group.name),
        ],
    )
