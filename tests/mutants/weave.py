"""All mutants of some Rust files in one program: which one is alive is asked when it runs.

`cargo mutants` builds the crates anew for every mutant, which is hours for a few modules. Here each
function that has mutants becomes a `match` on the number in `AGENTPDP_MUTANT`: an arm for every
mutant, with a body that is changed in one place, and the function as it is for all other numbers.
So the crates are built once, and a mutant costs no more than the tests that catch it.

Read next: ``trial.py``.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CRATE = "rust/core"
# Stands at the end of the crate's `lib.rs`.
SWITCH = """
pub(crate) fn woven() -> u32 {
    static NUMBER: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *NUMBER.get_or_init(|| {
        std::env::var("AGENTPDP_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    })
}
"""


@dataclass(frozen=True)
class Mutant:
    """One change of one place; spans are offsets into the file's text."""

    number: int
    name: str
    file: str
    function: tuple[int, int]
    span: tuple[int, int]
    replacement: str


@dataclass(frozen=True)
class Woven:
    """A file with its mutants in it; `arms` has the lines of each, `functions` of all of one."""

    text: str
    arms: dict[int, tuple[int, int]]
    functions: dict[tuple[int, int], tuple[int, int]]


def offset(starts: Sequence[int], place: dict[str, int]) -> int:
    return starts[place["line"] - 1] + place["column"] - 1


def line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def listed(root: Path, files: Iterable[str]) -> list[Mutant]:
    """What `cargo mutants` would change in these files; constants' functions cannot be asked."""
    found: list[Mutant] = []
    for file in files:
        command = ["cargo", "mutants", "--list", "--json", "--file", file]
        out = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
        text = (root / file).read_text()
        starts = line_starts(text)

        def span(of: dict[str, Any], starts: list[int] = starts) -> tuple[int, int]:
            return offset(starts, of["start"]), offset(starts, of["end"])

        for each in json.loads(out):
            if each["function"] is None:
                continue
            function, place = span(each["function"]["span"]), span(each["span"])
            number = len(found) + 1
            found.append(Mutant(number, each["name"], file, function, place, each["replacement"]))
    return found


def body_start(text: str, function: tuple[int, int]) -> int:
    """Where the body's bracket opens: the first outside of all others, behind `fn`."""
    at = function[0]
    while text[at:].lstrip().startswith(("///", "#[", "//")):
        at = text.index("\n", at) + 1
    depth = 0
    for place in range(text.index("fn ", at), function[1]):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[place], 0)
        if text[place] == "{" and depth == 0:
            return place
    raise AssertionError("a function has a body")


def weave(text: str, mutants: Sequence[Mutant]) -> Woven:
    """The text of a file with these mutants of it."""
    of_function: dict[tuple[int, int], list[Mutant]] = defaultdict(list)
    for each in mutants:
        of_function[each.function].append(each)
    parts, arms, functions = [], {}, {}
    done, line = 0, 1

    def put(part: str) -> tuple[int, int]:
        nonlocal line
        parts.append(part)
        first, line = line, line + part.count("\n")
        return first, line

    for function, group in sorted(of_function.items()):
        if function[0] < done:  # a function inside of one that is woven
            continue
        opens = body_start(text, function)
        put(text[done:opens])
        first, _ = put("{\nmatch crate::woven() {\n")
        for each in group:
            start, end = each.span
            changed = text[opens:start] + each.replacement + text[end : function[1]]
            arms[each.number] = put(f"{each.number} => {changed}\n")
        _, last = put(f"_ => {text[opens : function[1]]}\n}}\n}}\n")
        functions[function] = first, last
        done = function[1]
    put(text[done:])
    return Woven("".join(parts), arms, functions)
