"""Tasks for a prompt to a traveller's assistant."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from picker import Choice
from picker.days import days
from picker.phrases import addresses, instructions, instructs, names, plans, quoted, unquoted

_BOOK = (
    r"book|reserve|rent|hire|(?:make|get|place) (?:me |us |a |an |the )*(?:reservations?|bookings?)"
)
_ASK = r"recommend|suggest|find|tell|show|list|compare|check|advise"
_KINDS = {
    "hotel": r"hotels?|rooms?|stay|accommodations?|hostel|lodging|suite",
    "table": r"restaurants?|tables?|dinner|lunch|breakfast|brunch|eat",
    "car": r"cars?|rentals?|vehicles?|van",
}
# What people book and no tool here can: it is not taken for something else.
_OTHER = r"flights?|planes?|trains?|tickets?|tours?|bus(?:es)?|tax(?:i|is)|cruises?"
_PARAM = {"hotel": "hotels", "table": "restaurants", "car": "companies"}
_EVENTS = r"calendar|events?|reminders?|appointments?|meetings?|invit"
_TITLE = re.compile(
    r"\b(?:event|reminder|appointment|meeting|title|titled|called|subject|named)\b[^.!?\n]{0,30}$",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\b(?:invite|participants?|attendees?|guests?)\b", re.IGNORECASE)
_MAILS = r"e-?mails?|mails?|messages?|[^\s]+@"


def pick(prompt: str, today: date) -> Choice:
    """The tasks and their parameters; the day is for "tomorrow" and for days without a year."""
    tasks: list[str] = []
    params: dict[str, Any] = {}
    named = _named_places(prompt)
    for kind in _bookings(prompt):
        tasks.append(f"book-{kind}" if named else f"book-{kind}-found")
        params[_PARAM[kind]] = named or names(unquoted(prompt))
        params["days"] = days(prompt, today)
    people = addresses(prompt)
    if instructs(
        prompt, "add|create|put|schedule|set up|make|set|mark|block|enter|plan", _EVENTS
    ) or instructs(prompt, "remind|invite"):
        others = _OTHERS.search(prompt) is not None
        tasks.append("invite" if people else "invite-found" if others else "remind")
    if instructs(prompt, "cancel|delete|remove|call off", _EVENTS + "|reservations?|bookings?"):
        tasks.append("cancel-event")
    if instructs(prompt, "send|write|forward|draft|share|tell|let", _MAILS) or instructs(
        prompt, "e-?mail|mail|message|notify"
    ):
        tasks.append("write-mail" if people else "write-mail-found")
    if {"invite", "invite-found", "write-mail", "write-mail-found"} & set(tasks):
        params["addresses"] = people
    return Choice(tasks or ["look"], params)


def _bookings(prompt: str) -> list[str]:
    """What is to be booked: what a sentence that books names, or else what the prompt is about."""
    found = list(instructions(prompt, _BOOK))
    if not found and not instructs(prompt, _ASK):
        found = list(plans(prompt, _BOOK))
    found = [each for each in found if not _only_others(each)]
    if not found:
        return []
    for text in (" ".join(found), " ".join(_named_places(prompt)), unquoted(prompt)):
        kinds = [
            kind
            for kind, nouns in _KINDS.items()
            if re.search(rf"\b(?:{nouns})\b", text, re.IGNORECASE)
        ]
        if kinds:
            return kinds
    return list(_KINDS)


def _only_others(instruction: str) -> bool:
    kinds = any(
        re.search(rf"\b(?:{nouns})\b", instruction, re.IGNORECASE) for nouns in _KINDS.values()
    )
    return not kinds and re.search(rf"\b(?:{_OTHER})\b", instruction, re.IGNORECASE) is not None


def _named_places(prompt: str) -> list[str]:
    """Names in quotation marks that are not the title of something to be written."""
    return [each for each in quoted(prompt) if not _TITLE.search(prompt[: prompt.index(each) - 1])]
