"""Reading Cedar's JSON policy format: what is refused, with which code, and how deep it may go."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from agentpdp.reference import Engine, InputError
from agentpdp.reference.expression import EXPRESSION_DEPTH_MAX

ALL = {"op": "All"}
TRUE = {"Value": True}
CALL = ('User::"ann"', 'Action::"view"', 'Doc::"plan"')


def policies(body: Any = TRUE, **parts: Any) -> dict[str, Any]:
    whole = {"effect": "permit", "principal": ALL, "action": ALL, "resource": ALL}
    return {
        "staticPolicies": {"p": {**whole, "conditions": [{"kind": "when", "body": body}], **parts}}
    }


ENTITY = {"type": "User", "id": "ann"}


@pytest.mark.parametrize(
    "body",
    [
        *(1, None, {}, [], {"Value": None}, {"Value": 1.5}, {"Value": 2**63}, {"Var": "x"}),
        *({"Slot": "?principal"}, {"nothing": []}, {"decimal": {}}, {"Set": {}}, {"Record": []}),
        *({"!": {}}, {"!": {"arg": TRUE, "x": 1}}, {"&&": {"left": TRUE}}, {"==": {"left": TRUE}}),
        {"==": TRUE, "!=": TRUE},
        {"if-then-else": {"if": TRUE, "then": TRUE}},
        {"like": {"left": TRUE, "pattern": ["x"]}},
        {"has": {"left": TRUE, "attr": []}},
        {".": {"left": TRUE, "attr": ["a"]}},
        {"is": {"left": TRUE, "entity_type": "no name"}},
        {"Value": {"__expr": "1"}},
        {"Value": {"__extn": {"fn": "no name", "arg": 1}}},
    ],
)
def test_a_wrong_condition_is_refused(body: Any) -> None:
    with pytest.raises(InputError) as caught:
        Engine(policies(body))
    assert caught.value.code == "policy_json"


@pytest.mark.parametrize(
    "parts",
    [
        *(
            {"effect": "maybe"},
            {"x": 1},
            {"conditions": {}},
            {"conditions": [{"kind": "if", "body": TRUE}]},
        ),
        *({"principal": {"op": "like"}}, {"principal": {"op": "is", "entity_type": "1"}}),
        *({"principal": {"op": "=="}}, {"principal": {"op": "in", "entities": [ENTITY]}}),
        *(
            {"principal": {"op": "==", "slot": "?principal"}},
            {"action": {"op": "==", "entity": ENTITY}},
        ),
        *(
            {"action": {"op": "==", "slot": "?principal"}},
            {"resource": {"op": "==", "slot": "?principal"}},
        ),
    ],
)
def test_a_wrong_policy_is_refused(parts: Any) -> None:
    with pytest.raises(InputError) as caught:
        Engine(policies(**parts))
    assert caught.value.code in ("policy_json", "uid")


def nested(depth: int) -> Any:
    body: Any = TRUE
    for _ in range(depth):
        body = {"if-then-else": {"if": TRUE, "then": {"!": {"arg": body}}, "else": TRUE}}
    return body


def test_depth_has_a_limit_and_needs_no_more_than_pythons_stack() -> None:
    half = EXPRESSION_DEPTH_MAX // 2
    assert Engine(policies(nested(half))).authorize(*CALL).allowed
    for depth in (half + 1, sys.getrecursionlimit()):
        with pytest.raises(InputError) as caught:
            Engine(policies(nested(depth)))
        assert caught.value.code == "policy_depth"


def test_deep_literals_are_within_the_limit_too() -> None:
    value: Any = 1
    for _ in range(EXPRESSION_DEPTH_MAX):
        value = [value]
    same = {"==": {"left": {"Value": value[0]}, "right": {"Value": value[0]}}}
    assert Engine(policies(same)).authorize(*CALL).allowed
    with pytest.raises(InputError) as caught:
        Engine(policies({"contains": {"left": {"Value": [value]}, "right": TRUE}}))
    assert caught.value.code == "policy_depth"


@pytest.mark.parametrize("operator", ["&&", "||"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_chains_are_as_long_as_you_like(operator: str, side: str) -> None:
    first = body = {"Value": operator == "&&"}
    for _ in range(5_000):
        other = "right" if side == "left" else "left"
        body = {operator: {side: body, other: first}}
    assert Engine(policies(body)).authorize(*CALL).allowed is (operator == "&&")


def test_an_unknown_function_in_a_literal_fails_when_it_is_evaluated() -> None:
    unknown = {"Value": {"__extn": {"fn": "nothing", "arg": "1"}}}
    decision = Engine(policies({"||": {"left": TRUE, "right": unknown}})).authorize(*CALL)
    assert (decision.allowed, decision.errors) == (True, ())
    decision = Engine(policies(unknown)).authorize(*CALL)
    assert [error.code for error in decision.errors] == ["extension_error"]
