"""An explanation as a flowchart in Mermaid's language: the chain, and what was said at each hop.

A label holds letters, digits, spaces and harmless punctuation; every other character is written as
a numeric entity, so that no id can end a label or be read as markup.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from agentpdp.explanations import words
from agentpdp.explanations.outline import is_deciding, title_of

if TYPE_CHECKING:
    from agentpdp.explanation import Explanation

_HARMLESS = frozenset(" ,.()-_/'")
_STYLES = {
    "allow": "fill:#e6f4ea,stroke:#137333,color:#202124",
    "step_up": "fill:#fef7e0,stroke:#b06000,color:#202124",
    "deny": "fill:#fce8e6,stroke:#c5221f,color:#202124",
}
_BADNESS = ("allow", "step_up", "deny")


def mermaid_of(explanation: Explanation) -> str:
    """The text of the flowchart."""
    nodes = [("principal", [f"principal {explanation.principal}"])]
    nodes += [(f"hop{hop['depth']}", _hop_lines(hop)) for hop in explanation.hops]
    nodes.append(("call", _call_lines(explanation)))
    verdicts: dict[str, str] = {}
    for answer in explanation.answers:
        name = _node_of(answer, dict(nodes))
        mark = " (this decided)" if is_deciding(answer, explanation) else ""
        dict(nodes)[name].append(words.answer_of(answer) + mark)
        verdicts[name] = max(verdicts.get(name, "allow"), answer["verdict"], key=_BADNESS.index)
    verdicts["call"] = explanation.decision.verdict
    lines = ["flowchart TD"]
    lines += [f'  {name}["{"<br/>".join(map(label, texts))}"]' for name, texts in nodes]
    names = [name for name, _ in nodes]
    lines += [f"  {above} --> {below}" for above, below in pairwise(names)]
    lines += [f"  classDef {verdict} {style}" for verdict, style in _STYLES.items()]
    lines += [f"  class {name} {verdict}" for name, verdict in verdicts.items()]
    return "\n".join(lines) + "\n"


def label(text: str) -> str:
    """Text for a label in quotes."""
    return "".join(
        each if each in _HARMLESS or (each.isascii() and each.isalnum()) else f"#{ord(each)};"
        for each in words.plain(text)
    )


def _hop_lines(hop: dict[str, Any]) -> list[str]:
    tasks = ", ".join(hop["tasks"])
    until = f"until {words.time_of(hop['expires'])}"
    return [f"hop {hop['depth']} {hop['agent']}", f"{tasks}, {until}", *words.restrictions_of(hop)]


def _call_lines(explanation: Explanation) -> list[str]:
    title = title_of(explanation)
    if explanation.action is None:
        return [title]
    return [f"{explanation.action} on {explanation.resource}", title]


def _node_of(answer: dict[str, Any], nodes: dict[str, list[str]]) -> str:
    name = f"hop{answer['hop']}"
    if name in nodes:
        return name
    return "principal" if answer["stage"] == "ceiling" else "call"
