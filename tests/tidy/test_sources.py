"""Files are small, say what they are, and leave nothing undone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .sources import ROOT, files, head, name

FILE_LINES_MAX = 600
UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
COMMENT = re.compile(r"//.*")
EVERYWHERE = ("benches", "docs", "examples", "fuzz", "python", "rust", "tests")


def test_no_file_is_long() -> None:
    # The stubs of the extension are one file whatever it holds, and mostly its documentation.
    lines = {
        name(path): path.read_text(encoding="utf-8").count("\n")
        for path in files("rust", "python")
        if path.suffix != ".pyi"
    }
    assert {path: count for path, count in lines.items() if count > FILE_LINES_MAX} == {}


def test_every_module_has_a_head() -> None:
    without = [
        name(path)
        for path in files("rust", suffix=".rs")
        if "/src/" in name(path) and not head(path)
    ]
    for path in files("python", suffix=".py"):
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
            without.append(name(path))
    assert without == []


def test_core_and_reader_have_no_unsafe_code() -> None:
    unsafe = re.compile(r"\bunsafe\b(?!_code)")
    found = [
        name(path)
        for path in files("rust/core", "rust/arguments/src", "rust/cedar", suffix=".rs")
        if unsafe.search(COMMENT.sub("", path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_nothing_is_left_undone() -> None:
    found = [
        name(path) for path in files(*EVERYWHERE) if UNDONE.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_line_ends_in_white_space() -> None:
    found = [
        f"{name(path)}:{number}"
        for path in [*files(*EVERYWHERE), *ROOT.glob("*.md"), *ROOT.glob("*.toml")]
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
        if line != line.rstrip()
    ]
    assert found == []


# What neither decides nor makes deciding fast.
WITHOUT_TWIN = {"lib", "message"}
# Modules whose twin is a part of another module's.
PARTS = {"reload": "engine"}


@pytest.mark.parametrize("path", list(files("rust/core/src", suffix=".rs")), ids=name)
def test_a_core_module_has_a_twin_or_says_whose_result_it_preserves(path: Path) -> None:
    """The other way round is in tests/reference/test_house.py."""
    twin = re.search(r"Twin: `(reference/\w+\.py)`", head(path))
    if twin is not None:
        assert twin[1] == f"reference/{PARTS.get(path.stem, path.stem)}.py"
        assert (ROOT / "python" / "agentpdp" / twin[1]).is_file()
    elif path.stem not in WITHOUT_TWIN:
        assert "Optimisation:" in head(path)
