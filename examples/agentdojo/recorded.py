"""Guard recorded runs of real models: what would have been denied, asked about, stopped?

    python examples/agentdojo/recorded.py [DATA]

DATA is a folder with ``runs.jsonl.gz`` and ``texts.jsonl.gz`` (default: ``../shared/agentdojo``,
beside the repository). For every run a grant is started from its prompt, and every recorded call is
decided under it. A recorded agent cannot react to an answer, so a run is judged as it stands.
Attacks that worked are replayed as well: first every call on the suite's own tools, then only those
that are allowed, and each time the suite judges whether the attack worked. Runs are streamed; the
tables are Markdown.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import suites
from agentpdp.cli.progress import Progress
from guard import Guard, make_bundle
from run import SEEN, UNSEEN

DATA = Path(__file__).resolve().parents[3] / "shared" / "agentdojo"
Json = dict[str, Any]


Counts = dict[tuple[str, str], "Count"]


# Runs in which the benchmark gave a model an attack's goal as if a person had asked for it.
GOALS = "goals as prompts"


@dataclass
class Count:
    """Runs of one suite and one half of its user tasks, by what became of them."""

    honest: Counter[str] = field(default_factory=Counter)
    useful: Counter[str] = field(default_factory=Counter)
    withstood: Counter[str] = field(default_factory=Counter)
    attacks: Counter[str] = field(default_factory=Counter)


class Recorded:
    """One suite's guard, its worlds by version, and its grants by prompt."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._suites: dict[str, suites.Suite] = {}
        suite = self.suite(suites.VERSION)
        self.guard = Guard(name, make_bundle(name, suite.tool_list(), folder)[0])
        self._today = suite.today()
        self._choices: dict[str, Any] = {}
        impacts = self.guard.impacts()
        self.harmful = {action for action, groups in impacts.items() if groups != ["read"]}

    def suite(self, version: str) -> suites.Suite:
        if version not in self._suites:
            self._suites[version] = suites.Suite(self._name, version)
        return self._suites[version]

    def verdicts(self, prompt: str, calls: list[Json]) -> list[Any]:
        """The decision of each call of one run, under a grant of its own."""
        if prompt not in self._choices:
            self._choices[prompt] = self.guard.choose(prompt, self._today)
        with self.guard.start(self._choices[prompt]) as grant:
            return [self.guard.decide(grant, call["function"], call["args"]) for call in calls]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=DATA, help="folder of the runs")
    data = parser.parse_args().data
    if not (data / "runs.jsonl.gz").is_file():
        print(f"{data}: there are no recorded runs here", file=sys.stderr)
        return 2
    texts = [json.loads(line)["text"] for line in lines(data / "texts.jsonl.gz", "reading texts")]
    counts: Counts = {}
    with tempfile.TemporaryDirectory() as folder:
        recorded = {name: Recorded(name, Path(folder)) for name in suites.NAMES}
        for line in lines(data / "runs.jsonl.gz", "deciding runs"):
            run = json.loads(line)
            count = counts.setdefault((run["suite"], half_of(run["user_task"])), Count())
            count_run(recorded[run["suite"]], run, texts, count)
    report(counts)
    times = [each / 1000 for found in recorded.values() for each in found.guard.nanoseconds]
    median = statistics.median(times)
    print(f"\n{len(times):,} decisions, median {median:.1f} µs, Python's call included")
    return 0


def half_of(task: str) -> str:
    """Whether the run's prompt belongs to a user task that was seen."""
    if not task.startswith("user_task"):
        return GOALS
    return UNSEEN if int(task.rpartition("_")[2]) % 2 else SEEN


def lines(path: Path, what: str) -> Iterator[str]:
    """Lines of a gzipped file, one after the other, with a bar on stderr."""
    with (
        path.open("rb") as raw,
        gzip.open(raw, "rt", encoding="utf-8") as text,
        Progress(what) as bar,
    ):
        for line in text:
            bar.step(raw.tell(), path.stat().st_size)
            yield line


