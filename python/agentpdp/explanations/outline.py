"""In which order is an explanation told?

First the verdict and the call, then the principal and every hop, root first, each with what its
ceiling and its task said, the answer that decided marked; last what would have to change. An
outline is plain text in nested items; ``tree.py`` and ``page.py`` write it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentpdp.explanations import words

if TYPE_CHECKING:
    from agentpdp.explanation import Explanation

DECIDED = "this decided"


@dataclass
class Item:
    """One line, and what belongs below it; `verdict` where the line is an answer."""

    text: str
    verdict: str | None = None
    decided: bool = False
    below: list[Item] = field(default_factory=list)


def title_of(explanation: Explanation) -> str:
    """Verdict, reason and the sentence of the decision."""
    decision = explanation.decision
    return f"{decision.verdict} ({decision.reason}): {words.plain(decision.message)}"


def outline_of(explanation: Explanation) -> list[Item]:
    """All that is told below the title."""
    call = Item(_call_text(explanation))
    principal = Item(f"principal: `{words.plain(explanation.principal)}`")
    hops = [Item(words.title_of_hop(hop)) for hop in explanation.hops]
    for item, hop in zip(hops, explanation.hops, strict=True):
        item.below += [Item(text) for text in words.restrictions_of(hop)]
    places: dict[int | None, Item] = dict(enumerate(hops))
    for answer in explanation.answers:
        outside = call if answer["stage"] in (None, "arguments", "status") else principal
        item = places.get(answer["hop"], outside)
        item.below.append(_item_of(answer, explanation))
    changes = Item(
        "what would have to change", below=[Item(text) for text in changes_of(explanation)]
    )
    if not changes.below:
        changes.text += ": nothing"
    return [call, principal, *hops, changes]


def changes_of(explanation: Explanation) -> list[str]:
    """What would have to be otherwise for the call to be allowed: one sentence for each question
    that stands in the way, or the decision's own where nothing was asked."""
    decision = explanation.decision
    if decision.verdict == "allow":
        return []
    if decision.stage in ("status", "arguments"):
        return [words.plain(decision.message)]
    found = [text for answer in explanation.answers for text in words.change_of(answer)]
    return found or [words.plain(decision.message)]


def is_deciding(answer: dict[str, Any], explanation: Explanation) -> bool:
    """Whether the decision is this answer's."""
    decision = explanation.decision
    if decision.verdict == "allow":
        return False
    same_place = (answer["stage"], answer["hop"]) == (decision.stage, decision.hop)
    return same_place and (answer["party"], answer["reason"]) == (decision.party, decision.reason)


def _item_of(answer: dict[str, Any], explanation: Explanation) -> Item:
    below = [Item(text) for text in words.details_of(answer)]
    decided = is_deciding(answer, explanation)
    return Item(words.answer_of(answer), answer["verdict"], decided, below)


def _call_text(explanation: Explanation) -> str:
    at = words.time_of(explanation.at)
    if explanation.action is None:
        return f"call: not read, at {at}"
    action, resource = words.plain(explanation.action), words.plain(explanation.resource)
    return f"call: `{action}` on `{resource}`, at {at}"
