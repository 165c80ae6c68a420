"""Replaying one file of JSON lines in bulk: calls by the block, everything else one by one.

What comes out is what event by event comes out; tests/cli/test_bulk.py holds both to each other.

Read next: ``events/replaying.py``, ``play_calls``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentpdp.cli.history import Place
from agentpdp.events import Outcome, read_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentpdp._core import _PlayedCalls
    from agentpdp.events import Player

    Pair = tuple[Outcome, Outcome | None]


class BulkPlay:
    """One player, or two beside each other, on blocks of lines.

    Args:
        name: of the file.
        player: decides; ``other`` decides the same, if there is one.
        take: gets what comes of each event that is no call, and of ``other``'s.
        differ: gets how many calls have another verdict than recorded, or than ``other``'s, and the
            first of them, as many as ``wanted`` asks for.
    """

    def __init__(
        self,
        name: str,
        player: Player,
        other: Player | None,
        take: Callable[[list[Outcome], list[Outcome] | None], None],
        differ: Callable[[int, list[Pair]], None],
        wanted: Callable[[], int],
    ) -> None:
        self._name = name
        self._player, self._other = player, other
        self._take, self._differ, self._wanted = take, differ, wanted
        self._line = 0
        self.event_count = 0

    def play(self, block: bytes) -> None:
        """Plays a block of whole lines."""
        at = 0
        while at < len(block):
            calls = self._player.play_calls(block, at)
            others = None if self._other is None else self._other.play_calls(block, at)
            if len(calls):
                self._compare(block, calls, others)
                self.event_count += len(calls)
            self._line += calls.lines
            at = calls.end
            if not calls.is_full:
                at = self._one(block, at)

    def _one(self, block: bytes, start: int) -> int:
        """Plays the event of one line; where the next begins."""
        if start >= len(block):
            return start
        end = block.find(b"\n", start) + 1 or len(block)
        self._line += 1
        place = Place(self._name, self._line)
        event = read_event(block[start:end], place)
        if event is not None:
            self.event_count += 1
            outcome = self._player.step(place, event)
            other = None if self._other is None else [self._other.step(place, event)]
            self._take([outcome], other)
        return end

    def _compare(self, block: bytes, calls: _PlayedCalls, others: _PlayedCalls | None) -> None:
        differing = calls.differing if others is None else _unequal(calls.verdicts, others.verdicts)
        if not differing:
            return
        first = []
        for row in differing[: self._wanted()]:
            line, start, end = calls.place(row)
            place = Place(self._name, self._line + line + 1)
            event = read_event(block[start:end], place)
            assert event is not None  # it was a call
            sides = [(self._player, calls)]
            if self._other is not None and others is not None:
                sides.append((self._other, others))
            told = [
                Outcome(place, event, player.tasks_of(event["grant"]), each.verdict, each)
                for player, each in ((player, played[row]) for player, played in sides)
            ]
            first.append((told[0], told[1] if len(told) > 1 else None))
        self._differ(len(differing), first)


def _unequal(left: bytes, right: bytes) -> list[int]:
    pairs: Iterable[tuple[int, int]] = zip(left, right, strict=True)
    return [] if left == right else [at for at, (one, two) in enumerate(pairs) if one != two]
