"""One way of deciding under grants, driven by numbers: what the machine and the laws compare.

A side holds an engine (compiled or reference), the grants that it issued and the approvals that it
was asked for, each by the number that the others use too. The reference's grants get the ids of the
compiled engine's, so that both ask for approvals of the same digest.

Read next: ``test_machine.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from unittest import mock

import agentpdp
import agentpdp.reference
import pyarrow as pa
from agentpdp.errors import Denied, StepUpNeeded

Json = Mapping[str, Any]
Answer = tuple[Any, ...]
GRANTED: Answer = ("granted",)


def answer(decision: Any) -> Answer:
    """What is data of a decision, but for messages and digests."""
    request = decision.approval_request
    return (
        decision.verdict,
        decision.reason,
        decision.stage,
        decision.hop,
        None if decision.party is None else str(decision.party),
        tuple(decision.policies),
        tuple(sorted((each.policy, each.code) for each in decision.errors)),
        () if request is None else tuple(sorted(map(tuple, request.needed))),
        decision.epoch,
        decision.arguments,
    )


def undigested(found: Answer) -> Answer:
    """What two engines, whose ids differ, say alike."""
    return found if found == GRANTED else found[:-1]


def load(files: Mapping[str, str]) -> Any:
    """The bundle that these texts are."""
    return agentpdp.Bundle.from_files(files)


def sides(files: Mapping[str, str]) -> list[Side]:
    """Engine, engine in batches, and reference, of one bundle."""
    bundle = load(files)
    compiled = [agentpdp.Engine(bundle, clock="caller") for _ in range(2)]
    model = agentpdp.reference.Engine(bundle, clock="caller")
    first = Side(compiled[0])
    return [first, Batches(compiled[1]), Side(model, ids_of=first)]


TOKENS = "agentpdp.reference.grants.secrets.token_hex"


class Side:
    """`ids_of`: the side whose grants' ids are those of this one's, too."""

    def __init__(self, engine: Any, ids_of: Side | None = None) -> None:
        self.engine, self.ids_of = engine, ids_of
        self.grants: list[Any] = []
        self.requests: list[Any] = []

    def issued(self, make: Callable[[], Any]) -> None:
        """Notes a grant that is made, with the next id."""
        known = self.ids_of.grants[len(self.grants) :] if self.ids_of else []
        ids = mock.patch(TOKENS, return_value=known[0].id) if known else nullcontext()
        with ids:
            self.grants.append(make())

    def digest(self, request: Any) -> Any:
        return request.digest

    def attempt(self, act: Callable[[], Any]) -> Answer:
        try:
            act()
        except Denied as refused:
            found = refused.decision
            assert found.verdict == "deny"
        except StepUpNeeded as refused:
            found = refused.decision
            assert found.verdict == "step_up"
        else:
            return GRANTED
        return self.noted(found)

    def noted(self, decision: Any) -> Answer:
        if decision.approval_request is not None:
            self.requests.append(decision.approval_request)
        return self.answer(decision)

    def answer(self, decision: Any) -> Answer:
        request = decision.approval_request
        return (*answer(decision), None if request is None else self.digest(request))

    def start(self, order: Json, now: int) -> Answer:
        options = {name: value for name, value in order.items() if name != "task"}
        return self.attempt(
            lambda: self.issued(lambda: self.engine.start(order["task"], **options, at=now))
        )

    def delegate(self, parent: int, order: Json, now: int) -> Answer:
        options = {name: value for name, value in order.items() if name != "task"}
        grant = self.grants[parent]
        return self.attempt(
            lambda: self.issued(lambda: grant.delegate(order["task"], **options, at=now))
        )

    def decide(self, calls: Sequence[tuple[int, Json]], now: int) -> list[Answer]:
        """Grants and what is called under them, in order."""
        return [self.noted(self.grants[number].decide(**call, at=now)) for number, call in calls]

    def explain(self, number: int, call: Json, now: int) -> Answer:
        return self.answer(self.engine.explain(self.grants[number], **call, at=now).decision)

    def answers(self, number: int, call: Json, now: int) -> list[tuple[Any, ...]]:
        """What each question of a call came to: stage, hop, verdict and reason."""
        explained = self.engine.explain(self.grants[number], **call, at=now)
        return [
            (each["stage"], each["hop"], each["verdict"], each["reason"], tuple(each["policies"]))
            for each in explained.to_json()["answers"]
        ]

    def actions(self, number: int, now: int) -> Mapping[str, str]:
        return dict(self.grants[number].actions(at=now))

    def approve(self, number: int, now: int, **options: Any) -> Answer:
        request = self.requests[number]
        return self.attempt(lambda: self.engine.approve(request, **options, at=now))

    def target(self, target: Json) -> dict[str, Any]:
        return {k: self.grants[v] if k == "grant" else v for k, v in target.items()}

    def relink(self, name: str, values: Json | None) -> bool:
        """Take a link away, if it is there, and make it again with other values, if any."""
        was_there = bool(self.engine.unlink(name))
        if values is not None:
            self.engine.link("held", name, **values)
        return was_there

    def revoke(self, target: Json, now: int) -> Answer:
        at = {"at": now} if "by" in target else {}
        return self.attempt(lambda: self.engine.revoke(**self.target(target), **at))

    def suspend(self, target: Json) -> None:
        self.engine.suspend(**self.target(target))

    def resume(self, target: Json) -> None:
        self.engine.resume(**self.target(target))

    def close(self, number: int) -> None:
        self.grants[number].close()


class Batches(Side):
    """Calls are decided by `decide_batch`: as handles, as ids with agents, as Arrow columns.

    By id a grant that is over may be known no more; then its handle names it.
    """

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.forms: Counter[str] = Counter()

    def digest(self, request: Any) -> Any:
        # Its ids are its own.
        return mock.ANY

    def decide(self, calls: Sequence[tuple[int, Json]], now: int) -> list[Answer]:
        names = [self.name(number, now) for number, _ in calls]
        form = ("handles", "ids", "columns")[self.forms.total() % 3]
        if form == "handles":
            names = [{"grant": self.grants[number]} for number, _ in calls]
        rows = [{**name, **call, "at": now} for name, (_, call) in zip(names, calls, strict=True)]
        columns = table_of(rows) if form == "columns" else None
        self.forms[form if columns or form != "columns" else "no columns"] += 1
        decided = self.engine.decide_batch(rows if columns is None else columns)
        return [self.noted(each) for each in decided]

    def name(self, number: int, now: int) -> dict[str, Any]:
        grant = self.grants[number]
        named = {"grant": grant.id, "agent": str(grant.agent)}
        try:
            self.engine.grant(grant.id, agent=grant.agent)
        except Denied:
            # What is held is known by its id until it is over.
            assert grant.decide("nothing", {}, at=now).stage == "status"
            return {"grant": grant}
        return named


def table_of(rows: Sequence[Json]) -> Any:
    """Rows as Arrow columns, text through dictionaries; none where they are not of one form."""
    if any("agent" not in row or None in row["arguments"].values() for row in rows):
        return None
    try:
        made = {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    except (KeyError, pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
        return None
    for name, column in made.items():
        if pa.types.is_string(column.type):
            made[name] = column.dictionary_encode()
    table = pa.table(made)
    # What Arrow changes is another call: a name that only some rows have, a flag among numbers.
    return table if typed(table.to_pylist()) == typed(rows) else None


def typed(value: Any) -> Any:
    """A value with its types, so that `True` is not `1.0`."""
    if isinstance(value, dict):
        return {name: typed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    return (type(value), value)
