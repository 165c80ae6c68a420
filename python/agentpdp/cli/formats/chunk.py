"""Some requests of a file, and what was decided of them.

A request is a dict of what ``Engine.authorize`` takes: principal, action, resource, context and, in
JSON lines, entities for this call only. Whatever else a row holds goes out again as it came in.

Read next: ``jsonlines.py`` (rows), ``arrowfile.py`` (columns).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from agentpdp import ColumnError, EntityError
from agentpdp.cli.exits import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentpdp import Decision, Decisions, Engine

    Answers: TypeAlias = Decisions | list[Decision]

Request = dict[str, Any]
Errors = Counter[tuple[str, str]]

# What is read of a row, in the order in which rows are described.
PARTIES = ("principal", "action", "resource")
READ = (*PARTIES, "context", "entities")

# What is added to a row, in this order, in every format; it takes the place of such names.
ADDED = ("verdict", "reason", "policies", "errors")


class Chunk(Protocol):
    """Consecutive requests."""

    name: str

    def __len__(self) -> int: ...

    def head(self, rows: int) -> Chunk:
        """The first requests, so many at most."""
        ...

    def request(self, row: int) -> Request:
        """One request, as ``Engine.authorize`` takes it."""
        ...

    def place(self, row: int) -> str:
        """Where a request stands: file and line, or file and row."""
        ...

    def batch(self) -> Any:
        """All requests, as ``Engine.authorize_batch`` takes them; none if some bring entities."""
        ...

    def errors(self, answers: Answers) -> Errors:
        """In how many rows which policy went wrong with which code."""
        ...


class Sink(Protocol):
    """Where requests go with what was decided of them."""

    def write(self, chunk: Any, answers: Answers) -> None: ...

    def close(self) -> None:
        """Nothing comes any more: write what stands at the end."""
        ...


class Source(Protocol):
    """A file of requests."""

    def chunks(self) -> Iterator[Chunk]: ...

    def share(self) -> float | None:
        """How much of the file has been read; none if nobody knows its size."""
        ...

    def replaced(self) -> list[str]:
        """Columns of the file whose names are those of ``ADDED``."""
        ...

    def sink(self, stream: Any) -> Sink:
        """A writer of the same format."""
        ...


@dataclass
class RowChunk:
    """Requests that were read as rows."""

    name: str
    requests: list[Request]
    numbers: list[int]
    originals: list[Any]

    def __len__(self) -> int:
        return len(self.requests)

    def head(self, rows: int) -> RowChunk:
        numbers, originals = self.numbers[:rows], self.originals[:rows]
        return RowChunk(self.name, self.requests[:rows], numbers, originals)

    def request(self, row: int) -> Request:
        return self.requests[row]

    def place(self, row: int) -> str:
        return f"{self.name}:{self.numbers[row]}"

    def batch(self) -> list[Request] | None:
        return None if any("entities" in each for each in self.requests) else self.requests

    def errors(self, answers: Answers) -> Errors:
        found: Errors = Counter()
        for row in range(len(self)):
            found.update((error.policy, error.code) for error in answers[row].errors)
        return found


def decide(engine: Engine, chunk: Chunk, threads: int | None) -> Answers:
    """Decide a chunk: as one batch, or call by call where requests bring entities of their own."""
    batch = chunk.batch()
    if batch is not None:
        try:
            return engine.authorize_batch(batch, threads=threads)
        except ColumnError as error:
            raise InputError(f"{chunk.name}: {error}") from None
    return [_decide_one(engine, chunk, row) for row in range(len(chunk))]


def _decide_one(engine: Engine, chunk: Chunk, row: int) -> Decision:
    try:
        return engine.authorize(**chunk.request(row))
    except EntityError as error:
        raise InputError(f"{chunk.place(row)}: `entities`: {error}") from None


def entity(value: Any) -> Any:
    """An entity as ``Engine.authorize`` takes it; what is none is left for the engine to deny."""
    if isinstance(value, dict) and value.keys() == {"type", "id"}:
        return (value["type"], value["id"])
    return value


def answer_of(decision: Decision) -> dict[str, Any]:
    """The members that are added to a row."""
    errors = [
        {"policy": error.policy, "code": error.code, "message": error.message}
        for error in decision.errors
    ]
    return {
        "verdict": decision.verdict,
        "reason": decision.reason,
        "policies": list(decision.policies),
        "errors": errors,
    }
