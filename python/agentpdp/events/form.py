"""What does an event hold, and of which form is it?

One table says it for every kind of event; reading, the JSON Schema and the documentation are held
to it by tests. A field that the table does not have is an error: what is misspelt would otherwise
be passed over. Values that an engine judges (arguments, parameters, context) are not looked into:
what is wrong there denies, as it did when it happened.

Read next: ``reading.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentpdp.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Callable

Event = dict[str, Any]

# Characters of the name of a grant or a request.
NAME_CHARACTERS_MAX = 256
_TIME_MAX = (1 << 63) - 1
_VERDICTS = ("allow", "step_up", "deny")


@dataclass(frozen=True)
class Field:
    """The values that a field may have: a test, and what would be right."""

    holds: Callable[[Any], bool]
    right: str


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_time(value: Any) -> bool:
    return _is_integer(value) and -_TIME_MAX <= value <= _TIME_MAX


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX


def _is_uid(value: Any) -> bool:
    if isinstance(value, str):
        return True
    is_pair = isinstance(value, dict) and value.keys() == {"type", "id"}
    return is_pair and isinstance(value["type"], str) and isinstance(value["id"], str)


def _is_length(value: Any) -> bool:
    return _is_integer(value) or isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_anything(_value: Any) -> bool:
    return True


def _is_decision(value: Any) -> bool:
    return isinstance(value, dict) and value.get("verdict") in _VERDICTS


def _is_link(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"template", "id"} <= value.keys() <= {"template", "id", "principal", "resource"}
        and all(isinstance(value[name], str) for name in ("template", "id"))
        and all(_is_uid(value[name]) for name in value.keys() & {"principal", "resource"})
    )


def _list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(holds, value))


_is_texts = _list_of(lambda each: isinstance(each, str))


def _is_task(value: Any) -> bool:
    return isinstance(value, str) or _is_texts(value)


_UID_FORM = '`User::"ada"` or {"type": "User", "id": "ada"}'

FIELDS = {
    "at": Field(_is_time, "a time in milliseconds UTC, a whole number"),
    "grant": Field(_is_name, f"a name of 1 to {NAME_CHARACTERS_MAX} characters"),
    "parent": Field(_is_name, "the name of the grant that it is delegated under"),
    "request": Field(_is_name, f"a name of 1 to {NAME_CHARACTERS_MAX} characters"),
    "task": Field(_is_task, "the name of a task, or a list of them"),
    "principal": Field(_is_uid, f"an entity: {_UID_FORM}"),
    "agent": Field(_is_uid, f"an entity: {_UID_FORM}"),
    "by": Field(_is_uid, f"an entity: {_UID_FORM}"),
    "resource": Field(_is_anything, f"an entity: {_UID_FORM}"),
    "action": Field(_is_uid, f"the name of a tool, or an entity: {_UID_FORM}"),
    "arguments": Field(_is_anything, "an object"),
    "context": Field(_is_anything, "an object"),
    "params": Field(_is_object, "an object of parameters by name"),
    "claims": Field(_is_object, "an object of claims by name"),
    "expires_in": Field(_is_length, 'milliseconds, or text like "30m"'),
    "valid_from": Field(_is_time, "a time in milliseconds UTC, a whole number"),
    "only_actions": Field(_list_of(_is_uid), "a list of actions and groups of them"),
    "only_resources": Field(_list_of(_is_uid), "a list of entities"),
    "upsert": Field(_list_of(_is_object), "a list of entities, as in entities.json"),
    "remove": Field(_list_of(_is_uid), "a list of entities"),
    "link": Field(_list_of(_is_link), "a list of objects of `template`, `id` and the slots"),
    "unlink": Field(_list_of(_is_name), "a list of ids of links"),
    "digest": Field(_is_name, "the digest of the bundle"),
    "name": Field(lambda value: isinstance(value, str), "the name of the bundle"),
    "decision": Field(_is_decision, 'an object with `verdict`: "allow", "step_up" or "deny"'),
}

_TARGETS = ("grant", "agent", "principal", "task")


@dataclass(frozen=True)
class Kind:
    """The fields of one kind of event. `one_of`: just one of these, where there are any; `some_of`:
    at least one of these."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    some_of: tuple[str, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        return frozenset((*self.required, *self.optional, *self.one_of, *self.some_of, "at"))


