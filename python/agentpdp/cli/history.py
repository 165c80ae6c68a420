"""Recorded histories as the commands take them: which events do these files hold, in which order?

One file is read as it stands. Several, such as grants as JSON lines and calls as Parquet, are put
together by time; at one time, a file that is named earlier comes first.

Read next: ``formats/calls.py``, ``tally.py``.
"""

from __future__ import annotations

import heapq
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from agentpdp import EventError
from agentpdp.cli.exits import InputError
from agentpdp.cli.formats import format_of
from agentpdp.cli.formats.calls import CALL_SOURCES
from agentpdp.cli.formats.cells import Declarations
from agentpdp.cli.formats.size import size_of
from agentpdp.events import Event, read_event
from agentpdp.events.reading import LINE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agentpdp import Bundle

Placed = tuple[int, Event]
_BLOCK_BYTES = 4 << 20


class Place(int):
    """The number of a line, or of a row, of a file."""

    file: str

    def __new__(cls, file: str, number: int) -> Place:
        place = super().__new__(cls, number)
        place.file = file
        return place

    def __str__(self) -> str:
        return f"{self.file}:{int(self)}"


class History:
    """The events of some files, and how far they have been read."""

    def __init__(self, files: Sequence[str], given: str | None, bundle: Bundle) -> None:
        self.files = files
        self._given = given
        self._declarations = Declarations(bundle)
        self._read = 0
        self._sizes: list[int | None] = []

    @property
    def is_rereadable(self) -> bool:
        """Whether the events can be read a second time."""
        return all(Path(file).is_file() for file in self.files)

    def share(self) -> float | None:
        """How much has been read; none if nobody knows."""
        if None in self._sizes or not self._sizes:
            return None
        total = sum(size for size in self._sizes if size is not None)
        return self._read / total if total else None

    def events(self) -> Iterator[Placed]:
        """All events with their places."""
        self._read, self._sizes = 0, []
        sources = [self._one(file) for file in self.files]
        if len(sources) == 1:
            yield from sources[0]
            return
        timed = [self._timed(source, number) for number, source in enumerate(sources)]
        for _, _, place, event in heapq.merge(*timed, key=lambda each: each[:2]):
            yield place, event

    def _timed(
        self, source: Iterator[Placed], number: int
    ) -> Iterator[tuple[int, int, int, Event]]:
        """Events with the latest time that their file has told."""
        latest: int | None = None
        for place, event in source:
            latest = event["at"] if latest is None else max(latest, event["at"])
            yield latest, number, place, event

    def _one(self, file: str) -> Iterator[Placed]:
        format_name = format_of(file, self._given)
        name = "stdin" if file == "-" else file
        with opened(file) as stream:
            self._sizes.append(size_of(stream) if format_name == "jsonl" else None)
            if format_name == "jsonl":
                yield from self._lines(stream, name)
                return
            for number, event in CALL_SOURCES[format_name](stream, name, self._declarations):
                yield Place(name, number), event

    @property
    def is_one_of_lines(self) -> bool:
        """Whether it is one file of JSON lines."""
        return len(self.files) == 1 and format_of(self.files[0], self._given) == "jsonl"

    def blocks(self) -> Iterator[bytes]:
        """The file in blocks of whole lines; one above the limit is cut behind it."""
        self._read = 0
        with opened(self.files[0]) as stream:
            self._sizes = [size_of(stream)]
            while block := stream.read(_BLOCK_BYTES):
                if block[-1:] != b"\n":
                    block += stream.readline(LINE_BYTES_MAX + 1)
                self._read += len(block)
                yield block

    def _lines(self, stream: BinaryIO, name: str) -> Iterator[Placed]:
        number = 0
        while raw := stream.readline(LINE_BYTES_MAX + 1):
            number += 1
            self._read += len(raw)
            place = Place(name, number)
            with told(name):
                event = read_event(raw, place)
            if event is not None:
                yield place, event


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """A file of events, or stdin."""
    if file == "-":
        if sys.stdin is None:
            raise InputError("stdin: it is closed: give a file, or a pipe")
        yield cast("BinaryIO", sys.stdin.buffer)
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below; opening is what may fail
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    with stream:
        yield stream


@contextmanager
def told(file: str) -> Iterator[None]:
    """Says of which file an event is that cannot be read or played."""
    try:
        yield
    except EventError as error:
        raise InputError(place_of(error, file)) from None


def place_of(error: EventError, file: str) -> str:
    """An error of an event with its place."""
    place = error.line if isinstance(error.line, Place) else None
    where = str(place) if place is not None else file
    return f"{where}: {error.what}{f': {error.right}' if error.right else ''}"


def chunked(
    events: Iterator[Placed], rows: int, see: Callable[[int], Any]
) -> Iterator[list[Placed]]:
    """Events as lists of so many at most; those before one that cannot be read, too."""
    part: list[Placed] = []
    total = 0
    unreadable: InputError | None = None
    while True:
        try:
            part.append(next(events))
        except StopIteration:
            break
        except InputError as error:
            unreadable = error
            break
        if len(part) >= rows:
            yield part
            total += len(part)
            see(total)
            part = []
    if part:
        yield part
    if unreadable is not None:
        raise unreadable
