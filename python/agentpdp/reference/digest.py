"""The digest of a call: its one form in bytes, and SHA-256 of it.

The form is that of RFC 8785 (JCS). It is made only of what has exactly one form there, so two calls
with one digest are the same call: integers within 53 bits, text without lone surrogates. What the
engine itself adds to a call is not in it.

Twin: rust/core/src/digest.rs. Read next: approvals.py.
"""

from __future__ import annotations

import decimal as host_decimal
import hashlib
import json
import math
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from . import datetime, decimal, ipaddr
from .forms import exact
from .request import of_numpy, read_scalar
from .value import EvaluationError, Value, is_text, make_uid

DOMAIN = b"agentpdp.call.v1\n"
INTEGER_MAX = 2**53 - 1
FUNCTIONS = {"decimal": "decimal", "ipaddr": "ip", "datetime": "datetime", "duration": "duration"}


class UnsafeError(ValueError):
    """Something has no form, or not exactly one."""


def call_digest(call: Mapping[str, Any], is_json: bool = False) -> str | None:
    """In hexadecimal digits; None where the call has no form of its own.

    A tool's arguments are JSON; those of an order are the host's values, as its context is.
    """
    try:
        form = canonical({k: plain(call[k], is_json and k == "arguments") for k in call})
    except (ValueError, TypeError, RecursionError, ArithmeticError, EvaluationError):
        return None
    return hashlib.sha256(DOMAIN + form.encode()).hexdigest()


def canonical(thing: Any) -> str:
    """JSON as RFC 8785 writes it: sorted by UTF-16 code units, numbers as in ECMAScript."""
    if thing is None or isinstance(thing, bool):
        return {None: "null", True: "true", False: "false"}[thing]
    if isinstance(thing, int | float):
        return number(thing)
    if isinstance(thing, str):
        if not is_text(thing):
            raise UnsafeError("a lone surrogate")
        return json.dumps(thing, ensure_ascii=False)
    if isinstance(thing, Mapping):
        if not all(is_text(name) for name in thing):
            raise UnsafeError("a name that is no text")
        names = sorted(thing, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(k)}:{canonical(thing[k])}" for k in names) + "}"
    if isinstance(thing, list | tuple):
        return "[" + ",".join(map(canonical, thing)) + "]"
    raise UnsafeError("no JSON")


def number(thing: float) -> str:
    """The shortest digits that read as this number, in ECMAScript's notation."""
    if not math.isfinite(thing) or abs(thing) > INTEGER_MAX:
        raise UnsafeError("a number beyond 53 bits")
    if isinstance(thing, int) or thing.is_integer():
        return str(int(thing))
    sign = "-" if thing < 0 else ""
    mantissa, _, exponent = repr(abs(thing)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    places = len(whole) + int(exponent or "0")
    digits = (whole + fraction).rstrip("0")
    stripped = digits.lstrip("0")
    places -= len(digits) - len(stripped)
    if places > 0:
        return f"{sign}{stripped[:places]}.{stripped[places:]}"
    if places > -6:
        return f"{sign}0.{'0' * -places}{stripped}"
    head, tail = stripped[0], stripped[1:]
    return f"{sign}{head}{'.' + tail if tail else ''}e{places - 1}"


def plain(thing: Any, is_json: bool) -> Any:
    """Values that hosts may write besides JSON, as Cedar's JSON writes them.

    Arguments are JSON: a decimal there is a number, if it is the same to every reader.
    """
    thing = of_numpy(thing)
    if isinstance(thing, Mapping):
        return {name: plain(each, is_json) for name, each in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(each, is_json) for each in thing]
    if isinstance(thing, set | frozenset):
        return sorted((plain(each, is_json) for each in thing), key=canonical)
    if is_json and isinstance(thing, host_decimal.Decimal):
        if exact(thing) is None:
            raise UnsafeError("a number that not every reader sees alike")
        return float(thing)
    value = read_scalar(thing)
    extension = value and extension_text(value)
    if value and extension:
        return {"__extn": {"fn": FUNCTIONS[value.kind], "arg": extension}}
    uid = make_uid(getattr(thing, "type", None), getattr(thing, "id", None))
    return {"__entity": {"type": uid.type, "id": uid.id}} if uid else thing


def extension_text(value: Value) -> str | None:
    """What an extension value is made of; None for other values."""
    match value:
        case decimal.Decimal():
            return f"{host_decimal.Decimal(value.units).scaleb(-decimal.PLACES):f}"
        case ipaddr.IpAddress():
            ip = (IPv4Address if value.version == 4 else IPv6Address)(value.address)
            return f"{ip.exploded}/{value.prefix}"
        case datetime.Datetime():
            return str(value.milliseconds)
        case datetime.Duration():
            return f"{value.milliseconds}ms"
    return None
