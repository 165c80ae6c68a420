"""Points in time and lengths of time, both in whole milliseconds in 64 bits.

Twin: rust/core/src/datetime.rs. Read next: entities.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .value import EvaluationError, Function, Long, Value, bounded, number

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DATETIME_TEXT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?"
)
DURATION_TEXT = re.compile(
    r"(-?)(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?"
)


@dataclass(frozen=True, order=True)
class Milliseconds(Value):
    milliseconds: int

    def __post_init__(self) -> None:
        bounded(self.milliseconds, "extension_error", f"the {self.kind}")


class Datetime(Milliseconds):
    """Milliseconds since 1970-01-01T00:00:00Z."""

    kind = "datetime"


class Duration(Milliseconds):
    kind = "duration"


def parse_datetime(text: str) -> Datetime:
    """`YYYY-MM-DD`, or with `THH:MM:SS`, perhaps `.SSS`, and `Z` or an offset such as `+0100`."""
    match = DATETIME_TEXT.fullmatch(text)
    if match is None:
        raise EvaluationError("extension_error", "not a datetime such as `2024-10-15T11:35:00Z`")
    year, month, day, hour, minute, second, milli = (int(part or 0) for part in match.groups()[:7])
    offset_hour, offset_minute = int(match[9] or 0), int(match[10] or 0)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= month <= 12 or not 1 <= day <= MONTH_DAYS[month - 1] + (leap and month == 2):
        raise EvaluationError("extension_error", "a datetime with a day that no calendar has")
    if max(hour, offset_hour) > 23 or max(minute, second, offset_minute) > 59:
        raise EvaluationError("extension_error", "a datetime with a time that no clock shows")
    local = days_since_epoch(year, month, day) * DAY + hour * HOUR + minute * MINUTE
    offset = offset_hour * HOUR + offset_minute * MINUTE
    return Datetime(local + second * SECOND + milli + (offset if match[8] == "-" else -offset))


def days_since_epoch(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01; years are counted from March, so that the leap day is the last."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    years = year * 365 + year // 4 - year // 100 + year // 400
    return years + (month * 153 + 2) // 5 + day - 1 - 719_468


def parse_duration(text: str) -> Duration:
    """Such as `1d2h3m4s5ms`: units at most once each and in this order, perhaps a minus."""
    match = DURATION_TEXT.fullmatch(text)
    if match is None:
        raise EvaluationError("extension_error", "not a duration such as `1d12h30m`")
    units = (DAY, HOUR, MINUTE, SECOND, 1)
    total = sum(
        number(part or "0") * unit for part, unit in zip(match.groups()[1:], units, strict=True)
    )
    return Duration(-total if match[1] else total)


def offset(start: Datetime, by: Duration) -> Value:
    return Datetime(start.milliseconds + by.milliseconds)


def duration_since(end: Datetime, start: Datetime) -> Value:
    return Duration(end.milliseconds - start.milliseconds)


def to_date(time: Datetime) -> Value:
    """The midnight (UTC) at or before this time."""
    return Datetime(time.milliseconds - time.milliseconds % DAY)


def to_time(time: Datetime) -> Value:
    """The time since that midnight, never negative."""
    return Duration(time.milliseconds % DAY)


def whole(length: Duration, unit: int) -> Value:
    """How many whole units a duration holds, rounded towards zero."""
    count = abs(length.milliseconds) // unit
    return Long(count if length.milliseconds >= 0 else -count)


FUNCTIONS = {
    "datetime": Function(("String",), lambda text: parse_datetime(text.value)),
    "duration": Function(("String",), lambda text: parse_duration(text.value)),
    "offset": Function(("datetime", "duration"), offset),
    "durationSince": Function(("datetime", "datetime"), duration_since),
    "toDate": Function(("datetime",), to_date),
    "toTime": Function(("datetime",), to_time),
    "toMilliseconds": Function(("duration",), lambda length: whole(length, 1)),
    "toSeconds": Function(("duration",), lambda length: whole(length, SECOND)),
    "toMinutes": Function(("duration",), lambda length: whole(length, MINUTE)),
    "toHours": Function(("duration",), lambda length: whole(length, HOUR)),
    "toDays": Function(("duration",), lambda length: whole(length, DAY)),
}
