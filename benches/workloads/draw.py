"""Where chance comes from.

Only `random.Random.random` is used: the one method whose sequence Python promises to keep for a
seed, so that a seed gives the same workload in every version of Python.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Draws of one generator."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, members: Sequence[T]) -> T:
        return members[int(self.random() * len(members))]

    def some(self, members: Sequence[T], probability: float) -> list[T]:
        """Each member with this probability, in order."""
        return [each for each in members if self.random() < probability]

    def sample(self, members: Sequence[T], count: int) -> list[T]:
        """So many different members."""
        left = list(members)
        return [left.pop(int(self.random() * len(left))) for _ in range(count)]

    def skewed(self, members: Sequence[T]) -> T:
        """A member; the first are much more likely (the square of an even draw)."""
        return members[int(self.random() ** 2 * len(members))]
