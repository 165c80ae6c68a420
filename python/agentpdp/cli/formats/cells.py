"""What does a cell of a CSV file mean? All is text there, so the schema says of which type it is.

A cell of a column ``context.a.b`` is read as the type that the row's action declares for ``a.b``;
without a schema, or where it declares nothing, whole numbers are integers, ``true`` and ``false``
are booleans, and everything else is text. An empty cell is absent. What does not read as its type
stays text, and is denied.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentpdp import EntityUid
from agentpdp.cli.exits import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentpdp import Bundle

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_BOOLEANS = {"true": True, "false": False}

Type = dict[str, Any]
Path = tuple[str, ...]


def path_of(column: str) -> Path:
    """The path of a column ``context.…`` inside the context."""
    return tuple(column.split(".")[1:])


def two_values(place: str, path: Path) -> str:
    """What is said of a place in a context that a request fills twice."""
    name = shown(".".join(("context", *path)))
    return f"{place}: {name} has two values: in this column and in another"


def plain(cell: str) -> Any:
    """A cell by its looks."""
    if _INTEGER.fullmatch(cell):
        return int(cell)
    return _BOOLEANS.get(cell, cell)


def typed(cell: str, wanted: Type) -> Any:
    """A cell as a type of the resolved schema wants it."""
    kind = wanted["kind"]
    if kind == "Long":
        return int(cell) if _INTEGER.fullmatch(cell) else cell
    if kind == "Bool":
        return _BOOLEANS.get(cell, cell)
    if kind == "Entity":
        return _entity(cell)
    if kind in ("Set", "Record"):
        return _json(cell)
    return cell


def _entity(cell: str) -> Any:
    try:
        return EntityUid.parse(cell)
    except ValueError:
        return _json(cell)


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


class Declarations:
    """What a bundle's schema declares for the context of each action; read when first asked."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @cached_property
    def _contexts(self) -> dict[tuple[str, str], Type]:
        schema = self._bundle.to_json()["schema"] if self._bundle.has_schema else {"actions": ()}
        return {
            (action["uid"]["type"], action["uid"]["id"]): {"kind": "Record", **action["context"]}
            for action in schema["actions"]
        }

    def context(self, action: Any) -> Type | None:
        """The context of an action, given as Cedar text or as type and id."""
        if isinstance(action, str):
            try:
                uid = EntityUid.parse(action)
            except ValueError:
                return None
            action = (uid.type, uid.id)
        return self._contexts.get(action)

    def named(self, action: Any) -> Type | None:
        """The context of an action that is given by its name, where only one has it, or as an
        entity."""
        if isinstance(action, dict):
            action = (action.get("type"), action.get("id"))
        found = [each for uid, each in self._contexts.items() if uid[1] == action]
        return found[0] if len(found) == 1 else self.context(action)

    def records(self, action: Any, paths: Sequence[Path]) -> list[Path]:
        """Records above some paths that are there even where nothing stands at the paths.

        That is every record but those that the schema calls optional or does not know.
        """
        context = self.context(action)
        above = {path[:end] for path in paths for end in range(1, len(path))}
        return [path for path in sorted(above) if _is_always_there(context, path)]


class Cells:
    """Reads the dotted columns of a row, by the types that its action declares."""

    def __init__(self, declarations: Declarations, paths: list[Path]) -> None:
        self._declarations = declarations
        self._paths = paths
        self._plans: dict[str, list[tuple[Path, Type | None]]] = {}
        self._records: dict[str, list[Path]] = {}

    def read(self, action: str, cells: list[str], into: dict[str, Any]) -> Path | None:
        """Put a row's cells into its context; the path of one that has a value there already."""
        if action not in self._plans:
            self._prepare(action)
        for path in self._records[action]:
            if not isinstance(enter(into, path), dict):
                return path
        for (path, wanted), cell in zip(self._plans[action], cells, strict=True):
            if cell == "":
                continue
            record = enter(into, path[:-1])
            if not isinstance(record, dict) or path[-1] in record:
                return path
            record[path[-1]] = plain(cell) if wanted is None else typed(cell, wanted)
        return None

    def _prepare(self, action: str) -> None:
        context = self._declarations.context(action)
        found = [(path, _declared(context, path)) for path in self._paths]
        self._plans[action] = [(path, each and each["type"]) for path, each in found]
        self._records[action] = self._declarations.records(action, self._paths)


def enter(record: Any, path: Path) -> Any:
    """The record at a path, made where it is not there."""
    for name in path:
        if not isinstance(record, dict):
            return record
        record = record.setdefault(name, {})
    return record


def _declared(context: Type | None, path: Path) -> dict[str, Any] | None:
    """What a schema declares at a path: type and whether it is required."""
    found: dict[str, Any] | None = {"type": context, "required": True} if context else None
    for name in path:
        if found is None or found["type"]["kind"] != "Record":
            return None
        found = found["type"]["attributes"].get(name)
    return found


def _is_always_there(context: Type | None, path: Path) -> bool:
    if context is None:
        return True
    every = [_declared(context, path[:end]) for end in range(1, len(path) + 1)]
    return all(each and each["required"] and each["type"]["kind"] == "Record" for each in every)
