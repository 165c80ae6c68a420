"""The progress bar: on a terminal only, and gone at the end."""

from __future__ import annotations

import io
import sys

import pytest
from agentpdp.cli import progress
from agentpdp.cli.progress import Progress, bar_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_written_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_REDRAW_SECONDS", -1.0)
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with Progress("deciding") as bar:
        bar.step(1, 2)
    assert pipe.getvalue() == ""


def test_a_terminal_sees_it_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_REDRAW_SECONDS", -1.0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("deciding") as bar:
        bar.step(1, 2)
        bar.show(None, "5 requests")
    written = terminal.getvalue()
    assert "deciding [###############...............]  50% 1 of 2" in written
    assert "deciding 5 requests" in written
    assert written.endswith("\r\x1b[K")


def test_what_is_soon_done_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("deciding") as bar:
        bar.step(1, 2)
    assert terminal.getvalue() == ""


def test_a_bar_never_leaves_its_frame() -> None:
    assert {len(bar_of(share)) for share in (-1.0, 0.0, 0.5, 1.0, 2.0)} == {37}
