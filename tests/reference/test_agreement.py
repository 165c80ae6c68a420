"""The reference and Cedar give the same decision, determining ids, failing ids and codes."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from agentpdp.reference import Engine

from .cases import Cases

cedarpy = pytest.importorskip("cedarpy")

SEEDS, REQUESTS = 250, 8
# What Cedar's messages say for each code.
CODES = {
    "type error": "type_error",
    "wrong number of arguments": "type_error",
    "does not have the attribute": "attribute_missing",
    "does not have the tag": "tag_missing",
    "integer overflow": "overflow",
    "does not exist": "entity_missing",
    "error while evaluating `": "extension_error",
}


def code_of(message: str) -> str:
    return next(code for words, code in CODES.items() if words in message)


def cedars_answer(answer: Any) -> Any:
    errors = [
        re.match(r"error while evaluating policy `(\w+)`: (.*)", each, re.S) for each in answer
    ]
    return sorted((match[1], code_of(match[2])) for match in errors if match)


def test_random_requests_are_answered_as_cedar_answers_them() -> None:
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        cases = Cases(seed)
        policies, entities = cases.policies(), cases.entities()
        requests = [cases.request() for _ in range(REQUESTS)]
        engine = Engine(policies, entities=entities, on_error="cedar")
        handle = cedarpy.PolicySet.from_json_str(json.dumps(policies))
        data = cedarpy.Entities.from_json_str(json.dumps(entities))
        for request, answer in zip(
            requests, cedarpy.is_authorized_batch(requests, handle, data), strict=True
        ):
            parties = [
                tuple(request[name].values()) for name in ("principal", "action", "resource")
            ]
            decision = engine.authorize(*parties, request["context"])
            assert decision.allowed is answer.allowed, (seed, request)
            assert list(decision.policies) == sorted(answer.diagnostics.reasons), (seed, request)
            errors = [(error.policy, error.code) for error in decision.errors]
            assert errors == cedars_answer(answer.diagnostics.errors), (seed, request)
            seen.update([decision.reason, *(code for _, code in errors)])
    assert min(seen[reason] for reason in ("permitted", "forbidden", "not_permitted")) > 100
    assert set(CODES.values()) <= seen.keys()
