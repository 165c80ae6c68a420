"""What comes back is immutable data without a truth value; misuse raises."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import agentpdp
import pytest

from .asking import CALL, WITH_SCHEMA, WITHOUT_SCHEMA, engine

POLICIES = """
@id("b") permit (principal, action, resource);
@id("a") permit (principal, action, resource) when { context.n > 1 };
@id("f") forbid (principal, action, resource) when { context has stop && context.stop };
"""
ENGINE = engine(POLICIES, "none")
ALLOWED = ENGINE.authorize(**CALL, context={"n": 2})
DENIED = ENGINE.authorize(**CALL, context={"stop": True})
BATCH = ENGINE.authorize_batch(
    [{**CALL, "context": each} for each in ({"n": 2}, {"stop": True}, {"n": None})]
)


def test_what_a_decision_holds() -> None:
    assert (ALLOWED.verdict, ALLOWED.allowed, ALLOWED.reason) == ("allow", True, "permitted")
    assert (ALLOWED.stage, ALLOWED.policies, ALLOWED.errors) == (None, ("a", "b"), ())
    assert (DENIED.verdict, DENIED.allowed, DENIED.reason) == ("deny", False, "forbidden")
    assert (DENIED.stage, DENIED.policies, DENIED.epoch) == ("ceiling", ("f",), 0)
    (error,) = DENIED.errors
    assert (error.policy, error.code) == ("a", "attribute_missing")


@pytest.mark.parametrize("this", [ALLOWED, DENIED, BATCH], ids=["allow", "deny", "batch"])
def test_a_decision_has_no_truth_value(this: Any) -> None:
    for ask in (bool, lambda each: not each, lambda each: each or None):
        with pytest.raises(TypeError, match=r"\.allowed"):
            ask(this)


def test_decisions_are_equal_by_content() -> None:
    same = engine(POLICIES, "none").authorize(**CALL, context={"n": 3})
    assert (same, hash(same)) == (ALLOWED, hash(ALLOWED))
    assert ALLOWED != DENIED
    assert ALLOWED != "allow"
    assert DENIED.errors[0] == ENGINE.authorize(**CALL).errors[0]
    assert len({ALLOWED, same, DENIED}) == 2
    with pytest.raises(TypeError):
        sorted([ALLOWED, DENIED])


@pytest.mark.parametrize("this", [ALLOWED, DENIED.errors[0], BATCH], ids=["one", "error", "batch"])
def test_results_are_immutable_and_not_made_by_hand(this: Any) -> None:
    name = next(each for each in dir(this) if not each.startswith("_"))
    with pytest.raises(AttributeError):
        setattr(this, name, None)
    with pytest.raises(AttributeError):
        this.other = None
    with pytest.raises(TypeError):
        type(this)()


@pytest.mark.parametrize("this", [ALLOWED, BATCH, ENGINE, ENGINE.bundle], ids=type)
def test_what_belongs_to_an_engine_is_not_pickled(this: Any) -> None:
    """A copy would stand for authority that the other process does not hold."""
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickle"):
            copied(this)


def test_a_batch_is_a_sequence_of_its_rows() -> None:
    reasons = ["permitted", "forbidden", "argument_type"]
    assert (len(BATCH), [each.reason for each in BATCH], list(BATCH.reason)) == (
        3,
        reasons,
        reasons,
    )
    assert BATCH[0] == BATCH[-3] == ALLOWED
    assert BATCH[1] == DENIED
    assert list(BATCH.verdict) == ["allow", "deny", "deny"]
    assert list(BATCH.policy) == ["a", "f", None]
    for place in (3, -4, 10**9):
        with pytest.raises(IndexError, match="there are 3 decisions"):
            BATCH[place]
    for place in (slice(0, 1), "reason", None, 1.0):
        with pytest.raises(TypeError):
            BATCH[place]


def test_columns_of_a_batch_are_copies() -> None:
    BATCH.allowed[:] = False
    BATCH.reason[:] = "nothing"
    assert BATCH.allowed.tolist() == [True, False, False]
    assert list(BATCH.reason) == ["permitted", "forbidden", "argument_type"]


def test_columns_say_what_rows_say() -> None:
    for row, each in zip(BATCH.to_arrow().to_pylist(), BATCH, strict=True):
        errors = [(error["policy"], error["code"]) for error in row["errors"]]
        assert (row["verdict"], row["reason"]) == (each.verdict, each.reason)
        assert (row["policies"], row["allowed"]) == (list(each.policies), each.allowed)
        assert errors == [(error.policy, error.code) for error in each.errors]
    assert BATCH.counts() == {
        **{"allow": 1, "deny": 2},
        "reasons": {"permitted": 1, "forbidden": 1, "argument_type": 1},
        "policies": {"a": 1, "b": 1, "f": 1},
    }


MISUSES: dict[str, tuple[Any, type[Exception]]] = {
    "no arguments": (lambda: ENGINE.authorize(), TypeError),
    "diagnostics": (lambda: ENGINE.authorize(**CALL, diagnostics="all"), ValueError),
    "diagnostics of a batch": (lambda: ENGINE.authorize_batch([], diagnostics=""), ValueError),
    "no threads": (lambda: ENGINE.authorize_batch([], threads=0), ValueError),
    "less than no threads": (lambda: ENGINE.authorize_batch([], threads=-1), ValueError),
    "no bundle": (lambda: agentpdp.Engine(POLICIES), TypeError),
    "no entities": (lambda: ENGINE.encode(5), TypeError),
    "no entity": (lambda: ENGINE.remove(["ann"]), TypeError),
    "entities of a call": (
        lambda: ENGINE.authorize(**CALL, entities=[{"uid": "ann"}]),
        agentpdp.EntityError,
    ),
    "link": (lambda: ENGINE.link("b", "l"), agentpdp.LinkError),
    "name of a link": (lambda: ENGINE.link("b", "no id"), agentpdp.LinkError),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_raises(name: str) -> None:
    misuse, exception = MISUSES[name]
    with pytest.raises(exception):
        misuse()
    assert ENGINE.epoch == 0


def test_codes_of_another_engine_are_stale() -> None:
    """Codes never reach another entity: not in another engine, not as another part's number."""
    codes = {name: WITHOUT_SCHEMA.encode([text]) for name, text in CALL.items()}
    assert list(WITHOUT_SCHEMA.authorize_batch(codes).reason) == ["permitted"]
    other = agentpdp.Engine(WITHOUT_SCHEMA.bundle)
    for this in (other, WITH_SCHEMA):
        (decision,) = this.authorize_batch(codes)
        stale = decision.reason in ("stale_code", "unknown_action")
        assert (stale, decision.stage, decision.allowed) == (True, "arguments", False)
    (decision,) = other.authorize_batch(codes)
    assert decision.reason == "stale_code"
    mixed = {**{name: [text] for name, text in CALL.items()}, "principal": codes["principal"]}
    assert list(other.authorize_batch(mixed).reason) == ["stale_code"]


def thing(at: int) -> str:
    return f'Thing::"{at}"'


@pytest.mark.parametrize("side", ["principal", "resource"])
@pytest.mark.parametrize("count", [20, 25, 60])
def test_each_of_many_policies_of_one_side_decides(side: str, count: int) -> None:
    """More than are kept in one list, all found by principal, or all by resource."""
    scope = 'principal, action == Action::"a", resource'
    policies = [
        f'@id("p{at}") permit ({scope.replace(side, f"{side} == {thing(at)}")});'
        for at in range(count)
    ]
    bundle = agentpdp.Bundle.from_sources(policies="\n".join(policies), schema="none")
    this = agentpdp.Engine(bundle)
    other = ("Thing", "other")
    for at in range(count):
        asked = {"principal": other, "resource": other, side: thing(at)}
        found = this.authorize(asked["principal"], ("Action", "a"), asked["resource"])
        assert found.policies == (f"p{at}",)
        rows = [{**asked, "action": ("Action", "a")}]
        assert list(this.authorize_batch(rows).allowed) == [True]
