"""Which days does a prompt name?

A day without a year takes the year that another day of the prompt has, or else is this year's or
next year's. "For five nights" adds the day that ends it. What cannot be read is not named, and
then a booking asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
]
_MONTH = "(" + "|".join(f"{each[:3]}(?:{each[3:]})?" for each in _MONTHS) + r"|sept)\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_TO = r"\s*(?:-|–|—|to|until|till|through|and)\s*(?:the\s+)?"
_YEAR = r"(?:,?\s+(\d{4}))?"
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s+(?:the\s+)?{_DAY}(?:{_TO}{_DAY}(?!\d|\s*(?:{_MONTH})))?{_YEAR}\b", re.IGNORECASE
)
_DAY_FIRST = re.compile(rf"\b{_DAY}(?:{_TO}{_DAY})?\s+(?:of\s+)?{_MONTH}{_YEAR}\b", re.IGNORECASE)
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_SPAN = re.compile(
    rf"\b(\d{{1,2}}|an?|{'|'.join(_NUMBERS)})[\s-](day|night|week)s?\b", re.IGNORECASE
)
_WEEKDAY = re.compile(rf"\b({'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)


def days(prompt: str, today: date) -> list[date]:
    """The days that a prompt names, in order."""
    written = list(_written(prompt))
    years = {year for _, _, year in written if year} or {today.year, today.year + 1}
    found = {
        day
        for month, number, year in written
        for each in ({year} if year else years)
        if (day := _day(each, month, number))
    }
    found |= set(_relative(prompt, today))
    ends = {day + timedelta(days=span) for day in found for span in _spans(prompt)}
    return sorted(found | ends)


def _written(prompt: str) -> Iterator[tuple[int, int, int | None]]:
    """Month, day and year, as far as they are written."""
    for iso in _ISO.finditer(prompt):
        yield int(iso[2]), int(iso[3]), int(iso[1])
    for found in _MONTH_FIRST.finditer(prompt):
        year = int(found[5]) if found[5] else None
        for number in (found[2], found[3]):
            if number:
                yield _month(found[1]), int(number), year
    for found in _DAY_FIRST.finditer(prompt):
        year = int(found[4]) if found[4] else None
        for number in (found[1], found[2]):
            if number:
                yield _month(found[3]), int(number), year


def _month(text: str) -> int:
    return next(at for at, each in enumerate(_MONTHS, 1) if each.startswith(text.lower()[:3]))


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _relative(prompt: str, today: date) -> Iterator[date]:
    lower = prompt.lower()
    if re.search(r"\b(?:today|tonight|this (?:morning|evening|afternoon))\b", lower):
        yield today
    if re.search(r"\btomorrow\b", lower):
        yield today + timedelta(days=1)
    for found in _WEEKDAY.finditer(lower):
        ahead = (_WEEKDAYS.index(found[1]) - today.weekday()) % 7
        yield today + timedelta(days=ahead)
        yield today + timedelta(days=ahead + 7)


def _spans(prompt: str) -> Iterator[int]:
    """How many days later something that lasts so long can end."""
    for found in _SPAN.finditer(prompt):
        text = found[1].lower()
        number = int(text) if text.isdigit() else 1 if text in ("a", "an") else _NUMBERS.index(text)
        length = number * (7 if found[2].lower() == "week" else 1)
        yield length
        if found[2].lower() != "night":
            yield length - 1
