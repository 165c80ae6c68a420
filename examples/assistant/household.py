"""The household that requests are drawn from: people, what they own, and how a row is written.

Draws use only `random.Random.random`, the one method whose sequence Python promises to keep for a
seed, so that a seed gives the same rows in every version. Read next: honest.py, hostile.py.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Json = dict[str, object]
T = TypeVar("T")

HOME_DOMAIN = "hollow-lane.example"
PEOPLE = ("mara", "joon", "petra", "idris", "tomas")  # lena lives here too, suspended
KNOWN_DOMAINS = {
    "mara": ("northgate-school.example", "brightwater-clinic.example", "lindqvist-travel.example"),
    "joon": ("northgate-school.example", "okonjo-law.example"),
    "petra": ("northgate-school.example",),
    "idris": ("quarry-press.example", "lindqvist-travel.example"),
    "tomas": ("okonjo-law.example", "quarry-press.example"),
    "lena": ("quarry-press.example",),
}
PAYEES = {
    "mara": ("vos-rentals", "northgate-school", "brightwater-clinic", "hardware-hollis"),
    "joon": ("northgate-school", "brightwater-clinic", "okonjo-law", "tarn-water"),
    "petra": ("northgate-school", "quarry-press"),
    "idris": ("vos-rentals", "lindqvist-travel", "quarry-press"),
    "tomas": ("vos-rentals", "okonjo-law", "hardware-hollis"),
}
UTILITIES = ("nordlicht-power", "tarn-water", "tellur-phone")
HARMLESS_FILES = ("cover-letter", "garden", "plan", "poster")
PRIVATE_FILES = ("lease", "tax-return", "passport-scan")
SUBJECTS = ("Thursday", "The invoice", "Re: dates", "Boiler", "Photos from Sunday", "School trip")
QUERIES = ("invoice", "boiler", "from:school", "flight", "deposit", "reading list")

FIRST_DAY = datetime(2031, 3, 1, tzinfo=UTC)
DAYS = 90


class Draw:
    """Choices by one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def whole(self, least: int, most: int) -> int:
        return least + int(self.random.random() * (most - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.whole(0, len(choices) - 1)]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        at = self.random.random() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            at -= weight
            if at < 0:
                return choice
        return choices[-1][0]

    def moment(self, first_hour: int, last_hour: int) -> datetime:
        """A time of the season, within these hours of a day (UTC)."""
        day = FIRST_DAY + timedelta(days=self.whole(0, DAYS - 1))
        return day + timedelta(
            hours=self.whole(first_hour, last_hour), seconds=self.whole(0, 3_599)
        )


@dataclass(frozen=True)
class Call:
    """One tool call before it is labelled: `session` stands only on payments and settings."""

    action: str
    resource: str
    input: Json
    session: Json | None = None


def row(principal: str, call: Call, now: datetime, label: str) -> Json:
    context: Json = {"input": call.input, "system": {"now": time_text(now)}}
    if call.session is not None:
        context["session"] = call.session
    return {
        "principal": principal,
        "action": uid("Action", call.action),
        "resource": call.resource,
        "context": context,
        "label": label,
    }


def uid(kind: str, name: str) -> str:
    """An entity in Cedar's text; the names here need no escapes."""
    return f'{kind}::"{name}"'


def entity(kind: str, name: str) -> Json:
    return {"type": kind, "id": name}


def labels(*names: str) -> list[Json]:
    return [entity("Label", name) for name in names]


def time_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def amount(draw: Draw, least_cents: int, most_cents: int) -> object:
    """A decimal: mostly as text, which the schema directs, at times in Cedar's explicit form."""
    cents = draw.whole(least_cents, most_cents)
    text = f"{cents // 100}.{cents % 100:02d}"
    if draw.chance(0.1):
        return {"__extn": {"fn": "decimal", "arg": text}}
    return text


def recipients(names: Sequence[str], domains: Sequence[str]) -> Json:
    """What a host reads from an address list: everybody in `names` at each of `domains`."""
    addresses = [f"{name}@{domain}" for domain in domains for name in names]
    return {"addresses": addresses, "domains": list(domains), "count": len(addresses)}


def at_home(draw: Draw) -> Json:
    return {"from": f"198.51.100.{draw.whole(2, 250)}", "known_device": True}


def abroad(draw: Draw) -> Json:
    return {"from": f"203.0.113.{draw.whole(2, 250)}", "known_device": True}
