"""Files of requests: which format is it, who reads it, and who writes the same with answers?

A ``Source`` gives chunks of requests, so that memory is bounded by a chunk and not by the file; the
``Sink`` it makes writes each chunk out again with its decisions. JSON lines and CSV need nothing
but Python; Parquet and Arrow need pyarrow, which is imported when such a file is opened and not
before.

Read next: ``chunk.py``, ``jsonlines.py``.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from agentpdp.cli.exits import InputError
from agentpdp.cli.formats.cells import Declarations
from agentpdp.cli.formats.csvfile import CsvSource
from agentpdp.cli.formats.jsonlines import JsonLinesSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentpdp import Bundle
    from agentpdp.cli.formats.chunk import Source

BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


def format_of(requests: str, given: str | None) -> str:
    """The format of a file of requests."""
    if given is not None:
        return given
    if requests == "-":
        return "jsonl"
    suffix = Path(requests).suffix.lower()
    if suffix not in BY_SUFFIX:
        if not requests:
            raise InputError("the name of the file of requests is empty")
        if Path(requests).is_dir():
            raise InputError(f"{requests}: a directory, and not a file")
        if not Path(requests).exists():
            raise InputError(f"{requests}: there is no such file")
        known = ", ".join(sorted(BY_SUFFIX))
        raise InputError(
            f"{requests}: the name does not say the format: it ends in none of {known}; "
            "give --format jsonl, csv, parquet or arrow"
        )
    return BY_SUFFIX[suffix]


@contextmanager
def open_source(requests: str, given: str | None, bundle: Bundle) -> Iterator[Source]:
    """The requests of a file, or of stdin where its name is ``-``."""
    format_name = format_of(requests, given)
    if requests == "-":
        if sys.stdin is None:
            raise InputError("stdin: it is closed: give a file, or a pipe")
        yield make_source(format_name, cast("BinaryIO", sys.stdin.buffer), "stdin", bundle)
        return
    try:
        stream = Path(requests).open("rb")  # noqa: SIM115 - closed below; opening is what may fail
    except OSError as error:
        raise InputError(f"{requests}: cannot be read: {error.strerror}") from None
    with stream:
        yield make_source(format_name, stream, requests, bundle)


def make_source(format_name: str, stream: BinaryIO, name: str, bundle: Bundle) -> Source:
    """The reader of one format."""
    if format_name == "jsonl":
        return JsonLinesSource(stream, name)
    if format_name == "csv":
        return CsvSource(stream, name, Declarations(bundle))
    from agentpdp.cli.formats.arrowfile import ArrowSource, ParquetSource

    make = ParquetSource if format_name == "parquet" else ArrowSource
    return make(stream, name, Declarations(bundle))
