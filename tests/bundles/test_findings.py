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


# Codes of the arguments' crate that its own tests reach, with what would bring them about.
NOT_HERE = {
    "tools_too_large",  # a list of 10,001 tools
    "input_too_large",  # a schema that means 20,001 arguments
    "ref_unresolved",  # a `$ref` to nothing
    "name_reserved",  # an argument `__x`
    "kind_option",  # `money` without a currency
    "kind_type",  # `email` of an integer
    "entity_type",  # an entity of a boolean
    "opaque_typed",  # `opaque` of a string
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
