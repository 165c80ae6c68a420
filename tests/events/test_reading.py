"""Reading events: strict, with line numbers, and never raising anything but its own error."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from agentpdp import EventError
from agentpdp.events import read_event, read_events
from agentpdp.events.reading import LINE_BYTES_MAX
from hypothesis import given
from hypothesis import strategies as st

from .example import EVENTS

CALL = '{"event": "call", "at": 1, "grant": "g1", "action": "pay"'

WRONG = {
    "": None,
    "  \n": None,
    "{": "not JSON: expecting property name enclosed in double quotes at column 2",
    "[]": "not a JSON object",
    "7": "not a JSON object",
    "{}": "no `event`: `event` is one of start, delegate, call",
    '{"event": "cal", "at": 1}': "there is no event `cal`: `event` is one of",
    '{"event": ["call"], "at": 1}': "there is no event `list`",
    '{"event": "close", "grant": "g"}': "no `at`: `at` is a time in milliseconds UTC",
    '{"event": "close", "at": 1}': "`close` has no `grant`: it is a name of 1 to 256 characters",
    '{"event": "close", "at": "1", "grant": "g"}': "`at` is of the wrong form: it is a time",
    '{"event": "close", "at": true, "grant": "g"}': "`at` is of the wrong form",
    '{"event": "close", "at": 1, "grant": ""}': "`grant` is of the wrong form",
    '{"event": "close", "at": 1, "grant": "g", "agent": "a"}': "`close` has no field `agent`",
    '{"event": "revoke", "at": 1}': "`revoke` concerns one thing: give just one of `grant`",
    '{"event": "revoke", "at": 1, "task": "t", "agent": "a"}': "`revoke` concerns one thing",
    '{"event": "revoke", "at": 1, "task": "t", "by": "a"}': "`by` asks for the revocation of",
    '{"event": "entities", "at": 1}': "`entities` changes nothing: give one or more of `upsert`",
    CALL + ', "at": 2}': "an object has two members of one name: nobody knows which one counts",
    CALL + ', "arguments": {"a": 1, "a": 2}}': "an object has two members of one name",
    CALL + ', "arguments": {"a": NaN}}': "`NaN` is not JSON: numbers are finite",
    CALL + ', "decision": {"verdict": "yes"}}': "`decision` is of the wrong form",
    CALL + ', "arguments": ' + "[" * 200_000: "brackets are nested deeper than can be read",
    CALL + "} x": "not JSON: extra data at column",
    CALL + ', "\x1b[31m": 1}': "not JSON: invalid control character",
    CALL + ', "\\u001b[31m": 1}': "`call` has no field `\\x1b[31m`",
}


@pytest.mark.parametrize("line", WRONG, ids=lambda line: line[:60])
def test_what_is_wrong_is_told_with_what_would_be_right(line: str) -> None:
    said = WRONG[line]
    if said is None:
        assert read_event(line, 9) is None
        return
    with pytest.raises(EventError) as caught:
        read_event(line, 9)
    assert str(caught.value).startswith(f"line 9: {said}")
    assert caught.value.line == 9
    assert str(caught.value).isprintable()


def test_bytes_are_text_in_utf_8() -> None:
    with pytest.raises(EventError, match="line 3: not UTF-8 text: save the file as UTF-8"):
        read_event(b"\xff", 3)
    assert read_event(b"\xef\xbb\xbf" + CALL.encode() + b"}\r\n", 1) is not None
    with pytest.raises(EventError, match="not JSON"):
        read_event(b"\xef\xbb\xbf" + CALL.encode() + b"}", 2)


def test_a_line_has_a_limit() -> None:
    with pytest.raises(EventError, match="line 1: the line is longer than 16 MiB"):
        read_event(b" " * (LINE_BYTES_MAX + 1), 1)


def test_lines_are_counted_and_empty_ones_passed_over() -> None:
    lines = ["", CALL + "}", "\n", CALL + ', "arguments": {}}\n']
    assert [number for number, _ in read_events(lines)] == [2, 4]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("1e2", 100.0),
        ("0.1000", 0.1),
        ("0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("1e400", Decimal("1E+400")),
        ("9007199254740993", 9007199254740993),
        ("1" * 401, Decimal("Infinity")),
    ],
)
def test_a_number_keeps_its_value(text: str, value: Any) -> None:
    event = read_event(CALL + f', "arguments": {{"n": {text}}}}}')
    assert event is not None
    found = event["arguments"]["n"]
    assert (type(found), found) == (type(value), value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@given(st.binary(max_size=200) | st.text(max_size=200) | JSON.map(json.dumps))
def test_reading_raises_nothing_but_its_own_error(line: bytes | str) -> None:
    with suppress(EventError):
        read_event(line, 1)


@given(st.data())
def test_a_line_that_is_changed_anywhere_raises_nothing_else(data: st.DataObject) -> None:
    lines = EVENTS.read_bytes().splitlines()
    line = bytearray(data.draw(st.sampled_from(lines)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line) - 1))
        line[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        line = line or bytearray(b" ")
    try:
        event = read_event(bytes(line), 2)
    except EventError:
        return
    assert event is None or event["event"]
