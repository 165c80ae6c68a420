"""Random cases: a policy set with templates and links, a schema or none, entities, requests.

The same seed gives the same case. `cases` is the same as a Hypothesis strategy, whose every choice
shrinks.

Read next: ``vocabulary.py`` (names and edge values), ``expressions.py``, ``schemas.py``,
``world.py``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import strategies

from .expressions import Policies
from .schemas import Schemas
from .vocabulary import TYPES, Draw, Json, Rates
from .world import Request, Uid, World

POLICY_IDS = ("p0", "P-1", "z.z", "a_b", "0", "9", "10", "policy0", "policy10", "Zebra", "b")


@dataclass(frozen=True)
class Sizes:
    """How large cases are; with `contexts`, requests share that many (and have spoilt ones)."""

    policies_max: int = 8
    depth_max: int = 4
    requests: int = 32
    contexts: int | None = None


SMALL = Sizes(policies_max=4, depth_max=2, requests=4)


@dataclass(frozen=True)
class Link:
    template: str
    link_id: str
    principal: Uid | None
    resource: Uid | None

    def slots(self) -> dict[str, Uid]:
        given = {"principal": self.principal, "resource": self.resource}
        return {name: uid for name, uid in given.items() if uid is not None}


@dataclass(frozen=True)
class Case:
    """`extra` are entities that one call sees besides those of the bundle, or in their place."""

    policies: str
    schema: str | None
    entities: list[Json] = field(hash=False)
    links: tuple[Link, ...]
    requests: tuple[Request, ...]
    extra: list[Json] = field(hash=False)


def generate(source: random.Random, sizes: Sizes | None = None) -> Case:
    """Policies come first, so that data mostly holds what they read."""
    sizes = sizes or Sizes()
    draw = Draw(source)
    policies, links = policy_set(draw, sizes)
    rates = Rates.of(draw, policies)
    schema = Schemas(draw, rates).make() if draw.chance(50) else None
    world = World(draw, schema, rates)
    return Case(
        policies=policies,
        schema=schema.text() if schema else None,
        entities=world.entities(),
        links=links,
        requests=tuple(world.requests(sizes.requests, sizes.contexts)),
        extra=extra(world),
    )


def policy_set(draw: Draw, sizes: Sizes) -> tuple[str, tuple[Link, ...]]:
    """Policies and templates with ids that are not in order, and links."""
    writer = Policies(draw, sizes.depth_max)
    ids = list(POLICY_IDS)
    draw.source.shuffle(ids)
    bodies: list[str] = []
    links: list[Link] = []
    names = ids[: 1 + draw.below(sizes.policies_max)]
    for name in names:
        slots = (
            draw.pick(((True, False), (False, True), (True, True)))
            if draw.chance(18)
            else (False, False)
        )
        if bodies and not any(slots) and "?" not in bodies[-1] and draw.chance(20):
            bodies.append(writer.sibling(bodies[-1]))
            continue
        bodies.append(writer.write(slots))
        if any(slots):
            links += link(draw, name, slots)
    text = "".join(f'@id("{name}")\n{body}' for name, body in zip(names, bodies, strict=True))
    return text, tuple(links)


def link(draw: Draw, template: str, slots: tuple[bool, bool]) -> list[Link]:
    return [
        Link(template, f"{template}-l{at}", *(draw.uid() if slot else None for slot in slots))
        for at in range(draw.below(4))
    ]


def extra(world: World) -> list[Json]:
    """A few entities without parents, so that no cycle comes of them."""
    picked = [(name, each) for name in TYPES if name != "Color" for each in ("a", "new")]
    return [world.entity(uid, []) for uid in world.draw.some(picked, 25)]


def from_seed(seed: int, sizes: Sizes | None = None) -> Case:
    return generate(random.Random(seed), sizes)


def cases(sizes: Sizes = SMALL) -> strategies.SearchStrategy[Case]:
    """Cases whose every choice is Hypothesis's, so that a failing one shrinks."""
    return strategies.randoms(use_true_random=False).map(lambda source: generate(source, sizes))
