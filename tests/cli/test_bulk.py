"""Replaying blocks of lines says what replaying event by event says.

With ``--output`` every event is looked at by itself, so the same command with and without it goes
both ways.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from agentpdp.cli import history as history_module

from .conftest import Run
from .test_replay import candidate, desk, history

__all__ = ["candidate", "desk", "history"]


def both(run: Run, tmp_path: Path, *arguments: Any) -> tuple[Any, Any]:
    """Exit code, error and summary: in bulk, and one by one."""
    found = []
    for more in ((), ("--output", tmp_path / "out.jsonl")):
        ran = run("replay", *arguments, "--json", *more)
        summary = json.loads(ran.out) if ran.out else None
        if summary is not None:
            summary.pop("seconds", None)
        found.append((ran.code, ran.err, summary))
    return found[0], found[1]


@pytest.fixture(params=[1, 64, 1_000, 1 << 20])
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(history_module, "_BLOCK_BYTES", request.param)
    return int(request.param)


@pytest.mark.usefixtures("block_bytes")
def test_a_session(run: Run, desk: Path, history: Path, tmp_path: Path) -> None:
    bulk, single = both(run, tmp_path, desk, history)
    assert bulk == single
    assert bulk[0] == 0


@pytest.mark.usefixtures("block_bytes")
def test_differences(
    run: Run,
    desk: Path,
    candidate: Path,
    history: Path,
    tmp_path: Path,
) -> None:
    for arguments in ((candidate, history), (desk, history, "--against", candidate)):
        for limit in ((), ("--limit", 1)):
            bulk, single = both(run, tmp_path, *arguments, *limit)
            assert bulk == single
            assert bulk[0] == 1
            assert bulk[2]["differences"]["count"] > 1


def changed(history: Path, line: bytes, at: int, ends: bytes = b"\n") -> None:
    lines = history.read_bytes().splitlines()
    lines.insert(at, line)
    history.write_bytes(ends.join(lines))


CALL = b'{"event": "call", "at": 9999999, "grant": "%s", "action": "look", "odd": %s}'


@pytest.mark.usefixtures("block_bytes")
@pytest.mark.parametrize("at", [0, 1, 5, 1_000])
@pytest.mark.parametrize(
    "line",
    [
        b"nothing",
        b"",
        b"\xff",
        CALL % (b"g1", b"1"),
        CALL.replace(b', "odd": %s', b"") % b"g77",
        b'{"event": "close", "at": 9999999, "grant": "g77"}',
        b"\xef\xbb\xbf" + b'{"event": "resume", "at": 0, "task": "pay"}',
    ],
)
def test_what_cannot_be_read_is_told_alike(
    run: Run,
    desk: Path,
    history: Path,
    tmp_path: Path,
    line: bytes,
    at: int,
) -> None:
    changed(history, line, at)
    bulk, single = both(run, tmp_path, desk, history)
    assert bulk == single
    if line and at:
        assert bulk[0] == 2
        assert f"{history}:{min(at, len(history.read_bytes().splitlines()) - 1) + 1}:" in str(bulk)


@pytest.mark.usefixtures("block_bytes")
def test_a_line_above_the_limit(
    run: Run,
    desk: Path,
    history: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history_module, "LINE_BYTES_MAX", 2_000)
    monkeypatch.setattr("agentpdp.events.reading.LINE_BYTES_MAX", 2_000)
    changed(history, b'"' + b"x" * 5_000 + b'"', 4)
    bulk, single = both(run, tmp_path, desk, history)
    assert bulk == single
    assert "the line is longer than" in str(bulk)


def test_lines_that_end_in_two_characters(
    run: Run,
    desk: Path,
    history: Path,
    tmp_path: Path,
) -> None:
    changed(history, b"", 2, b"\r\n")
    bulk, single = both(run, tmp_path, desk, history)
    assert bulk == single
    assert bulk[0] == 0
