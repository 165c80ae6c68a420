"""The reference pages of the command line are true: help as it is, examples that run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from agentpdp.cli import COMMANDS, exits, measure

from .conftest import Run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "cli.md"
PAGES = {page.stem: page for page in sorted(PAGE.with_suffix("").glob("*.md"))}
NAMES = [command.__name__.rpartition(".")[2] for command in COMMANDS]
BLOCK = re.compile(r"^```console\n\$ agentpdp ([^\n]*--help)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HELP = {
    asked: (page, shown)
    for page in (PAGE, *PAGES.values())
    for asked, shown in BLOCK.findall(page.read_text(encoding="utf-8"))
}
EXAMPLE = re.compile(r"^example:\n  \$ agentpdp (.*)$", re.MULTILINE)


@pytest.mark.parametrize("asked", HELP)
def test_help_is_as_the_page_shows_it(run: Run, asked: str) -> None:
    assert run(*asked.split()).out == HELP[asked][1]


def test_every_command_has_a_page_with_its_help() -> None:
    assert set(PAGES) == set(NAMES)
    shown = {asked: page for asked, (page, _) in HELP.items()}
    assert shown == {"--help": PAGE, **{f"{name} --help": PAGES[name] for name in NAMES}}


def test_the_first_page_leads_to_the_others_in_the_order_of_the_help() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| \[`(\w+)`\]\(cli/(\w+)\.md\)", text, re.MULTILINE) == [
        (name, name) for name in NAMES
    ]


@pytest.mark.parametrize("asked", [asked for asked in HELP if asked != "--help"])
def test_the_example_of_each_help_runs(
    run: Run, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.setattr(measure, "_ROUND_NS_MIN", 100_000)
    monkeypatch.setattr(measure, "_SINGLE_CALLS_MAX", 200)
    example = EXAMPLE.search(HELP[asked][1])
    assert example is not None
    ran = run(*example[1].split())
    assert ran.code == exits.DONE, ran.err
    assert ran.out


def test_the_page_names_every_exit_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for code, meaning in exits.MEANINGS.items():
        assert f"| {code} | {meaning} |" in page
