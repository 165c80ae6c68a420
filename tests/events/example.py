"""The history of examples/multi_agent, as its events.jsonl has it.

    python -m tests.events.example

writes it anew.
"""

from __future__ import annotations

import io
import runpy
from contextlib import redirect_stdout
from pathlib import Path

from agentpdp import Bundle
from agentpdp.events import Recorder

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "multi_agent"
EVENTS = EXAMPLE / "events.jsonl"
TIME_START = 1_893_456_000_000


def record() -> str:
    """Runs the example on an engine that writes down what happens, a second for each event."""
    example = runpy.run_path(str(EXAMPLE / "run.py"))
    seconds = iter(range(TIME_START, TIME_START + 1_000_000, 1_000))
    lines = io.StringIO()
    desk = example["Desk"]()
    bundle = Bundle.load(EXAMPLE / "bundle")
    desk.engine = Recorder(bundle, lines, clock=lambda: next(seconds))
    params = {"payees": example["accounts"](example["HALDEN"]), "cents_max": 50_000}
    who = {"principal": example["NORA"], "agent": example["PLANNER"]}
    with redirect_stdout(io.StringIO()), desk.engine.start("settle", **who, params=params) as root:
        example["honest"](desk, root)
        example["injected"](desk, root)
    return lines.getvalue()


if __name__ == "__main__":
    EVENTS.write_text(record(), encoding="utf-8")
