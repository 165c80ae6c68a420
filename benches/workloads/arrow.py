"""Requests as Arrow columns, as a log or a queue would hold them.

Texts are dictionary-encoded, numbers are int64; a context's leaves are columns with dotted names,
or one struct column. Needs pyarrow, which the rest of this package does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from workloads.workload import Json, Request, text


def leaves(context: Json, path: str = "context") -> Iterator[tuple[str, Any]]:
    """Each value of a context that is no record, with its dotted name."""
    for name, value in context.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.{name}")
        else:
            yield f"{path}.{name}", value


def column(values: Sequence[Any]) -> Any:
    """One column: strings through a dictionary in order of first use, numbers as they are."""
    array = pa.array(values)
    return array.dictionary_encode() if pa.types.is_string(array.type) else array


def names(requests: Iterable[Request]) -> dict[str, Any]:
    """The columns principal, action and resource, as Cedar text."""
    asked = list(requests)
    return {
        name: column([text(getattr(each, name)) for each in asked])
        for name in ("principal", "action", "resource")
    }


def table(requests: Sequence[Request], *, nested: bool = False) -> Any:
    """A pyarrow Table of one chunk. `nested`: the context is one struct column."""
    columns = names(requests)
    if nested:
        columns["context"] = pa.array([each.context for each in requests])
    else:
        found = [dict(leaves(each.context)) for each in requests]
        paths = dict.fromkeys(path for each in found for path in each)
        columns |= {path: column([each.get(path) for each in found]) for path in paths}
    return pa.table(columns)


def buffers(found: Any) -> list[Any]:
    """All buffers of a table: what a copy of its columns must move."""
    chunks = [chunk for each in found.columns for chunk in each.chunks]
    dictionaries = [chunk.dictionary for chunk in chunks if pa.types.is_dictionary(chunk.type)]
    flat = [buffer for each in [*chunks, *dictionaries] for buffer in each.buffers()]
    return [buffer for buffer in flat if buffer is not None]
