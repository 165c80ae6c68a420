"""The ways in which a case of the corpus is decided; each gives an answer for each request.

A way gives None where it cannot hold a request: only Arrow does, for contexts that no column can
hold (a set of mixed kinds, a name with a NUL).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import agentpdp
import agentpdp.reference
from properties.arrow_rows import PARTIES, dressed, grouped
from properties.vocabulary import Draw

from .corpus import Answer, Case, Request

Answers = Sequence[Answer | None]
WAYS = ("one by one", "dicts", "columns", "tables", "reference")


def answer(decision: Any) -> Answer:
    erring = frozenset(each.policy for each in decision.errors)
    return Answer(decision.verdict, frozenset(decision.policies), erring)


def row(request: Request) -> dict[str, Any]:
    return {**{part: getattr(request, part) for part in PARTIES}, "context": request.context}


class Sides:
    """Engine and reference of one case; entities come as Cedar does it, policies by position."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.bundle = agentpdp.Bundle.from_sources(
            policies=case.policies,
            schema=case.schema,
            entities=case.entities,
            on_error="cedar",
            ids="position",
            validate=False,
        )
        self.engine = agentpdp.Engine(self.bundle)

    def answers(self) -> dict[str, Answers]:
        """What each way answers, by its name in `WAYS`."""
        rows = [row(request) for request in self.case.requests]
        model = agentpdp.reference.Engine(self.bundle)
        return {
            "one by one": [answer(self.engine.authorize(**each)) for each in rows],
            "dicts": self.batch(rows),
            "columns": self.batch(self.columns(rows)),
            "tables": self.tables(),
            "reference": [answer(model.authorize(**each)) for each in rows],
        }

    def batch(self, columns: Any) -> list[Answer]:
        return [answer(each) for each in self.engine.authorize_batch(columns)]

    def columns(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Codes for the entities, objects for the contexts."""
        columns: dict[str, Any] = {
            part: self.codes(each[part] for each in rows) for part in PARTIES
        }
        return {**columns, "context": [each["context"] for each in rows]}

    def codes(self, uids: Iterable[tuple[str, str]]) -> Any:
        return self.engine.encode(list(uids))

    def tables(self) -> Answers:
        """Arrow tables in encodings that the name of the case picks."""
        draw = Draw(random.Random(self.case.name))
        found: list[Answer | None] = [None] * len(self.case.requests)
        for context_type, numbers in grouped(self.case.requests):
            requests = [self.case.requests[number] for number in numbers]
            decided = self.batch(dressed(draw, requests, context_type, self.codes))
            for number, each in zip(numbers, decided, strict=True):
                found[number] = each
        return found
