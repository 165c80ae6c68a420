"""Plays what happens to an engine with tasks: the events of `delegation/*.json`, in order.

The same for the reference and for the compiled engine: both have the same methods.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentpdp.errors import Denied, StepUpNeeded

DATA = Path(__file__).parent / "delegation"
BUNDLE = json.loads((DATA / "bundle.json").read_text(encoding="utf-8"))
FIELDS = ("verdict", "reason", "stage", "hop", "party", "policies", "errors", "needed")
TARGETS = ("grant", "agent", "principal", "task")
TIME_START = 1_000_000

Files = dict[str, str]
Expected = tuple[Any, ...]


@dataclass(frozen=True)
class EventCase:
    """One case: a bundle, and events with what is expected of them."""

    name: str
    why: str
    bundle: Mapping[str, Any]
    events: list[dict[str, Any]] = field(repr=False)


def event_cases() -> Iterator[EventCase]:
    for path in sorted(DATA.glob("*.json")):
        if path.stem == "bundle":
            continue
        file = json.loads(path.read_text(encoding="utf-8"))
        assert set(file) <= {"setup", "cases"}, path.name
        for this in file["cases"]:
            name = f"{path.stem}/{this['id']}"
            assert set(this) <= {"id", "why", "bundle", "events"}, name
            events = [*file.get("setup", []), *this["events"]]
            yield EventCase(name, this["why"], this.get("bundle", {}), events)


def files(changes: Mapping[str, Any]) -> Files:
    """The texts of the bundle, with some of them changed, added or (null) taken away."""
    merged = {path: text for path, text in {**BUNDLE, **changes}.items() if text is not None}
    return {path: written(path, text) for path, text in merged.items()}


def written(path: str, text: Any) -> str:
    return json.dumps(text) if path.endswith(".json") else "\n".join(text) + "\n"


def answer(decision: Any) -> Expected:
    """What is compared of a decision."""
    party = None if decision.party is None else str(decision.party)
    errors = sorted((each.policy, each.code) for each in decision.errors)
    request = decision.approval_request
    needed = [] if request is None else sorted(map(tuple, request.needed))
    where = (decision.verdict, decision.reason, decision.stage, decision.hop, party)
    return (*where, list(decision.policies), errors, needed)


def expected(json: Mapping[str, Any]) -> Expected:
    assert set(json) <= {*FIELDS}
    lists = [json.get("policies", [])]
    lists += [sorted(map(tuple, json.get(name, []))) for name in ("errors", "needed")]
    return (*[json.get(name) for name in FIELDS[:5]], *lists)


GRANTED = (None,) * 5


class Play:
    """An engine, its grants and approval requests by name, and the time."""

    def __init__(self, load: Callable[[Files], Any], make: Callable[..., Any], this: EventCase):
        self.load, self.this = load, this
        self.engine = make(load(files(this.bundle)), clock="caller")
        self.grants: dict[str, Any] = {}
        self.requests: dict[str, Any] = {}
        self.now = TIME_START

    def run(self) -> list[tuple[Any, Any]]:
        """Pairs of what came and what is expected."""
        return [pair for event in self.this.events for pair in self.event(dict(event))]

    def event(self, event: dict[str, Any]) -> list[tuple[Any, Any]]:
        kind, wanted = event.pop("event"), event.pop("expected", None)
        came = getattr(self, kind)(event)
        if kind == "actions":
            return [(came, wanted)]
        return [(came, GRANTED if wanted is None else expected(wanted))]

    def raised(self, act: Callable[[], Any], request: str | None = None) -> Expected:
        """What an event came to that raises where it is refused."""
        try:
            act()
        except Denied as refused:
            verdicts, decision = ("deny",), refused.decision
        except StepUpNeeded as refused:
            verdicts, decision = ("step_up",), refused.decision
        else:
            return GRANTED
        assert decision.verdict in verdicts
        return self.noted(decision, request)

    def noted(self, decision: Any, request: str | None) -> Expected:
        if request is not None:
            self.requests[request] = decision.approval_request
        return answer(decision)

    def time(self, event: dict[str, Any]) -> Expected:
        self.now = event["at"]
        return GRANTED

    def start(self, event: dict[str, Any]) -> Expected:
        name, request = event.pop("as"), event.pop("request", None)

        def act() -> None:
            self.grants[name] = self.engine.start(event.pop("task"), **event, at=self.now)

        return self.raised(act, request)

    def delegate(self, event: dict[str, Any]) -> Expected:
        name, request = event.pop("as"), event.pop("request", None)
        parent = self.grants[event.pop("grant")]

        def act() -> None:
            self.grants[name] = parent.delegate(event.pop("task"), **event, at=self.now)

        return self.raised(act, request)

    def call(self, event: dict[str, Any]) -> Expected:
        grant, request = self.grants[event.pop("grant")], event.pop("request", None)
        action, arguments = event.pop("action"), event.pop("arguments", None)
        if "agent" in event:
            row = {"grant": grant.id, "action": action, "arguments": arguments, "at": self.now}
            (decision,) = self.engine.decide_batch([{**row, **event}])
            return answer(decision)
        given = {"action": action, "arguments": arguments, **event, "at": self.now}
        explained = self.engine.explain(grant, **given)
        decision = grant.decide(**given)
        assert answer(explained.decision) == answer(decision)
        return self.noted(decision, request)

    def approve(self, event: dict[str, Any]) -> Expected:
        request = self.requests[event.pop("request")]
        return self.raised(lambda: self.engine.approve(request, **event, at=self.now))

    def revoke(self, event: dict[str, Any]) -> Expected:
        at = {"at": self.now} if "by" in event else {}
        return self.raised(lambda: self.engine.revoke(**self.target(event), **at))

    def suspend(self, event: dict[str, Any]) -> Expected:
        self.engine.suspend(**self.target(event))
        return GRANTED

    def resume(self, event: dict[str, Any]) -> Expected:
        self.engine.resume(**self.target(event))
        return GRANTED

    def target(self, event: dict[str, Any]) -> dict[str, Any]:
        return {**event, **({"grant": self.grants[event["grant"]]} if "grant" in event else {})}

    def close(self, event: dict[str, Any]) -> Expected:
        self.grants[event["grant"]].close()
        return GRANTED

    def entities(self, event: dict[str, Any]) -> Expected:
        if "upsert" in event:
            self.engine.upsert(event["upsert"])
        if "remove" in event:
            self.engine.remove([(uid["type"], uid["id"]) for uid in event["remove"]])
        return GRANTED

    def link(self, event: dict[str, Any]) -> Expected:
        self.engine.link(event.pop("template"), event.pop("link"), **event)
        return GRANTED

    def unlink(self, event: dict[str, Any]) -> Expected:
        assert self.engine.unlink(event["link"])
        return GRANTED

    def bundle(self, event: dict[str, Any]) -> Expected:
        self.engine.reload(self.load(files({**self.this.bundle, **event["bundle"]})))
        return GRANTED

    def actions(self, event: dict[str, Any]) -> dict[str, str]:
        return dict(self.grants[event["grant"]].actions(at=self.now))
