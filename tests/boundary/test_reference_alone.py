"""`agentpdp.reference` works where the compiled extension cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "python"
SCRIPT = """
import sys

sys.path.insert(0, sys.argv[1])
for name in ("agentpdp._core", "numpy", "pyarrow"):
    sys.modules[name] = None

import agentpdp
import agentpdp.reference

scope = {part: {"op": "All"} for part in ("principal", "action", "resource")}
policies = {
    "staticPolicies": {"p": {"effect": "permit", **scope, "conditions": []}},
    "templates": {},
    "templateLinks": [],
}
engine = agentpdp.reference.Engine(policies)
decision = engine.authorize('User::"ann"', 'Action::"view"', 'Doc::"plan"', {"n": 1.5})
assert decision.reason == "argument_type", decision
decision = engine.authorize('User::"ann"', 'Action::"view"', 'Doc::"plan"')
print(decision.policies, agentpdp.__version__)
for name in ("Engine", "Bundle", "EntityUid"):
    try:
        getattr(agentpdp, name)
    except ImportError:
        print(name)
"""


def test_the_reference_needs_no_extension() -> None:
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT, str(PACKAGE)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, *missing = run.stdout.splitlines()
    assert first.startswith("('p',) 0.")
    assert missing == ["Engine", "Bundle", "EntityUid"]
