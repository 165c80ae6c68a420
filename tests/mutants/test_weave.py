"""A woven file has all mutants in it, and is as it was where none is asked for."""

from __future__ import annotations

from .trial import blamed, errors
from .weave import Mutant, body_start, weave

TEXT = """\
/// Adds { and fn }.
#[must_use]
pub fn add(left: [u8; 2], right: (u8, u8)) -> u8
where
    u8: Copy,
{
    left[0] + right.0
}

fn not(value: bool) -> bool {
    !value
}
"""
ADD = (0, TEXT.index("\n}\n") + 2)
NOT = (TEXT.index("fn not"), len(TEXT) - 1)


def mutant(number: int, function: tuple[int, int], old: str, new: str) -> Mutant:
    start = TEXT.index(old, function[0])
    return Mutant(number, f"{old} to {new}", "a.rs", function, (start, start + len(old)), new)


MUTANTS = [mutant(1, ADD, " + ", " - "), mutant(2, ADD, " + ", " * "), mutant(3, NOT, "!", "")]


def test_a_body_starts_behind_the_signature() -> None:
    assert TEXT[body_start(TEXT, ADD) :].startswith("{\n    left")
    assert TEXT[body_start(TEXT, NOT) :].startswith("{\n    !value")


def test_each_mutant_has_an_arm_and_the_function_stays() -> None:
    woven = weave(TEXT, MUTANTS)
    assert "1 => {\n    left[0] - right.0\n}\n" in woven.text
    assert "2 => {\n    left[0] * right.0\n}\n" in woven.text
    assert "_ => {\n    left[0] + right.0\n}\n" in woven.text
    assert "3 => {\n    value\n}\n" in woven.text
    assert weave(TEXT, []).text == TEXT
    assert woven.arms.keys() == {1, 2, 3}


def test_an_error_is_blamed_on_its_mutant_or_on_all_of_its_function() -> None:
    woven = weave(TEXT, MUTANTS)
    lines = woven.text.splitlines()
    assert blamed(woven, 1 + lines.index("    left[0] * right.0")) == {2}
    assert blamed(woven, 1 + lines.index("    value")) == {3}
    assert blamed(woven, 1 + lines.index("    left[0] + right.0")) == {1, 2}
    assert blamed(woven, 1) == set()
    assert blamed(None, 1) == set()


def test_an_error_inside_of_a_macro_is_where_the_macro_is_called() -> None:
    inner = {"file_name": "alloc/macros.rs", "line_start": 44}
    outer = {"file_name": "a.rs", "line_start": 7, "expansion": None}
    span = {**inner, "expansion": {"span": outer}}
    message = {"message": {"level": "error", "spans": [span]}}
    assert list(errors([message, {"reason": "build-finished"}])) == [
        ("alloc/macros.rs", 44),
        ("a.rs", 7),
    ]
