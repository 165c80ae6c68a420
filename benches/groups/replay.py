"""Replaying a recorded history from JSON lines, as `agentpdp replay` does; reading it is the floor.

An operation is one event. Each round plays the whole history to a new engine, made outside
the clock; the lines come from a file. Peers only read: `json.loads` for each line, and orjson, the
fastest reader of JSON that gives Python objects.
"""

from __future__ import annotations

import argparse
import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from measure import Timed
from workloads import history

from groups.row import Group, Row

SINGLE_EVENTS = 3_000


def build(name: str = "history") -> Group:
    directory = Path(tempfile.mkdtemp(prefix="agentpdp-replay-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    lines = history.build(name)
    expected = history.recorded()[name]
    assert history.summary(lines) == expected, "the history is another than the recorded one"
    whole, beginning = directory / "history.jsonl", directory / "beginning.jsonl"
    whole.write_bytes(lines)
    beginning.write_bytes(b"".join(lines.splitlines(keepends=True)[:SINGLE_EVENTS]))
    few = min(SINGLE_EVENTS, expected["events"])
    some = history.summary(beginning.read_bytes())
    count = expected["events"]
    timed = [
        Timed("replay", play, count, partial(replay, whole), right(expected)),
        Timed("replay, on two bundles", play, count, partial(replay, whole, True), right(expected)),
        Timed("replay, event by event", one_by_one, few, partial(replay, beginning), right(some)),
        Timed("json.loads of each line", partial(read, json.loads), count, partial(opened, whole)),
        Timed("orjson of each line", partial(read, orjson.loads), count, partial(opened, whole)),
    ]
    return Group(list(timed), ROWS)


def replay(file: Path, is_compared: bool = False) -> Any:
    """What the command makes before it plays."""
    from agentpdp.cli.replay import Replay

    given = argparse.Namespace(
        events=[str(file)], format=None, bundles=[], against=None, limit=20, explain=0
    )
    made = Replay(history.bundle(), given)
    if is_compared:
        made.against = history.bundle()
    return made


def play(made: Any) -> Any:
    made.run(None)
    return made


def one_by_one(made: Any) -> Any:
    made.run_events(None, None)
    return made


def right(expected: dict[str, Any]) -> Callable[[Any], None]:
    def check(made: Any) -> None:
        found = made.tally.as_json()
        assert made.difference_count == 0
        assert (found["events"], found["calls"]) == (expected["events"], expected["calls"])
        for name in ("verdicts", "reasons"):
            counted = {key: count for key, count in found[name].items() if count}
            assert dict(sorted(counted.items())) == expected[name], name

    return check


def opened(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()


def read(loads: Callable[[bytes], Any], lines: list[bytes]) -> None:
    for line in lines:
        loads(line)


ROWS = [
    Row("replay of events from JSON lines, one core", "rate", 300_000, "replay"),
    Row("the same against reading each line with `json.loads`", "at most", None,
        "replay", "json.loads of each line"),
    Row("the same against reading each line with orjson", "at most", None,
        "replay", "orjson of each line"),
    Row("on two bundles, against one", "at most", None, "replay, on two bundles", "replay"),
    Row("the same as replay, event by event", "faster", None, "replay", "replay, event by event"),
]  # fmt: skip
