"""Instructions of one operation, counted by valgrind: what a busy machine cannot distort.

    python benches/instructions.py                   every line of LINES
    python benches/instructions.py "decide, 4 hops"  some of them

One process under callgrind builds `w5-small` (everything is some fifty times slower there) and asks
each line's rows once; for each line another does the same, and asks that line's rows many times.
What that adds, shared among the calls, is one call's, the loop around it included. Hashes of
Python are the same in all of them; what an engine draws at random is left, some ten instructions a
call. Needs valgrind.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

PASSES = 200
ROWS = 200
COLLECTED = re.compile(r"Collected : (\d+)")
NONE = "none"
Run = Callable[[], object]
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


def prepared(scene: Any, line: str) -> tuple[Run, int]:
    """What is run of a line, and how many operations that is."""
    from groups import w5_single
    from peers import ours_chain
    from peers.bounds import expressible
    from peers.ours import floors
    from peers.tenuo_warrants import Warrants

    hops = LINES[line]
    drawn = scene.allowed(hops) if "allowed" in line else scene.mixed(hops)
    calls = w5_single.spread(drawn, ROWS)
    asked = scene.asked(calls)
    if line.startswith("decide_batch"):
        busy = scene.workload.busy
        columns = ours_chain.table(scene.grants, busy)
        return partial(scene.engine.decide_batch, columns, threads=1), len(busy)
    if line.startswith("decide"):
        return partial(w5_single.decide_each, 1, asked), len(asked)
    if line.startswith("Tenuo"):
        warrants = Warrants(scene.workload, scene.places)
        rows = [
            (warrants.check(call), call.tool, call.arguments)
            for call, _ in scene.reaching(hops, expressible)
        ]
        return partial(w5_single.check_each, 1, rows), len(rows)
    if line.startswith("hand-written"):
        by_hand = scene.by_hand.asked(calls)
        return partial(w5_single.call_each, scene.by_hand.decide, 1, by_hand), len(asked)
    floor = floors()["call" if line.startswith("read") else "call_empty"]
    return partial(w5_single.call_each, floor, 1, asked), len(asked)


def child(lines: list[str], counted: str) -> None:
    """Everything once, and one line many times; prints how many operations that adds."""
    from groups.w5_single import Scene

    scene = Scene("w5-small", with_cedar=False)
    runs = {line: prepared(scene, line) for line in lines}
    for run, _ in runs.values():
        run()
    if counted in runs:
        run, operations = runs[counted]
        for _ in range(PASSES):
            run()
        print(PASSES * operations)


def spent(lines: list[str], counted: str) -> tuple[int, int]:
    """Instructions of a whole process, and the operations that were added."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"]
        command += [sys.executable, __file__, "--child", counted, *lines]
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, env=fixed)
    found = COLLECTED.search(done.stderr)
    if done.returncode or found is None:
        sys.exit(done.stderr)
    return int(found[1]), int(done.stdout or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"of {', '.join(LINES)}")
    parser.add_argument("--child", choices=[*LINES, NONE], help=argparse.SUPPRESS)
    given = parser.parse_args()
    lines = given.lines or list(LINES)
    if unknown := [line for line in lines if line not in LINES]:
        parser.error(f"no line `{unknown[0]}`; there are {', '.join(LINES)}")
    if given.child:
        child(lines, given.child)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        (without, _), *found = pool.map(partial(spent, lines), [NONE, *lines])
    print("| Instructions of one operation | |\n|---|---|")
    for line, (instructions, operations) in zip(lines, found, strict=True):
        print(f"| {line} | {(instructions - without) / operations:,.0f} |")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
