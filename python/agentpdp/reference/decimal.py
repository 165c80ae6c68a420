"""Decimal numbers with four places after the point, kept as a whole number of ten-thousandths.

Twin: rust/core/src/decimal.rs. Read next: ipaddr.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .value import Bool, EvaluationError, Function, Value, bounded, number

PLACES = 4
TEXT = re.compile(r"(-?)([0-9]+)\.([0-9]+)")


@dataclass(frozen=True)
class Decimal(Value):
    kind = "decimal"
    units: int


def parse(text: str) -> Decimal:
    """Digits on both sides of the point, at most four after it, no plus sign."""
    match = TEXT.fullmatch(text)
    if match is None or len(match[3]) > PLACES:
        raise EvaluationError("extension_error", "not a decimal such as `12.34`")
    units = number(match[2]) * 10**PLACES + number(match[3].ljust(PLACES, "0"))
    return from_units(-units if match[1] else units)


def from_units(units: int) -> Decimal:
    return Decimal(bounded(units, "extension_error", "the decimal"))


PAIR = ("decimal", "decimal")
FUNCTIONS = {
    "decimal": Function(("String",), lambda text: parse(text.value)),
    "lessThan": Function(PAIR, lambda left, right: Bool(left.units < right.units)),
    "lessThanOrEqual": Function(PAIR, lambda left, right: Bool(left.units <= right.units)),
    "greaterThan": Function(PAIR, lambda left, right: Bool(left.units > right.units)),
    "greaterThanOrEqual": Function(PAIR, lambda left, right: Bool(left.units >= right.units)),
}
