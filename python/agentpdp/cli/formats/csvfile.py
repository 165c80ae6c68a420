"""CSV: one request a row, with a header.

Columns ``principal``, ``action`` and ``resource`` hold Cedar text; ``context`` holds a JSON text,
or columns ``context.…`` hold single values of it (``cells.py`` says how these are read). All other
columns go out again as they came in, with the decision's columns behind them.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, BinaryIO

from agentpdp.cli.exits import InputError, shown
from agentpdp.cli.formats.cells import Cells, path_of, two_values
from agentpdp.cli.formats.chunk import ADDED, PARTIES, Request, RowChunk, answer_of
from agentpdp.cli.formats.jsonlines import LINE_BYTES_MAX, decoded, read_json
from agentpdp.cli.formats.size import chunked, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentpdp import Decision
    from agentpdp.cli.formats.cells import Declarations
    from agentpdp.cli.formats.chunk import Answers

Row = list[str]


class CsvSource:
    """Reads CSV."""

    needed: tuple[str, ...] = PARTIES
    columns = "principal, action, resource, and context or columns like context.input.amount"

    def __init__(self, stream: BinaryIO, name: str, declarations: Declarations) -> None:
        self._name = name
        self.declarations = declarations
        self._stream = stream
        self._size = size_of(stream)
        self._read = 0
        csv.field_size_limit(LINE_BYTES_MAX)
        self._reader = csv.reader(self._lines(), strict=True)
        self.header = self._read_header()
        self._at = {name: at for at, name in enumerate(self.header)}
        dotted = [name for name in self.header if name.startswith("context.")]
        self._dotted = [self._at[name] for name in dotted]
        self._cells = Cells(declarations, [path_of(name) for name in dotted])

    def share(self) -> float | None:
        return self._read / self._size if self._size else None

    def replaced(self) -> list[str]:
        return sorted(set(ADDED) & set(self.header))

    def sink(self, stream: BinaryIO) -> CsvSink:
        return CsvSink(stream, self.header)

    def chunks(self) -> Iterator[RowChunk]:
        for part in chunked(self._rows()):
            numbers, rows = zip(*part, strict=True)
            requests = [self._request(row, number) for number, row in part]
            yield RowChunk(self._name, requests, list(numbers), list(rows))

    def _lines(self) -> Iterator[str]:
        number = 0
        while raw := self._stream.readline(LINE_BYTES_MAX + 1):
            number += 1
            self._read += len(raw)
            yield decoded(raw, f"{self._name}:{number}", number)

    def _next(self) -> Row | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise InputError(f"{self._name}:{self._reader.line_num}: not CSV: {error}") from None

    def _read_header(self) -> Row:
        header = self._next()
        if not header:
            raise InputError(
                f"{self._name}:1: no header: the first line names the columns {self.columns}"
            )
        for name in header:
            if name != name.strip() and name.strip().split(".")[0] in self._known():
                message = f"column {shown(name)} has a space around its name: take it out"
                raise InputError(f"{self._name}:1: {message}")
        for name in self.needed:
            if name not in header:
                found = ", ".join(map(shown, header[:20]))
                message = f"no column `{name}`: there are {found}, and there must be {self.columns}"
                raise InputError(f"{self._name}:1: {message}")
        double = [name for name in header if header.count(name) > 1]
        if double:
            raise InputError(
                f"{self._name}:1: two columns are named {shown(double[0])}: rename one"
            )
        return header

    def _known(self) -> tuple[str, ...]:
        """What columns, or the first parts of their names, are called."""
        return (*self.needed, "context", "arguments", "input")

    def _rows(self) -> Iterator[tuple[int, tuple[int, Row]]]:
        """Each row's size with its line number and its cells; a row may go over several lines."""
        while True:
            number = self._reader.line_num + 1
            row = self._next()
            if row is None:
                return
            if not row:
                continue
            if len(row) != len(self.header):
                message = f"{len(row)} cells where the header has {len(self.header)}"
                advice = 'a cell with a comma in it stands in quotes: "a, b"'
                raise InputError(f"{self._name}:{number}: {message}: {advice}")
            yield sum(map(len, row)), (number, row)

    def _request(self, row: Row, number: int) -> Request:
        request: Request = {name: row[self._at[name]] for name in PARTIES}
        place = f"{self._name}:{number}"
        context: Any = None
        if "context" in self._at and row[self._at["context"]]:
            context = read_json(row[self._at["context"]], f"{place}: column `context`")
        if self._dotted:
            context = {} if context is None else context
            if not isinstance(context, dict):
                message = "column `context` is no JSON object: `context.…` columns have no place"
                raise InputError(f"{place}: {message}")
            cells = [row[at] for at in self._dotted]
            twice = self._cells.read(request["action"], cells, context)
            if twice is not None:
                raise InputError(two_values(place, twice))
        if context is not None:
            request["context"] = context
        return request


class CsvSink:
    """Writes each row with its decision."""

    def __init__(self, stream: BinaryIO, header: Row) -> None:
        self._stream = stream
        self._kept = [at for at, name in enumerate(header) if name not in ADDED]
        self._write([[header[at] for at in self._kept] + list(ADDED)])

    def write(self, chunk: RowChunk, answers: Answers) -> None:
        self._write(
            [
                [row[at] for at in self._kept] + answer_cells(answers[number])
                for number, row in enumerate(chunk.originals)
            ]
        )

    def close(self) -> None:
        pass

    def _write(self, rows: list[Row]) -> None:
        text = _Text()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._stream.write("".join(text.parts).encode())


class _Text:
    """What a csv writer writes into."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str, /) -> None:
        self.parts.append(text)


def answer_cells(decision: Decision) -> Row:
    """The cells that are added to a row: policies by spaces, errors as a JSON text."""
    answer = answer_of(decision)
    errors = json.dumps(answer["errors"], ensure_ascii=False) if answer["errors"] else ""
    return [answer["verdict"], answer["reason"], " ".join(answer["policies"]), errors]
