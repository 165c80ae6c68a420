"""Builds a woven copy of the crates and runs the tests for one mutant after the other.

Read next: ``run.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .weave import CRATE, SWITCH, Mutant, Woven, weave

COPIED = ("Cargo.toml", "Cargo.lock", "rust", "fuzz", "python", "tests", "pyproject.toml")
PACKAGES = ("agentpdp-core", "agentpdp-cedar", "agentpdp-fuzz")
PYTHON_TESTS = ("tests/vectors", "tests/conformance", "tests/boundary", "tests/properties")
# Few cases first; a mutant that survives them meets all of them, and then the Python tests.
QUICK = {"AGREEMENT_CASES": "120", "EXTENSIONS_CASES": "500"}
# The test programs that catch most; the others only meet what survives these.
FIRST = ("extensions", "policies", "presence", "index", "locals", "replay", "agreement", "drawn")
TIMEOUT_S = 90
# Of one folder of tests in Python.
PYTHON_TIMEOUT_S = 400


def copy(root: Path, tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in COPIED:
        if (root / name).is_dir():
            ignored = shutil.ignore_patterns("target", "*.so", "__pycache__", "corpus-run")
            shutil.copytree(root / name, tree / name, ignore=ignored)
        else:
            shutil.copy(root / name, tree / name)
    settings = tree / CRATE / "Cargo.toml"  # lints are about style, and mutants have none
    settings.write_text(settings.read_text().replace("[lints]\nworkspace = true\n", ""))
    library = tree / CRATE / "src" / "lib.rs"
    library.write_text(library.read_text() + SWITCH)


def cargo(tree: Path, target: Path, *arguments: str) -> list[dict[str, Any]]:
    """The messages of a cargo command; a failure is among them."""
    command = ["cargo", *arguments, "--locked", "--message-format=json"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def errors(messages: Sequence[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """File and line of every error."""
    for each in messages:
        message = each.get("message")
        if isinstance(message, dict) and message.get("level") == "error":
            for span in message["spans"]:
                while span:  # out of macros, to where they are called
                    yield span["file_name"], span["line_start"]
                    span = (span["expansion"] or {}).get("span")


def woven(root: Path, tree: Path, target: Path, mutants: Sequence[Mutant]) -> list[Mutant]:
    """Weaves what compiles of the mutants into the tree."""
    left = list(mutants)
    while True:
        files: dict[str, Woven] = {}
        for file in sorted({each.file for each in mutants}):
            files[file] = weave((root / file).read_text(), [m for m in left if m.file == file])
            (tree / file).write_text(files[file].text)
        wrong = set(errors(cargo(tree, target, "check", "-p", "agentpdp-core")))
        if not wrong:
            kept = {number for each in files.values() for number in each.arms}
            return [each for each in left if each.number in kept]
        bad = {number for file, line in wrong for number in blamed(files.get(file), line)}
        if not bad:
            raise SystemExit(f"the woven tree does not build: {sorted(wrong)[:5]}")
        for each in left:
            if each.number in bad:
                print(f"does not compile: {each.name}", file=sys.stderr)
        left = [each for each in left if each.number not in bad]


def blamed(file: Woven | None, line: int) -> set[int]:
    """The mutant whose arm has the line, or all of the function that has it."""
    if file is None:
        return set()
    found = {number for number, (first, last) in file.arms.items() if first <= line <= last}
    if not found:
        for first, last in file.functions.values():
            if first <= line <= last:
                found = {
                    number for number, (start, _) in file.arms.items() if first <= start <= last
                }
    return found


def test_programs(tree: Path, target: Path) -> list[Path]:
    """The test programs of the crates, those that catch most at the least cost first."""
    packages = [part for name in PACKAGES for part in ("-p", name)]
    messages = cargo(tree, target, "test", "--no-run", *packages)
    found = {
        each["target"]["name"]: Path(each["executable"])
        for each in messages
        if each.get("executable") and each["profile"]["test"]
    }
    if not found or list(errors(messages)):
        raise SystemExit("the woven tests do not build")
    names = [name for name in FIRST if name in found]
    return [found[name] for name in (*names, *sorted(found.keys() - set(FIRST)))]


def extension(tree: Path, target: Path) -> None:
    """Builds the extension of the woven tree into its package."""
    options = ("--release", "-p", "agentpdp-python", "--features", "pyo3/extension-module")
    if list(errors(cargo(tree, target, "build", *options))):
        raise SystemExit("the woven extension does not build")
    shutil.copy(target / "release" / "lib_core.so", tree / "python" / "agentpdp" / "_core.abi3.so")


def caught(
    commands: Sequence[Sequence[str]],
    cwd: Path,
    environment: dict[str, str],
    timeout_s: int = TIMEOUT_S,
) -> str | None:
    """Which of the commands fails, or takes too long; none if all are well."""
    for command in commands:
        began = time.monotonic()
        try:
            quiet = subprocess.DEVNULL
            ran = subprocess.run(
                command, cwd=cwd, env=environment, stdout=quiet, stderr=quiet, timeout=timeout_s
            )
        except subprocess.TimeoutExpired:
            return f"timeout of {Path(command[0]).name}"
        if ran.returncode != 0:
            return f"{Path(command[0]).name} in {time.monotonic() - began:.1f} s"
    return None
