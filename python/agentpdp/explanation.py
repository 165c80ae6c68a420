"""Explanations: why a call was decided as it was, question by question.

An explanation is the host's: it names other parties' policies, so it is never shown to a model.
What a model may see is ``decision.advice``.

Read next: ``explanations/outline.py``.
"""

from __future__ import annotations

from typing import Any

from agentpdp import _core
from agentpdp.explanations import outline
from agentpdp.explanations.mermaid import mermaid_of
from agentpdp.explanations.page import page_of
from agentpdp.explanations.tree import tree_of


class Explanation(_core.Explanation):
    """What every question of a call comes to: each party's ceiling, each hop's task.

    For hosts and auditors, never for a model. ``str()`` gives the tree.
    """

    @property
    def changes(self) -> tuple[str, ...]:
        """What would have to be otherwise for the call to be allowed, a sentence for each question
        that stands in its way."""
        return tuple(outline.changes_of(self))

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON-like data."""
        return {
            "verdict": self.decision.verdict,
            "reason": self.decision.reason,
            "message": self.decision.message,
            "principal": str(self.principal),
            "action": None if self.action is None else str(self.action),
            "resource": None if self.resource is None else str(self.resource),
            "at": self.at,
            "hops": [_hop_json(hop) for hop in self.hops],
            "answers": [_answer_json(answer) for answer in self.answers],
            "changes": list(self.changes),
        }

    def tree(self) -> str:
        """A tree of lines, for a terminal: the principal and every hop with what was said there,
        the answer that decided, and last what would have to change."""
        return tree_of(self)

    def mermaid(self) -> str:
        """A flowchart of the chain, in Mermaid's language."""
        return mermaid_of(self)

    def html(self) -> str:
        """One HTML page that stands alone."""
        return page_of(self)

    def __str__(self) -> str:
        return self.tree()


def _hop_json(hop: dict[str, Any]) -> dict[str, Any]:
    lists = {
        name: None if hop[name] is None else [str(each) for each in hop[name]]
        for name in ("only_actions", "only_resources")
    }
    return {**hop, "agent": str(hop["agent"]), **lists}


def _answer_json(answer: dict[str, Any]) -> dict[str, Any]:
    party = answer["party"]
    return {
        **answer,
        "party": None if party is None else str(party),
        "errors": [error.policy for error in answer["errors"]],
    }
