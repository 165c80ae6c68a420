"""The whole table: every claim of speed, measured in one run.

    python benches/report.py                      all groups, as Markdown
    python benches/report.py --only w1-single     one group
    python benches/report.py --json results.json  and everything as JSON

Each group runs in a process of its own, pinned to one core where the claim is about one core; what
is compared is timed in turn, and medians over rounds are shown. A wrong answer fails the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from groups import load, store, threads, w1_batch, w1_single, w2_crate, w3_scale, w5_single
from groups.row import Group, nanoseconds
from measure import cores, machine, median, pin, rounds, unpin

RUST = Path(__file__).parents[1] / "target" / "release" / "agentpdp-bench"
Json = dict[str, Any]


def groups(rust: Path | None) -> dict[str, Callable[[], Group]]:
    """All groups by name, in the order of the report."""
    return {
        "w1-single": w1_single.build,
        "w1-batch": w1_batch.build,
        "w2": partial(w2_crate.build, rust),
        "w3-static": partial(w3_scale.build, "static"),
        "w3-linked": partial(w3_scale.build, "linked"),
        "load": partial(load.build, rust),
        "store": store.build,
        "threads": threads.build,
        "w5-single": w5_single.build,
    }


def measured(group: Group, given: argparse.Namespace) -> Json:
    """One group's times and lines."""
    if group.pinned:
        pin(given.core)
    else:
        unpin()
    times = rounds(group.timed, given.rounds)
    lines = []
    for row in group.rows:
        value = row.value(times)
        lines.append(
            {
                "what": row.what,
                "target": row.target(),
                "sense": row.sense,
                "value": value,
                "shown": "not measured" if value is None else row.words(value),
                "met": None if value is None else row.is_met(value),
                "ours": median(times[row.ours]) if times.get(row.ours) else None,
                "peer": median(times[row.peer]) if row.peer and times.get(row.peer) else None,
            }
        )
    spread = {
        name: {"median": median(found), "least": min(found), "most": max(found)}
        for name, found in times.items()
    }
    return {"cores": cores(), "rows": lines, "times": spread}


def child(name: str, given: argparse.Namespace) -> Json:
    """A group in a process of its own."""
    command = [sys.executable, __file__, "--child", name, "--rounds", str(given.rounds)]
    command += ["--core", str(given.core)]
    if given.rust is not None:
        command += ["--rust", str(given.rust)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"group `{name}` failed; its error stands above")
    found: Json = json.loads(done.stdout)
    return found


def markdown(report: Json) -> str:
    """The report for people: machine, claims, all times."""
    lines = ["| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in report["machine"].items()]
    lines += [f"| rounds | {report['rounds']} |", ""]
    lines += ["| What | Target | Measured | Ours | Peer | Reached |", "|---|---|---|---|---|---|"]
    for found in report["groups"].values():
        lines += [claim(row) for row in found["rows"]]
    lines += ["", "| Time of one operation | Median | Least | Most |", "|---|---|---|---|"]
    for found in report["groups"].values():
        for name, each in found["times"].items():
            shown = " | ".join(nanoseconds(each[key]) for key in ("median", "least", "most"))
            lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def claim(row: Json) -> str:
    bounds = {
        "at most": "at most ",
        "each more": "at most ",
        "faster": "",
        "rate": "",
        "under": "under ",
    }
    target = bounds[row["sense"]] + row["target"] if row["target"] else ""
    if target and row["sense"] == "faster":
        target += " faster"
    ours = "" if row["ours"] is None else nanoseconds(row["ours"])
    peer = "" if row["peer"] is None else nanoseconds(row["peer"])
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    return f"| {row['what']} | {target} | {row['shown']} | {ours} | {peer} | {met} |"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    names = list(groups(None))
    parser.add_argument("--only", choices=names, action="append", help="measure this group only")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each group (15)")
    parser.add_argument(
        "--core",
        type=int,
        default=cores()[-1] if cores() else 0,
        help="the core to stay on (the last)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    parser.add_argument(
        "--rust",
        type=Path,
        default=RUST if RUST.exists() else None,
        metavar="PROGRAM",
        help="the Rust peer (target/release/agentpdp-bench)",
    )
    parser.add_argument("--child", choices=names, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    given = parse()
    if given.child:
        print(json.dumps(measured(groups(given.rust)[given.child](), given)))
        return
    report: Json = {"machine": machine(), "rounds": given.rounds, "groups": {}}
    for name in given.only or groups(None):
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        report["groups"][name] = child(name, given)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(markdown(report))


if __name__ == "__main__":
    main()
