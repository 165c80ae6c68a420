"""Instructions and memory traffic of one operation, by valgrind: what no busy machine distorts.

    python benches/instructions.py                    every line of LINES, on warm rows of w5-small
    python benches/instructions.py "decide, 4 hops"   some of them
    python benches/instructions.py --cold             other rows of the whole w5 each time

For each line one process under callgrind makes the workload, asks the rows, and only then counts
while it asks them again. Another that counts nothing is taken off. Misses are those of a simulated
core: 32 KiB for code and for data, eight ways, 1 MiB behind them; a real one fetches ahead. Hashes
of Python are the same in all of them; what an engine draws at random is left, some ten instructions
a call. Needs valgrind.
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

PASSES, ROWS = 100, 200
COLD_ROWS = 10_000
CACHES = ("--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,16,64")
COLLECTED = re.compile(r"Collected : ([\d ]+)")
HEADINGS = ("instructions", "code not in 32 KiB", "data not in 32 KiB", "neither in 1 MiB")
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


def prepared(scene: Any, line: str, is_cold: bool) -> tuple[Run, int]:
    """What is run of a line, and how many operations that is."""
    from groups import w5_single
    from peers import ours_chain
    from peers.bounds import expressible
    from peers.ours import floors
    from peers.tenuo_warrants import Warrants

    hops = LINES[line]
    drawn = scene.allowed(hops) if "allowed" in line else scene.mixed(hops)
    if is_cold and "allowed" not in line:
        drawn = scene.workload.of_depth(hops)
    calls = w5_single.spread(drawn, COLD_ROWS if is_cold else ROWS)
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


def child(counted: str, is_cold: bool) -> None:
    """Counts while a line's rows are asked; prints how many operations that was."""
    from groups.w5_single import Scene

    scene = Scene("w5" if is_cold else "w5-small", with_cedar=False)
    run, operations = (lambda: None, 0) if counted == NONE else prepared(scene, counted, is_cold)
    passes = 1 if is_cold else PASSES
    run()
    count("on")
    for _ in range(passes):
        run()
    count("off")
    print(f"operations: {passes * operations}")


def count(switch: str) -> None:
    command = ["callgrind_control", "-i", switch, str(os.getpid())]
    subprocess.run(command, check=True, capture_output=True)


def spent(is_cold: bool, counted: str) -> tuple[list[int], int]:
    """What was counted, by HEADINGS, and of how many operations."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"]
        command += ["--instr-atstart=no", *CACHES, sys.executable, __file__, "--child", counted]
        command += ["--cold"] if is_cold else []
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, env=fixed)
    found = COLLECTED.search(done.stderr)
    if done.returncode or found is None:
        sys.exit(done.stderr)
    events = [int(each) for each in found[1].split()]
    instructions, _, _, code, read, written, *beyond = events
    operations = int(done.stdout.rpartition(":")[2])
    return [instructions, code, read + written, sum(beyond)], operations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"of {', '.join(LINES)}")
    parser.add_argument("--cold", action="store_true", help="rows of the whole w5, in turn")
    parser.add_argument("--child", choices=[*LINES, NONE], help=argparse.SUPPRESS)
    given = parser.parse_args()
    lines = given.lines or list(LINES)
    if unknown := [line for line in lines if line not in LINES]:
        parser.error(f"no line `{unknown[0]}`; there are {', '.join(LINES)}")
    if given.child:
        child(given.child, given.cold)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        (nothing, _), *found = pool.map(partial(spent, given.cold), [NONE, *lines])
    print(f"| Of one operation | {' | '.join(HEADINGS)} |\n|---|{'---|' * len(HEADINGS)}")
    for line, (events, operations) in zip(lines, found, strict=True):
        each = [(event - less) / operations for event, less in zip(events, nothing, strict=True)]
        print(f"| {line} | {' | '.join(f'{value:,.0f}' for value in each)} |")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
