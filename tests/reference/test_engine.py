"""The engine as a host uses it: decisions, changes, and what calls may hold."""

from __future__ import annotations

from typing import Any

import pytest
from agentpdp.reference import Engine, EntityUid, InputError

ALL = {"op": "All"}
CALL = ('User::"ann"', 'Action::"view"', 'Doc::"plan"')


def policy(effect: str, body: Any = None, **scopes: Any) -> dict[str, Any]:
    conditions = [] if body is None else [{"kind": "when", "body": body}]
    scope = {"principal": ALL, "action": ALL, "resource": ALL}
    return {"effect": effect, **scope, **scopes, "conditions": conditions}


def policy_set(templates: dict[str, Any] | None = None, **policies: Any) -> dict[str, Any]:
    return {"staticPolicies": policies, "templates": templates or {}, "templateLinks": []}


def entity(type_name: str, name: str, *groups: str, **attributes: Any) -> dict[str, Any]:
    parents = [{"type": "Group", "id": group} for group in groups]
    return {"uid": {"type": type_name, "id": name}, "attrs": attributes, "parents": parents}


FAILS = {"==": {"left": {".": {"left": {"Var": "context"}, "attr": "x"}}, "right": {"Value": 1}}}
STAFF = policy("permit", principal={"op": "in", "entity": {"type": "Group", "id": "staff"}})


def test_without_a_permit_the_answer_is_no() -> None:
    decision = Engine(policy_set()).authorize(*CALL)
    assert (decision.verdict, decision.reason, decision.stage) == (
        "deny",
        "not_permitted",
        "ceiling",
    )
    assert (decision.policies, decision.errors, decision.allowed) == ((), (), False)


def test_forbid_wins() -> None:
    engine = Engine(policy_set(b=policy("permit"), a=policy("permit"), c=policy("forbid")))
    decision = engine.authorize(*CALL)
    assert (decision.reason, decision.policies) == ("forbidden", ("c",))


def test_all_satisfied_permits_are_named_in_order() -> None:
    decision = Engine(policy_set(b=policy("permit"), a=policy("permit"))).authorize(*CALL)
    assert (decision.verdict, decision.reason, decision.stage) == ("allow", "permitted", None)
    assert decision.policies == ("a", "b")


def test_a_forbid_that_fails_denies() -> None:
    policies = policy_set(p=policy("permit"), f=policy("forbid", FAILS), q=policy("permit", FAILS))
    decision = Engine(policies).authorize(*CALL)
    assert (decision.reason, decision.policies) == ("forbid_error", ("f",))
    assert [(error.policy, error.code) for error in decision.errors] == [
        ("f", "attribute_missing"),
        ("q", "attribute_missing"),
    ]


def test_as_in_cedar_a_forbid_that_fails_can_be_skipped() -> None:
    policies = policy_set(p=policy("permit"), f=policy("forbid", FAILS))
    decision = Engine(policies, on_error="cedar").authorize(*CALL)
    assert (decision.reason, decision.policies, len(decision.errors)) == ("permitted", ("p",), 1)


def test_a_satisfied_forbid_comes_before_one_that_fails() -> None:
    policies = policy_set(f=policy("forbid", FAILS), g=policy("forbid"))
    decision = Engine(policies).authorize(*CALL)
    assert (decision.reason, decision.policies, len(decision.errors)) == ("forbidden", ("g",), 1)


def test_a_scope_that_does_not_match_cannot_fail() -> None:
    other = policy("forbid", FAILS, principal={"op": "is", "entity_type": "Robot"})
    assert Engine(policy_set(p=policy("permit"), f=other)).authorize(*CALL).errors == ()


def test_a_decision_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="allowed"):
        bool(Engine(policy_set()).authorize(*CALL))


def test_decisions_are_equal_by_content() -> None:
    engine = Engine(policy_set(p=policy("permit")))
    assert engine.authorize(*CALL) == engine.authorize(("User", "ann"), *CALL[1:])
    assert engine.authorize(*CALL) != Engine(policy_set()).authorize(*CALL)


def test_the_verdict_alone_can_be_asked_for() -> None:
    decision = Engine(policy_set(p=policy("permit"))).authorize(*CALL, diagnostics="verdict")
    assert (decision.allowed, decision.reason, decision.policies) == (True, "permitted", ())


