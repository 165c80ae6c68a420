"""What `agentpdp bench` found, as data and as text.

Read next: ``measure.py`` (how it is measured), ``comparison.py`` (what it is held against).
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from agentpdp.cli import comparison, machine

if TYPE_CHECKING:
    import argparse

    from agentpdp import Bundle
    from agentpdp.cli.measure import Round


def collect(
    bundle: Bundle,
    about: dict[str, Any],
    rounds: list[Round],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """All numbers, as they are saved."""
    measures: dict[str, Any] = {
        "single": _measure_of([each.single_median_ns for each in rounds], rounds),
        "single_p99": _measure_of([each.single_p99_ns for each in rounds], rounds),
    }
    batch = [each.batch_ns for each in rounds if each.batch_ns is not None]
    if batch:
        measures["batch"] = _measure_of(batch, rounds)
    names = ("rounds", "seed", "threads")
    return {
        "format": comparison.FORMAT,
        "bundle": {
            "name": bundle.name,
            "digest": bundle.digest,
            "policies": len(bundle.policies),
            "entities": bundle.entity_count,
        },
        "requests": about,
        "settings": {name: getattr(arguments, name) for name in names},
        "measures": measures,
        "yardstick_ns": median(each.yardstick_ns for each in rounds),
        "machine": machine.describe(),
    }


def _measure_of(values: list[float], rounds: list[Round]) -> dict[str, float]:
    """Medians, spread, and the ratio to the yardstick, of one measure over all rounds."""
    ratios = [value / each.yardstick_ns for value, each in zip(values, rounds, strict=True)]
    return {
        "ns": median(values),
        "ns_min": min(values),
        "ns_max": max(values),
        "ratio": median(ratios),
    }


def as_text(found: dict[str, Any], arguments: argparse.Namespace) -> str:
    """The numbers for people."""
    bundle, requests, measures = found["bundle"], found["requests"], found["measures"]
    lines = [
        machine.as_text(found["machine"]),
        f"bundle {bundle['name'] or arguments.bundle} {bundle['digest'][:12]}: "
        f"{bundle['policies']:,} policies, {bundle['entities']:,} entities; "
        f"{requests['rows']:,} requests; {found['settings']['rounds']} rounds",
    ]
    if "batch" in measures:
        batch, threads = measures["batch"], found["settings"]["threads"]
        rate = _rounded(1e9 / batch["ns"])
        form = f"{requests['batch']}, {threads or 'all'} thread{'' if threads == 1 else 's'}"
        lines.append(f"  batch    {rate:>12,.0f} decisions a second ({form}){_spread(batch)}")
    else:
        lines.append(f"  batch    {requests['batch']}")
    single, late = measures["single"], measures["single_p99"]
    lines.append(f"  single   {_time(single['ns']):>12} median of a call{_spread(single)}")
    lines.append(f"  single   {_time(late['ns']):>12} 99th percentile{_spread(late)}")
    if "comparison" in found:
        lines.append(comparison.as_text(found["comparison"], arguments.compare))
    return "\n".join(lines)


def _spread(measure: dict[str, float]) -> str:
    low, high = (measure[name] / measure["ns"] - 1 for name in ("ns_min", "ns_max"))
    return f", rounds from {low:+.0%} to {high:+.0%}"


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds:.0f} ns" if nanoseconds < 10_000 else f"{nanoseconds / 1_000:.1f} µs"


def _rounded(value: float) -> float:
    """Three digits: more would be noise."""
    return round(value, 2 - math.floor(math.log10(value))) if value >= 1 else value
