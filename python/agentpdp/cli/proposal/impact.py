"""What does a tool do to the world, going by its name and by what it says of itself?

Invariant: annotations only make it stricter, and whatever is unsure is not ``read``. A server that
lies about its verbs gets the impact that it claims, which is why each proposal is marked for a
person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentpdp.cli.proposal.words import REACHES, READS, RUNS, WRITES, stem, verbs, word_set, words

if TYPE_CHECKING:
    from agentpdp.cli.proposal.tools import Tool

ALL_HARM = ("write", "reach", "leave")
_ORDER = ("read", *ALL_HARM)
_FIRST_WORD = re.compile(r"[A-Za-z]+")
# A finite verb in the middle of a description: "… and sends an e-mail to the participants".
_ALSO_REACHES = re.compile(
    r"\b(sends?|notif(?:y|ies)|invites?|emails?|e-mails?|publish(?:es)?|posts?|uploads?|forwards?)\b"
    r"(?=\s+(?:an?|the|it|them|out|to|all|every|messages?|mails?|e-?mails?|notifications?)\b)",
    re.IGNORECASE,
)
_ALSO_WRITES = re.compile(
    r"\b(deletes|removes|creates|updates|overwrites|modifies|cancels|writes|replaces|changes|marks)\b",
    re.IGNORECASE,
)
_MONEY = word_set("money payment transaction fund transfer invoice bill salary refund")
_ADDRESSES = word_set("url uri link endpoint webhook href")


@dataclass(frozen=True)
class Impact:
    """A proposed impact, and why: what stands behind the mark for the person who checks."""

    groups: tuple[str, ...]
    why: str
    sure: bool

    @property
    def reads(self) -> bool:
        return self.groups == ("read",)


def propose_impact(tool: Tool) -> Impact:
    """The impact of a tool: from its verbs first, then stricter by what else it shows."""
    found, why, sure = _by_verbs(tool)
    stricter: list[tuple[set[str], str]] = []
    if also := _ALSO_REACHES.search(tool.description):
        stricter.append(({"reach", "leave"}, f"its description says `{also[1].lower()}`"))
    if also := _ALSO_WRITES.search(tool.description):
        stricter.append(({"write"}, f"its description says `{also[1].lower()}`"))
    if found == {"read"} and _names_address(tool):
        stricter.append(({"reach", "leave"}, "it goes to an address that it is given"))
    stricter += _by_annotations(tool, found == {"read"})
    for groups, reason in stricter:
        if not groups <= found:
            found = (found - {"read"}) | groups
            why, sure = f"{why}; {reason}", sure and found != {"read"}
    return Impact(tuple(each for each in _ORDER if each in found), why, sure)


def _by_verbs(tool: Tool) -> tuple[set[str], str, bool]:
    named = verbs(tool.name)
    first = _FIRST_WORD.match(tool.description)
    said = stem(first[0].lower()) if first else ""
    if not named:
        if said in WRITES | REACHES | RUNS:
            return _harm(said, tool), f"its description begins with `{said}`", False
        return set(ALL_HARM), "no verb of its name is known", False
    verb = named[0]
    if verb not in READS:
        return _harm(verb, tool), f"`{verb}`", verb not in RUNS
    if said in WRITES | REACHES | RUNS:
        why = f"its name says `{verb}`, its description `{said}`"
        return _harm(said, tool), why, False
    return {"read"}, f"`{verb}`", True


def _harm(verb: str, tool: Tool) -> set[str]:
    if verb in RUNS:
        return set(ALL_HARM)
    if verb in REACHES:
        money = verb == "send" and _MONEY & set(words(tool.name))
        return {"write"} if money else {"reach", "leave"}
    return {"write"}


def _names_address(tool: Tool) -> bool:
    return any(_ADDRESSES & set(words(name)) for name in tool.properties)


def _by_annotations(tool: Tool, reads: bool) -> list[tuple[set[str], str]]:
    """What a server says against its own tool is believed; what it says for it is not."""
    said = tool.annotations
    found: list[tuple[set[str], str]] = []
    if reads and said.get("readOnlyHint") is False:
        found.append(({"write"}, "annotated `readOnlyHint: false`"))
    if said.get("destructiveHint") is True:
        found.append(({"write"}, "annotated `destructiveHint: true`"))
    if said.get("openWorldHint") is True:
        found.append(({"reach", "leave"}, "annotated `openWorldHint: true`"))
    return found
