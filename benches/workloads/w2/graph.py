"""A random graph of one application: names by type, and edges by what they mean.

The draw is made once, so that both forms of an application (hierarchy, templates) stand on the same
graph.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from workloads.draw import Draw
from workloads.workload import Uid

EDGE_PROBABILITY = 0.05
Edges = dict[Uid, list[Uid]]


@dataclass
class Graph:
    """`edges[meaning][source]` are the names that edges of this meaning lead to."""

    draw: Draw
    names: dict[str, list[Uid]] = field(default_factory=dict)
    edges: defaultdict[str, Edges] = field(default_factory=lambda: defaultdict(dict))
    levels: dict[str, dict[tuple[Uid, Uid], str]] = field(default_factory=dict)
    labels: dict[str, dict[Uid, str]] = field(default_factory=dict)

    def add(self, type_name: str, count: int) -> list[Uid]:
        made = [(type_name, f"{type_name.lower()}-{number}") for number in range(count)]
        self.names[type_name] = made
        return made

    def connect(self, meaning: str, sources: str, targets: str) -> None:
        """Every possible edge with the paper's probability; within a type none leads up again."""
        for number, source in enumerate(self.names[sources]):
            reach = self.names[targets]
            allowed = reach[:number] if sources == targets else reach
            self.edges[meaning][source] = self.draw.some(allowed, EDGE_PROBABILITY)

    def choose(self, meaning: str, sources: str, targets: str) -> None:
        """One edge from each source."""
        for source in self.names[sources]:
            self.edges[meaning][source] = [self.draw.pick(self.names[targets])]

    def grade(self, meaning: str, words: tuple[str, ...]) -> None:
        """One word for each edge of this meaning."""
        self.levels[meaning] = {
            (source, target): self.draw.pick(words)
            for source, targets in self.edges[meaning].items()
            for target in targets
        }

    def label(self, meaning: str, sources: str, words: tuple[str, ...]) -> None:
        """One word for each source."""
        self.labels[meaning] = {each: self.draw.pick(words) for each in self.names[sources]}
