"""The example of several agents: one honest payment, and nothing of what the injection asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "multi_agent"


def run() -> str:
    command = [sys.executable, "-B", str(EXAMPLE / "run.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_only_the_honest_payment_is_made() -> None:
    printed = run()
    assert "paid: [('NO9386011117947', 31900)], notes sent: []" in printed
    honest, _, rest = printed.partition("Invoice i-205 talks")
    assert "deny" not in honest
    attempts = [line.split() for line in rest.splitlines() if line.startswith("  ")]
    allowed = [words[2] for words in attempts if words[1] == "allow"]
    # Reading, and one grant within what Nora named; every other attempt is denied.
    assert allowed == ["read_invoice", "hands"]
    assert [words[1] for words in attempts].count("deny") == 9


def test_each_attempt_is_denied_by_the_rule_that_the_readme_names() -> None:
    printed = run()
    own = "payees=['NO9386011117947'], cents_max="
    for line in (
        "send_note (to=['list@mallory.example']): not_permitted (ceiling of hop 0)",
        "payee=NO9386011117947, cents=4500): hand_on_only (task of hop 0)",
        f"hands pay to payer ({own}400000): not_permitted (task of hop 0)",
        f"hands pay to stranger ({own}4500): not_permitted (ceiling of hop 0)",
    ):
        assert line in printed


def test_the_explanation_names_every_hop() -> None:
    tree = run().partition("Why the payer cannot:")[2]
    for said in (
        """├─ principal: `User::"nora"`\n│  └─ ceiling: allow (permitted), by `accounting`\n""",
        'hop 0: `Agent::"planner"`, task `settle`, valid from ',
        "│  └─ task: deny (not_permitted)  <- this decided\n",
        'hop 1: `Agent::"payer"`, task `pay`, valid from ',
        "   ├─ hop 0's task: `settle/settle` would have to be satisfied\n",
        "   └─ hop 1's task: `pay/pay` would have to be satisfied\n",
    ):
        assert said in tree
