"""What was decided of all requests, in numbers.

For each reason that says a request does not fit, the first such request is asked once more by
itself: a single decision says in words what does not fit, a batch only by code.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentpdp import Engine
    from agentpdp.cli.formats.chunk import Answers, Chunk

# More lines than a person reads; --json has all.
_SHOWN_MAX = 25


class Summary:
    """Counts decisions, chunk by chunk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.row_count = 0
        self.verdicts = Counter({"allow": 0, "deny": 0})
        self.reasons: Counter[str] = Counter()
        self.policies: Counter[str] = Counter()
        self.errors: Counter[tuple[str, str]] = Counter()
        self.first: dict[str, dict[str, str]] = {}

    @property
    def denied(self) -> int:
        return self.verdicts["deny"]

    def add(self, chunk: Chunk, answers: Answers) -> None:
        """Count what was decided of a chunk."""
        self.row_count += len(chunk)
        counts = count(answers)
        self.verdicts.update(counts["verdicts"])
        self.policies.update(counts["policies"])
        self.errors.update(chunk.errors(answers))
        for reason in counts["reasons"]:
            if reason not in self.reasons:
                self._keep_first(reason, chunk, answers)
        self.reasons.update(counts["reasons"])

    def _keep_first(self, reason: str, chunk: Chunk, answers: Answers) -> None:
        row = next(row for row in range(len(chunk)) if answers[row].reason == reason)
        if answers[row].stage != "arguments":
            return
        decision = self._engine.authorize(**chunk.request(row))
        same = decision.reason == reason
        message = decision.message if same else answers[row].message
        self.first[reason] = {"place": chunk.place(row), "message": message}

    def as_json(self) -> dict[str, Any]:
        errors: dict[str, dict[str, int]] = {}
        for (policy, code), rows in sorted(self.errors.items()):
            errors.setdefault(policy, {})[code] = rows
        return {
            "rows": self.row_count,
            "verdicts": dict(self.verdicts),
            "reasons": _sorted(self.reasons),
            "policies": _sorted(self.policies),
            "errors": errors,
            "first": self.first,
        }

    def as_text(self, seconds: float) -> str:
        noun = "request" if self.row_count == 1 else "requests"
        rate = f", {self.row_count / seconds:,.0f} a second" if self.row_count and seconds else ""
        lines = [f"{self.row_count:,} {noun} in {seconds:.2f} s, files included{rate}"]
        lines += _table("verdict", self.verdicts)
        lines += _table("reason", _sorted(self.reasons))
        lines += _table("policy", _sorted(self.policies))
        errors = {f"{policy} {code}": rows for (policy, code), rows in self.errors.most_common()}
        lines += _table("error", errors)
        if self.first:
            lines.append("the first that do not fit:")
        lines += [f"  {each['place']}: {each['message']}" for each in self.first.values()]
        return "\n".join(lines)


def count(answers: Answers) -> dict[str, Mapping[str, int]]:
    """Rows by verdict, reason and policy."""
    if isinstance(answers, list):
        return {
            "verdicts": Counter(each.verdict for each in answers),
            "reasons": Counter(each.reason for each in answers),
            "policies": Counter(policy for each in answers for policy in each.policies),
        }
    counts = answers.counts()
    verdicts = {name: counts[name] for name in ("allow", "deny")}
    return {"verdicts": verdicts, "reasons": counts["reasons"], "policies": counts["policies"]}


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    """Most first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _table(title: str, counts: Mapping[str, int]) -> Iterable[str]:
    if not counts:
        return
    shown = list(counts.items())[:_SHOWN_MAX]
    width = max(len(name) for name, _ in shown)
    yield f"{title}"
    for name, rows in shown:
        yield f"  {name:<{width}}  {rows:>9,}"
    if len(counts) > len(shown):
        yield f"  and {len(counts) - len(shown):,} more: --json has all"
