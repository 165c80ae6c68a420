"""Deciding a recorded history: what does a bundle say to what happened?

A ``Player`` holds an engine that takes its time from the events, and the grants and requests of the
history by their names. Consecutive calls are decided as one batch, in their order; everything else
one by one. `play_calls` does the same for the calls of a block of lines, without making an event of
each. A call whose grant was not issued here (the bundle denied the start that was recorded)
is denied as ``unknown_grant``, as it would be.

Read next: ``cli/replay.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentpdp import _core
from agentpdp.engine import Engine
from agentpdp.errors import (
    BundleError,
    Denied,
    EntityError,
    EventError,
    LinkError,
    ReloadError,
    StepUpNeeded,
)
from agentpdp.events.form import Event
from agentpdp.events.values import call_of, delegate_of, start_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agentpdp import ApprovalRequest, Bundle, Decision, Explanation, Grant

# Calls that are decided at once.
BATCH_CALLS_MAX = 8_192
_TARGETS = ("grant", "agent", "principal", "task")


@dataclass(frozen=True)
class Outcome:
    """What came of one event.

    Attributes:
        line: number of its line, or its place among the events, counted from 1.
        event: the event.
        tasks: the tasks it concerns: those asked for, or those of the grant.
        verdict: ``"allow"``, ``"step_up"``, ``"deny"``; None for what is not decided.
        decision: the decision; None where a grant was issued or an order carried out.
        note: what there is to say besides, such as why nothing was done.
    """

    line: int
    event: Event
    tasks: tuple[str, ...]
    verdict: str | None
    decision: Decision | None = None
    note: str = ""

    @property
    def reason(self) -> str | None:
        """The reason code, where there is a verdict."""
        if self.decision is not None:
            return self.decision.reason
        return None if self.verdict is None else "permitted"


class Player:
    """Plays events against a bundle, in their order.

    Args:
        bundle: what to decide by.
        bundles: bundles that ``bundle`` events may put in its place, by digest. None: whatever
            bundle an event names, this one is loaded again, so that it decides the whole history.
    """

    def __init__(self, bundle: Bundle, bundles: Mapping[str, Bundle] | None = None) -> None:
        self.engine = Engine(bundle, clock="caller")
        self.recorded_digest: str | None = None
        self._candidate = bundle
        self._bundles = bundles
        self._is_fresh = True
        # A name whose grant was not issued here has none.
        self._grants: dict[str, Grant | None] = {}
        self._tasks: dict[str, tuple[str, ...]] = {}
        self._requests: dict[str, ApprovalRequest | None] = {}
        self._replay = _core._CallReplay(self.engine)

    def play(self, events: Iterable[tuple[int, Event]]) -> Iterator[Outcome]:
        """What comes of each event; a call may be told of only once the calls behind it are read.

        Raises:
            EventError: an event that cannot have happened: it names what there is not.
        """
        calls: list[tuple[int, Event]] = []
        for line, event in events:
            if event["event"] == "call":
                self._grant(line, event["grant"])
                calls.append((line, event))
                if len(calls) >= BATCH_CALLS_MAX:
                    yield from self._calls(calls)
                    calls = []
                continue
            if calls:
                yield from self._calls(calls)
                calls = []
            yield self.step(line, event)
        if calls:
            yield from self._calls(calls)

    def step(self, line: int, event: Event) -> Outcome:
        """What comes of one event.

        Raises:
            EventError: it names what there is not, or this bundle cannot take it.
        """
        outcome: Outcome
        if event["event"] == "call":
            (outcome,) = self._calls([(line, event)])
        else:
            outcome = getattr(self, f"_{event['event']}")(line, event)
        self._is_fresh = False
        return outcome

    def play_calls(self, block: bytes, start: int = 0) -> _core._PlayedCalls:
        """Decides the calls that stand in a block of whole lines from a byte on.

        It ends before the first line that is not surely a call under a known name: an event of
        another kind, one that is not plain (:func:`read_event` reads it), or an error; and after
        some thousand calls. What the calls came to is counted (:meth:`counts`).
        """
        played = self._replay.play(block, start)
        self._is_fresh = self._is_fresh and not len(played)
        for row, name in played.requests:
            self._requests[name] = played[row].approval_request
        return played

    def counts(self) -> list[_core._CallCount]:
        """What the calls of :meth:`play_calls` came to: tasks, action, verdict, reason, stage,
        policies, and how many."""
        return self._replay.tally()

    def explain(self, line: int, event: Event) -> Explanation | None:
        """What every question of a call would come to now; None if there is no such grant here."""
        grant = self._grant(line, event["grant"])
        return None if grant is None else self.engine.explain(grant, **call_of(event))

    def tasks_of(self, grant: str) -> tuple[str, ...]:
        """The tasks that were asked for under a name."""
        return self._tasks.get(grant, ())

    def grant(self, line: int, name: str) -> Grant | None:
        """The grant of a name; None if it was not issued here.

        Raises:
            EventError: nothing was started or delegated under the name.
        """
        return self._grant(line, name)

    def issued(self) -> dict[str, Grant]:
        """All grants by name, but those that were not issued here."""
        return {name: grant for name, grant in self._grants.items() if grant is not None}

    def note_request(self, event: Event, decision: Decision | None) -> None:
        """Keeps what could be approved under the name that the event gives it."""
        if "request" in event:
            request = None if decision is None else decision.approval_request
            self._requests[event["request"]] = request

    def _grant(self, line: int, name: str) -> Grant | None:
        if name not in self._grants:
            right = "an event `start` or `delegate` before it gives the name"
            raise EventError(f"there is no grant `{_short(name)}`", line, right)
        return self._grants[name]

    def _calls(self, calls: list[tuple[int, Event]]) -> Iterator[Outcome]:
        """Calls in their order, as one batch."""
        self._is_fresh = False
        rows = [self._row(line, event) for line, event in calls]
        decisions = self.engine.decide_batch(rows)
        for (line, event), decision in zip(calls, decisions, strict=True):
            self.note_request(event, decision)
            tasks = self._tasks[event["grant"]]
            yield Outcome(line, event, tasks, decision.verdict, decision)

    def _row(self, line: int, event: Event) -> dict[str, Any]:
        """A call as the engine takes it."""
        grant = self._grant(line, event["grant"])
        row = call_of(event)
        row["grant"] = "" if grant is None else grant
        if "agent" in event:
            row["agent"] = uid_of(event["agent"])
        return row

    def _start(self, line: int, event: Event) -> Outcome:
        return self._issue(line, event, self.engine.start, start_of(event))

    def _delegate(self, line: int, event: Event) -> Outcome:
        parent = self._grant(line, event["parent"])
        if parent is None:
            self._name(line, event, None)
            return Outcome(line, event, _listed(event["task"]), "deny", note=_NOT_ISSUED)
        return self._issue(line, event, parent.delegate, delegate_of(event))

    def _issue(self, line: int, event: Event, issue: Any, given: dict[str, Any]) -> Outcome:
        tasks, decision, grant = _listed(event["task"]), None, None
        try:
            grant = issue(event["task"], **given, at=event["at"])
        except (Denied, StepUpNeeded) as refused:
            decision = refused.decision
        self._name(line, event, grant)
        self.note_request(event, decision)
        verdict = "allow" if decision is None else decision.verdict
        return Outcome(line, event, tasks, verdict, decision)

    def _name(self, line: int, event: Event, grant: Grant | None) -> None:
        name = event["grant"]
        if name in self._grants:
            right = "every grant has a name of its own"
            raise EventError(f"there is a grant `{_short(name)}` already", line, right)
        self._grants[name] = grant
        self._tasks[name] = _listed(event["task"])
        self._replay.name(name, grant, self._tasks[name])

    def _approve(self, line: int, event: Event) -> Outcome:
        name = event["request"]
        if name not in self._requests:
            right = "the event that asks has the name as its `request`"
            raise EventError(f"there is no request `{_short(name)}`", line, right)
        request = self._requests[name]
        if request is None:
            return Outcome(line, event, (), None, note="nothing to approve: the call does not ask")
        given = {"expires_in": event["expires_in"]} if "expires_in" in event else {}
        try:
            self.engine.approve(request, by=uid_of(event["by"]), at=event["at"], **given)
        except Denied as refused:
            return Outcome(line, event, tuple(request.tasks), "deny", refused.decision)
        return Outcome(line, event, tuple(request.tasks), "allow")

    def _revoke(self, line: int, event: Event) -> Outcome:
        target = self._target(line, event)
        if target is None:
            return Outcome(line, event, (), None, note=_NOT_ISSUED)
        if "by" not in event:
            self.engine.revoke(**target)
            return Outcome(line, event, (), None)
        try:
            self.engine.revoke(**target, by=uid_of(event["by"]), at=event["at"])
        except Denied as refused:
            return Outcome(line, event, (), "deny", refused.decision)
        return Outcome(line, event, (), "allow")

    def _suspend(self, line: int, event: Event) -> Outcome:
        return self._block(line, event, self.engine.suspend)

    def _resume(self, line: int, event: Event) -> Outcome:
        return self._block(line, event, self.engine.resume)

    def _block(self, line: int, event: Event, act: Any) -> Outcome:
        target = self._target(line, event)
        if target is not None:
            act(**target)
        return Outcome(line, event, (), None, note=_NOT_ISSUED if target is None else "")

    def _target(self, line: int, event: Event) -> dict[str, Any] | None:
        """What an event is done to; None if that is a grant that was not issued here."""
        (name,) = (name for name in _TARGETS if name in event)
        if name == "grant":
            grant = self._grant(line, event["grant"])
            return None if grant is None else {"grant": grant}
        return {name: event[name] if name == "task" else uid_of(event[name])}

    def _close(self, line: int, event: Event) -> Outcome:
        grant = self._grant(line, event["grant"])
        if grant is not None:
            grant.close()
        return Outcome(line, event, (), None, note=_NOT_ISSUED if grant is None else "")

    def _entities(self, line: int, event: Event) -> Outcome:
        engine = self.engine
        try:
            if "upsert" in event:
                engine.upsert(event["upsert"])
            if "remove" in event:
                engine.remove([uid_of(each) for each in event["remove"]])
            for link in event.get("link", ()):
                slots = {name: uid_of(link[name]) for name in link.keys() - {"template", "id"}}
                engine.link(link["template"], link["id"], **slots)
        except (EntityError, LinkError) as error:
            raise EventError(f"the bundle does not take it: {error}", line) from None
        for name in event.get("unlink", ()):
            engine.unlink(name)
        return Outcome(line, event, (), None)

    def _bundle(self, line: int, event: Event) -> Outcome:
        if self._is_fresh:
            self.recorded_digest = event["digest"]
            return Outcome(line, event, (), None)
        known = self._bundles
        bundle = self._candidate if known is None else known.get(event["digest"])
        if bundle is None:
            digest = _short(event["digest"])
            raise EventError(f"the bundle `{digest}` is not at hand", line, "hand it in, too")
        try:
            self.engine.reload(bundle)
        except (BundleError, ReloadError) as error:
            raise EventError(f"the bundle cannot be put in place: {error}", line) from None
        return Outcome(line, event, (), None)


_NOT_ISSUED = "the grant was not issued here"


def replay(
    bundle: Bundle,
    events: Iterable[tuple[int, Event]],
    *,
    bundles: Mapping[str, Bundle] | None = None,
) -> Iterator[Outcome]:
    """What a bundle says to a recorded history: an outcome for each event, in their order.

    Args:
        bundle: what to decide by.
        events: events with their lines, as :func:`read_events` gives them.
        bundles: as for :class:`Player`.

    Raises:
        EventError: a line is no event, or one that cannot have happened.
    """
    return Player(bundle, bundles).play(events)


def _listed(task: str | list[str]) -> tuple[str, ...]:
    return (task,) if isinstance(task, str) else tuple(dict.fromkeys(task))


def _short(name: str) -> str:
    cut = name if len(name) <= 40 else name[:39] + "…"
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cut)
