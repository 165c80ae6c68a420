"""Instructions of one operation, counted by valgrind: what a busy machine cannot distort.

    python benches/instructions.py                   every line of LINES
    python benches/instructions.py "decide, 4 hops"  some of them

Each line runs twice under callgrind, in a process of its own, with its rows asked a few times and
many times; the difference, shared among the calls, is one call's, the loop around it included. The
workload is `w5-small`, as everything is some fifty times slower there. Needs valgrind.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FEW, MANY = 2, 12
ROWS = 100
COLLECTED = re.compile(r"Collected : (\d+)")
Run = Callable[[], None]
LINES = {
    "decide, 1 hop": 1,
    "decide, 2 hops": 2,
    "decide, 3 hops": 3,
    "decide, 4 hops": 4,
    "decide, allowed, 1 hop": 1,
    "decide, allowed, 4 hops": 4,
    "read floor of a call": 1,
    "empty call of a grant": 1,
    "decide_batch, Arrow, 2 hops": 2,
    "hand-written, 1 hop": 1,
    "hand-written, 4 hops": 4,
    "Tenuo, 1 hop": 1,
}


def prepared(line: str) -> tuple[Run, int]:
    """What is run of a line, and how many operations that is."""
    from groups import w5_single
    from peers import ours_chain
    from peers.bounds import expressible
    from peers.ours import floors
    from peers.tenuo_warrants import Warrants

    scene = w5_single.Scene("w5-small", with_cedar=False)
    hops = LINES[line]
    calls = w5_single.spread(scene.allowed(hops) if "allowed" in line else scene.mixed(hops), ROWS)
    asked = scene.asked(calls)
    if line.startswith("decide_batch"):
        columns = ours_chain.table(scene.grants, scene.workload.busy)
        return lambda: scene.engine.decide_batch(columns, threads=1), len(scene.workload.busy)
    if line.startswith("decide"):
        return lambda: w5_single.decide_each(1, asked), len(asked)
    if line.startswith("Tenuo"):
        warrants = Warrants(scene.workload, scene.places)
        rows = [
            (warrants.check(call), call.tool, call.arguments)
            for call, _ in scene.reaching(hops, expressible)
        ]
        return lambda: w5_single.check_each(1, rows), len(rows)
    if line.startswith("hand-written"):
        rows_by_hand: Any = scene.by_hand.asked(calls)
        return lambda: w5_single.call_each(scene.by_hand.decide, 1, rows_by_hand), len(asked)
    floor = floors()["call" if line.startswith("read") else "call_empty"]
    return lambda: w5_single.call_each(floor, 1, asked), len(asked)


def child(line: str, passes: int) -> None:
    run, operations = prepared(line)
    for _ in range(passes):
        run()
    print(operations)


def counted(line: str, passes: int) -> tuple[int, int]:
    """Instructions of a whole process, and the operations of a pass."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"]
        command += [sys.executable, __file__, "--child", line, "--passes", str(passes)]
        done = subprocess.run(command, capture_output=True, text=True)
    found = COLLECTED.search(done.stderr)
    if done.returncode or found is None:
        sys.exit(done.stderr)
    return int(found[1]), int(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"of {', '.join(LINES)}")
    parser.add_argument("--child", choices=LINES, help=argparse.SUPPRESS)
    parser.add_argument("--passes", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.passes)
        return
    print("| Instructions of one operation | |\n|---|---|")
    for line in given.lines or LINES:
        few, operations = counted(line, FEW)
        many, _ = counted(line, MANY)
        each = (many - few) / ((MANY - FEW) * operations)
        print(f"| {line} | {each:,.0f} |", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
