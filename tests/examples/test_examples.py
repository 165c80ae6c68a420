"""The examples are true: made again they are the same, and each row is decided as Cedar does.

What is expected comes from `cedarpy`, never from agentpdp. Examples run as their reader runs them.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import agentpdp
import cedarpy
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ASSISTANT = EXAMPLES / "assistant"
AGENTCORE = EXAMPLES / "agentcore"
Json = dict[str, Any]


def run(script: Path) -> str:
    """What a script prints; -B, so that no bytecode is left beside the examples."""
    command = [sys.executable, "-B", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def questions() -> list[Json]:
    rows = [json.loads(line) for line in (ASSISTANT / "requests.jsonl").read_text().splitlines()]
    return [{name: row[name] for name in row if name != "label"} for row in rows]


def row_labels() -> list[str]:
    lines = (ASSISTANT / "requests.jsonl").read_text().splitlines()
    return [json.loads(line)["label"] for line in lines]


@cache
def assistant() -> agentpdp.Engine:
    return agentpdp.Engine(agentpdp.Bundle.load(ASSISTANT / "bundle"))


@cache
def decisions() -> list[agentpdp.Decision]:
    engine = assistant()
    return [engine.authorize(**question) for question in questions()]


@cache
def expected() -> Json:
    found: Json = json.loads((ASSISTANT / "expected.json").read_text())
    return found


def test_requests_are_the_same_when_made_again() -> None:
    assert run(ASSISTANT / "requests.py") == (ASSISTANT / "requests.jsonl").read_text()


def test_expected_results_are_cedars_own() -> None:
    assert run(ASSISTANT / "expected.py") == (ASSISTANT / "expected.json").read_text()


def test_both_bundles_validate_without_a_warning() -> None:
    for path in (ASSISTANT, AGENTCORE):
        validation = agentpdp.Bundle.load(path / "bundle").validate()
        assert validation.passed
        assert list(validation.warnings) == []


def test_every_row_is_decided_as_expected() -> None:
    labels: dict[str, Counter[str]] = {}
    policies: Counter[str] = Counter()
    for label, decision in zip(row_labels(), decisions(), strict=True):
        labels.setdefault(label, Counter())[decision.reason] += 1
        policies.update(decision.policies)
    assert labels == expected()["labels"]
    assert policies == expected()["policies"]
    assert Counter(d.verdict for d in decisions()) == expected()["verdicts"]
    assert Counter(d.reason for d in decisions()) == expected()["reasons"]


def test_hostile_rows_are_denied_and_honest_ones_allowed() -> None:
    # The two exceptions carry their reason in their name; assistant/README.md explains both.
    denied = {"honest:over-the-ceiling"}
    allowed = {"hostile:within-the-ceiling"}
    for label, decision in zip(row_labels(), decisions(), strict=True):
        honest = label.startswith("honest:")
        assert decision.allowed == ((honest and label not in denied) or label in allowed), label


def test_malformed_rows_are_denied_at_the_arguments() -> None:
    at_arguments = {"unknown_action", "unknown_party", "unknown_resource", "not_applicable"}
    for decision in decisions():
        malformed = decision.reason.startswith("argument_") or decision.reason in at_arguments
        stage = "arguments" if malformed else None if decision.allowed else "ceiling"
        assert decision.stage == stage


def test_a_batch_is_decided_as_its_rows() -> None:
    found = assistant().authorize_batch(questions())
    assert list(found.verdict) == [d.verdict for d in decisions()]
    assert list(found.reason) == [d.reason for d in decisions()]
    counts = found.counts()
    assert {name: counts[name] for name in ("allow", "deny")} == expected()["verdicts"]
    assert counts["reasons"] == expected()["reasons"]


def test_the_readme_counts_rows_as_they_are() -> None:
    readme = (ASSISTANT / "README.md").read_text()
    malformed = sum(1 for decision in decisions() if decision.stage == "arguments")
    kinds = Counter(label for label in row_labels())
    over, within = kinds["honest:over-the-ceiling"], kinds["hostile:within-the-ceiling"]
    honest = sum(rows for label, rows in kinds.items() if label.startswith("honest:")) - over
    hostile = len(row_labels()) - honest - over - within - malformed
    for rows in (honest, over, hostile, within, malformed):
        assert f"| {rows:,} |" in readme


def test_every_policy_of_the_assistant_decides_something() -> None:
    assert set(assistant().bundle.policies) == set(expected()["policies"])


def test_the_guest_template_links() -> None:
    engine = agentpdp.Engine(agentpdp.Bundle.load(ASSISTANT / "bundle"))
    guest, calendar = ("Agent", "idris-desk"), ("Calendar", "mara")
    context = {"input": {"event_id": "e001"}, "system": {"now": "2031-04-14T09:30:00Z"}}
    before = engine.authorize(guest, ("Action", "read_event"), calendar, context)
    engine.link("calendar-guest", "idris-sees-mara", principal=guest, resource=calendar)
    after = engine.authorize(guest, ("Action", "read_event"), calendar, context)
    assert before.reason == "not_permitted"
    assert after.policies == ("idris-sees-mara",)


@cache
def gateway() -> ModuleType:
    spec = importlib.util.spec_from_file_location("agentcore_run", AGENTCORE / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_agentcore_policies_have_nothing_added_but_ids() -> None:
    for path in (AGENTCORE / "bundle" / "policies").glob("*.cedar"):
        static = json.loads(cedarpy.policies_to_json_str(path.read_text()))["staticPolicies"]
        for policy in static.values():
            assert list(policy["annotations"]) == ["id"]


def test_agentcore_demo_finds_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway().main() == 0
    assert len(capsys.readouterr().out.splitlines()) == 32


def test_agentcore_expectations_are_cedars_own() -> None:
    bundle = AGENTCORE / "bundle"
    text = "\n".join(path.read_text() for path in sorted((bundle / "policies").glob("*.cedar")))
    static = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    schema = (bundle / "schema.cedarschema").read_text()
    entities = json.loads((bundle / "entities.json").read_text())
    wanted = json.loads((AGENTCORE / "expected.json").read_text())
    rows = gateway().load_rows()
    assert [row["id"] for row in rows] == list(wanted)
    for row in rows:
        asked = gateway().request(row, gateway().load_tools())
        for party in ("principal", "action", "resource"):
            asked[party] = dict(zip(("type", "id"), asked[party], strict=True))
        added = asked.pop("entities")
        answer = cedarpy.is_authorized(asked, text, entities + added, schema)
        found = sorted(static[name]["annotations"]["id"] for name in answer.diagnostics.reasons)
        refused = answer.decision is cedarpy.Decision.NoDecision
        reason = wanted[row["id"]]["reason"]
        assert (wanted[row["id"]]["verdict"] == "allow") == answer.allowed, row["id"]
        assert wanted[row["id"]]["policies"] == found, row["id"]
        assert refused == (reason.startswith("argument_") or reason == "unknown_action"), row["id"]


def test_embed_prints_one_decision_and_all_reasons() -> None:
    first, second = run(EXAMPLES / "embed.py").splitlines()
    assert first == "allow permitted ('mail-delete',)"
    for reason, rows in expected()["reasons"].items():
        assert f"'{reason}': {rows}" in second
