"""A progress bar on stderr, and only where stderr is a terminal.

Invariant: nothing is left on the terminal once the bar is closed, and nothing is written elsewhere.
"""

from __future__ import annotations

import sys
import time
from typing import Self

_BAR_CELLS = 30
_REDRAW_SECONDS = 0.1


class Progress:
    """Shows how much of something is done; cheap to call often."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._drawn = False
        self._next = 0.0

    def __enter__(self) -> Self:
        self._next = time.monotonic() + _REDRAW_SECONDS
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(self, done: int, total: int) -> None:
        """So many of so many are done."""
        self.show(done / total if total else None, f"{done:,} of {total:,}")

    def show(self, share: float | None, text: str) -> None:
        """Such a share is done (none: nobody knows), and a text beside the bar."""
        if not self._shown or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _REDRAW_SECONDS
        self._drawn = True
        bar = "" if share is None else f" {bar_of(share)}"
        sys.stderr.write(f"\r\x1b[K{self._what}{bar} {text}")
        sys.stderr.flush()


def bar_of(share: float) -> str:
    """A bar and a percentage."""
    share = min(max(share, 0.0), 1.0)
    full = int(share * _BAR_CELLS)
    return f"[{'#' * full}{'.' * (_BAR_CELLS - full)}] {share:4.0%}"
