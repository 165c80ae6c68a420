"""w2, the three applications of the Cedar paper's benchmark: gdrive, github, tinytodo.

After the description in "Cedar: A New Language for Expressive, Fast, Safe, and Analyzable
Authorization" (OOPSLA 2024, section 5): N entities of each main type, each possible edge with
probability 0.05, requests drawn evenly over what the schema allows among entities that exist. The
policies, schemas and generators here are our own writing from that description. gdrive and github
also have a form in which sharing is a template's links instead of hierarchy; over the same graph it
decides the same, which a test holds.
"""

from __future__ import annotations

from typing import NamedTuple

from workloads.draw import Draw
from workloads.w2 import gdrive, github, tinytodo
from workloads.w2.graph import Graph
from workloads.workload import Request, Workload, expected

SEED = 2
REQUESTS = 10_000
SIZES = (5, 50)
APPLICATIONS = {"gdrive": gdrive, "github": github, "tinytodo": tinytodo}


class Case(NamedTuple):
    """One of the six cases, or of the four with templates."""

    application: str
    size: int
    templates: bool = False

    @property
    def name(self) -> str:
        return f"w2-{self.application}{'-templates' if self.templates else ''}-{self.size}"


CASES = tuple(Case(name, size) for name in APPLICATIONS for size in SIZES)
TEMPLATE_CASES = tuple(Case(name, size, True) for name in ("gdrive", "github") for size in SIZES)


def build(case: Case, seed: int = SEED, requests: int = REQUESTS) -> Workload:
    """One case. Both forms of an application have the same graph and requests."""
    draw = Draw(seed + case.size)
    application = APPLICATIONS[case.application]
    graph: Graph = application.graph(draw, case.size)
    asked = [request(draw, graph, application.ACTIONS) for _ in range(requests)]
    entities, links = application.entities(graph, case.templates)
    return Workload(
        name=case.name,
        policies=application.policies(case.templates),
        schema=application.schema(case.templates),
        entities=entities,
        links=links,
        requests=asked,
        expected=expected(case.name, seed, requests),
    )


def request(draw: Draw, graph: Graph, actions: dict[str, str]) -> Request:
    """A user, an action, and a resource of the type that the action is for."""
    action = draw.pick(list(actions))
    resource = draw.pick(graph.names[actions[action]])
    return Request(draw.pick(graph.names["User"]), ("Action", action), resource, {})
