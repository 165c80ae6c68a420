"""What has happened to an engine, as JSON lines: writing it down, reading it, deciding it again.

An event is one line: what happened (``event``), when (``at``, milliseconds UTC) and with what.
Grants and approval requests have names that the recorder gave them, so that a history does not
depend on random ids. docs/reference/events.md has every field.

Read next: ``form.py``, then ``reading.py``, ``recorder.py``, ``replaying.py``.
"""

from __future__ import annotations

from agentpdp.errors import EventError
from agentpdp.events.form import Event, check
from agentpdp.events.reading import read_event, read_events
from agentpdp.events.recorder import RecordedGrant, Recorder
from agentpdp.events.replaying import Outcome, Player, replay

__all__ = [
    "Event",
    "EventError",
    "Outcome",
    "Player",
    "RecordedGrant",
    "Recorder",
    "check",
    "read_event",
    "read_events",
    "replay",
]
