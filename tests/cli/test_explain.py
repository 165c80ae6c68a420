"""`agentpdp explain`: one recorded call, in four forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run
from .test_replay import START, call, candidate, desk, history, lines

__all__ = ["candidate", "desk", "history"]


def test_the_call_of_a_line_is_explained(run: Run, desk: Path, history: Path) -> None:
    ran = run("explain", desk, history, "--line", 4)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("deny (not_permitted): no permit is satisfied\n")
    assert "hop 0's task: `refund/refund` would have to be satisfied" in ran.out


def test_what_stands_before_has_happened(run: Run, desk: Path, history: Path) -> None:
    events = [json.loads(line) for line in history.read_text().splitlines()]
    for line, event in enumerate(events, 1):
        if event["event"] == "call":
            found = run("explain", desk, history, "--line", line, "--format", "json").json
            recorded = event["decision"]
            assert {name: found[name] for name in ("verdict", "reason")} == {
                name: recorded[name] for name in ("verdict", "reason")
            }


def test_forms(run: Run, desk: Path, history: Path) -> None:
    html = run("explain", desk, history, "--line", 4, "--format", "html").out
    assert html.startswith("<!doctype html>")
    assert html.endswith("</html>\n")
    mermaid = run("explain", desk, history, "--line", 4, "--format", "mermaid").out
    assert mermaid.startswith("flowchart TD\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (99, "there is no event at {}:99: the last is at {}:2"),
        (1, "{}:1: the event is `start`: give the line of a call"),
    ],
)
def test_lines_that_hold_no_call(
    run: Run, desk: Path, tmp_path: Path, line: int, said: str
) -> None:
    path = lines(tmp_path / "h.jsonl", START, call(2_000))
    ran = run("explain", desk, path, "--line", line)
    assert (ran.code, ran.out) == (2, "")
    assert said.format(path, path) in ran.err


def test_a_grant_that_was_not_issued(run: Run, desk: Path, tmp_path: Path) -> None:
    path = lines(tmp_path / "h.jsonl", {**START, "params": {}}, call(2_000))
    ran = run("explain", desk, path, "--line", 2)
    assert ran.code == 2
    assert "its grant `g1` was not issued by this bundle" in ran.err
