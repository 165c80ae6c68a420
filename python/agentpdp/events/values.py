"""How do values of Python stand in an event, and how does the engine take them from it?

Everything becomes JSON that the engine reads as it reads the value. What JSON has no form for
becomes an object that every reader of arguments and parameters refuses, as the engine refuses the
value: writing an event down never fails, and never makes a call better than it is.

Recording and replaying hand the engine what stands in the event, both by the functions here. So a
caller's objects are read once, and what is decided then is what is decided again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any

from agentpdp._core import EntityUid

_ADDRESSES = (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)
# Nesting of a value that is written down; the engine reads less.
_DEPTH_MAX = 80
# Bits of an integer that is written down; the engine reads less.
_INTEGER_BITS_MAX = 1_024
_CALL = ("arguments", "context", "at")
_START = ("params", "claims", "expires_in", "valid_from")
_DELEGATE = ("params", "expires_in")
_LISTS = ("only_actions", "only_resources")


def call_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for by a call."""
    uids = {name: uid_of(event[name]) for name in ("action", "resource") if name in event}
    return {**uids, **{name: event[name] for name in _CALL if name in event}}


def start_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What is given to `start`, besides the tasks."""
    given = {name: event[name] for name in _START if name in event}
    names = ("principal", "agent", "by")
    return given | {name: uid_of(event[name]) for name in names if name in event}


def delegate_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What is given to `delegate`, besides the tasks."""
    given = {name: event[name] for name in _DELEGATE if name in event}
    given |= {name: [uid_of(each) for each in event[name]] for name in _LISTS if name in event}
    return {**given, "agent": uid_of(event["agent"])}


def uid_of(value: Any) -> Any:
    """An entity as the engine takes it; what is none is left for the engine to refuse."""
    if isinstance(value, dict) and value.keys() == {"type", "id"}:
        return (value["type"], value["id"])
    return value


def arguments_json(value: Any) -> Any:
    """What an agent handed in. Arguments know JSON's types only."""
    return _json(value, is_host=False, depth=0)


def host_json(value: Any) -> Any:
    """What the host handed in: parameters, claims, context. Entities and extension values stand as
    Cedar's JSON writes them."""
    return _json(value, is_host=True, depth=0)


def object_json(value: Any) -> dict[str, Any]:
    """Parameters or claims by name; what is no object becomes one that nothing has declared."""
    found = host_json(value)
    return found if isinstance(found, dict) else _unreadable(value)


def uid_json(value: Any) -> Any:
    """An entity as text, or as type and id; what is none as something that no reader takes."""
    if isinstance(value, EntityUid | str):
        return str(value)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, str) for v in value):
        return {"type": value[0], "id": value[1]}
    if isinstance(value, dict) and value.keys() == {"type", "id"}:
        return {name: str(each) for name, each in value.items()}
    return f"not an entity ({type(value).__name__})"


def length_json(value: Any) -> Any:
    """A length of time: milliseconds or text."""
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return value if isinstance(value, str) else f"not a length ({type(value).__name__})"


def _json(value: Any, *, is_host: bool, depth: int) -> Any:
    if isinstance(value, int) and value.bit_length() > _INTEGER_BITS_MAX:
        return _unreadable(value)
    if value is None or isinstance(value, bool | int | str):
        return value if type(value) in (type(None), bool, int, str) else _base(value)
    if depth > _DEPTH_MAX:
        return _unreadable(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _unreadable(value)
    if isinstance(value, Mapping):
        pairs = [
            (name, _json(each, is_host=is_host, depth=depth + 1)) for name, each in value.items()
        ]
        return (
            dict(pairs) if all(isinstance(name, str) for name, _ in pairs) else _unreadable(value)
        )
    if isinstance(value, list | tuple) or (is_host and isinstance(value, set | frozenset)):
        return [_json(each, is_host=is_host, depth=depth + 1) for each in value]
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        return _json(value.tolist(), is_host=is_host, depth=depth + 1)
    if is_host:
        return _host(value)
    return _decimal(value) if isinstance(value, Decimal) else _unreadable(value)


def _base(value: Any) -> Any:
    """A value of a subclass as its own type's."""
    kinds = (bool, int, str)
    return next(kind(value) for kind in kinds if isinstance(value, kind))


def _decimal(value: Decimal) -> Any:
    """A number of the same value, if JSON's readers all see it."""
    if not value.is_finite() or abs(value.adjusted()) > 400:
        return _unreadable(value)
    if value == value.to_integral_value():
        return int(value)
    double = float(value)
    return double if Decimal(repr(double)) == value else _unreadable(value)


def _host(value: Any) -> Any:
    if isinstance(value, EntityUid):
        return {"__entity": {"type": value.type, "id": value.id}}
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= 400:
        text = f"{value:f}"
        return _extension("decimal", text if "." in text else f"{text}.0")
    if isinstance(value, datetime) and value.utcoffset() is not None:
        time = value.astimezone(UTC)
        if time.microsecond % 1000 == 0:
            text = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            return _extension("datetime", text)
    if isinstance(value, timedelta) and value.microseconds % 1000 == 0:
        return _extension("duration", f"{value // timedelta(milliseconds=1)}ms")
    if isinstance(value, _ADDRESSES):
        return _extension("ip", str(value))
    return _unreadable(value)


def _extension(function: str, text: str) -> dict[str, Any]:
    return {"__extn": {"fn": function, "arg": text}}


def _unreadable(value: Any) -> dict[str, Any]:
    return {"__unreadable": type(value).__name__}
