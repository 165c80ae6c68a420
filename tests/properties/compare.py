"""Law: engine = reference = Cedar, on every request of a case, in every way of asking.

`differences` yields what is not so; nothing is yielded where all agree. Against Cedar itself
decision, deciding policies and erring policies (with their codes) are compared, and that a request
is refused where Cedar refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .generate import Case
from .paths import Answer, CedarAnswer, Contest
from .vocabulary import Draw

# Entities for one call are read anew for each call, which is slow.
CALLS_WITH_ENTITIES_MAX = 32
# What Cedar refuses and we take, by what its message says. Whole numbers are taken where a decimal
# is wanted.
TAKEN = ("type error: expected string, got long",)


@dataclass(frozen=True)
class Difference:
    """Two ways of asking request `number` gave two answers."""

    way: str
    number: int
    expected: Any
    found: Any


@dataclass(frozen=True)
class Outcome:
    """The answers of the reference, and what differed from them."""

    contest: Contest
    answers: list[Answer]
    differences: list[Difference]
    requests_in_tables: int


def compare(case: Case, draw: Draw, percent: int = 100) -> Outcome:
    """Ask in every way; the dearer ways only in `percent` of the cases."""
    contest = Contest(case, draw)
    expected = contest.reference()
    found = list(against("one by one", expected, contest.singles()))
    found += against("rows", expected, contest.rows())
    found += against_cedar("Cedar", expected, contest.cedar())
    in_tables = 0
    if draw.chance(percent):
        tables = contest.tables()
        in_tables = sum(each is not None for each in tables)
        found += against("tables", expected, tables)
    if draw.chance(percent):
        found += against("columns", expected, contest.columns())
        found += against("rows, 2 threads", expected, contest.rows(threads=2))
    if draw.chance(percent):
        briefs = [each.brief() for each in contest.singles(diagnostics="verdict")]
        found += against("verdict", [each.brief() for each in expected], briefs)
        found += views(contest, expected)
    if draw.chance(percent) and case.extra:
        found += with_entities(contest.first(CALLS_WITH_ENTITIES_MAX))
    if draw.chance(percent):
        denying = contest.denying()
        expected_denying = denying.reference()
        found += against("deny, one by one", expected_denying, denying.singles())
        found += against("deny, rows", expected_denying, denying.rows())
    return Outcome(contest, expected, found, in_tables)


def against(
    way: str, expected: Sequence[Answer], found: Sequence[Answer | None]
) -> Iterator[Difference]:
    if expected == found:
        return
    for number, (left, right) in enumerate(zip(expected, found, strict=True)):
        if right is not None and left != right:
            yield Difference(way, number, left, right)


def against_cedar(
    way: str, expected: Sequence[Answer], found: Sequence[CedarAnswer]
) -> Iterator[Difference]:
    for number, (ours, cedars) in enumerate(zip(expected, found, strict=True)):
        if cedars.refusal is not None:
            taken = ours.stage != "arguments" and any(words in cedars.refusal for words in TAKEN)
            agrees = ours.stage == "arguments" or taken
        else:
            agrees = (
                ours.verdict == "allow",
                frozenset(ours.policies),
                frozenset(ours.errors),
            ) == (
                cedars.allowed,
                cedars.policies,
                cedars.errors,
            ) and ours.stage != "arguments"
        if not agrees:
            yield Difference(way, number, ours, cedars)


def views(contest: Contest, expected: Sequence[Answer]) -> Iterator[Difference]:
    """The columns of a batch say what its decisions say."""
    rows = [request.json() for request in contest.requests]
    for row, request in zip(rows, contest.requests, strict=True):
        row.update(principal=request.principal, action=request.action, resource=request.resource)
    decisions = contest.engine.authorize_batch(rows)
    for number, (left, row) in enumerate(
        zip(expected, decisions.to_arrow().to_pylist(), strict=True)
    ):
        errors = tuple((each["policy"], each["code"]) for each in row["errors"])
        right = (row["verdict"], row["reason"], tuple(row["policies"]), errors)
        first = left.policies[0] if left.policies else None
        if (
            right != (left.verdict, left.reason, left.policies, left.errors)
            or row["policy"] != first
        ):
            yield Difference("to_arrow()", number, left, row)


def with_entities(contest: Contest) -> Iterator[Difference]:
    """Entities for one call are as if the store had them."""
    extra = contest.case.extra
    expected = contest.reference(entities=extra)
    yield from against("entities=", expected, contest.singles(entities=extra))
    yield from against_cedar("entities=, Cedar", expected, contest.cedar(extra))
    contest.engine.upsert(extra)
    yield from against("upsert", expected, contest.singles())