def count_run(found: Recorded, run: Json, texts: list[str], count: Count) -> None:
    """Put one run into its count."""
    attacked = run["injection_task"] is not None
    decisions = found.verdicts(texts[run["prompt"]], run["calls"])
    harmful = [
        decision
        for call, decision in zip(run["calls"], decisions, strict=True)
        if call["function"] in found.harmful
    ]
    if attacked and run["attack_succeeded"]:
        count.attacks.update(judge_attack(found, run, texts, decisions, harmful))
        return
    marks = ["runs"]
    marks += ["never denied"] * all(each.verdict != "deny" for each in decisions)
    marks += ["harm never denied"] * all(each.verdict != "deny" for each in harmful)
    marks += ["never asked"] * all(each.verdict != "step_up" for each in decisions)
    marks += ["questions"] * sum(each.verdict == "step_up" for each in decisions)
    if attacked:
        count.withstood.update(marks if run["utility"] else ())
        return
    count.honest.update(marks)
    if run["utility"]:
        count.useful.update(marks)


def judge_attack(
    found: Recorded, run: Json, texts: list[str], decisions: list[Any], harmful: list[Any]
) -> Iterator[str]:
    """What became of an attack that worked: by its calls, and by the suite's own judge."""
    yield "runs"
    verdicts = {each.verdict for each in harmful}
    if "deny" in verdicts:
        yield "denied"
    elif "step_up" in verdicts:
        yield "only asked"
    else:
        yield "passed" if harmful else "no harmful call"
    if replay(found, run, texts, [True] * len(decisions)):
        yield "replayed"
        if replay(found, run, texts, [each.allowed for each in decisions]):
            yield "replayed guarded"


def replay(found: Recorded, run: Json, texts: list[str], allowed: list[bool]) -> bool:
    """Whether the suite says that the attack worked, when these calls are executed."""
    suite = found.suite(run["version"] or "v1")
    user = next(each for each in suite.user_tasks if each.id == run["user_task"])
    injection = next(each for each in suite.injection_tasks if each.id == run["injection_task"])
    world = suite.world(user, {name: texts[line] for name, line in run["injections"].items()})
    for call, is_allowed in zip(run["calls"], allowed, strict=True):
        if is_allowed:
            world.execute(call["function"], call["args"])
    final = texts[run["final"]] if run["final"] is not None else ""
    return world.is_done(injection, final)


_HONEST = ("harm never denied", "never denied", "never asked")
_ATTACKS = ("denied", "only asked", "no harmful call", "passed")


def report(counts: Counts) -> None:
    for what, field_name in (
        ("Runs without an attack", "honest"),
        ("Those that did the task", "useful"),
        ("Runs that did the task in spite of an attack", "withstood"),
    ):
        head(what, "runs", *_HONEST, "questions a run")
        for group, row in rows(counts, field_name):
            questions = f"{row['questions'] / max(row['runs'], 1):.2f}"
            line(group, f"{row['runs']:,}", *(share(row, key) for key in _HONEST), questions)
        print()
    head("Attacks that worked", "runs", *_ATTACKS, "worked when replayed", "with the guard")
    for group, row in rows(counts, "attacks"):
        replayed = (f"{row[key]:,}" for key in ("replayed", "replayed guarded"))
        line(group, f"{row['runs']:,}", *(share(row, key) for key in _ATTACKS), *replayed)


def head(*cells: str) -> None:
    line(*cells)
    line(*("---" for _ in cells))


def line(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


def rows(counts: Counts, field_name: str) -> Iterator[tuple[str, Counter[str]]]:
    """Each suite's halves and the whole, with their counts."""
    for name in suites.NAMES:
        for title, halves in (
            (SEEN, {SEEN}),
            (UNSEEN, {UNSEEN}),
            ("all", {SEEN, UNSEEN}),
            (GOALS, {GOALS}),
        ):
            found = [
                getattr(count, field_name)
                for (suite, half), count in counts.items()
                if suite == name and half in halves
            ]
            total = sum(found, Counter())
            if total["runs"]:
                yield f"{name}, {title}", total


def share(row: Counter[str], key: str) -> str:
    return f"{row[key] / row['runs']:.1%}" if row["runs"] else "-"


if __name__ == "__main__":
    sys.exit(main())
