"""Requests as Arrow tables, in the many encodings that one table can have.

A column has one type, so requests whose contexts cannot stand in one table are put into several
(`grouped`); what no column can hold (a set of mixed kinds, a name with a NUL) is left out.
`dressed` picks an encoding at random: plain, large, view and dictionary text, narrow integers,
floats that are whole, structs or dotted names, slices and chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa

from .vocabulary import Draw, Json, uid_text

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
FLOAT_WHOLE_MAX = 2**53
TABLES_MAX = 40
TEXT_TYPES = (pa.string(), pa.large_string(), pa.string_view())


class Row(Protocol):
    """A request: entities as pairs of type and id, and a context."""

    principal: tuple[str, str]
    action: tuple[str, str]
    resource: tuple[str, str]
    context: Json


class InexpressibleError(Exception):
    """Arrow has no column for this."""


def arrow_type(value: Json) -> pa.DataType:
    """The type of a column that holds this value."""
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int) and LONG_MIN <= value <= LONG_MAX:
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, str):
        return pa.string()
    if isinstance(value, list):
        element = pa.null()
        for each in value:
            element = merged(element, arrow_type(each))
        return pa.list_(element)
    if isinstance(value, dict) and not any("\0" in name for name in value):
        return pa.struct([pa.field(name, arrow_type(each)) for name, each in value.items()])
    raise InexpressibleError


def merged(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The type of a column that holds values of both."""
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if pa.types.is_list(left) and pa.types.is_list(right):
        return pa.list_(merged(left.value_type, right.value_type))
    if pa.types.is_struct(left) and pa.types.is_struct(right):
        fields = {field.name: field.type for field in left}
        for field in right:
            fields[field.name] = merged(fields.get(field.name, pa.null()), field.type)
        return pa.struct(list(fields.items()))
    raise InexpressibleError


def grouped(rows: Sequence[Row]) -> list[tuple[pa.DataType, list[int]]]:
    """Numbers of the rows that can stand in one table, with the type of its contexts."""
    groups: list[tuple[pa.DataType, list[int]]] = []
    places: dict[int, int | None] = {}
    for number, row in enumerate(rows):
        known = id(row.context)
        if known not in places:
            places[known] = place_for(row.context, groups)
        place = places[known]
        if place is not None:
            groups[place][1].append(number)
    return groups


def place_for(context: Json, groups: list[tuple[pa.DataType, list[int]]]) -> int | None:
    """Which group this context can join, a new one if need be; None where no column holds it."""
    try:
        of_row = arrow_type(context)
    except InexpressibleError:
        return None
    for place, (of_group, numbers) in enumerate(groups):
        try:
            groups[place] = merged(of_group, of_row), numbers
            return place
        except InexpressibleError:
            continue
    if len(groups) == TABLES_MAX:
        return None
    groups.append((of_row, []))
    return len(groups) - 1


def plain_table(rows: Sequence[Row], context_type: pa.DataType) -> pa.Table:
    columns = {name: pa.array([uid_text(getattr(row, name)) for row in rows]) for name in PARTIES}
    columns["context"] = pa.array([row.context for row in rows], context_type)
    return pa.table(columns)


PARTIES = ("principal", "action", "resource")


def dressed(draw: Draw, rows: Sequence[Row], context_type: pa.DataType, codes: Any) -> Any:
    """The rows as one table in a random encoding; `codes` encodes uids for the engine."""
    columns: dict[str, Any] = {}
    for name in PARTIES:
        columns[name] = party_column(draw, [getattr(row, name) for row in rows], codes)
    contexts = pa.array([row.context for row in rows], context_type)
    names = [field.name for field in context_type]
    if draw.chance(50) and names and not any("." in name for name in names):
        for name, column in zip(names, contexts.flatten(), strict=True):
            columns[f"context.{name}"] = leaf_column(draw, column)
    else:
        columns["context"] = contexts
    return packed(draw, pa.table(columns))


def party_column(draw: Draw, uids: Sequence[tuple[str, str]], codes: Any) -> Any:
    form = draw.below(6)
    if form == 0:
        return pa.array(codes(uids))
    if form == 1:
        return pa.array([{"type": name, "id": each} for name, each in uids])
    texts = pa.array([uid_text(uid) for uid in uids], draw.pick(TEXT_TYPES))
    return texts.cast(pa.string()).dictionary_encode() if form < 4 else texts


def leaf_column(draw: Draw, column: pa.Array) -> Any:
    """The same values in another encoding."""
    if pa.types.is_string(column.type):
        encoded = column.cast(draw.pick(TEXT_TYPES))
        return column.dictionary_encode() if draw.chance(40) else encoded
    if pa.types.is_integer(column.type):
        largest = max((abs(each) for each in column.to_pylist() if each is not None), default=0)
        types = [pa.int64()]
        types += [pa.int8()] if largest < 2**7 else []
        types += [pa.int32()] if largest < 2**31 else []
        types += [pa.float64()] if largest <= FLOAT_WHOLE_MAX else []
        return column.cast(draw.pick(types))
    return column


def packed(draw: Draw, table: pa.Table) -> Any:
    """In one piece, in several, as a slice of something larger, or as one record batch."""
    form = draw.below(4)
    if form == 1 and table.num_rows > 1:
        cut = 1 + draw.below(table.num_rows - 1)
        return pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    if form == 2:
        doubled = pa.concat_tables([table, table]).combine_chunks()
        return doubled.slice(table.num_rows)
    if form == 3:
        return table.combine_chunks().to_batches()[0]
    return table
