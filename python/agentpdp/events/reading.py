"""Which events does a text of JSON lines hold?

Reading is strict: what cannot be read without guessing is an error with its line and what would be
right. Two members of one name in an object, ``NaN``, bytes that are not UTF-8, a field that is not
known: none of them is passed over. Numbers keep their value: what a double would change stays a
``Decimal``, which the engine then refuses as it refuses the text.

Read next: ``replaying.py``.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from agentpdp import _core
from agentpdp.errors import EventError
from agentpdp.events.form import Event, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Long enough for any arguments a person would log, short enough for memory.
LINE_BYTES_MAX = 16 << 20
_SPACE = " \t\r\n"


def read_events(lines: Iterable[bytes | str]) -> Iterator[tuple[int, Event]]:
    """The events of lines, each with the number of its line; empty lines are passed over.

    Raises:
        EventError: a line holds no event.
    """
    for number, raw in enumerate(lines, 1):
        event = read_event(raw, number)
        if event is not None:
            yield number, event


def read_event(raw: bytes | str, line: int | None = None) -> Event | None:
    """The event of a line; None for an empty one.

    Raises:
        EventError: the line holds no event.
    """
    if isinstance(raw, bytes):
        # Just what the reader below gives, where nothing is unusual: tests/events/test_bulk.py.
        plain = _core._read_line(raw)
        if plain is not None:
            return check(plain, line)
    return read_unusual(raw, line)


def read_unusual(raw: bytes | str, line: int | None = None) -> Event | None:
    """As :func:`read_event`, whatever the line is like."""
    text = _decoded(raw, line).strip(_SPACE)
    if not text:
        return None
    try:
        return check(_DECODER.decode(text), line)
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg.lower()} at column {error.colno}"
        raise EventError(what, line, "a line holds one JSON object") from None
    except _JsonError as error:
        raise EventError(str(error), line, error.right) from None
    except RecursionError:
        raise EventError("brackets are nested deeper than can be read", line) from None


def _decoded(raw: bytes | str, line: int | None) -> str:
    if len(raw) > LINE_BYTES_MAX:
        raise EventError(f"the line is longer than {LINE_BYTES_MAX >> 20} MiB", line)
    if isinstance(raw, str):
        return raw.removeprefix("\ufeff") if line == 1 else raw
    try:
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError:
        raise EventError("not UTF-8 text", line, "save the file as UTF-8") from None


class _JsonError(Exception):
    """JSON that is not read."""

    def __init__(self, what: str, right: str) -> None:
        super().__init__(what)
        self.right = right


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        right = "nobody knows which one counts: take one out"
        raise _JsonError("an object has two members of one name", right)
    return found


def _constant(name: str) -> Any:
    raise _JsonError(f"`{name}` is not JSON", "numbers are finite")


def _integer(text: str) -> Any:
    # Python refuses very long integers; so does every engine.
    return int(text) if len(text) <= 400 else Decimal("Infinity")


def _fraction(text: str) -> Any:
    """A float where it has the value of the text."""
    value = float(text)
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")
    return value if exact == Decimal(repr(value)) else exact


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_fraction,
)
