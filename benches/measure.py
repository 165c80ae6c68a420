"""How a number is taken: interleaved rounds on one pinned core, medians, and answers checked.

Whatever is compared is timed in turn, round after round, so that a change of the machine's speed
meets all of it alike. A wrong answer fails the run. Read next: groups/, report.py.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("agentpdp", "attenu-guard", "cedarpy", "numpy", "pyarrow", "tenuo")


def nothing() -> None:
    """Prepares nothing."""


def any_answer(_: Any) -> None:
    """Checks nothing: for floors, which decide nothing, and where answers were checked before."""


@dataclass(frozen=True)
class Timed:
    """One thing to be timed: `run` takes what `prepare` gave, and does so many `operations`.

    Only `run` is inside the clock; `check` gets its result and raises if it is wrong.
    """

    name: str
    run: Callable[[Any], Any]
    operations: int
    prepare: Callable[[], Any] = nothing
    check: Callable[[Any], None] = any_answer

    def measure(self) -> float:
        """Nanoseconds for one operation."""
        given = self.prepare()
        with collector_off():
            start = time.perf_counter_ns()
            result = self.run(given)
            spent = time.perf_counter_ns() - start
        self.check(result)
        return spent / self.operations


@dataclass(frozen=True)
class External:
    """A peer in another process, which prints JSON with `nanoseconds` for one operation."""

    name: str
    command: Sequence[str]
    check: Callable[[Any], None] = any_answer

    def measure(self) -> float:
        done = subprocess.run(self.command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        self.check(found)
        return float(found["nanoseconds"])


@dataclass
class Gauge:
    """Something that is not a time, say bytes: found once, in the first round."""

    name: str
    find: Callable[[], float]
    found: float | None = None

    def measure(self) -> float:
        if self.found is None:
            self.found = self.find()
        return self.found


def each(call: Callable[..., Any], passes: int = 1) -> Callable[[Any], None]:
    """Calls with each tuple of four arguments in turn; what such a loop costs is the `loop` row."""

    def run(asked: Sequence[tuple[Any, Any, Any, Any]]) -> None:
        for _ in range(passes):
            for principal, action, resource, context in asked:
                call(principal, action, resource, context)

    return run


def loop(passes: int, asked: Sequence[tuple[Any, Any, Any, Any]]) -> None:
    """The loop of `each` without a call."""
    for _ in range(passes):
        for _principal, _action, _resource, _context in asked:
            pass


@contextmanager
def collector_off() -> Iterator[None]:
    """Without the garbage collector, after it ran once."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def rounds(timed: Sequence[Timed | External | Gauge], count: int) -> dict[str, list[float]]:
    """What each thing takes in each round, mostly nanoseconds; a first round is thrown away."""
    gc.collect()
    gc.freeze()  # the workload itself is not looked through again before each measurement
    found: dict[str, list[float]] = {one.name: [] for one in timed}
    for number in range(count + 1):
        for one in timed:
            taken = one.measure()
            if number:
                found[one.name].append(taken)
    return found


def median(times: Sequence[float]) -> float:
    return statistics.median(times)


def pin(core: int | None) -> list[int]:
    """Stay on one core, where the system can say so; the cores that are left."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    return cores()


def unpin() -> None:
    """Use all cores again."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def machine() -> dict[str, str]:
    """What a result must be read with: machine, versions, date."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "interpreter lock": "off" if is_free_threaded() else "on",
        "build": build(),
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = unpackaged(package)
    return found


def build() -> str:
    """How the extension was compiled: `plain`, or `profile-guided` as in a wheel."""
    from agentpdp import _core

    return _core._BUILD


def unpackaged(package: str) -> str:
    """The version that a package without metadata gives itself, as in a source tree."""
    try:
        found = importlib.import_module(package)
    except ImportError:
        return "not installed"
    return f"{getattr(found, '__version__', 'of no version')}, from the source tree"


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def is_free_threaded() -> bool:
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is not None and not enabled()
