"""One line of the report: a claim, the two numbers it compares, and the bound it must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from measure import External, Gauge, Timed, median

Sense = Literal["at most", "faster", "rate", "under", "each more", "bytes"]
Times = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """`ours` against `peer`, by the names of what was timed.

    at most: ours takes at most `bound` times what the peer takes. faster: the peer takes at least
    `bound` times what ours takes. rate: at least `bound` operations a second. under: less than
    `bound` nanoseconds. each more: ours does `more` more of something than the peer, and each takes
    at most `bound` nanoseconds. bytes: at most so many. Without a bound the line only informs.
    """

    what: str
    sense: Sense
    bound: float | None
    ours: str
    peer: str | None = None
    more: int = 1

    def value(self, times: Times) -> float | None:
        """The number to be held against the bound; None where something was not measured."""
        if not times.get(self.ours) or (self.peer is not None and not times.get(self.peer)):
            return None
        ours = median(times[self.ours])
        peer = median(times[self.peer]) if self.peer else 1.0
        if self.sense == "rate":
            return 1e9 / ours
        if self.sense == "each more":
            return (ours - peer) / self.more
        return peer / ours if self.sense == "faster" else ours / peer

    def is_met(self, value: float) -> bool | None:
        if self.bound is None:
            return None
        return value >= self.bound if self.sense in ("faster", "rate") else value <= self.bound

    def target(self) -> str:
        return "" if self.bound is None else self.words(self.bound)

    def words(self, value: float) -> str:
        """A value in the unit of this line."""
        if self.sense == "rate":
            return f"{value / 1e6:.2f} million/s"
        if self.sense in ("under", "each more"):
            return nanoseconds(value)
        if self.sense == "bytes":
            return f"{value:,.0f} bytes"
        return f"{value:,.0f} times" if value >= 100 else f"{value:.2f} times"


@dataclass
class Group:
    """What is timed together. `pinned`: on one core."""

    timed: list[Timed | External | Gauge]
    rows: list[Row]
    pinned: bool = True
    note: str = ""


def nanoseconds(value: float) -> str:
    """A duration for people."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if value >= size:
            return f"{value / size:,.2f} {unit}"
    return f"{value:,.1f} ns"
