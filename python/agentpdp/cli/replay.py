"""`agentpdp replay`: what does a bundle decide of a recorded history, and would another differ?"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from agentpdp.cli import exits, tally
from agentpdp.cli.bulk import BulkPlay
from agentpdp.cli.history import History, Placed, chunked
from agentpdp.cli.history import told as tells_place
from agentpdp.cli.options import (
    add_command,
    add_event_options,
    add_json,
    load_for_history,
    named,
    positive,
)
from agentpdp.cli.output import open_file
from agentpdp.cli.progress import Progress
from agentpdp.events import Outcome, Player

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from agentpdp import Bundle
    from agentpdp.cli.options import Commands

_EVENTS_AT_ONCE = 8_192
_NAMES = ("grant", "parent", "request")

_DESCRIPTION = """\
Decide a recorded history: each event happens again, in its order and at its time, to an
engine that decides by BUNDLE. Prints what was decided by verdict, task, action, stage,
reason and policy.

Where the history has the decisions of its time, or with --against those of another
bundle, every verdict that differs is counted, and the first are shown with both sides;
then the exit code is 1.

EVENTS is a file of events, one a line (docs/reference/events.md). Several files are put
together by time; calls may also come as .csv, .parquet or .arrow."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "replay",
        run,
        usage="BUNDLE EVENTS [EVENTS ...] [options]",
        summary="decide a recorded history again",
        description=_DESCRIPTION,
        example="replay examples/multi_agent/bundle examples/multi_agent/events.jsonl",
    )
    add_event_options(parser)
    parser.add_argument(
        "--format",
        choices=("jsonl", "csv", "parquet", "arrow"),
        help="format of the events (default: by the file's name; of stdin: jsonl)",
    )
    parser.add_argument(
        "--against",
        metavar="BUNDLE",
        type=named,
        help="replay on this bundle, too, and show where its verdicts differ",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="write every decision to FILE, as JSON lines"
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=positive,
        default=20,
        help="differences to show at most (default: 20)",
    )
    parser.add_argument(
        "--explain",
        metavar="N",
        type=positive,
        default=0,
        help="show the first N differing calls with every question, as trees",
    )
    add_json(parser, "the summary and the differences")


@dataclass
class Difference:
    """An event of which two sides say something else."""

    here: Outcome
    other: Outcome | dict[str, Any]

    @property
    def other_json(self) -> dict[str, Any]:
        return self.other if isinstance(self.other, dict) else tally.as_json(self.other)

    def as_json(self, side: str) -> dict[str, Any]:
        event = self.here.event
        names: dict[str, Any] = {name: event[name] for name in _NAMES if name in event}
        return {
            "place": str(self.here.line),
            "event": event["event"],
            "at": event["at"],
            **names,
            "action": tally.action_of(event),
            "tasks": list(self.here.tasks),
            "here": tally.as_json(self.here),
            side: self.other_json,
        }

    def lines(self, side: str) -> Iterator[str]:
        event = self.here.event
        under = f" under {event['grant']}" if "grant" in event else ""
        tasks = f" ({', '.join(self.here.tasks)})" if self.here.tasks else ""
        verdict = self.other_json["verdict"]
        change = f"{self.here.verdict} here, {verdict} {side}"
        yield exits.plain(f"  {self.here.line}: {tally.action_of(event)}{under}{tasks}: {change}")
        yield f"    here: {tally.told(self.here)}"
        if isinstance(self.other, Outcome):
            yield f"    {side}: {tally.told(self.other)}"
        elif self.other.get("reason"):
            policies = ", ".join(f"`{each}`" for each in self.other.get("policies", ()))
            by = f" by {policies}" if policies else ""
            yield exits.plain(f"    {side}: {verdict}: {self.other['reason']}{by}")


