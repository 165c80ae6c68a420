"""What was decided of a history, in numbers, and where two sides say something else.

Everything that is decided counts: calls, and ``start``, ``delegate``, ``approve`` and ``revoke`` as
the actions that they are.

Read next: ``replay.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from agentpdp.cli.exits import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agentpdp._core import _CallCount
    from agentpdp.events import Event, Outcome

VERDICTS = ("allow", "step_up", "deny")
# More lines than a person reads; --json has all.
_SHOWN_MAX = 25


class Tally:
    """Counts what was decided."""

    def __init__(self) -> None:
        self.event_count = 0
        self.call_count = 0
        self.verdicts: Counter[str] = Counter(dict.fromkeys(VERDICTS, 0))
        self.stages: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.policies: Counter[str] = Counter()
        self.tasks: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.actions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.notes: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count what came of one event."""
        self.event_count += 1
        if outcome.note:
            self.notes[f"{outcome.event['event']}: {outcome.note}"] += 1
        if outcome.verdict is None:
            return
        decision = outcome.decision
        stage = None if decision is None else decision.stage
        policies = () if decision is None else decision.policies
        key = (outcome.tasks, action_of(outcome.event), outcome.verdict, outcome.reason, stage)
        self.add_many(*key, policies, 1)
        self.call_count += outcome.event["event"] == "call"

    def add_calls(self, counts: Iterable[_CallCount]) -> None:
        """Count what came of calls that were played in bulk."""
        for counted in counts:
            self.add_many(*counted)
            count = counted[-1]
            self.event_count += count
            self.call_count += count

    def add_many(
        self,
        tasks: Iterable[str],
        action: str,
        verdict: str,
        reason: str | None,
        stage: str | None,
        policies: Iterable[str],
        count: int,
    ) -> None:
        """Count what came of so many events that are alike."""
        self.verdicts[verdict] += count
        for task in tasks:
            self.tasks[task][verdict] += count
        self.actions[action][verdict] += count
        if reason is not None:
            self.reasons[reason] += count
        if stage is not None:
            self.stages[stage] += count
        for policy in policies:
            self.policies[policy] += count

    def as_json(self) -> dict[str, Any]:
        return {
            "events": self.event_count,
            "calls": self.call_count,
            "verdicts": dict(self.verdicts),
            "tasks": _by_verdict(self.tasks),
            "actions": _by_verdict(self.actions),
            "stages": _sorted(self.stages),
            "reasons": _sorted(self.reasons),
            "policies": _sorted(self.policies),
            "notes": _sorted(self.notes),
        }

    def lines(self) -> Iterator[str]:
        """The numbers for people."""
        yield from _table("verdict", self.verdicts)
        yield from _grid("task", self.tasks)
        yield from _grid("action", self.actions)
        yield from _table("stage of what is not allowed", _sorted(self.stages))
        yield from _table("reason", _sorted(self.reasons))
        yield from _table("policy", _sorted(self.policies))
        yield from _table("note", _sorted(self.notes))


def action_of(event: Event) -> str:
    """The action of an event, as it is counted."""
    kind = event["event"]
    if kind != "call":
        return str(kind)
    action = event["action"]
    return action if isinstance(action, str) else f'{action["type"]}::"{action["id"]}"'


def told(outcome: Outcome) -> str:
    """What came of an event, on one line: verdict, why, where, by which policies."""
    decision = outcome.decision
    if decision is None:
        return f"{outcome.verdict or 'not decided'}{f': {outcome.note}' if outcome.note else ''}"
    place = decision.stage or ""
    if decision.hop is not None:
        place += f" of hop {decision.hop}"
    if decision.party is not None:
        place += f", {decision.party}"
    where = f" ({place})" if place else ""
    by = ", ".join(f"`{policy}`" for policy in decision.policies)
    why = decision.message if decision.stage in ("status", "arguments") else ""
    return plain(
        f"{decision.verdict}: {decision.reason}{where}{f' by {by}' if by else ''}"
        f"{f': {why}' if why else ''}"
    )


def as_json(outcome: Outcome) -> dict[str, Any]:
    """What came of an event, as data."""
    from agentpdp.events.recorder import decision_json

    if outcome.decision is not None:
        return {**decision_json(outcome.decision), "message": outcome.decision.message}
    return {"verdict": outcome.verdict, **({"note": outcome.note} if outcome.note else {})}


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    """Most first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _by_verdict(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {
        name: {verdict: row[verdict] for verdict in VERDICTS}
        for name, row in sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    }


def _table(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if not counts:
        return
    shown = [(plain(name), rows) for name, rows in list(counts.items())[:_SHOWN_MAX]]
    width = max(len(name) for name, _ in shown)
    yield title
    for name, rows in shown:
        yield f"  {name:<{width}}  {rows:>9,}"
    yield from _more(len(counts) - len(shown))


def _grid(title: str, counts: Mapping[str, Counter[str]]) -> Iterator[str]:
    if not counts:
        return
    rows = _by_verdict(counts)
    shown = [(plain(name), row) for name, row in list(rows.items())[:_SHOWN_MAX]]
    width = max(len(title) - 2, *(len(name) for name, _ in shown))
    yield f"{title:<{width + 2}}" + "".join(f"  {verdict:>9}" for verdict in VERDICTS)
    for name, row in shown:
        cells = "".join(f"  {row[verdict]:>9,}" for verdict in VERDICTS)
        yield f"  {name:<{width}}{cells}"
    yield from _more(len(rows) - len(shown))


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"  and {count:,} more: --json has all"
