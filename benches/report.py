"""The whole table: every claim of speed, measured in one run.

    python benches/report.py                      all groups, as Markdown
    python benches/report.py --only w1-single     one group
    python benches/report.py --table grants       the groups of one table
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

from groups import (
    kinds,
    load,
    replay,
    store,
    threads,
    w1_batch,
    w1_single,
    w2_crate,
    w3_scale,
    w5_batch,
    w5_grants,
    w5_live,
    w5_single,
)
from groups.row import Group, Row, nanoseconds
from measure import Gauge, cores, machine, median, pin, rounds, unpin

RUST = Path(__file__).parents[1] / "target" / "release" / "agentpdp-bench"
Json = dict[str, Any]
Builders = dict[str, Callable[[], Group]]


def tables(rust: Path | None) -> dict[str, Builders]:
    """All groups by name, in the order of the report, by the table that they stand in."""
    return {
        "plain bundles": {
            "w1-single": w1_single.build,
            "w1-batch": w1_batch.build,
            "w2": partial(w2_crate.build, rust),
            "w3-static": partial(w3_scale.build, "static"),
            "w3-linked": partial(w3_scale.build, "linked"),
            "load": partial(load.build, rust),
            "store": store.build,
            "threads": threads.build,
        },
        "grants": {
            "w5-single": w5_single.build,
            "w5-batch": w5_batch.build,
            "w5-live": w5_live.build,
            "w5-memory": w5_grants.build_memory,
            "w5-grants": w5_grants.build,
            "kinds": partial(kinds.build, rust),
            "replay": replay.build,
            "w5-threads": w5_batch.build_threads,
        },
    }


def groups(rust: Path | None) -> Builders:
    """All groups by name."""
    return {name: build for table in tables(rust).values() for name, build in table.items()}


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
                "ours": median(times[row.ours]) if is_time(row) and times.get(row.ours) else None,
                "peer": median(times[row.peer]) if row.peer and times.get(row.peer) else None,
            }
        )
    spread = {
        name: {"median": median(found), "least": min(found), "most": max(found)}
        for name, found in times.items()
        if name not in {one.name for one in group.timed if isinstance(one, Gauge)}
    }
    return {"cores": cores(), "rows": lines, "times": spread}


def is_time(row: Row) -> bool:
    return row.sense != "bytes"


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
    for table, members in tables(None).items():
        found = [each for name, each in report["groups"].items() if name in members]
        if found:
            lines += [f"Claims of {table}:", ""]
            lines += ["| What | Target | Measured | Ours | Peer | Reached |"]
            lines += ["|---|---|---|---|---|---|"]
            lines += [claim(row) for each in found for row in each["rows"]]
            lines.append("")
    lines += ["| Time of one operation | Median | Least | Most |", "|---|---|---|---|"]
    for found in report["groups"].values():
        for name, each in found["times"].items():
            shown = " | ".join(nanoseconds(each[key]) for key in ("median", "least", "most"))
            lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def claim(row: Json) -> str:
    bounds = {
        "at most": "at most ",
        "bytes": "at most ",
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
    parser.add_argument(
        "--without", choices=names, action="append", default=[], help="leave this group out"
    )
    parser.add_argument("--table", choices=list(tables(None)), help="measure one table's groups")
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


def asked(given: argparse.Namespace) -> list[str]:
    """The groups that are to be measured."""
    names = given.only or (tables(None)[given.table] if given.table else groups(None))
    return [name for name in names if name not in given.without]


def main() -> None:
    given = parse()
    if given.child:
        print(json.dumps(measured(groups(given.rust)[given.child](), given)))
        return
    report: Json = {"machine": machine(), "rounds": given.rounds, "groups": {}}
    for name in asked(given):
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        report["groups"][name] = child(name, given)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(markdown(report))


if __name__ == "__main__":
    main()
