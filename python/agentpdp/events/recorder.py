"""Writing down what happens to an engine, while it happens.

A ``Recorder`` stands in front of an engine: it has the engine's verbs, does what they do, and
writes an event for each. One thing happens at a time, so the order of the lines is the order in
which it happened, whatever threads there are. A grant it gives has the verbs of a grant.

A caller's objects are read once, into the event; the engine is handed what stands in it.

Arguments stand in the events as they were handed in: keep the file as safe as what is in them.
Secret parameters do, too, since without them nothing can be decided again.

Read next: ``replaying.py``.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from agentpdp.engine import Engine
from agentpdp.errors import Denied, StepUpNeeded
from agentpdp.events.values import (
    arguments_json,
    call_of,
    delegate_of,
    host_json,
    length_json,
    object_json,
    start_of,
    uid_json,
    uid_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import IO

    from agentpdp import ApprovalRequest, Bundle, Decision, EntityUid, Explanation, Grant

_TARGETS = ("grant", "agent", "principal", "task")


def system_clock() -> int:
    """Milliseconds UTC."""
    return time.time_ns() // 1_000_000


class Recorder:
    """An engine whose history is written down. Make one before anything happens to the engine.

    Args:
        bundle: what to decide by.
        stream: where the lines go; a text stream. Each is written at once, and flushed.
        clock: gives milliseconds UTC; the events have just the times that are decided by.
    """

    def __init__(
        self, bundle: Bundle, stream: IO[str], *, clock: Callable[[], int] = system_clock
    ) -> None:
        self._engine = Engine(bundle, clock="caller")
        self._stream = stream
        self._clock = clock
        self._lock = threading.RLock()
        self._latest: int | None = None
        self._grants: dict[str, str] = {}
        self._requests: dict[str, str] = {}
        self._grant_count = 0
        with self._lock:
            self._write("bundle", self._now(), **_about(bundle))

    @property
    def engine(self) -> Engine:
        """The engine, to ask it what changes nothing."""
        return self._engine

    def start(
        self,
        task: str | Sequence[str],
        *,
        principal: EntityUid | tuple[str, str] | str,
        agent: EntityUid | tuple[str, str] | str,
        params: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        expires_in: Any = None,
        valid_from: int | None = None,
        by: EntityUid | tuple[str, str] | str | None = None,
    ) -> RecordedGrant:
        """As ``Engine.start``."""
        given: dict[str, Any] = {"principal": principal, "agent": agent}
        given |= {"params": params, "claims": claims}
        given |= {"expires_in": expires_in, "valid_from": valid_from, "by": by}
        return self._issue(
            "start", lambda event: (self._engine.start, start_of(event)), task, given
        )

    def approve(
        self,
        request: ApprovalRequest,
        /,
        *,
        by: EntityUid | tuple[str, str] | str,
        expires_in: Any = None,
    ) -> None:
        """As ``Engine.approve``."""
        with self._lock:
            at = self._now()
            event = {"request": self._request_name(request), "by": uid_json(by)}
            asked = {"by": uid_of(event["by"]), "at": at}
            if expires_in is not None:
                asked["expires_in"] = event["expires_in"] = length_json(expires_in)
            self._decided("approve", at, event, lambda: self._engine.approve(request, **asked))

    def revoke(self, *, by: EntityUid | tuple[str, str] | str | None = None, **target: Any) -> None:
        """As ``Engine.revoke``: of a ``grant``, ``agent``, ``principal`` or ``task``."""
        with self._lock:
            at = self._now()
            event, asked = self._target(target)
            if by is None:
                self._engine.revoke(**asked)
                self._write("revoke", at, **event)
                return
            event["by"] = uid_json(by)
            asked |= {"by": uid_of(event["by"]), "at": at}
            self._decided("revoke", at, event, lambda: self._engine.revoke(**asked))

    def suspend(self, **target: Any) -> None:
        """As ``Engine.suspend``."""
        with self._lock:
            event, asked = self._target(target)
            self._engine.suspend(**asked)
            self._write("suspend", self._now(), **event)

    def resume(self, **target: Any) -> None:
        """As ``Engine.resume``."""
        with self._lock:
            event, asked = self._target(target)
            self._engine.resume(**asked)
            self._write("resume", self._now(), **event)

    def upsert(self, entities: Iterable[Mapping[str, Any]], /) -> None:
        """As ``Engine.upsert``; the entities are Cedar's entity JSON."""
        with self._lock:
            listed = [host_json(entity) for entity in entities]
            self._engine.upsert(listed)
            self._write("entities", self._now(), upsert=listed)

    def remove(self, uids: Iterable[EntityUid | tuple[str, str] | str], /) -> None:
        """As ``Engine.remove``."""
        with self._lock:
            listed = [uid_json(uid) for uid in uids]
            self._engine.remove([uid_of(uid) for uid in listed])
            self._write("entities", self._now(), remove=listed)

    def link(self, template: str, link_id: str, **slots: Any) -> None:
        """As ``Engine.link``."""
        with self._lock:
            written = {name: uid_json(uid) for name, uid in slots.items() if uid is not None}
            asked = {name: uid_of(uid) for name, uid in written.items()}
            link = {"template": str(template), "id": str(link_id), **written}
            self._engine.link(link["template"], link["id"], **asked)
            self._write("entities", self._now(), link=[link])

    def unlink(self, link_id: str, /) -> bool:
        """As ``Engine.unlink``."""
        with self._lock:
            was_there = self._engine.unlink(link_id)
            if was_there:
                self._write("entities", self._now(), unlink=[link_id])
            return was_there

    def reload(self, bundle: Bundle, /) -> None:
        """As ``Engine.reload``. The event holds the digest of the bundle, not its text."""
        with self._lock:
            self._engine.reload(bundle)
            self._write("bundle", self._now(), **_about(bundle))

    def explain(
        self, grant: RecordedGrant, action: Any, arguments: Any = None, **rest: Any
    ) -> Explanation:
        """As ``Engine.explain``; nothing happens, so nothing is written."""
        with self._lock:
            return self._engine.explain(grant._grant, action, arguments, at=self._now(), **rest)

    def _now(self) -> int:
        """The time of what happens next: never before what happened last."""
        now = self._clock()
        self._latest = now if self._latest is None else max(now, self._latest)
        return self._latest

    def _issue(
        self,
        event: str,
        issue: Callable[[dict[str, Any]], tuple[Callable[..., Grant], dict[str, Any]]],
        task: str | Sequence[str],
        given: dict[str, Any],
        **more: str,
    ) -> RecordedGrant:
        """Start or delegate: a grant under a new name. `issue` says how what is written is asked
        for."""
        with self._lock:
            at = self._now()
            self._grant_count += 1
            name = f"g{self._grant_count}"
            written = {"grant": name, **more, "task": _task_json(task), **_order_json(given)}
            ask, asked = issue(written)
            grant = self._decided(event, at, written, lambda: ask(written["task"], **asked, at=at))
            self._grants[grant.id] = name
            return RecordedGrant(self, grant, name)

    def _call(
        self, grant: RecordedGrant, action: Any, arguments: Any, given: dict[str, Any]
    ) -> Decision:
        with self._lock:
            at = self._now()
            event = {"grant": grant.name, "action": uid_json(action)}
            if arguments is not None:
                event["arguments"] = arguments_json(arguments)
            if given["resource"] is not None:
                event["resource"] = uid_json(given["resource"])
            if given["context"] is not None:
                event["context"] = host_json(given["context"])
            decision = grant._grant.decide(**call_of(event), at=at)
            self._write("call", at, **event, **self._outcome(decision))
            return decision

    def _actions(self, grant: RecordedGrant) -> Mapping[str, str]:
        with self._lock:
            return grant._grant.actions(at=self._now())

    def _close(self, grant: RecordedGrant) -> None:
        with self._lock:
            grant._grant.close()
            self._write("close", self._now(), grant=grant.name)

    def _decided(self, name: str, at: int, event: dict[str, Any], act: Callable[[], Any]) -> Any:
        """Does it, and writes it with what came of it."""
        try:
            made = act()
        except (Denied, StepUpNeeded) as refused:
            self._write(name, at, **event, **self._outcome(refused.decision))
            raise
        self._write(name, at, **event, decision={"verdict": "allow"})
        return made

    def _outcome(self, decision: Decision) -> dict[str, Any]:
        """What was decided, and a name for what could be approved."""
        found: dict[str, Any] = {"decision": decision_json(decision)}
        if decision.approval_request is not None:
            found["request"] = self._request_name(decision.approval_request)
        return found

    def _request_name(self, request: ApprovalRequest) -> str:
        """The name of a request: equal calls have one."""
        return self._requests.setdefault(request.digest, f"r{len(self._requests) + 1}")

    def _target(self, target: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The grant, agent, principal or task that something is done to: as it is written, and as
        the engine takes it."""
        event: dict[str, Any] = {}
        asked: dict[str, Any] = {}
        for name, value in target.items():
            if name == "grant" and value is not None:
                grant = value._grant if isinstance(value, RecordedGrant) else value
                id_ = str(getattr(grant, "id", grant))
                event[name], asked[name] = self._grants.get(id_, id_), grant
            elif value is not None:
                event[name] = str(value) if name == "task" else uid_json(value)
                asked[name] = uid_of(event[name])
        return event, asked

    def _write(self, event: str, at: int, **fields: Any) -> None:
        self._stream.write(_ENCODER.encode({"event": event, "at": at, **fields}) + "\n")
        with suppress(AttributeError):
            self._stream.flush()


class RecordedGrant:
    """A grant whose calls are written down; it has the verbs and properties of a ``Grant``."""

    __slots__ = ("_grant", "_recorder", "name")

    def __init__(self, recorder: Recorder, grant: Grant, name: str) -> None:
        self._recorder = recorder
        self._grant = grant
        self.name = name

    def decide(
        self,
        action: EntityUid | tuple[str, str] | str,
        arguments: Mapping[str, Any] | None = None,
        *,
        resource: EntityUid | tuple[str, str] | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Decision:
        """As ``Grant.decide``."""
        given = {"resource": resource, "context": context}
        return self._recorder._call(self, action, arguments, given)

    def require(
        self,
        action: EntityUid | tuple[str, str] | str,
        arguments: Mapping[str, Any] | None = None,
        *,
        resource: EntityUid | tuple[str, str] | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Decision:
        """As ``Grant.require``."""
        decision = self.decide(action, arguments, resource=resource, context=context)
        if decision.verdict == "step_up":
            raise StepUpNeeded(decision)
        if not decision.allowed:
            raise Denied(decision)
        return decision

    def delegate(
        self,
        task: str | Sequence[str],
        *,
        agent: EntityUid | tuple[str, str] | str,
        params: Mapping[str, Any] | None = None,
        only_actions: Iterable[str | EntityUid] | None = None,
        only_resources: Iterable[EntityUid | tuple[str, str] | str] | None = None,
        expires_in: Any = None,
    ) -> RecordedGrant:
        """As ``Grant.delegate``."""
        given = {"agent": agent, "params": params, "expires_in": expires_in}
        given |= {"only_actions": only_actions, "only_resources": only_resources}
        return self._recorder._issue(
            "delegate",
            lambda event: (self._grant.delegate, delegate_of(event)),
            task,
            given,
            parent=self.name,
        )

    def actions(self) -> Mapping[str, str]:
        """As ``Grant.actions``; nothing happens, so nothing is written."""
        return self._recorder._actions(self)

    def close(self) -> None:
        """As ``Grant.close``."""
        self._recorder._close(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._grant, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_ENCODER = json.JSONEncoder(check_circular=False)


def decision_json(decision: Decision) -> dict[str, Any]:
    """What is kept of a decision: where, why, by whom and by which policies."""
    found: dict[str, Any] = {"verdict": decision.verdict, "reason": decision.reason}
    if decision.stage is not None:
        found["stage"] = decision.stage
    if decision.hop is not None:
        found["hop"] = decision.hop
    if decision.party is not None:
        found["party"] = str(decision.party)
    if decision.policies:
        found["policies"] = list(decision.policies)
    return found


def _about(bundle: Bundle) -> dict[str, str]:
    return {"digest": bundle.digest, **({} if bundle.name is None else {"name": bundle.name})}


def _task_json(task: Any) -> Any:
    return [str(each) for each in task] if isinstance(task, list | tuple) else str(task)


_READERS: dict[str, Callable[[Any], Any]] = {
    "principal": uid_json,
    "agent": uid_json,
    "by": uid_json,
    "params": object_json,
    "claims": object_json,
    "expires_in": length_json,
    "only_actions": lambda listed: [uid_json(each) for each in listed],
    "only_resources": lambda listed: [uid_json(each) for each in listed],
}


def _order_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of `start` or `delegate`."""
    found = {name: value for name, value in given.items() if value is not None}
    return {
        name: _READERS[name](value) if name in _READERS else value for name, value in found.items()
    }
