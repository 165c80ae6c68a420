"""Every example of the README and of the documentation runs and prints what it says.

Each page runs in a directory of its own, in which `examples` is the repository's.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from agentpdp.cli import main

from .pages import ROOT, Block, blocks, matches, pages

# Their help texts and examples are run by tests/cli/test_docs.py.
ELSEWHERE = ("docs/reference/cli.md", "docs/reference/cli/")
PAGES = {
    name: found
    for page in pages()
    if not (name := str(page.relative_to(ROOT))).startswith(ELSEWHERE) and (found := blocks(page))
}


@pytest.mark.parametrize("name", PAGES)
def test_examples_run(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in PAGES[name]:
        if block.file is not None:
            file = tmp_path / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            run_python(name, block, namespace)
            compare(name, block.line, block.printed or "", capsys)
        elif block.language == "console":
            run_console(name, block, capsys)


def run_python(name: str, block: Block, namespace: dict[str, Any]) -> None:
    # Empty lines in front make tracebacks name the line of the page.
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, name, "exec"), namespace)


def run_console(name: str, block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    for command, shown in block.commands:
        program, *arguments = shlex.split(command)
        if program != "agentpdp":
            continue
        code = main(arguments)
        if shown.strip():
            compare(name, block.line, shown, capsys)
        else:
            assert code == 0, f"{name}:{block.line}: `{command}` ended with {code}"
            capsys.readouterr()


def compare(name: str, line: int, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    captured = capsys.readouterr()
    printed = captured.out + captured.err
    assert matches(shown, printed), (
        f"{name}:{line} shows\n{shown}\nand what is printed is\n{printed}"
    )
