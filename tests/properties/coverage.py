"""What random runs covered: verdicts, errors, reasons, and every operator and function that was
evaluated.

Operators are counted by the reference, which is watched while it evaluates: one that stands in a
policy but was never reached does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from agentpdp.reference import authorize, expression
from agentpdp.reference.evaluate import Evaluator
from agentpdp.reference.expression import Expression
from agentpdp.reference.value import Value

from .paths import Answer
from .vocabulary import OPERATORS

SHARES_MIN = {"allow": 5.0, "deny": 5.0, "error": 5.0, "several reasons": 2.0}
OPERATOR_SHARE_MIN = 1.0


def operator_name(this: Expression) -> str | None:
    """The name under which an expression is counted; none for literals and variables."""
    match this:
        case expression.Chain(operator, _) | expression.Operation(operator, _):
            return operator
        case expression.Call(function, _):
            return function
        case expression.Has(_, attributes):
            return "has" if len(attributes) == 1 else "has path"
        case expression.If():
            return "if"
        case expression.Get():
            return "."
        case expression.Like():
            return "like"
        case expression.Is():
            return "is"
        case expression.MakeSet():
            return "Set"
        case expression.MakeRecord():
            return "Record"
    return None


class Coverage:
    """Counts over requests; `add` two of them up."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.watched = 0
        self.operators: Counter[str] = Counter()

    def add(self, other: Coverage) -> None:
        self.counts += other.counts
        self.watched += other.watched
        self.operators += other.operators

    def count(self, answers: Iterable[Answer]) -> None:
        kinds = Counter(
            (
                each.verdict,
                each.reason,
                len(each.policies) > 1,
                tuple(code for _, code in each.errors),
            )
            for each in answers
        )
        for (verdict, reason, several, codes), count in kinds.items():
            named = {"requests", verdict, f"reason {reason}", *(f"error {code}" for code in codes)}
            named |= {"several reasons"} if several else set()
            named |= {"error"} if codes else set()
            named |= {"several errors"} if len(codes) > 1 else set()
            self.counts.update(dict.fromkeys(named, count))

    @contextmanager
    def watching(self) -> Iterator[set[str]]:
        """While this lasts, operators that the reference evaluates go into the given set."""
        seen: set[str] = set()

        class Watched(Evaluator):
            def evaluate(self, this: Expression) -> Value:
                name = operator_name(this)
                if name:
                    seen.add(name)
                return super().evaluate(this)

        plain, authorize.Evaluator = authorize.Evaluator, Watched
        try:
            yield seen
        finally:
            authorize.Evaluator = plain

    def share(self, name: str) -> float:
        return 100 * self.counts[name] / max(1, self.counts["requests"])

    def operator_share(self, name: str) -> float:
        return 100 * self.operators[name] / max(1, self.watched)

    def lacks(self, operator_share_min: float = OPERATOR_SHARE_MIN) -> list[str]:
        """What fell short of its share."""
        short = [name for name, least in SHARES_MIN.items() if self.share(name) < least]
        return short + [
            name for name in OPERATORS if self.operator_share(name) < operator_share_min
        ]

    def lines(self) -> list[str]:
        """The report, in columns for people."""
        counted = ("allow", "deny", "error", "several errors", "several reasons")
        names = [
            *counted,
            *sorted(name for name in self.counts if name.startswith(("reason ", "error "))),
        ]
        lines = [f"{self.counts['requests']:,} requests"]
        lines += [f"  {name:<28}{self.share(name):6.2f} %" for name in names]
        lines += [f"operators, share of {self.watched:,} watched requests that evaluated them"]
        lines += [f"  {name:<28}{self.operator_share(name):6.2f} %" for name in OPERATORS]
        return lines
