"""Deciding: the engine as its users hold it.

The work is done by the compiled core; this class adds what needs no speed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentpdp import _core
from agentpdp.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentpdp._core import EntityUid, Grant


class Engine(_core.Engine):
    """Decides against a bundle, while entities and links change.

    With a plain bundle, ``authorize`` decides; with a bundle that has tasks, ``start`` gives a
    grant, and the grant decides. An engine may be used by many threads at once. In a forked process
    it denies everything (``engine_forked``): make a new one there.

    Args:
        bundle: what to decide by.
        clock: ``"system"``; ``"caller"``: each call brings its time as ``at=``, for replay and
            tests; or a function that gives milliseconds UTC.
    """

    def explain(
        self,
        grant: Grant,
        action: EntityUid | tuple[str, str] | str,
        arguments: Mapping[str, Any] | None = None,
        *,
        resource: EntityUid | tuple[str, str] | str | None = None,
        context: Mapping[str, Any] | None = None,
        at: int | None = None,
    ) -> Explanation:
        """What every question of a call comes to: each party's ceiling, each hop's task.

        Nothing is used up and no time passes. The explanation is the host's, never shown to a
        model; what a model may see is ``decision.advice``.
        """
        explained = self._explain(
            grant, action, arguments, resource=resource, context=context, at=at
        )
        return Explanation(explained)
