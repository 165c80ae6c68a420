"""Tasks for a prompt to a bank's assistant."""

from __future__ import annotations

import re
from typing import Any

from picker import Choice
from picker.phrases import (
    accounts,
    amounts,
    instructions,
    names,
    plans,
    sentences,
    to_be_done,
    unquoted,
    wants,
)

_MOST = "2500.0"
_MONEY = (
    r"money|share|part|half|rest|difference|payments?|transactions?|transfers?|refund|amount|sum|back|"
    r"[$€£]|\d|[A-Z]{2}\d\d|dollars?|euros?|pounds?|funds|what (?:he|she|they|i|we)"
)
_RECURRING = (
    r"recurring|standing orders?|(?:every|each|per) (?:week|month|quarter|year)|weekly|monthly|"
    r"yearly|annually|scheduled?|subscriptions?"
)
_EVERY = r"(?:every|each) (?:week|month|quarter|year)|weekly|monthly|yearly"
_CHANGE = "adjust|update|change|modify|increase|raise|lower|reduce|decrease|set(?! up)|edit"
_ORDERS = (
    r"payments?|rent|standing orders?|scheduled|transactions?|transfers?|subscriptions?|"
    r"direct debits?|recipient|instal?lments?"
)
_DETAILS = (
    r"address|street|city|(?:first |last |sur)?name|details|profile|info|information|account data"
)
_SAID_BY_IT = (
    r"instructions?|steps|actions?|what (?:\S+ ){1,5}(?:say|ask|tell|want)s?|requests?|to-?dos?|"
    r"tasks?|everything|it says|accordingly"
)
_NEW_PASSWORD = re.compile(
    r"\b(?:password|passphrase|pin)\b[^.!?\n]{0,40}?\b(?:to|as|is|be)\s*:?\s*(?:'([^'\n]+)'|\"([^\"\n]+)\"|(\S+))",
    re.IGNORECASE,
)
_MOVED = re.compile(
    r"\b(?:i|we)(?:'ve| have| just|'m| am|'re| are)*\s+(?:just |recently )?mov(?:ed|ing)\b|"
    r"\bnew address\b|"
    r"\bmy (?:new )?(?:address|name) (?:is|has)\b",
    re.IGNORECASE,
)


_PAY = r"pay|refund|reimburse|repay|settle|wire|transfer|donate"
_BILLS = r"bills?|invoices?|payments?|fees?|dues|debts?"


def pick(prompt: str) -> Choice:
    """The tasks and their parameters."""
    tasks: list[str] = []
    params: dict[str, Any] = {}
    named = accounts(prompt)
    if wants(prompt, "follow|execute|perform|carry out|do|handle|complete", _SAID_BY_IT):
        tasks.append("follow-document")
    recurring = _sets_up_order(prompt)
    if recurring:
        tasks.append("order" if named else "order-found")
    if _pays(prompt, recurring):
        tasks.append("pay" if named else "pay-found")
    if wants(prompt, _CHANGE, _ORDERS):
        tasks.append("adjust-order")
    if wants(prompt, "change|update|reset|set|renew|replace", "password|passphrase|pin"):
        new = _new_password(prompt)
        tasks.append("change-password" if new else "choose-password")
        if new:
            params["password"] = new
    if wants(prompt, "change|update|set|correct|edit|fix|adjust", _DETAILS) or _MOVED.search(
        prompt
    ):
        tasks.append("change-details")
        params["details"] = names(prompt)
    if set(tasks) - {"change-password", "choose-password", "change-details"}:
        params["payees"] = [*named, *names(unquoted(prompt))]
    if {"pay", "pay-found", "order", "order-found"} & set(tasks):
        params["expected"] = _expected(prompt)
    return Choice(tasks or ["look"], params)


def _sets_up_order(prompt: str) -> bool:
    made = wants(prompt, "set up|schedule|create|start|make|add|arrange|establish", _RECURRING)
    return made or wants(prompt, "pay|send|transfer|wire", _EVERY)


def _pays(prompt: str, recurring: bool) -> bool:
    found = [
        each
        for phrases in (instructions, plans)
        for verbs, objects in (
            (_PAY, None),
            ("send|give|return", _MONEY),
            (r"make (?:an? |the |my |this )?(?:\w+ )?(?:payments?|transfers?|deposits?)", None),
            ("take care of|handle|deal with|clear", _BILLS),
        )
        for each in phrases(prompt, verbs, objects)
    ]
    if recurring:
        found = [each for each in found if not re.search(_RECURRING, each, re.IGNORECASE)]
    return bool(found) or to_be_done(prompt, "paid|refunded|reimbursed|transferred")


def _new_password(prompt: str) -> str | None:
    found = _NEW_PASSWORD.search(prompt)
    if found is None:
        return None
    return found[1] or found[2] or found[3].rstrip(".,!?")


def _expected(prompt: str) -> str:
    """The most that a payment should be: what the prompt names in a sentence that pays."""
    found = [
        float(amount)
        for sentence in sentences(prompt)
        if wants(sentence, f"{_PAY}|send|give|return") or _sets_up_order(sentence)
        for amount in amounts(sentence)
    ]
    return str(max(found)) if found else _MOST
