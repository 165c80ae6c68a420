"""What is wrong with a bundle with tasks is found, by code, file, line and column.

Each case changes the bundle `care-desk`: a text by itself replaces a file or adds one, a pair
replaces the first text by the second in a file.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from agentpdp import Bundle, BundleError, _core

HERE = Path(__file__).parent
ROOT = HERE / "care-desk"
CASES = json.loads((HERE / "findings.json").read_text(encoding="utf-8"))


def files() -> dict[str, str]:
    paths = [path for path in ROOT.rglob("*") if path.is_file()]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def changed(case: dict[str, Any]) -> dict[str, str]:
    texts = files()
    for path in case.get("remove", ()):
        del texts[path]
    for path, change in case["change"].items():
        if isinstance(change, str):
            texts[path] = change
        else:
            old, new = change
            assert old in texts[path], f"{path} has no {old!r}"
            texts[path] = texts[path].replace(old, new, 1)
    return texts


def test_the_bundle_itself_loads() -> None:
    bundle = Bundle.load(ROOT)
    assert bundle.findings == ()
    assert bundle.tasks == ("pay", "refund-order")
    assert bundle.digest == Bundle.from_files(files()).digest


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_what_is_wrong_is_found_where_it_stands(case: dict[str, Any]) -> None:
    with pytest.raises(BundleError) as raised:
        Bundle.from_files(changed(case))
    found = [
        [each.code, each.file, each.line, each.column]
        for each in raised.value.findings
        if each.severity == "error"
    ]
    assert Counter(map(tuple, found)) == Counter(map(tuple, case["expected"]))
    said = " ".join(f"{each.message} {each.advice}" for each in raised.value.findings)
    assert case.get("says", "") in said


def test_every_code_of_bundles_with_tasks_has_a_case() -> None:
    """Codes between the settings' and the policies', and those of policies in tasks."""
    codes = [code for code, severity, _ in _core._finding_codes() if severity == "error"]
    of_tasks = codes[codes.index("settings_syntax") : codes.index("policy_syntax")]
    of_tasks += codes[codes.index("step_up_misplaced") : codes.index("schema_syntax")]
    reached = {expected[0] for case in CASES for expected in case["expected"]}
    assert set(of_tasks) - reached <= NOT_HERE


# Limits of size, which the tests of the arguments' crate reach.
NOT_HERE = {
    "tools_too_large",  # a list of 10,001 tools
    "input_too_large",  # a schema that means 20,001 arguments
}


def test_plain_bundles_stay_plain() -> None:
    schema = "entity User; action go appliesTo { principal: User, resource: User };"
    bundle = Bundle.from_sources(
        policies='@id("a") permit (principal, action, resource);', schema=schema
    )
    assert bundle.tasks == ()
    assert "delegation" not in bundle.to_json()
    with pytest.raises(KeyError):
        bundle.schema_text("pay")


def test_a_task_s_schema_is_printed() -> None:
    text = Bundle.load(ROOT).schema_text("pay")
    assert 'action "pay"' in text
    assert 'action "refund"' not in text
    plain = '@id("a") permit (principal, action, resource);'
    assert Bundle.from_sources(policies=plain, schema=text).has_schema


WARNINGS = [
    (
        "a forbid that asks first may read an open type",
        {
            "schema.cedarschema": ("entity Account;", "entity Account { risky: Bool };"),
            "policies/ceilings.cedar": (
                '@id("big-refund")',
                '@id("risky")\nforbid (principal, action == Action::"pay", resource)\n'
                'unless { resource has risky && !resource.risky };\n\n@id("big-refund")',
            ),
        },
        [],
    ),
    (
        "a task that permits what no ceiling allows",
        {
            "policies/ceilings.cedar": (
                'permit (principal in Fleet::"desk", action, resource)',
                'permit (principal in Fleet::"desk", action in AgentPDP::Action::"impact.read", '
                "resource)",
            )
        },
        [
            ("task_beyond_ceiling", "tasks/pay.cedar"),
            ("task_beyond_ceiling", "tasks/pay.cedar"),
            ("task_beyond_ceiling", "tasks/refund-order.cedar"),
            ("task_beyond_ceiling", "tasks/refund-order.cedar"),
            ("task_beyond_ceiling", "tasks/refund-order.cedar"),
        ],
    ),
    (
        "a parameter that nothing reads limits nothing",
        {"tasks/pay.toml": ("[params]", '[params]\nnote = "String"')},
        [("param_unread", "tasks/pay.toml")],
    ),
    (
        "a Bool parameter that silences a forbid by itself",
        {
            "tasks/pay.toml": ("[params]", '[params]\nanybody = "Bool"'),
            "tasks/pay.cedar": (
                "unless { context.grant.params.payees",
                "unless { context.grant.params.anybody || context.grant.params.payees",
            ),
        },
        [("param_silences", "tasks/pay.cedar")],
    ),
    (
        "a text that is none of an argument's choices",
        {
            "tools/desk.json": (
                '"reason": { "type": "string" }',
                '"reason": { "type": "string", "enum": ["late", "broken"] }',
            ),
            "policies/ceilings.cedar": (
                "context.input.amount > 200000",
                'context.input has reason && context.input.reason == "broke"',
            ),
        },
        [("choice_unknown", "policies/ceilings.cedar")],
    ),
    (
        "a tool whose own definition says that it does not only read",
        {
            "tools/desk.json": (
                '"description": "Shows an order.",',
                '"description": "Shows an order.", "annotations": {"readOnlyHint": false},',
            )
        },
        [("impact_stricter", "agentpdp.toml")],
    ),
]


@pytest.mark.parametrize(
    ("why", "change", "expected"), WARNINGS, ids=[each[0] for each in WARNINGS]
)
def test_what_looks_like_a_mistake_is_a_warning(
    why: str, change: dict[str, tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    bundle = Bundle.from_files(changed({"change": change}))
    unread = [each for each in bundle.findings if each.code == "param_unread"]
    assert all((each.line, each.column) == (5, 1) for each in unread)
    assert [(each.code, each.file) for each in bundle.findings] == expected, why


def test_tasks_that_no_ceiling_reaches_are_warned_of() -> None:
    only = '@id("readers") permit (principal, action in AgentPDP::Action::"impact.read", resource);'
    bundle = Bundle.from_files({**files(), "policies/ceilings.cedar": only})
    found = Counter(each.code for each in bundle.findings)
    assert found == {
        "task_unreachable": 2,
        "task_beyond_ceiling": 5,
        "approval_unreachable": 1,
    }


def test_a_review_says_what_passes_and_what_asks() -> None:
    review = Bundle.load(ROOT).review()
    reads = ["read_order", "read_calendar"]
    assert review["opaque"] == []
    assert review["tasks"]["pay"] == {
        "passes": reads,
        "asks": [
            {"action": "pay", "by": [{"policy": "pay/payee-not-named", "role": "account-holder"}]}
        ],
        "hands_on": ["delegate.pay"],
        "hands_on_only": [],
    }
    assert review["tasks"]["refund-order"]["passes"] == ["send_mail", *reads]
    own = ("lifetime =", 'own = ["impact.read"]\nlifetime =')
    planner = Bundle.from_files(changed({"change": {"tasks/pay.toml": own}}))
    assert planner.review()["tasks"]["pay"]["hands_on_only"] == ["pay", "delegate.pay"]


def test_front_ends_read_tasks_and_actions() -> None:
    bundle = Bundle.load(ROOT)
    task = bundle.task("refund-order")
    assert (task.description, task.lifetime_ms, task.own) == ("Refund one order", 1_800_000, None)
    assert [(param.name, param.type, param.required) for param in task.params] == [
        ("max", "Long", True),
        ("order", "Order", True),
    ]
    assert task.params[0].max == 500_000
    assert [param.type for param in bundle.task("pay").params] == ["decimal", "Set<Account>"]
    assert {action.uid: action.impact for action in bundle.actions}['Action::"refund"'] == (
        "write",
    )
    with pytest.raises(KeyError):
        bundle.task("nothing")


def test_a_policy_is_right_if_it_is_for_one_pair_of_types() -> None:
    """Only a `User` has a name that starts so; a `Service` has no calendar at all."""
    texts = {**files(), "entities.json": "[]"}
    texts["schema.cedarschema"] = texts["schema.cedarschema"].replace(
        "entity User, Service in Group { name: String };",
        "entity User in Group { name: String, calendar: Order };\nentity Service in Group;",
    )
    texts["policies/ceilings.cedar"] += (
        '@id("own-calendar")\n'
        'forbid (principal is Agent, action == Action::"read_calendar", resource)\n'
        "unless { context.grant.principal.calendar.total > 0 };\n"
    )
    Bundle.from_files(texts)
    texts["policies/ceilings.cedar"] = texts["policies/ceilings.cedar"].replace(
        "principal.calendar", "principal.kalender"
    )
    with pytest.raises(BundleError) as raised:
        Bundle.from_files(texts)
    assert {each.code for each in raised.value.findings} == {"attribute_unknown"}
