"""Explanations: why a call was decided as it was, question by question.

The answers are data (`answers`); `tree` is text for a terminal.
"""

from __future__ import annotations

from typing import Any

from agentpdp import _core


class Explanation(_core.Explanation):
    """What every question of a call comes to. ``str()`` gives the tree."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        hops = [{**hop, "agent": str(hop["agent"])} for hop in self.hops]
        return {
            "verdict": self.decision.verdict,
            "reason": self.decision.reason,
            "principal": str(self.principal),
            "hops": hops,
            "answers": [_answer_json(answer) for answer in self.answers],
        }

    def tree(self) -> str:
        """The explanation as a tree of lines, for a terminal."""
        lines = [f"{self.decision.verdict}: {self.decision.message}"]
        for number, answer in enumerate(self.answers, 1):
            branch = "└─" if number == len(self.answers) else "├─"
            lines.append(f"{branch} {_answer_line(answer)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.tree()


def _answer_json(answer: dict[str, Any]) -> dict[str, Any]:
    party = answer["party"]
    return {
        **answer,
        "party": None if party is None else str(party),
        "errors": [error.policy for error in answer["errors"]],
    }


def _answer_line(answer: dict[str, Any]) -> str:
    where = (
        answer["stage"] if answer["hop"] is None else f"{answer['stage']} of hop {answer['hop']}"
    )
    whom = "" if answer["party"] is None else f" for {answer['party']}"
    by = f" by {', '.join(answer['policies'])}" if answer["policies"] else ""
    return f"{where}{whom}: {answer['verdict']} ({answer['reason']}{by})"
