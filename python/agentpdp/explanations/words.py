"""What does an answer say, and what would have to change, in sentences?

Everything that is returned is one line of printable text; what a terminal or a reader could take
for something else (control characters, marks of direction) is spelled as an escape.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Answer = dict[str, Any]
Hop = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HINDRANCES = {
    "condition": "its condition is false",
    "error": "its condition errs",
    "resource": "it is for other resources",
    "principal": "it is for other parties",
}


def plain(value: object) -> str:
    """A name as printable text on one line."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def listed(names: Iterable[object]) -> str:
    """Names with commas between them."""
    return ", ".join(f"`{plain(name)}`" for name in names)


def time_of(at_ms: int) -> str:
    """A time in milliseconds UTC as text."""
    try:
        time = _EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return f"{at_ms} ms"
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


def title_of_hop(hop: Hop) -> str:
    """Who holds a hop, what for, and how long."""
    noun = "task" if len(hop["tasks"]) == 1 else "tasks"
    until = f"valid from {time_of(hop['valid_from'])} to {time_of(hop['expires'])}"
    who = f"hop {hop['depth']}: `{plain(hop['agent'])}`"
    return f"{who}, {noun} {listed(hop['tasks'])}, {until}"


def restrictions_of(hop: Hop) -> list[str]:
    """What a hop was delegated with besides its tasks."""
    limits = [(name, hop.get(name)) for name in ("only_actions", "only_resources")]
    return [f"{name}: {listed(names) or 'none'}" for name, names in limits if names is not None]


def answer_of(answer: Answer) -> str:
    """What an answer came to, and by which policies."""
    reason, policies = answer["reason"], answer["policies"]
    if answer["stage"] in ("status", "arguments"):
        return f"{answer['stage']}: {answer['verdict']} ({reason})"
    by = f", by {listed(policies)}" if policies else ""
    return f"{answer['stage']}: {answer['verdict']} ({reason}){by}"


def details_of(answer: Answer) -> list[str]:
    """What else was found out by asking: needs, approvals, satisfied policies, errors, permits."""
    found = [
        f"`{plain(need['policy'])}` asks for the approval of `{plain(need['role'])}`"
        for need in answer["needed"]
    ]
    found += [f"`{plain(policy)}` is approved" for policy in answer["approved"]]
    others = [name for name in answer.get("permits", ()) if name not in answer["policies"]]
    if others:
        found.append(f"satisfied permits: {listed(others)}")
    others = [name for name in answer.get("forbids", ()) if name not in answer["policies"]]
    if others:
        found.append(f"satisfied forbids: {listed(others)}")
    found += [f"`{plain(error.policy)}` errs: {plain(error.message)}" for error in answer["errors"]]
    found += [
        f"permit `{plain(each['policy'])}` names the action: {_HINDRANCES[each['hindrance']]}"
        for each in answer.get("near", ())
    ]
    if answer.get("near_more"):
        found.append(f"and {answer['near_more']:,} more permits that name it")
    return found


def where_of(answer: Answer) -> str:
    """Whose ceiling or task an answer is of."""
    if answer["stage"] == "task":
        return f"hop {answer['hop']}'s task"
    if answer["stage"] == "ceiling":
        return f"the ceiling of `{plain(answer['party'])}`"
    return str(answer["stage"])


def change_of(answer: Answer) -> list[str]:
    """What would have to be otherwise for one question not to stand in the way."""
    where, reason = where_of(answer), answer["reason"]
    if reason == "step_up":
        return [
            f"{where}: `{plain(need['role'])}` would have to approve (`{plain(need['policy'])}`)"
            for need in answer["needed"]
        ]
    if reason == "forbidden":
        return [f"{where}: {listed(answer['policies'])} would have to be false"]
    if reason == "forbid_error":
        return [
            f"{where}: {listed(answer['policies'])} would have to be evaluated without an error"
        ]
    if reason == "outside_restriction":
        return [f"{where}: the hop would have to be delegated with this action and resource"]
    if reason == "hand_on_only":
        return [f"{where}: another agent would have to do it: its `own` leaves this action out"]
    if reason == "not_permitted":
        return [f"{where}: {_permit_wanted(answer)}"]
    return []


def _permit_wanted(answer: Answer) -> str:
    near = answer.get("near", ())
    if not near:
        return "no permit names the action: one would have to"
    more = f" or one of {answer['near_more']:,} more" if answer.get("near_more") else ""
    one_of = "one of " if len(near) > 1 or more else ""
    return f"{one_of}{listed(each['policy'] for each in near)}{more} would have to be satisfied"
