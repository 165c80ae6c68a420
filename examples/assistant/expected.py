"""Write what the requests must be decided, as Cedar itself decides them.

    python examples/assistant/expected.py > examples/assistant/expected.json

Asks the official engine through `cedarpy` (a test dependency), so that the numbers our own engine
is held to do not come from it. Three things are added on top: policies are named by their `@id`; a
row that Cedar refuses to build counts as denied at stage `arguments`, for the reason that
malformed.py names; and an erring forbid denies.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections import Counter
from typing import Any

import cedarpy
from malformed import FAULTS

HERE = pathlib.Path(__file__).parent
BUNDLE = HERE / "bundle"


class Cedar:
    """The bundle in Cedar's own hands."""

    def __init__(self) -> None:
        paths = sorted((BUNDLE / "policies").glob("*.cedar"))
        text = "\n".join(path.read_text() for path in paths)
        self.schema = cedarpy.Schema.from_str((BUNDLE / "schema.cedarschema").read_text())
        checked = cedarpy.validate_policies(text, self.schema)
        if not checked.validation_passed:
            sys.exit("\n".join(str(error) for error in checked.errors))
        self.policies = cedarpy.PolicySet.from_str(text)
        entities = (BUNDLE / "entities.json").read_text()
        self.entities = cedarpy.Entities.from_json_str(entities, self.schema)
        static = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        self.ids = {name: policy["annotations"]["id"] for name, policy in static.items()}
        self.forbids = {name for name, policy in static.items() if policy["effect"] == "forbid"}

    def decide(self, rows: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
        """Verdict, reason and determining policies of each row."""
        answers = cedarpy.is_authorized_batch(rows, self.policies, self.entities, self.schema)
        return [self.read(row, answer) for row, answer in zip(rows, answers, strict=True)]

    def read(self, row: dict[str, Any], answer: cedarpy.AuthzResult) -> tuple[str, str, list[str]]:
        reasons = [self.ids[name] for name in answer.diagnostics.reasons]
        if answer.decision is cedarpy.Decision.NoDecision:
            return "deny", FAULTS[row["label"].removeprefix("hostile:")][0], []
        if answer.decision is cedarpy.Decision.Deny and reasons:
            return "deny", "forbidden", reasons
        erring = [self.ids[n] for n in self.forbids if f"`{n}`" in str(answer.diagnostics.errors)]
        if erring:
            return "deny", "forbid_error", erring
        if answer.decision is cedarpy.Decision.Deny:
            return "deny", "not_permitted", []
        return "allow", "permitted", reasons


def main() -> None:
    rows = [json.loads(line) for line in (HERE / "requests.jsonl").read_text().splitlines()]
    verdicts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    policies: Counter[str] = Counter()
    labels: dict[str, Counter[str]] = {}
    for row, (verdict, reason, ids) in zip(rows, Cedar().decide(rows), strict=True):
        verdicts[verdict] += 1
        reasons[reason] += 1
        policies.update(ids)
        labels.setdefault(row["label"], Counter())[reason] += 1
    expected = {
        "rows": len(rows),
        "verdicts": verdicts,
        "reasons": reasons,
        "policies": policies,
        "labels": labels,
    }
    json.dump(expected, sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
