"""Deciding: the engine as its users hold it.

The work is done by the compiled core; this class adds what needs no speed.
"""

from __future__ import annotations

from agentpdp import _core


class Engine(_core.Engine):
    """Decides requests against a bundle, while entities and links change.

    An engine may be used by many threads at once. In a forked process it denies everything
    (``engine_forked``): make a new one there.
    """
