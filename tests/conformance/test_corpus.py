"""Every case of Cedar's corpus is decided as Cedar decides it, in every way of asking.

Compared are decision, determining policies, erring policies and the verdict of the validator. All
cases are decided once, in `tally`; each test then asks what it found of one way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from .corpus import CASES_MIN, FOLDER, cases
from .ways import WAYS, Sides

SHOWN_MAX = 5

pytestmark = pytest.mark.skipif(
    not all((FOLDER / archive).is_file() for archive in CASES_MIN),
    reason="Cedar's corpus is not there: it is looked for in ../shared/cedar-corpus",
)


@dataclass
class Tally:
    """How much was decided, and what differed, by way; `left_out` are requests of no column."""

    cases: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    valid: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    differences: dict[str, list[str]] = field(
        default_factory=lambda: {way: [] for way in (*WAYS, "validation")}
    )

    def count(self, archive: str) -> None:
        for case in cases(archive):
            sides = Sides(case)
            self.cases[archive] += 1
            self.requests += len(case.requests)
            self.valid += case.valid
            if sides.bundle.validate().passed is not case.valid:
                self.differences["validation"].append(case.name)
            for way, answers in sides.answers().items():
                for number, (expected, found) in enumerate(
                    zip(case.expected, answers, strict=True)
                ):
                    self.decided[way] += found is not None
                    self.left_out[way] += found is None
                    if found not in (None, expected):
                        where = f"{case.name}, request {number}"
                        self.differences[way].append(f"{where}: {expected}, found {found}")


@pytest.fixture(scope="module")
def tally() -> Tally:
    found = Tally()
    for archive in CASES_MIN:
        found.count(archive)
    return found


def test_no_case_is_left_out(
    tally: Tally, record_testsuite_property: Callable[[str, object], None]
) -> None:
    report = {
        "corpus cases": tally.cases.total(),
        "corpus cases that validate": tally.valid,
        "corpus requests": tally.requests,
        "corpus requests that no Arrow column holds": tally.left_out["tables"],
    }
    for name, number in report.items():
        print(f"{name}: {number:,}")
        record_testsuite_property(name, number)
    assert all(tally.cases[archive] >= least for archive, least in CASES_MIN.items())


@pytest.mark.parametrize("way", WAYS)
def test_every_request_is_answered_as_cedar_answers_it(way: str, tally: Tally) -> None:
    differences = tally.differences[way]
    assert differences[:SHOWN_MAX] == []
    assert tally.decided[way] + tally.left_out[way] == tally.requests


@pytest.mark.parametrize("way", [way for way in WAYS if way != "tables"])
def test_only_tables_leave_requests_out(way: str, tally: Tally) -> None:
    assert tally.left_out[way] == 0


def test_most_requests_stand_in_tables(tally: Tally) -> None:
    assert tally.decided["tables"] > 0.95 * tally.requests


def test_what_validates_is_what_cedar_validates(tally: Tally) -> None:
    assert tally.differences["validation"][:SHOWN_MAX] == []
    assert 0 < tally.valid < tally.cases.total()
