"""The reference page of the command line is true: help texts as they are, examples that run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from agentpdp.cli import COMMANDS, exits, measure

from .conftest import Run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "cli.md"
BLOCK = re.compile(r"^```console\n\$ agentpdp ([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HELP = {
    asked: shown for asked, shown in BLOCK.findall(PAGE.read_text()) if asked.endswith("--help")
}
EXAMPLE = re.compile(r"^example:\n  \$ agentpdp (.*)$", re.MULTILINE)


@pytest.mark.parametrize("asked", HELP)
def test_help_is_as_the_page_shows_it(run: Run, asked: str) -> None:
    assert run(*asked.split()).out == HELP[asked]


def test_the_page_shows_all_help() -> None:
    names = [command.__name__.rpartition(".")[2] for command in COMMANDS]
    assert list(HELP) == ["--help", *(f"{name} --help" for name in names)]


@pytest.mark.parametrize("asked", [asked for asked in HELP if asked != "--help"])
def test_the_example_of_each_help_runs(
    run: Run, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.setattr(measure, "_ROUND_NS_MIN", 100_000)
    monkeypatch.setattr(measure, "_SINGLE_CALLS_MAX", 200)
    example = EXAMPLE.search(HELP[asked])
    assert example is not None
    ran = run(*example[1].split())
    assert ran.code == exits.DONE, ran.err
    assert ran.out


def test_the_page_names_every_exit_code() -> None:
    page = PAGE.read_text()
    for code, meaning in exits.MEANINGS.items():
        assert f"| {code} | {meaning} |" in page
