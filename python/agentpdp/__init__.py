"""agentpdp: decide every action of an agent, when it happens.

Names are imported on first use, so that ``agentpdp.reference`` works without the compiled
extension.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentpdp._core import (
        ApprovalRequest,
        CallDecisions,
        Decision,
        Decisions,
        EntityUid,
        Finding,
        Grant,
        PolicyError,
    )
    from agentpdp.bundle import Bundle, Validation
    from agentpdp.engine import Engine
    from agentpdp.errors import (
        AgentPdpError,
        BundleError,
        ColumnError,
        Denied,
        EncodeError,
        EntityError,
        EventError,
        GrantRequired,
        LinkError,
        ReloadError,
        StepUpNeeded,
    )
    from agentpdp.explanation import Explanation

__version__ = "0.1.0"

_HOMES = {
    "AgentPdpError": "agentpdp.errors",
    "ApprovalRequest": "agentpdp._core",
    "Bundle": "agentpdp.bundle",
    "BundleError": "agentpdp.errors",
    "CallDecisions": "agentpdp._core",
    "ColumnError": "agentpdp.errors",
    "Decision": "agentpdp._core",
    "Decisions": "agentpdp._core",
    "Denied": "agentpdp.errors",
    "EncodeError": "agentpdp.errors",
    "Engine": "agentpdp.engine",
    "EntityError": "agentpdp.errors",
    "EntityUid": "agentpdp._core",
    "EventError": "agentpdp.errors",
    "Explanation": "agentpdp.explanation",
    "Finding": "agentpdp._core",
    "Grant": "agentpdp._core",
    "GrantRequired": "agentpdp.errors",
    "LinkError": "agentpdp.errors",
    "PolicyError": "agentpdp._core",
    "ReloadError": "agentpdp.errors",
    "StepUpNeeded": "agentpdp.errors",
    "Validation": "agentpdp.bundle",
}

__all__ = [
    "AgentPdpError",
    "ApprovalRequest",
    "Bundle",
    "BundleError",
    "CallDecisions",
    "ColumnError",
    "Decision",
    "Decisions",
    "Denied",
    "EncodeError",
    "Engine",
    "EntityError",
    "EntityUid",
    "EventError",
    "Explanation",
    "Finding",
    "Grant",
    "GrantRequired",
    "LinkError",
    "PolicyError",
    "ReloadError",
    "StepUpNeeded",
    "Validation",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'agentpdp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
