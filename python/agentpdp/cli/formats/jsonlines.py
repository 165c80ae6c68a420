"""JSON lines: one request an object, one object a line.

The output is the line as it came, with the decision's members behind its own, so that no number and
no escape of it changes its spelling. What cannot be read without guessing is refused: two members
of one name, ``NaN``, bytes that are not UTF-8. A value that is read but is not right is for the
engine to deny.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from agentpdp.cli.exits import InputError, shown
from agentpdp.cli.formats.chunk import (
    ADDED,
    PARTIES,
    READ,
    Request,
    RowChunk,
    answer_of,
    entity,
)
from agentpdp.cli.formats.size import chunked, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentpdp import Decision
    from agentpdp.cli.formats.chunk import Answers

# Long enough for any arguments a person would log, short enough for memory.
LINE_BYTES_MAX = 16 << 20

_SPACE = " \t\r\n"
_FORM = (
    '{"principal": "User::\\"ada\\"", "action": "Action::\\"view\\"", '
    '"resource": "Photo::\\"p1\\"", "context": {}}'
)


class JsonLinesSource:
    """Reads JSON lines."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._size = size_of(stream)
        self._read = 0
        self._replaced: set[str] = set()

    def share(self) -> float | None:
        return self._read / self._size if self._size else None

    def replaced(self) -> list[str]:
        return sorted(self._replaced)

    def sink(self, stream: BinaryIO) -> JsonLinesSink:
        return JsonLinesSink(stream)

    def chunks(self) -> Iterator[RowChunk]:
        for part in chunked(self._rows()):
            numbers, lines, rows = zip(*part, strict=True)
            requests = [request_of(row) for row in rows]
            self._replaced.update(name for row in rows for name in ADDED if name in row)
            yield RowChunk(self._name, requests, list(numbers), list(zip(lines, rows, strict=True)))

    def _rows(self) -> Iterator[tuple[int, tuple[int, str, dict[str, Any]]]]:
        """Each row's size with its line number, its line and what the line holds."""
        number = 0
        while raw := self._stream.readline(LINE_BYTES_MAX + 1):
            number += 1
            place = f"{self._name}:{number}"
            self._read += len(raw)
            line = decoded(raw, place, number).strip(_SPACE)
            if line:
                yield len(raw), (number, line, read_row(line, place))


class JsonLinesSink:
    """Writes each line with its decision."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, chunk: RowChunk, answers: Answers) -> None:
        lines = [joined(line, row, answers[at]) for at, (line, row) in enumerate(chunk.originals)]
        self._stream.write(("\n".join(lines) + "\n").encode())

    def close(self) -> None:
        pass


def decoded(raw: bytes, place: str, number: int) -> str:
    """A line as text; a byte order mark before the first one is passed over."""
    if len(raw) > LINE_BYTES_MAX:
        raise InputError(f"{place}: the line is longer than {LINE_BYTES_MAX >> 20} MiB")
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{place}: not UTF-8 text: save the file as UTF-8") from None


def read_row(line: str, place: str) -> dict[str, Any]:
    """The object on a line."""
    row = read_json(line, place)
    if not isinstance(row, dict):
        raise InputError(f"{place}: not a JSON object: a line is like {_FORM}")
    for name in PARTIES:
        if name not in row:
            there = ", ".join(map(shown, list(row)[:20])) or "nothing"
            raise InputError(f"{place}: no `{name}`, there is {there}: a line is like {_FORM}")
    return row


def read_json(text: str, place: str) -> Any:
    """The value of a JSON text that says one thing only."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}:{error.colno}: not JSON: {error.msg.lower()}") from None
    except ValueError as error:
        raise InputError(f"{place}: {error}") from None
    except RecursionError:
        raise InputError(f"{place}: brackets are nested deeper than can be read") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has two members of one name: nobody knows which one counts")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"`{name}` is not JSON: numbers are finite")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def request_of(row: dict[str, Any]) -> Request:
    """What is asked by a row."""
    request = {name: row[name] for name in READ if name in row}
    for name in PARTIES:
        request[name] = entity(request[name])
    if request.get("entities", ...) is None:
        del request["entities"]
    return request


def joined(line: str, row: dict[str, Any], decision: Decision) -> str:
    """A line with a decision's members behind its own."""
    if any(name in row for name in ADDED):
        kept = {name: value for name, value in row.items() if name not in ADDED}
        return json.dumps({**kept, **answer_of(decision)})
    return f"{line[:-1].rstrip(_SPACE)}, {_members(decision)}"


@lru_cache(maxsize=4_096)
def _members(decision: Decision) -> str:
    """A decision's members, with the bracket that closes the object; decisions are often equal."""
    return _ENCODER.encode(answer_of(decision))[1:]
