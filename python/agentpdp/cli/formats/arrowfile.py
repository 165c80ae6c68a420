"""Parquet and Arrow IPC: requests as columns, decided as columns.

Columns ``principal``, ``action`` and ``resource`` hold Cedar text or structs of type and id;
``context`` is a struct, or columns ``context.…`` hold its values, or ``context`` is text and holds
JSON. A table goes to the engine as it is, except for the last form, which becomes rows. Needs
pyarrow.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

from agentpdp.cli.exits import InputError, shown
from agentpdp.cli.formats.cells import enter, path_of, two_values
from agentpdp.cli.formats.chunk import ADDED, PARTIES, Errors, Request, entity
from agentpdp.cli.formats.jsonlines import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentpdp import Decisions
    from agentpdp.cli.formats.cells import Declarations
    from agentpdp.cli.formats.chunk import Answers

TABLE_ROWS_MAX = 65_536


def pyarrow(name: str = "pyarrow") -> Any:
    """pyarrow, or a module of it."""
    try:
        return import_module(name)
    except ImportError:
        message = "Parquet and Arrow files need pyarrow: pip install 'agentpdp[files]'"
        raise InputError(message) from None


class TableChunk:
    """Requests that were read as columns."""

    def __init__(self, name: str, table: Any, first: int, declarations: Declarations) -> None:
        self.name = name
        self._declarations = declarations
        self.table = table
        self._first = first
        self._context_is_text = is_text(table, "context")
        self._rows: list[Request] | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def head(self, rows: int) -> TableChunk:
        return TableChunk(self.name, self.table.slice(0, rows), self._first, self._declarations)

    def request(self, row: int) -> Request:
        if self._rows is not None:
            return self._rows[row]
        return self._request(self.table.slice(row, 1).to_pylist()[0], row)

    def requests(self) -> list[Request]:
        """All requests as dicts."""
        if self._rows is None:
            columns = self._asked().to_pylist()
            self._rows = [self._request(each, row) for row, each in enumerate(columns)]
        return self._rows

    def place(self, row: int) -> str:
        return f"{self.name}: row {self._first + row}"

    def batch(self) -> Any:
        return self.requests() if self._context_is_text else self._asked()

    def errors(self, answers: Answers) -> Errors:
        flat = pyarrow("pyarrow.compute").list_flatten(to_table(answers)["errors"])
        return Counter((error["policy"], error["code"]) for error in flat.to_pylist())

    def _asked(self) -> Any:
        """The columns that a question is made of."""
        names = self.table.column_names
        asked = [name for name in names if name in (*PARTIES, "context") or is_dotted(name)]
        return self.table.select(asked)

    def _request(self, row: dict[str, Any], number: int) -> Request:
        request: Request = {name: entity(row[name]) for name in PARTIES}
        context = row.get("context")
        if self._context_is_text and context is not None:
            context = read_json(context, f"{self.place(number)}: column `context`")
        context = without_nulls(context)
        dotted = [name for name in row if is_dotted(name)]
        if dotted and context is None:
            context = {}
        for path in self._declarations.records(
            request["action"], [path_of(name) for name in dotted]
        ):
            enter(context, path)
        for name in dotted:
            if row[name] is not None:
                *above, last = path_of(name)
                record = enter(context, tuple(above))
                if not isinstance(record, dict) or last in record:
                    raise InputError(two_values(self.place(number), path_of(name)))
                record[last] = without_nulls(row[name])
        if context is not None:
            request["context"] = context
        return request


class TableSource:
    """Reads tables; what the two formats have in common."""

    needed: tuple[str, ...] = PARTIES
    columns = "principal, action, resource, and context or columns like context.input.amount"

    def __init__(self, stream: BinaryIO, name: str, declarations: Declarations) -> None:
        self.name = name
        self.declarations = declarations
        self.stream = stream
        self.arrow = pyarrow()
        self.schema: Any = None
        self.done = 0
        try:
            self.open()
        except (self.arrow.ArrowException, OSError) as error:
            raise InputError(f"{name}: {self.unreadable()}: {first_line(error)}") from None
        self._check_columns()

    def open(self) -> None:
        raise NotImplementedError

    def unreadable(self) -> str:
        raise NotImplementedError

    def tables(self) -> Iterator[Any]:
        raise NotImplementedError

    def share(self) -> float | None:
        return None

    def replaced(self) -> list[str]:
        return sorted(set(ADDED) & set(self.schema.names))

    def chunks(self) -> Iterator[TableChunk]:
        tables = self.tables()
        while True:
            try:
                table = next(tables, None)
            except (self.arrow.ArrowException, OSError) as error:
                place = f"{self.name}: after row {self.done}"
                raise InputError(f"{place}: {self.unreadable()}: {first_line(error)}") from None
            if table is None:
                return
            for start in range(0, table.num_rows, TABLE_ROWS_MAX):
                part = table.slice(start, TABLE_ROWS_MAX)
                chunk = TableChunk(self.name, part, self.done + 1, self.declarations)
                self.done += len(chunk)
                yield chunk

    def _check_columns(self) -> None:
        names = self.schema.names
        for name in self.needed:
            if name not in names:
                found = ", ".join(map(shown, names[:20])) or "none"
                message = f"no column `{name}`: there are {found}, and there must be {self.columns}"
                raise InputError(f"{self.name}: {message}")
        double = [name for name in names if names.count(name) > 1]
        if double:
            raise InputError(f"{self.name}: two columns are named {shown(double[0])}: rename one")


class ParquetSource(TableSource):
    """Reads Parquet."""

    def open(self) -> None:
        if not self.stream.seekable():
            raise InputError(f"{self.name}: Parquet is not read from a pipe: give a file")
        self._file = pyarrow("pyarrow.parquet").ParquetFile(self.stream)
        self.schema = self._file.schema_arrow

    def unreadable(self) -> str:
        return "not Parquet that can be read"

    def share(self) -> float | None:
        rows = self._file.metadata.num_rows
        return self.done / rows if rows else None

    def tables(self) -> Iterator[Any]:
        for batch in self._file.iter_batches(batch_size=TABLE_ROWS_MAX):
            yield self.arrow.Table.from_batches([batch])

    def sink(self, stream: BinaryIO) -> TableSink:
        writer = pyarrow("pyarrow.parquet").ParquetWriter
        return TableSink(self.schema, lambda schema: writer(stream, schema))


class ArrowSource(TableSource):
    """Reads Arrow IPC, both of its forms: the file and the stream."""

    def open(self) -> None:
        ipc = pyarrow("pyarrow.ipc")
        self._is_file = False
        if self.stream.seekable():
            self._is_file = self.stream.read(6) == b"ARROW1"
            self.stream.seek(0)
        self._reader = (ipc.open_file if self._is_file else ipc.open_stream)(self.stream)
        self.schema = self._reader.schema

    def unreadable(self) -> str:
        return "not Arrow IPC that can be read"

    def tables(self) -> Iterator[Any]:
        count = self._reader.num_record_batches if self._is_file else None
        batches = map(self._reader.get_batch, range(count)) if count is not None else self._reader
        for batch in batches:
            yield self.arrow.Table.from_batches([batch])

    def sink(self, stream: BinaryIO) -> TableSink:
        ipc = pyarrow("pyarrow.ipc")
        writer = ipc.new_file if self._is_file else ipc.new_stream
        return TableSink(self.schema, lambda schema: writer(stream, schema))


class TableSink:
    """Writes each table with the columns of its decisions."""

    def __init__(self, schema: Any, make_writer: Any) -> None:
        self._input = schema
        self._make_writer = make_writer
        self._writer: Any = None

    def write(self, chunk: TableChunk, answers: Answers) -> None:
        decided = to_table(answers)
        table = chunk.table.select([name for name in chunk.table.column_names if name not in ADDED])
        for name in ADDED:
            table = table.append_column(decided.schema.field(name), decided[name])
        self._open(table.schema).write_table(table)

    def close(self) -> None:
        self._open(self._empty_schema()).close()

    def _open(self, schema: Any) -> Any:
        if self._writer is None:
            self._writer = self._make_writer(schema)
        return self._writer

    def _empty_schema(self) -> Any:
        """The schema where there was no row to learn it from."""
        arrow = pyarrow()
        text = arrow.string()
        error = arrow.struct(
            [arrow.field(name, text, False) for name in ("policy", "code", "message")]
        )
        types = {"policies": arrow.list_(text), "errors": arrow.list_(error)}
        kept = [field for field in self._input if field.name not in ADDED]
        return arrow.schema([*kept, *(arrow.field(name, types.get(name, text)) for name in ADDED)])


def to_table(answers: Answers) -> Any:
    """Decisions as a pyarrow table."""
    assert not isinstance(answers, list), "tables are decided as batches"
    return _to_table(answers)


@lru_cache(maxsize=1)
def _to_table(answers: Decisions) -> Any:
    """Kept, because the sink and the summary both ask."""
    return answers.to_arrow()


def is_dotted(name: str) -> bool:
    return name.startswith("context.")


def is_text(table: Any, name: str) -> bool:
    """Whether a column holds text."""
    if name not in table.column_names:
        return False
    kind = str(table.schema.field(name).type)
    return any(
        kind.startswith(text) for text in ("string", "large_string", "dictionary<values=string")
    )


def without_nulls(value: Any) -> Any:
    """A struct's value without the members that are null: those are absent."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
