"""Calls as CSV, Parquet and Arrow: one event ``call`` a row.

Columns ``at``, ``grant`` and ``action`` must be there; ``agent``, ``resource``, ``request`` and
``verdict`` (what was decided) may be; ``arguments`` and ``context`` hold JSON texts or structs, or
columns ``input.…`` and ``context.…`` hold single values. Other columns are passed over.

In CSV all is text, so a cell of ``input.…`` is read by the type that the tool of the row's action
has there: numbers and booleans where it wants them, JSON where it wants lists and objects, else
text. An empty cell is absent.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agentpdp import EventError
from agentpdp.cli.exits import InputError, shown
from agentpdp.cli.formats.arrowfile import ArrowSource, ParquetSource, without_nulls
from agentpdp.cli.formats.cells import enter, path_of, plain
from agentpdp.cli.formats.csvfile import CsvSource
from agentpdp.cli.formats.jsonlines import read_json
from agentpdp.events import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentpdp.cli.formats.cells import Declarations

Row = dict[str, Any]
Event = dict[str, Any]

NEEDED = ("at", "grant", "action")
COLUMNS = "at, grant, action, and arguments or columns like input.amount"
_PLAIN = ("grant", "agent", "action", "resource", "request")
_TREES = {"input": "arguments", "arguments": "arguments", "context": "context"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CsvCalls(CsvSource):
    """Reads calls from CSV."""

    needed = NEEDED
    columns = COLUMNS

    def __iter__(self) -> Iterator[tuple[int, Event]]:
        cells = _Cells(self.declarations)
        for _, (number, row) in self._rows():
            named = {name: cell for name, cell in zip(self.header, row, strict=True) if cell != ""}
            yield number, event_of(named, f"{self._name}:{number}", cells.read)


class ParquetCalls(ParquetSource):
    """Reads calls from Parquet."""

    needed = NEEDED
    columns = COLUMNS

    def __iter__(self) -> Iterator[tuple[int, Event]]:
        return _rows_of(self)


class ArrowCalls(ArrowSource):
    """Reads calls from Arrow IPC."""

    needed = NEEDED
    columns = COLUMNS

    def __iter__(self) -> Iterator[tuple[int, Event]]:
        return _rows_of(self)


CALL_SOURCES: dict[str, Callable[..., Any]] = {
    "csv": CsvCalls,
    "parquet": ParquetCalls,
    "arrow": ArrowCalls,
}


def _rows_of(source: ParquetSource | ArrowSource) -> Iterator[tuple[int, Event]]:
    for chunk in source.chunks():
        first = source.done - len(chunk) + 1
        for number, row in enumerate(chunk.table.to_pylist(), first):
            there = {name: value for name, value in row.items() if value is not None}
            yield number, event_of(there, chunk.place(number - first), _as_is)


def _as_is(_action: Any, _path: tuple[str, ...], value: Any) -> Any:
    return without_nulls(value)


def event_of(row: Row, place: str, read: Callable[[Any, tuple[str, ...], Any], Any]) -> Event:
    """The event of a row; what is absent is not in it."""
    event: Event = {"event": "call"}
    if "at" in row:
        event["at"] = _time(row["at"])
    event |= {name: row[name] for name in _PLAIN if name in row}
    for tree in ("arguments", "context"):
        if tree in row:
            event[tree] = _tree(row[tree], f"{place}: column `{tree}`")
    for name, value in row.items():
        first, dot, _ = name.partition(".")
        if dot and first in _TREES:
            above, last = path_of(name)[:-1], path_of(name)[-1]
            record = enter(event.setdefault(_TREES[first], {}), above)
            if not isinstance(record, dict) or last in record:
                raise InputError(f"{place}: {shown(name)} has two values: here and elsewhere")
            record[last] = read(event.get("action"), path_of(name), value)
    if "verdict" in row:
        event["decision"] = {"verdict": row["verdict"]}
    try:
        return check(event)
    except EventError as error:
        advice = f": {error.right}" if error.right else ""
        raise InputError(f"{place}: {error.what}{advice}") from None


def _time(value: Any) -> Any:
    """Milliseconds UTC of a number, its text, or a time."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(milliseconds=1)
    return plain(value) if isinstance(value, str) else value


def _tree(value: Any, place: str) -> Any:
    """Arguments or a context: a JSON text, or a struct."""
    if not isinstance(value, str):
        return without_nulls(value)
    return read_json(value, place)


class _Cells:
    """Reads cells of CSV by the types that tools declare."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self._kinds: dict[tuple[str, tuple[str, ...]], str | None] = {}

    def read(self, action: Any, path: tuple[str, ...], cell: str) -> Any:
        key = (str(action), path)
        if key not in self._kinds:
            self._kinds[key] = self._kind(action, path)
        kind = self._kinds[key]
        if kind is None:
            return plain(cell)
        if kind in ("Long", "Bool", "decimal", "Set") or (kind == "Record" and cell[:1] in "[{"):
            return _json(cell)
        return cell

    def _kind(self, action: Any, path: tuple[str, ...]) -> str | None:
        """The type that an argument has to the rules; none where nothing is declared."""
        found = self._declarations.named(action)
        for name in ("input", *path):
            attributes = found["attributes"] if found and found["kind"] == "Record" else {}
            found = attributes.get(name, {}).get("type")
        return None if found is None else str(found.get("name", found["kind"]))


def _json(cell: str) -> Any:
    """A cell as JSON, where it is some; text that is none is left for the engine to refuse."""
    try:
        return json.loads(cell, parse_constant=str)
    except (ValueError, RecursionError):
        return cell
