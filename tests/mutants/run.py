"""Which mutants of the semantic modules do the tests catch?

    python tests/mutants/run.py decimal evaluate --report target/mutants.json

Each mutant is one small change of the code (``weave.py``). First the Rust tests run with few random
cases, then what survived meets all of them, then the tests in Python. What is left is printed: a
test is missing, or the change makes no difference, which docs/internals/mutants.md then shows.
Exits 1 if a mutant is left that is not listed there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutants import trial
from mutants.weave import CRATE, Mutant, listed

ROOT = Path(__file__).resolve().parents[2]


def files_of(module: str) -> list[str]:
    source = ROOT / CRATE / "src"
    paths = [source / f"{module}.rs", *sorted((source / module).glob("*.rs"))]
    found = [str(path.relative_to(ROOT)) for path in paths if path.exists()]
    if not found:
        raise SystemExit(f"{module}: there is no {source / module}.rs")
    return found


def equivalent() -> set[str]:
    """Names of mutants that make no difference, from the page that shows why."""
    page = (ROOT / "docs" / "internals" / "mutants.md").read_text()
    return set(re.findall(r"^- `([^`]+)`", page, re.MULTILINE))


def survivors(
    mutants: list[Mutant],
    commands: list[list[str]],
    cwd: Path,
    environment: dict[str, str],
    timeout_s: int = trial.TIMEOUT_S,
) -> list[Mutant]:
    left = []
    for at, each in enumerate(mutants, 1):
        mutated = {**environment, "AGENTPDP_MUTANT": str(each.number)}
        how = trial.caught(commands, cwd, mutated, timeout_s)
        print(f"{at}/{len(mutants)} {each.name}: {how or 'SURVIVED'}", file=sys.stderr, flush=True)
        if how is None:
            left.append(each)
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description="mutate modules of the core; run the tests")
    parser.add_argument("modules", nargs="+", help="names of modules, such as evaluate")
    parser.add_argument("--tree", type=Path, default=ROOT / "target" / "woven")
    parser.add_argument("--report", type=Path, help="write counts and survivors to this file")
    parser.add_argument("--rust-only", action="store_true", help="leave out the tests in Python")
    given = parser.parse_args()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    mutants = listed(ROOT, [file for module in given.modules for file in files_of(module)])
    trial.copy(ROOT, given.tree)
    alive = trial.woven(ROOT, given.tree, target, mutants)
    programs = [[str(each), "--quiet"] for each in trial.test_programs(given.tree, target)]
    crate = given.tree / "rust" / "cedar"
    plain = dict(os.environ)
    if trial.caught(programs, crate, plain):
        raise SystemExit("the tests fail without a mutant")
    left = survivors(alive, programs[: len(trial.FIRST)], crate, {**plain, **trial.QUICK})
    left = survivors(left, programs, crate, plain)
    if left and not given.rust_only:
        trial.extension(given.tree, target)
        tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        python = {**plain, "PYTHONPATH": str(given.tree / "python")}
        commands = [[*tests, each] for each in trial.PYTHON_TESTS]
        longest = trial.PYTHON_TIMEOUT_S
        if trial.caught(commands, given.tree, python, longest):
            raise SystemExit("the tests in Python fail without a mutant")
        left = survivors(left, commands, given.tree, python, longest)
    return report(mutants, alive, left, given.report)


def report(
    mutants: list[Mutant], alive: list[Mutant], left: list[Mutant], path: Path | None
) -> int:
    known = equivalent()
    rows = {}
    counts = [Counter(each.file for each in group) for group in (mutants, alive, left)]
    for file in sorted(counts[0]):
        all_of, built, survived = (count[file] for count in counts)
        names = [each.name for each in left if each.file == file]
        rows[file] = {
            "mutants": all_of,
            "unviable": all_of - built,
            "caught": built - survived,
            "equivalent": sum(unplaced(name) in known for name in names),
            "survived": [name for name in names if unplaced(name) not in known],
        }
        print(file, json.dumps(rows[file], indent=1))
    if path:
        path.write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(row["survived"] for row in rows.values()))


def unplaced(name: str) -> str:
    """A mutant's name without line and column, which move."""
    file, _, _, what = name.split(":", 3)
    return f"{file}:{what}"


if __name__ == "__main__":
    sys.exit(main())
