"""What is judged, what a person is shown and what is run are one value, read once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import agentpdp
import pytest
from agentpdp import Denied, EntityUid, StepUpNeeded
from hypothesis import given
from hypothesis import strategies as st

DESK = Path(__file__).parents[1] / "bundles" / "care-desk"
ALICE, BOT = EntityUid("User", "alice"), EntityUid("Agent", "care-bot")
CHECKER = EntityUid("Agent", "checker")
ORDER = {"order": "o1", "max": 5_000}


class Moving(Mapping[str, Any]):
    """A mapping that gives another amount each time it is read."""

    def __init__(self, **values: Any) -> None:
        self.values_, self.amounts = values, iter((5, 499_999, 499_999, 499_999))

    def __getitem__(self, name: str) -> Any:
        return next(self.amounts) if name in ("amount", "max") else self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


class Liar(dict[str, Any]):
    """A dict whose methods say something else than it holds."""

    def __getitem__(self, name: str) -> Any:
        return 499_999 if name == "amount" else super().__getitem__(name)

    def keys(self) -> Any:
        return super().keys()


def engine(**options: Any) -> agentpdp.Engine:
    return agentpdp.Engine(agentpdp.Bundle.load(DESK), **options)


def started(of: agentpdp.Engine, task: Any = "refund-order", **options: Any) -> agentpdp.Grant:
    params = options.pop("params", ORDER)
    claims = {"scope": ["refund"]}
    return of.start(task, principal=ALICE, agent=BOT, params=params, claims=claims, **options)


SHARED = started(engine())


@pytest.mark.parametrize(
    "arguments", [Moving(order_id="o1", amount=0), Liar(order_id="o1", amount=5)]
)
def test_what_was_judged_is_what_is_run(arguments: Any) -> None:
    decision = started(engine()).decide("refund", arguments)
    assert decision.allowed
    assert decision.arguments == {"order_id": "o1", "amount": 5}


@pytest.mark.parametrize("value", [{1}, frozenset({1}), {"a": {1}}])
def test_sets_are_no_values_of_json(value: Any) -> None:
    """Of whatever type an argument is, as the order of a set's members is nobody's."""
    values = {"type": "array", "items": {"type": "integer"}}
    records = {"type": "object", "properties": {"a": values}}
    schema = {"type": "object", "properties": {"one": values, "two": records}}
    uids = [{"type": each.type, "id": each.id} for each in (ALICE, BOT)]
    files = {
        "agentpdp.toml": 'principals = ["User"]\nagents = ["Agent"]\n'
        '[actions.look]\nresource = "principal"\n',
        "schema.cedarschema": "entity User, Agent;",
        "entities.json": json.dumps([{"uid": uid, "attrs": {}, "parents": []} for uid in uids]),
        "tools/tools.json": json.dumps({"tools": [{"name": "look", "inputSchema": schema}]}),
        "policies/all.cedar": '@id("all") permit (principal, action, resource);',
        "tasks/look.toml": 'lifetime = "1h"',
        "tasks/look.cedar": '@id("look") permit (principal, action == Action::"look", resource);',
    }
    of = agentpdp.Engine(agentpdp.Bundle.from_files(files))
    grant = of.start("look", principal=ALICE, agent=BOT)
    name = "two" if isinstance(value, dict) else "one"
    assert grant.decide("look", {name: json.loads(json.dumps(value, default=list))}).allowed
    rows = [{"grant": grant, "action": "look", "arguments": {name: value}}]
    (row,) = of.decide_batch(rows)
    single = grant.decide("look", {name: value})
    assert (single.reason, row.reason) == ("argument_type", "argument_type")


def test_a_name_that_stands_twice_in_text_denies() -> None:
    class Other(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            return self is other

    twice = {"order_id": "o1", "amount": 5, Other("amount"): 499_999}
    assert not started(engine()).decide("refund", twice).allowed


def test_parameters_are_read_once() -> None:
    grant = started(engine(), params=Moving(order="o1", max=0))
    assert grant.params["max"] == 5


def test_what_a_person_is_shown_is_what_the_digest_binds() -> None:
    of = engine()
    grant = started(of, "pay", params={"payees": []})
    decision = grant.decide("pay", {"recipient": "shop", "amount": 2_000})
    request = decision.approval_request
    assert request is not None
    assert decision.arguments is not None
    decision.arguments["amount"] = 1
    request.arguments["amount"] = 1
    assert request.to_json()["arguments"] == {"recipient": "shop", "amount": 2_000}
    of.approve(request, by=ALICE)
    assert not grant.decide("pay", {"recipient": "shop", "amount": 1}).allowed
    assert grant.decide("pay", {"recipient": "shop", "amount": 2_000}).allowed
    assert not grant.decide("pay", {"recipient": "shop", "amount": 2_000}).allowed


def test_an_approver_is_asked_about_every_action_of_an_order() -> None:
    files = {
        str(path.relative_to(DESK)): path.read_text() for path in DESK.rglob("*") if path.is_file()
    }
    files["policies/asking.cedar"] = (
        '@id("ask") @step_up("lead") forbid (principal, action == '
        'AgentPDP::Action::"delegate.pay", resource);\n'
        '@id("never-pay") forbid (principal, action == AgentPDP::Action::"approve", resource) '
        'when { context.input.action == "delegate.pay" };\n'
    )
    of = agentpdp.Engine(agentpdp.Bundle.from_files(files))
    params = {**ORDER, "payees": ["shop"]}
    grant = started(of, ["refund-order", "pay"], params=params)
    for order in (["pay", "refund-order"], ["refund-order", "pay"]):
        with pytest.raises(StepUpNeeded) as asked:
            grant.delegate(order, agent=CHECKER, params=params)
        shown = asked.value.decision.approval_request
        assert shown.arguments["params"] == params
        with pytest.raises(Denied):
            of.approve(shown, by=ALICE)


def test_rows_without_a_time_see_the_latest_that_rows_brought() -> None:
    of = engine(clock="caller")
    grant = started(of, at=0)
    row = {"grant": grant, "action": "read_calendar"}
    reasons = of.decide_batch([row, {**row, "at": grant.expires + 1}, row]).reason
    assert list(reasons) == ["permitted", "expired", "expired"]


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: f"{text}-"])
def test_to_revoke_what_is_no_id_raises(change: Any) -> None:
    of = engine()
    grant = started(of)
    name = change(grant.id)
    if name != grant.id:
        with pytest.raises(ValueError, match="32 hexadecimal digits"):
            of.revoke(grant=name)
    with pytest.raises(ValueError, match="of this engine"):
        engine().revoke(grant=grant)


def test_what_is_held_is_known_by_its_id_after_it_expired() -> None:
    """A clock that goes back must not revive what nobody could revoke by its id."""
    of = engine(clock="caller")
    grant = started(of, at=0)
    by_id = {"grant": grant.id, "agent": grant.agent, "action": "read_calendar", "at": 1}

    def start_many() -> int:
        later = [started(of, at=10**8) for _ in range(4_000)]  # looking at each place of the table
        assert of.grant_count >= len(later)
        return len(later)

    count = start_many()
    assert of.decide_batch([by_id])[0].allowed
    assert grant.decide("read_calendar", {}, at=1).allowed
    of.revoke(grant=grant.id)
    assert grant.decide("read_calendar", {}, at=1).reason == "revoked"
    del grant
    count += start_many()
    assert of.grant_count == count
    assert of.decide_batch([by_id])[0].reason == "unknown_grant"


def test_a_batch_runs_what_a_single_call_runs() -> None:
    files = {
        str(path.relative_to(DESK)): path.read_text() for path in DESK.rglob("*") if path.is_file()
    }
    kind = 'to = { kind = "email-list", rewrite = true }'
    files["agentpdp.toml"] = files["agentpdp.toml"].replace('to = "email-list"', kind)
    of = agentpdp.Engine(agentpdp.Bundle.from_files(files))
    grant = started(of)
    given = {"to": "Ann <a@ok.com>", "body": "hi"}
    row = {"grant": grant, "action": "send_mail", "arguments": given}
    single = grant.decide("send_mail", given)
    assert single.allowed
    assert single.arguments == {"to": "a@ok.com", "body": "hi"}
    assert of.decide_batch([row])[0].arguments == single.arguments


class Kept(dict[str, Any]):
    """A dict that is read as any mapping: by the way that has lists and records, too."""


AMOUNTS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(),
    st.sampled_from([5, 5.0, 5.5, 2**53, -(2**53) + 1, "5", "\ud800", "é", ""]),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["order_id", "amount", "__x", "\ud800", "é"]), st.text(max_size=3)
)


@given(st.dictionaries(NAMES, AMOUNTS, max_size=4), st.sampled_from(["o1", "o2", 1, None]))
def test_plain_arguments_are_read_as_all_others(more: dict[str, Any], order: Any) -> None:
    """A dict of plain values is copied and read at once; a subclass of dict goes the long way."""
    arguments = {"order_id": order, "amount": 5} | more
    plain, kept = SHARED.decide("refund", arguments), SHARED.decide("refund", Kept(arguments))
    assert plain == kept
    assert plain.advice == kept.advice
    assert repr(plain.arguments) == repr(kept.arguments)
    requests = [each.approval_request for each in (plain, kept)]
    assert len({each.digest if each else None for each in requests}) == 1


@pytest.mark.parametrize("amount", [5, 250_000])
def test_what_a_caller_changes_afterwards_is_not_what_is_run(amount: int) -> None:
    arguments = {"order_id": "o1", "amount": amount}
    decision = started(engine(), params=ORDER | {"max": 300_000}).decide("refund", arguments)
    arguments["amount"] = 499_999
    assert decision.arguments == {"order_id": "o1", "amount": amount}
    if decision.approval_request:
        assert decision.approval_request.arguments == {"order_id": "o1", "amount": amount}
        decision.arguments["amount"] = 1
        assert decision.approval_request.arguments == {"order_id": "o1", "amount": amount}


@pytest.mark.parametrize("count", [32, 33, 40])
def test_many_names_and_names_that_are_no_text(count: int) -> None:
    many = {f"n{each}": each for each in range(count)}
    assert SHARED.decide("refund", many).reason == "argument_unknown"
    odd: dict[Any, Any] = {"order_id": "o1", "amount": 5, 7: 8}
    assert SHARED.decide("refund", odd).reason == "argument_type"


def test_a_refused_start_says_what_its_own_reason_is_about() -> None:
    of = engine()
    order: dict[str, Any] = {"principal": ALICE, "agent": BOT, "claims": {"scope": []}}
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        ([], {"params": {"order": "o1"}}, "no task is named; it has `pay`, `refund-order`"),
        ("nothing", {}, "no such task; it has `pay`, `refund-order`"),
        ("pay", {"params": {"payees": []}, "expires_in": "soon"}, 'text like `"10m"`'),
        ("pay", {"params": {"payees": []}, "expires_in": "9d"}, "at most 1800000 milliseconds"),
        ("refund-order", {"params": {}, "expires_in": "soon"}, "`max` has no default"),
    ]
    for task, more, said in wrong:
        with pytest.raises(Denied, match=re.escape(said)):
            of.start(task, **order, **more)


def test_a_grant_is_explained_by_its_own_engine_only() -> None:
    grant = started(engine())
    with pytest.raises(ValueError, match="grant of this engine"):
        engine().explain(grant, "read_calendar")
