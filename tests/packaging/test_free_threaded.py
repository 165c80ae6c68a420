"""The wheel for free-threaded Python: of its version, and it leaves the interpreter's lock off.

Needs such an interpreter: `FREE_THREADED` names it, or it is on the path as `python3.14t` or newer.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_distributions import BUNDLE, ROOT, run

NAMES = [f"python3.{minor}t" for minor in range(20, 13, -1)]
# Every thread decides the same calls; the lock stays off, and all get the same answers.
ASK = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
import agentpdp
assert not sys._is_gil_enabled(), "the extension turned the lock on"
engine = agentpdp.Engine(agentpdp.Bundle.load(sys.argv[1]))
rows = [json.loads(line) for line in sys.stdin]
parts = ("principal", "action", "resource", "context")
def decide(_):
    return [engine.authorize(*(row[part] for part in parts)).reason for row in rows]
with ThreadPoolExecutor(4) as pool:
    first, *others = pool.map(decide, range(8))
assert all(each == first for each in others)
print(json.dumps({reason: first.count(reason) for reason in sorted(set(first))}))
"""


def interpreter() -> str:
    """A free-threaded interpreter; the test is skipped where there is none."""
    given = os.environ.get("FREE_THREADED")
    found = [path for name in ([given] if given else NAMES) if (path := shutil.which(name))]
    if not found:
        what = f"`{given}` of FREE_THREADED" if given else "`python3.14t` or newer"
        pytest.skip(f"needs free-threaded Python: there is no {what}")
    return found[0]


def test_the_free_threaded_wheel_leaves_the_lock_off(tmp_path: Path) -> None:
    pytest.importorskip("maturin", reason="maturin builds the wheel; `make build` installs it")
    python = interpreter()
    options = ("build", "--release", "--no-default-features", "--interpreter", python)
    run(sys.executable, "-m", "maturin", *options, "--out", str(tmp_path / "dist"))
    (wheel,) = (tmp_path / "dist").iterdir()
    assert re.search(r"-cp3(\d+)-cp3\1t-", wheel.name), wheel.name
    command = (python, "-c", ASK, str(BUNDLE))
    lines = (ROOT / "examples" / "assistant" / "requests.jsonl").read_text()
    site = unpacked(wheel, tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        command, input=lines, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout).values()) == 3_000


def unpacked(wheel: Path, site: Path) -> Path:
    """As pip of that interpreter would; pip of this one refuses a wheel of another."""
    shutil.unpack_archive(wheel, site, "zip")
    return site
