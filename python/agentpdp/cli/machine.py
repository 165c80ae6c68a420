"""On what was something measured: the machine, and the versions of what ran on it?"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from agentpdp import __version__


def describe() -> dict[str, Any]:
    """The machine and the versions, as data."""
    return {
        "processor": _processor(),
        "cores": _cores(),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "free_threaded": not getattr(sys, "_is_gil_enabled", lambda: True)(),
        "agentpdp": __version__,
        "numpy": _version("numpy"),
        "pyarrow": _version("pyarrow"),
    }


def as_text(machine: dict[str, Any]) -> str:
    """The machine in two lines."""
    threads = ", free-threaded" if machine["free_threaded"] else ""
    arrow = f", pyarrow {machine['pyarrow']}" if machine["pyarrow"] else ""
    python = f"{machine['python']}{threads}"
    cores = f"{machine['cores']} core{'' if machine['cores'] == 1 else 's'}"
    return (
        f"{machine['processor']}, {cores}, {machine['system']} {machine['architecture']}\n"
        f"agentpdp {machine['agentpdp']}, {python}, numpy {machine['numpy']}{arrow}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine() or "unknown"


def _cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str | None:
    # Imported here because it takes longer than all the rest of a command that does not need it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