def test_a_batch_equals_singles_in_order() -> None:
    engine = Engine(policy_set(p=STAFF), entities=[entity("User", "ann", "staff")])
    rows = [
        {"principal": who, "action": CALL[1], "resource": CALL[2]}
        for who in ('User::"bo"', CALL[0])
    ]
    assert [each.allowed for each in engine.authorize_batch(rows)] == [False, True]
    assert engine.authorize_batch(rows) == [engine.authorize(**row) for row in rows]


def test_changes_of_entities_count() -> None:
    engine = Engine(policy_set(p=STAFF))
    assert not engine.authorize(*CALL).allowed
    engine.upsert([entity("User", "ann", "staff")])
    assert engine.authorize(*CALL).allowed
    engine.upsert([entity("User", "ann")])
    assert (engine.authorize(*CALL).allowed, engine.authorize(*CALL).epoch) == (False, 2)


def test_a_change_that_is_wrong_changes_nothing() -> None:
    engine = Engine(policy_set(p=STAFF), entities=[entity("User", "ann", "staff")])
    with pytest.raises(InputError):
        engine.upsert([entity("User", "ann"), {"uid": "nonsense"}])
    assert (engine.authorize(*CALL).allowed, engine.epoch) == (True, 0)


def test_entities_of_a_call_are_of_that_call_only() -> None:
    engine = Engine(policy_set(p=STAFF), entities=[entity("User", "bo", "staff")])
    assert engine.authorize(*CALL, entities=[entity("User", "ann", "staff")]).allowed
    assert not engine.authorize(*CALL).allowed
    assert not engine.authorize('User::"bo"', *CALL[1:], entities=[entity("User", "bo")]).allowed
    assert engine.authorize('User::"bo"', *CALL[1:]).allowed


@pytest.mark.parametrize(
    "wrong", [[1], 1, [{"uid": 1}], [entity("User", "ann", "x") | {"attrs": 1}]]
)
def test_wrong_entities_of_a_call_raise(wrong: Any) -> None:
    engine = Engine(policy_set(p=policy("permit")))
    with pytest.raises((InputError, TypeError)):
        engine.authorize(*CALL, entities=wrong)


def test_a_bundle_is_taken_as_it_is() -> None:
    class Bundle:
        def to_json(self) -> dict[str, Any]:
            loaded = [entity("User", "ann", "staff")]
            return {
                **{"policies": policy_set(p=STAFF), "schema": None},
                **{"entities": loaded, "on_error": "cedar"},
            }

    assert Engine(Bundle()).authorize(*CALL).allowed
    assert Engine(Bundle()).on_error == "cedar"
    assert not Engine(Bundle(), entities=[]).authorize(*CALL).allowed


TEMPLATES = {
    "both": policy(
        "permit",
        principal={"op": "is", "entity_type": "User", "in": {"slot": "?principal"}},
        resource={"op": "==", "slot": "?resource"},
    )
}


def test_a_link_fills_the_slots() -> None:
    engine = Engine(policy_set(TEMPLATES), entities=[entity("User", "ann", "staff")])
    engine.link("both", "l", principal='Group::"staff"', resource=EntityUid("Doc", "plan"))
    assert engine.authorize(*CALL).policies == ("l",)
    assert not engine.authorize(*CALL[:2], 'Doc::"other"').allowed
    assert engine.unlink("l")
    assert not engine.unlink("l")
    assert (engine.authorize(*CALL).allowed, engine.epoch) == (False, 2)


@pytest.mark.parametrize(
    ("template", "link_id", "slots", "code"),
    [
        ("both", "l", {"principal": 'Group::"staff"'}, "link_slots"),
        ("none", "l", {}, "link_template"),
        ("both", "both", {"principal": 'A::"a"', "resource": 'A::"a"'}, "link_duplicate"),
        ("both", "p", {"principal": 'A::"a"', "resource": 'A::"a"'}, "link_duplicate"),
        ("both", "l", {"principal": "nonsense", "resource": 'A::"a"'}, "uid"),
    ],
)
def test_a_wrong_link_is_refused(template: str, link_id: str, slots: Any, code: str) -> None:
    engine = Engine(policy_set(TEMPLATES, p=policy("permit")))
    with pytest.raises(InputError) as caught:
        engine.link(template, link_id, **slots)
    assert (caught.value.code, engine.epoch) == (code, 0)


def test_a_policy_is_not_unlinked() -> None:
    engine = Engine(policy_set(p=policy("permit")))
    assert not engine.unlink("p")
    assert engine.authorize(*CALL).allowed
