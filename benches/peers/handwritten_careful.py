"""The hand-written function with our manners: what the same rules cost when nothing is left out.

handwritten.py is the fast one: bare ids in, a tuple out, every argument believed. This one takes
typed names, checks the arguments as the schema would have them, and answers with a named result
whose ids are sorted, which is what an engine's `authorize` does for every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from workloads.w1.catalogue import tools
from workloads.workload import Json, Uid

from peers.handwritten import Decide

FIELDS = {"target", "kind", "text", "amount", "count", "size"}
PARTIES = frozenset({"User", "Agent"})
I64 = 2**63


class Verdict(NamedTuple):
    """One answer."""

    allowed: bool
    reason: str
    policies: tuple[str, ...]


def whole(value: Any) -> bool:
    """Whether a value is a Long."""
    return type(value) is int and -I64 <= value < I64


def problem(context: Json) -> str | None:
    """What is wrong with the arguments, if anything is."""
    if context.keys() != {"input"}:
        return "argument_unknown" if context.keys() - {"input"} else "argument_missing"
    given = context["input"]
    if type(given) is not dict:
        return "argument_type"
    if given.keys() != FIELDS:
        return "argument_unknown" if given.keys() - FIELDS else "argument_missing"
    if not (type(given["target"]) is type(given["kind"]) is type(given["text"]) is str):
        return "argument_type"
    if whole(given["amount"]) and whole(given["count"]) and whole(given["size"]):
        return None
    return "argument_type"


def careful(decide: Decide) -> Callable[[Uid, Uid, Uid, Json], Verdict]:
    """`decide`, as `handwritten.build` made it, behind these checks."""
    resource_types = {("Action", tool.id): tool.resource_type for tool in tools()}

    def asked(principal: Uid, action: Uid, resource: Uid, context: Json) -> Verdict:
        resource_type = resource_types.get(action)
        if resource_type is None:
            return Verdict(False, "unknown_action", ())
        if wrong := problem(context):
            return Verdict(False, wrong, ())
        if resource[0] != resource_type or principal[0] not in PARTIES:
            return Verdict(False, "not_applicable", ())
        reason, policies = decide(principal[1], action[1], resource[1], context)
        return Verdict(reason == "permitted", reason, tuple(sorted(policies)))

    return asked
