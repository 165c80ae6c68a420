"""The hand-written function with our manners: what the same rules cost when nothing is left out.

handwritten.py is the fast one: bare ids in, a tuple out, every argument believed. This one takes
typed names, checks the arguments as the schema would have them, and answers with a named result
whose ids are sorted, which is what an engine's `authorize` does for every call.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

from workloads.w1.catalogue import tools
from workloads.workload import Json, Uid

from peers.handwritten import Decide

FIELDS = ("target", "kind", "text", "amount", "count", "size")
READ = itemgetter(*FIELDS)
PARTIES = frozenset({"User", "Agent"})
I64 = 2**63


class Verdict(NamedTuple):
    """One answer."""

    allowed: bool
    reason: str
    policies: tuple[str, ...]


def problem(context: Json) -> str | None:
    """What is wrong with the arguments, if anything is."""
    try:
        given = context["input"]
        target, kind, text, amount, count, size = READ(given)
    except (KeyError, TypeError):
        return diagnosis(context)
    if len(given) != len(FIELDS) or len(context) != 1:
        return "argument_unknown"
    if not (type(target) is type(kind) is type(text) is str):
        return "argument_type"
    if not (type(amount) is type(count) is type(size) is int):
        return "argument_type"
    if -I64 <= amount < I64 and -I64 <= count < I64 and -I64 <= size < I64:
        return None
    return "argument_type"


def diagnosis(context: Json) -> str:
    """Why the six arguments could not be read; taken rarely, so it need not be fast."""
    given = context.get("input", {})
    if context.keys() - {"input"} or (type(given) is dict and given.keys() - set(FIELDS)):
        return "argument_unknown"
    return "argument_missing" if type(given) is dict else "argument_type"


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
