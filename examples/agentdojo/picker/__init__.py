"""Which tasks does a person's prompt ask for, and with which parameters?

This is a front end, not a decider: it reads the prompt, and nothing but the prompt, before an agent
has read anything. Where it is too narrow a call is denied or asked about; where it is too wide,
ceilings and the tasks' own rules still hold. It knows no model, no tool and no result.

Read next: ``phrases.py`` (what a prompt instructs and names), ``days.py``, ``banking.py``,
``travel.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Choice:
    """What a grant is to be started with."""

    tasks: list[str]
    params: dict[str, Any] = field(default_factory=dict)
