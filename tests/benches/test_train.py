"""What a profile-guided build learns from runs, each job at least once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = Path(__file__).parents[2] / "benches" / "train.py"
JOBS = ("w1, one by one", "w3-linked-1000, Arrow", "load", "decide, 4 hops", "decide_batch, Arrow",
        "explain", "start, delegate, close", "replay")  # fmt: skip


def test_every_job_that_a_build_learns_from_runs() -> None:
    pytest.importorskip("pyarrow", reason="batches are Arrow tables")
    command = [sys.executable, str(TRAIN), "--seconds", "0"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert {f"{job}: 1 times" for job in JOBS} <= set(ran)
