"""An explanation as a tree of lines, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentpdp.explanations.outline import DECIDED, outline_of, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentpdp.explanation import Explanation
    from agentpdp.explanations.outline import Item


def tree_of(explanation: Explanation) -> str:
    """The whole tree."""
    return "\n".join([title_of(explanation), *_lines(outline_of(explanation), "")])


def _lines(items: Sequence[Item], indent: str) -> Iterator[str]:
    for number, item in enumerate(items, 1):
        is_last = number == len(items)
        mark = f"  <- {DECIDED}" if item.decided else ""
        yield f"{indent}{'└─' if is_last else '├─'} {item.text}{mark}"
        yield from _lines(item.below, f"{indent}{'   ' if is_last else '│  '}")
