"""Has it become slower? What was measured now against what was saved before.

Compared are ratios to the yardstick (``measure.py``), never times: a saved file may come from
another machine. What differs besides, such as the requests or the versions, is said and does not
decide.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agentpdp.cli.exits import InputError

FORMAT = "agentpdp bench 1"

# What decides whether it is a regression; a 99th percentile hangs on what else a machine does.
MEASURES = ("batch", "single")

_SAID = (
    ("requests", "digest", "the requests are others"),
    ("requests", "counts", "decisions have changed"),
    ("settings", "threads", "the number of threads is another"),
    ("machine", "processor", "the processor is another"),
    ("machine", "cores", "the number of cores is another"),
    ("machine", "python", "the Python version is another"),
    ("machine", "agentpdp", "the version of agentpdp is another"),
)


def read_saved(path: Path) -> dict[str, Any]:
    """What `--save` wrote."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        advice = "write it with --save first"
        raise InputError(f"{path}: cannot be read: {error.strerror}: {advice}") from None
    except (ValueError, RecursionError):
        saved = None
    if not _is_saved(saved):
        raise InputError(f"{path}: not a file that `agentpdp bench --save` of this version wrote")
    found: dict[str, Any] = saved
    return found


def _is_saved(saved: Any) -> bool:
    """Whether everything is there that a comparison reads."""
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        return False
    parts = [saved.get(part) for part in ("measures", "requests", "settings", "machine")]
    if not all(isinstance(part, dict) for part in parts):
        return False
    measures = [saved["measures"].get(name) for name in MEASURES]
    return all(
        each is None
        or (isinstance(each, dict) and isinstance(each.get("ratio"), float) and each["ratio"] > 0)
        for each in measures
    )


def compare(now: dict[str, Any], saved: dict[str, Any], limit: float) -> dict[str, Any]:
    """The change of each measure as a share of what it was, and whether one is a regression."""
    changes = {}
    for name in MEASURES:
        new, old = now["measures"].get(name), saved["measures"].get(name)
        if new is not None and old is not None:
            changes[name] = new["ratio"] / old["ratio"] - 1
    differences = [said for part, key, said in _SAID if now[part].get(key) != saved[part].get(key)]
    return {
        "changes": changes,
        "limit": limit,
        "regression": any(change > limit for change in changes.values()),
        "differences": differences,
    }


def as_text(comparison: dict[str, Any], path: Path) -> str:
    """The comparison for people."""
    lines = [f"against {path}, as ratios to the yardstick, at most {comparison['limit']:+.1%}:"]
    for name, change in comparison["changes"].items():
        verdict = "a regression" if change > comparison["limit"] else "ok"
        lines.append(f"  {name:<8} {change:+7.1%}  {verdict}")
    lines += [f"  note: {said}" for said in comparison["differences"]]
    return "\n".join(lines)
