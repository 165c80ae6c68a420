"""What the specification promises about itself: alone, short, and with a twin for every file."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import agentpdp.reference
import pytest

FOLDER = Path(agentpdp.reference.__file__).parent
ROOT = Path(__file__).parents[2]
LINES_MAX = 3_000
# JSON Schema, which the 3,000 lines of deciding do not count: decisions/0012-arguments.md.
ARGUMENTS_LINES_MAX = 800
# What plain bundles need, besides `decision` and `engine`, which serve bundles with tasks as well.
FOUNDATION_LINES_MAX = 1_100
FOUNDATION = {
    *("__init__", "value", "decimal", "ipaddr", "datetime", "entities", "expression", "policies"),
    *("schema", "request", "evaluate", "authorize"),
}
# Concepts whose compiled form is a crate of its own.
CRATES = {
    name: f"rust/arguments/src/{file}.rs"
    for name, file in (("arguments", "lib"), ("forms", "forms"))
}
FILES = sorted(FOLDER.glob("*.py"))
LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def code_lines(text: str) -> set[int]:
    """Lines that hold code: not blank, not a comment, not a docstring."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (*LAYOUT, tokenize.ENDMARKER):
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def test_it_is_short() -> None:
    lines = {file.stem: len(code_lines(file.read_text())) for file in FILES}
    assert sum(lines[name] for name in CRATES) <= ARGUMENTS_LINES_MAX
    assert sum(lines[name] for name in lines if name not in CRATES) <= LINES_MAX
    assert sum(lines[name] for name in FOUNDATION) <= FOUNDATION_LINES_MAX


def test_it_needs_nothing_but_the_standard_library() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(FOLDER.parents[1])!r}); import agentpdp.reference;"
        "print(*{name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    run = [sys.executable, "-I", "-S", "-c", script]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert set(found) <= {"agentpdp", "__main__", "__mp_main__"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_has_a_twin(file: Path) -> None:
    if file.stem == "__init__" or not (ROOT / "rust" / "core" / "src").is_dir():
        return
    twin = CRATES.get(file.stem, f"rust/core/src/{file.stem}.rs")
    assert (ROOT / twin).is_file()
    assert twin in (ast.get_docstring(ast.parse(file.read_text())) or "")
