"""How much is read at once, and how large is a file?"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Enough rows that what a batch costs once does not count, few enough that memory does not, either.
CHUNK_ROWS_MAX = 8_192
CHUNK_BYTES_MAX = 32 << 20

T = TypeVar("T")


def size_of(stream: BinaryIO) -> int | None:
    """Bytes of a regular file; none of a pipe and the like."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def chunked(rows: Iterable[tuple[int, T]]) -> Iterator[list[T]]:
    """Rows, each with its size in bytes, as lists that are bounded in rows and bytes."""
    part: list[T] = []
    total = 0
    for size, row in rows:
        part.append(row)
        total += size
        if len(part) >= CHUNK_ROWS_MAX or total >= CHUNK_BYTES_MAX:
            yield part
            part, total = [], 0
    if part:
        yield part
