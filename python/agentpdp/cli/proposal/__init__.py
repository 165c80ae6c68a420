"""A first bundle from a tool list: what do the tools do, to what, and what must a person check?

Everything here is a guess from names and descriptions, on the strict side, and marked as such.
Invariants: whatever is unsure is not ``read``; nobody may do anything until the host's entities say
who is who; the same list makes the same bundle.

Read next: ``impact.py``, ``arguments.py``, ``tasks.py``, ``files.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentpdp.cli.proposal.arguments import Declared, propose_arguments
from agentpdp.cli.proposal.files import all_files
from agentpdp.cli.proposal.impact import Impact, propose_impact
from agentpdp.cli.proposal.tasks import Task, sample_tasks
from agentpdp.cli.proposal.tools import Tool, read_tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Action", "Proposal", "Tool", "all_files", "propose", "read_tools"]

_NEVER_OPEN = frozenset(("User", "Group", "Agent", "Fleet", "System"))


@dataclass(frozen=True)
class Action:
    """A tool as it is proposed to be declared."""

    name: str
    impact: Impact
    declared: Declared


@dataclass(frozen=True)
class Proposal:
    """A bundle before it is text."""

    name: str
    actions: tuple[Action, ...]
    tasks: tuple[Task, ...]

    @property
    def reading(self) -> bool:
        """Whether any tool reads."""
        return any(action.impact.reads for action in self.actions)

    @property
    def entity_types(self) -> list[str]:
        """Types that the tools' arguments name, in the order of the list."""
        return list(dict.fromkeys(self._types()))

    @property
    def open_types(self) -> list[str]:
        return [each for each in self.entity_types if each not in _NEVER_OPEN]

    @property
    def systems(self) -> list[str]:
        """Ids of the fixed entities that tools without a named resource touch."""
        resources = [action.declared.resource for action in self.actions]
        found = [each["id"] for each in resources if isinstance(each, dict) and "id" in each]
        return list(dict.fromkeys(found))

    def _types(self) -> Iterator[str]:
        for action in self.actions:
            resource = action.declared.resource
            if isinstance(resource, dict) and "from" in resource:
                yield resource["type"]
            yield from action.declared.entities.values()


def propose(tools: Sequence[Tool], name: str) -> Proposal:
    """A bundle for these tools."""
    actions = []
    for tool in tools:
        impact = propose_impact(tool)
        actions.append(Action(tool.name, impact, propose_arguments(tool, impact)))
    return Proposal(name, tuple(actions), tuple(sample_tasks(actions)))