class Replay:
    """A history on one bundle or two."""

    def __init__(self, bundle: Bundle, arguments: argparse.Namespace) -> None:
        self.history = History(arguments.events, arguments.format, bundle)
        self.bundle = bundle
        self.others = {each.digest: each for each in map(load_for_history, arguments.bundles)}
        self.against = None if arguments.against is None else load_for_history(arguments.against)
        self.side = "recorded" if self.against is None else "against"
        self.tally = tally.Tally()
        self.difference_count = 0
        self.differences: list[Difference] = []
        self.limit: int = max(arguments.limit, arguments.explain)
        self.player = self.make_player()

    def make_player(self) -> Player:
        """A player of the bundle that is asked about."""
        known = {self.bundle.digest: self.bundle, **self.others} if self.others else None
        return Player(self.bundle, known)

    def run(self, sink: BinaryIO | None) -> None:
        """Plays everything."""
        other = None if self.against is None else Player(self.against)
        if sink is None and self.history.is_one_of_lines:
            self._run_bulk(other)
        else:
            self.run_events(sink, other)

    def _run_bulk(self, other: Player | None) -> None:
        """Plays blocks of lines, without an event for each call."""
        file = str(self.history.files[0])
        name = "stdin" if file == "-" else file
        bulk = BulkPlay(name, self.player, other, self._take, self._differ, self._wanted)
        with Progress("replaying") as progress, tells_place(file):
            for block in self.history.blocks():
                bulk.play(block)
                progress.show(self.history.share(), f"{bulk.event_count:,} events")
        self.tally.add_calls(self.player.counts())

    def _wanted(self) -> int:
        """Differences that are still to be kept."""
        return self.limit - len(self.differences)

    def _differ(self, count: int, first: list[tuple[Outcome, Outcome | None]]) -> None:
        self.difference_count += count
        self.differences += (
            Difference(here, here.event["decision"] if other is None else other)
            for here, other in first
        )

    def run_events(self, sink: BinaryIO | None, other: Player | None) -> None:
        """Plays one event after the other."""
        file = str(self.history.files[0])
        with Progress("replaying") as progress, tells_place(file):

            def see(count: int) -> None:
                progress.show(self.history.share(), f"{count:,} events")

            for part in chunked(self.history.events(), _EVENTS_AT_ONCE, see):
                outcomes = list(self.player.play(part))
                others = None if other is None else list(other.play(part))
                self._take(outcomes, others)
                if sink is not None:
                    _write(sink, outcomes, others)

    def _take(self, outcomes: list[Outcome], others: list[Outcome] | None) -> None:
        for place, outcome in enumerate(outcomes):
            self.tally.add(outcome)
            other: Outcome | dict[str, Any] | None
            other = outcome.event.get("decision") if others is None else others[place]
            if other is None:
                continue
            verdict = other["verdict"] if isinstance(other, dict) else other.verdict
            if verdict != outcome.verdict:
                self.difference_count += 1
                if len(self.differences) < self.limit:
                    self.differences.append(Difference(outcome, other))

    def trees(self, count: int) -> Iterator[str]:
        """The first differing calls, with every question."""
        calls = [each for each in self.differences if each.here.event["event"] == "call"][:count]
        wanted = {str(each.here.line) for each in calls}
        sides = [("here", self.make_player())]
        if self.against is not None:
            sides.append(("against", Player(self.against)))
        told: dict[str, list[str]] = {place: [] for place in wanted}
        for side, player in sides:
            for place, tree in _trees(player, self.history.events(), wanted):
                told[place].append(f"{place} {side}:\n{tree}")
        for each in calls:
            yield from told[str(each.here.line)]


def _trees(player: Player, events: Iterator[Placed], wanted: set[str]) -> Iterator[tuple[str, str]]:
    left = len(wanted)
    waiting: list[Placed] = []
    for line, event in events:
        if left == 0:
            return
        if str(line) in wanted:
            list(player.play(waiting))
            waiting, left = [], left - 1
            explanation = player.explain(line, event)
            yield str(line), "the grant was not issued" if explanation is None else str(explanation)
        waiting.append((line, event))
        if len(waiting) >= _EVENTS_AT_ONCE:
            list(player.play(waiting))
            waiting = []


def run(arguments: argparse.Namespace) -> int:
    bundle = load_for_history(arguments.bundle)
    replay = Replay(bundle, arguments)
    if arguments.explain and not replay.history.is_rereadable:
        raise exits.InputError("--explain reads the events again: give files, and no pipe")
    start = time.perf_counter()
    if arguments.output is None:
        replay.run(None)
    else:
        with open_file(arguments.output) as sink:
            replay.run(sink)
    seconds = time.perf_counter() - start
    shown = replay.differences[: arguments.limit]
    if arguments.json:
        about = _about(replay, seconds)
        differences = [each.as_json(replay.side) for each in shown]
        found = {**about, **replay.tally.as_json()}
        found["differences"] = {"count": replay.difference_count, "first": differences}
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(_text(replay, shown, seconds)))
        for tree in replay.trees(arguments.explain) if arguments.explain else ():
            print(f"\n{tree}")
    return exits.NO if replay.difference_count else exits.DONE


def _about(replay: Replay, seconds: float) -> dict[str, Any]:
    def one(bundle: Bundle) -> dict[str, Any]:
        return {"name": bundle.name, "digest": bundle.digest}

    against = {} if replay.against is None else {"against": one(replay.against)}
    recorded = {"recorded_digest": replay.player.recorded_digest}
    return {"bundle": one(replay.bundle), **against, **recorded, "seconds": seconds}


def _text(replay: Replay, shown: list[Difference], seconds: float) -> Iterator[str]:
    counted = replay.tally
    rate = f", {counted.event_count / seconds:,.0f} a second" if counted.event_count else ""
    calls = f"{counted.call_count:,} of them calls"
    yield f"{counted.event_count:,} events, {calls}, in {seconds:.2f} s{rate}"
    yield from counted.lines()
    count = replay.difference_count
    if count == 0:
        return
    other = "as recorded" if replay.against is None else "on the other bundle"
    noun = "verdict is" if count == 1 else "verdicts are"
    yield f"{count:,} {noun} not the same {other}; the first:"
    for each in shown:
        yield from each.lines(replay.side)
    if count > len(shown):
        yield f"  and {count - len(shown):,} more: --limit shows them"


def _write(sink: BinaryIO, outcomes: list[Outcome], others: list[Outcome] | None) -> None:
    rows = []
    for place, outcome in enumerate(outcomes):
        if outcome.verdict is None:
            continue
        event = outcome.event
        row = {"place": str(outcome.line), "event": event["event"], "at": event["at"]}
        row |= {name: event[name] for name in _NAMES if name in event}
        row |= {"action": tally.action_of(event), "tasks": list(outcome.tasks)}
        row["decision"] = tally.as_json(outcome)
        if others is not None:
            row["against"] = tally.as_json(others[place])
        rows.append(json.dumps(row) + "\n")
    sink.write("".join(rows).encode())