KINDS = {
    "start": Kind(
        ("grant", "task", "principal", "agent"),
        ("params", "claims", "expires_in", "valid_from", "by", "request", "decision"),
    ),
    "delegate": Kind(
        ("grant", "parent", "task", "agent"),
        ("params", "only_actions", "only_resources", "expires_in", "request", "decision"),
    ),
    "call": Kind(
        ("grant", "action"),
        ("arguments", "resource", "context", "agent", "request", "decision"),
    ),
    "approve": Kind(("request", "by"), ("expires_in", "decision")),
    "revoke": Kind((), ("by", "decision"), one_of=_TARGETS),
    "suspend": Kind((), one_of=_TARGETS),
    "resume": Kind((), one_of=_TARGETS),
    "close": Kind(("grant",)),
    "entities": Kind((), some_of=("upsert", "remove", "link", "unlink")),
    "bundle": Kind(("digest",), ("name",)),
}
_FIELDS = {name: kind.fields | {"event"} for name, kind in KINDS.items()}
_ORDER = {
    name: (*kind.required, *kind.optional, *kind.one_of, *kind.some_of)
    for name, kind in KINDS.items()
}


def check(event: Any, line: int | None = None) -> Event:
    """The event, if it is one.

    Raises:
        EventError: it is of no form that an event has; says what would be right.
    """
    if not isinstance(event, dict):
        raise EventError(
            "not a JSON object", line, 'an event is like {"event": "call", "at": 0, …}'
        )
    name = event.get("event")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(name, str):
        what = "no `event`" if "event" not in event else f"there is no event {_shown(name)}"
        raise EventError(what, line, f"`event` is one of {', '.join(KINDS)}")
    if "at" not in event:
        raise EventError("no `at`", line, f"`at` is {FIELDS['at'].right}")
    fields = _FIELDS[name]
    for field in event:
        if field not in fields:
            there = ", ".join(f"`{each}`" for each in ("at", *_ORDER[name]))
            raise EventError(f"`{name}` has no field {_shown(field)}", line, f"it has {there}")
    _check_presence(name, kind, event, line)
    for field, value in event.items():
        if field != "event" and not FIELDS[field].holds(value):
            raise EventError(
                f"`{field}` is of the wrong form", line, f"it is {FIELDS[field].right}"
            )
    return event


def _check_presence(name: str, kind: Kind, event: Event, line: int | None) -> None:
    for field in kind.required:
        if field not in event:
            raise EventError(f"`{name}` has no `{field}`", line, f"it is {FIELDS[field].right}")
    if kind.one_of and len(event.keys() & set(kind.one_of)) != 1:
        names = ", ".join(f"`{each}`" for each in kind.one_of)
        raise EventError(f"`{name}` concerns one thing", line, f"give just one of {names}")
    if kind.some_of and not event.keys() & set(kind.some_of):
        names = ", ".join(f"`{each}`" for each in kind.some_of)
        raise EventError(f"`{name}` changes nothing", line, f"give one or more of {names}")
    if name == "revoke" and "by" in event and "grant" not in event:
        raise EventError("`by` asks for the revocation of a `grant`", line, "leave `by` out")


def _shown(value: Any) -> str:
    """A name from a file for a message: short, and nothing that a terminal obeys."""
    text = value if isinstance(value, str) else type(value).__name__
    cut = text if len(text) <= 60 else text[:59] + "…"
    plain = (each if each.isprintable() else ascii(each)[1:-1] for each in cut)
    return f"`{''.join(plain)}`"
